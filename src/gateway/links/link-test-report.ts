import type { JobOrigin } from "../model/job.ts";

/** Coding that a message requests from an SMSC instead of its account's settings. */
export interface SmsCoding {
  readonly dataCoding?: number;
  readonly destAddrSubunit?: number;
}

/** What a link is tested for, and with which card. */
export interface LinkTest {
  /** Any name of a target whose card can be reached through the link, and whose keys are stored. */
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

/** The result of a link's self-test. */
export interface LinkTestReport {
  /** As configured, the link delivers class-2, PID-7F binary unchanged. */
  readonly passed: boolean;
  readonly tries: readonly LinkTestTry[];
  /** The first coding that works, to be used in the account's settings. */
  readonly works?: SmsCoding;
}
