import type { Gateway } from "../gateway.ts";
import { hasEnded, type NewJob } from "../gateway.ts";
import type { Job, JobOrigin } from "../model/job.ts";
import { findTarget } from "../targets/target-lookup.ts";

/** What a message asks of an SMSC in place of its account's settings. */
export interface SmsCoding {
  readonly dataCoding?: number;
  readonly destAddrSubunit?: number;
}

/** What a link is to prove, and with which card. */
export interface LinkTest {
  /** Any name of a target whose card can be reached through the link, and whose keys are here. */
  readonly target: string;
  /** How long each try waits for the card. */
  readonly waitMs: number;
  /** Try all codings, also after one worked. */
  readonly exhaustive: boolean;
  readonly origin: JobOrigin;
}

/** One try: `answered` by the card, arrived `mangled`, `silent`, or `refused` by the network. */
export interface LinkTestTry {
  readonly variant: SmsCoding;
  readonly verdict: "answered" | "mangled" | "silent" | "refused";
  readonly note?: string;
}

/** What a link's self-test found. */
export interface LinkTestReport {
  /** As configured, the link delivers class-2, PID-7F binary unchanged. */
  readonly passed: boolean;
  readonly tries: readonly LinkTestTry[];
  /** The first coding that works, for the account's settings. */
  readonly works?: SmsCoding;
}

/** PoR by SMS-SUBMIT, always, with CC: what comes back proves that the packet came through whole. */
const pingSpi = "1639";
/** RC/CC failed: the card got a packet, but not this one. TS 102 225 §5.2 */
const checkFailed = 0x01;

/**
 * Sends one harmless command to a card through this link only, under its next counter and in this coding, and says what
 * the card's silence or answer means. @throws target.unknown, target.no-key
 */
export async function probeLink(
  gateway: Gateway,
  link: string,
  test: LinkTest,
  coding: SmsCoding,
  signal: AbortSignal,
): Promise<Omit<LinkTestTry, "variant">> {
  const target = await gateway.store.read((r) => findTarget(r, test.target));
  const work: NewJob["work"] =
    target.kind === "euicc"
      ? { kind: "es5", function: "auditResources" }
      : { kind: "script", tar: "000000", apdus: ["80CAFF2100"] };
  const { job } = await gateway.submit({
    target: target.id,
    work,
    request: { bearer: "sms", link, maxPackets: 2, spi: pingSpi, answerTimeoutMs: test.waitMs, smsCoding: coding },
    origin: test.origin,
    validityMs: test.waitMs,
  });
  const ended = await endOf(gateway, job.id, signal);
  return judge(ended);
}

/** The job when it has ended; cancelled first when the caller gives up. */
async function endOf(gateway: Gateway, id: string, signal: AbortSignal): Promise<Job> {
  for (;;) {
    let wake = () => {};
    const changed = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const off = gateway.store.onEvents((events) => {
      if (events.some((event) => event.job === id)) wake();
    });
    signal.addEventListener("abort", wake, { once: true });
    try {
      if (signal.aborted) await gateway.cancel(id).catch(() => undefined);
      const job = await gateway.job(id);
      if (hasEnded(job) || signal.aborted) return job;
      await changed;
    } finally {
      off();
      signal.removeEventListener("abort", wake);
    }
  }
}

function judge({ state, error, result, note }: Job): Omit<LinkTestTry, "variant"> {
  if (state === "done" || error?.code === "job.script") {
    return { verdict: "answered", note: `PoR ${result?.por?.name ?? "ok"}` };
  }
  const said = error?.message ?? note ?? state;
  const por = error?.detail.por;
  if (typeof por === "object" && por !== null && "status" in por) {
    return { verdict: por.status === checkFailed ? "mangled" : "answered", note: said };
  }
  if (error?.code.startsWith("smsc.") === true) return { verdict: "refused", note: said };
  return { verdict: "silent", note: note === undefined || note === said ? said : `${said} (${note})` };
}
