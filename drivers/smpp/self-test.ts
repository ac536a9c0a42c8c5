import { cardDataCodings } from "../../src/codec/smpp/data-coding.ts";
import type { SubmitVariant } from "./outbound.ts";

/**
 * What a probe saw. `answered`: the card proved that it got the packet. `mangled`: it arrived, but not as it was sent.
 * `silent`: nothing in time. `refused`: the SMSC said no.
 */
export type ProbeVerdict = "answered" | "mangled" | "silent" | "refused";

/** One try and its outcome. */
export interface ProbeTry {
  readonly variant: SubmitVariant;
  readonly verdict: ProbeVerdict;
  /** In words: a status, what was changed, a card's answer. */
  readonly note?: string;
}

/** What {@link testSmsc} found. */
export interface SmscTestReport {
  /** The link delivers class-2 PID-7F binary unchanged as it is configured. */
  readonly passed: boolean;
  readonly tries: readonly ProbeTry[];
  /** The first variant that works, for the account's settings. */
  readonly works?: SubmitVariant;
}

/** What the self-test needs. */
export interface SmscTestDeps {
  /** The account's own coding: tried first. */
  readonly configured: SubmitVariant;
  /** Sends one OTA ping to a known card with these settings and waits for its proof of receipt. Must not reject. */
  readonly probe: (variant: SubmitVariant, signal: AbortSignal) => Promise<Omit<ProbeTry, "variant">>;
  /** Codings to try; the usual ones without it. */
  readonly dataCodings?: readonly number[];
  /** Try on after the configured setting worked. */
  readonly exhaustive?: boolean;
}

const smartCard = 3;

function variants({ configured, dataCodings = cardDataCodings }: SmscTestDeps): SubmitVariant[] {
  const plain = dataCodings.map((dataCoding): SubmitVariant => ({ dataCoding }));
  const withSubunit = dataCodings.map((dataCoding): SubmitVariant => ({ dataCoding, destAddrSubunit: smartCard }));
  const all = [configured, ...plain, ...withSubunit];
  const key = (one: SubmitVariant) => `${one.dataCoding}/${one.destAddrSubunit}`;
  return all.filter((one, at) => all.findIndex((other) => key(other) === key(one)) === at);
}

/**
 * Proves with a known card that this SMSC delivers class-2, PID-7F binary unchanged, and otherwise finds the
 * data_coding that does. Receipts prove nothing here: a wrongly mapped message is reported delivered all the same.
 */
export async function testSmsc(deps: SmscTestDeps, signal: AbortSignal): Promise<SmscTestReport> {
  const tries: ProbeTry[] = [];
  for (const variant of variants(deps)) {
    if (signal.aborted) break;
    tries.push({ variant, ...(await deps.probe(variant, signal)) });
    if (tries.at(-1)?.verdict === "answered" && deps.exhaustive !== true) break;
  }
  const works = tries.find(({ verdict }) => verdict === "answered")?.variant;
  return { passed: tries[0]?.verdict === "answered", tries, ...(works === undefined ? {} : { works }) };
}
