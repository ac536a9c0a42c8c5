import type { JobId } from "../../base/id.ts";
import { parseTar } from "../../codec/euicc/aid.ts";
import { porWords } from "../../codec/ota/por-status.ts";
import { hasEnded, type Job } from "../model/job.ts";
import type { JobQueue, NewJob } from "../model/new-job.ts";
import type { Store } from "../model/store.ts";
import { findTarget } from "../targets/target-lookup.ts";
import type { LinkTest, LinkTestTry, SmsCoding } from "./link-test-report.ts";

/** PoR by SMS-SUBMIT, always, with CC: a response proves that the packet arrived unchanged. */
const pingSpi = Uint8Array.of(0x16, 0x39);
/** RC/CC failed: the card received a packet, but not this one. TS 102 225 §5.2 */
const checkFailed = 0x01;

/** What a try needs. */
export interface LinkTestDeps {
  readonly store: Store;
  readonly jobs: JobQueue;
}

/** TAR of the issuer security domain. TS 101 220 Annex D */
const issuerDomainTar = parseTar("000000");

/** GET DATA of the extended card resources information, tag FF21. */
const getExtendedResources = Uint8Array.of(0x80, 0xca, 0xff, 0x21, 0x00);

/**
 * Sends one harmless command to a card through this link only, under its next counter and in this coding, and
 * interprets the card's silence or answer.
 * @throws target.unknown, target.no-key
 */
export async function probeLink(
  deps: LinkTestDeps,
  link: string,
  test: LinkTest,
  coding: SmsCoding,
  signal: AbortSignal,
): Promise<Omit<LinkTestTry, "variant">> {
  const target = await deps.store.read((r) => findTarget(r, test.target));
  const work: NewJob["work"] =
    target.kind === "euicc"
      ? { kind: "es5", function: "auditResources" }
      : { kind: "script", tar: issuerDomainTar, apdus: [getExtendedResources] };
  const { job } = await deps.jobs.submit({
    target: target.id,
    work,
    request: { bearer: "sms", link, maxPackets: 2, spi: pingSpi, answerTimeoutMs: test.waitMs, smsCoding: coding },
    origin: test.origin,
    validityMs: test.waitMs,
  });
  const ended = await endOf(deps, job.id, signal);
  return verdictOf(ended);
}

/** The job when it has ended; it is cancelled first when the caller aborts. */
async function endOf({ store, jobs }: LinkTestDeps, id: JobId, signal: AbortSignal): Promise<Job> {
  for (;;) {
    let wake = () => {};
    const changed = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const off = store.onEvents((events) => {
      if (events.some((event) => event.job === id)) wake();
    });
    signal.addEventListener("abort", wake, { once: true });
    try {
      if (signal.aborted) await jobs.cancel(id).catch(() => undefined);
      const job = await jobs.get(id);
      if (hasEnded(job) || signal.aborted) return job;
      await changed;
    } finally {
      off();
      signal.removeEventListener("abort", wake);
    }
  }
}

function verdictOf({ state, error, result, note }: Job): Omit<LinkTestTry, "variant"> {
  if (state === "done" || error?.code === "job.script") {
    return { verdict: "answered", note: porWords(result?.por?.name ?? "OK") };
  }
  const said = error?.message ?? note ?? state;
  const por = error?.detail.por;
  if (typeof por === "object" && por !== null && "status" in por) {
    return { verdict: por.status === checkFailed ? "mangled" : "answered", note: said };
  }
  if (error?.code.startsWith("smsc.") === true) return { verdict: "refused", note: said };
  return { verdict: "silent", note: note === undefined || note === said ? said : `${said} (${note})` };
}
