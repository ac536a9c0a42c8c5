import { withoutUndefined } from "../../src/base/defined.ts";
import { cardDataCodings } from "../../src/codec/smpp/data-coding.ts";
import type { ProbeTry, SelfTest, SelfTestReport, SmsCoding } from "../../src/link/network-bearer.ts";

/** What the self-test needs. */
interface SmscTestDeps extends SelfTest {
  /** The account's own coding: tried first. */
  readonly configured: SmsCoding;
  /** Codings to try; the usual ones without it. */
  readonly dataCodings?: readonly number[];
}

const smartCard = 3;

function variants({ configured, dataCodings = cardDataCodings }: SmscTestDeps): SmsCoding[] {
  const plain = dataCodings.map((dataCoding): SmsCoding => ({ dataCoding }));
  const withSubunit = dataCodings.map((dataCoding): SmsCoding => ({ dataCoding, destAddrSubunit: smartCard }));
  const all = [configured, ...plain, ...withSubunit];
  const key = (one: SmsCoding) => `${one.dataCoding}/${one.destAddrSubunit}`;
  return all.filter((one, at) => all.findIndex((other) => key(other) === key(one)) === at);
}

/**
 * Proves with a known card that this SMSC delivers class-2, PID-7F binary unchanged, and otherwise finds the
 * data_coding that does. Receipts are no proof: a wrongly mapped message is also reported as delivered.
 */
export async function testSmsc(deps: SmscTestDeps, signal: AbortSignal): Promise<SelfTestReport> {
  const tries: ProbeTry[] = [];
  for (const variant of variants(deps)) {
    if (signal.aborted) break;
    tries.push({ variant, ...(await deps.probe(variant, signal)) });
    if (tries.at(-1)?.verdict === "answered" && deps.exhaustive !== true) break;
  }
  const works = tries.find(({ verdict }) => verdict === "answered")?.variant;
  return { passed: tries[0]?.verdict === "answered", tries, ...withoutUndefined({ works }) };
}
