import type { SmsBearer } from "./sms-bearer.ts";

/** Coding that a message requests from an SMSC instead of the account's settings. */
export interface SmsCoding {
  /** SMPP data_coding. */
  readonly dataCoding?: number;
  /** dest_addr_subunit. SMPP 3.4 §5.3.2.1 */
  readonly destAddrSubunit?: number;
}

/**
 * The result of one probe message. `answered`: the card answered it. `mangled`: it arrived changed. `silent`: no answer
 * in time. `refused`: the network refused it.
 */
type ProbeVerdict = "answered" | "mangled" | "silent" | "refused";

/** One probe and its outcome. */
export interface ProbeTry {
  readonly variant: SmsCoding;
  readonly verdict: ProbeVerdict;
  /** Details as text: a status, the change, the card's answer. */
  readonly note?: string;
}

/** The result of a bearer's self-test. */
export interface SelfTestReport {
  /** As configured, the bearer delivers class-2, PID-7F binary unchanged. */
  readonly passed: boolean;
  readonly tries: readonly ProbeTry[];
  /** The first coding that works, for the account's settings. */
  readonly works?: SmsCoding;
}

/** What a self-test needs from its caller. */
export interface SelfTest {
  /** Sends one harmless command to a known card in this coding and waits for its response. Must not reject. */
  readonly probe: (variant: SmsCoding, signal: AbortSignal) => Promise<Omit<ProbeTry, "variant">>;
  /** Try all codings, also after one worked. */
  readonly exhaustive?: boolean;
}

/** A bearer into a network, as a driver opens it from an address. */
export interface NetworkBearer extends SmsBearer {
  /** Set by the owner; called when the bearer came up or went down. */
  onChange: () => void;
  /** Facts for the list of links: sessions, load, properties of the peer. Never secrets. */
  describe(): Readonly<Record<string, unknown>>;
  /** Numbers for metrics: present values, and counts since the start. */
  readonly numbers?: {
    readonly now: Readonly<Record<string, number>>;
    readonly total: Readonly<Record<string, number>>;
  };
  /** Ends its sessions and opens them again. */
  reconnect?(): void;
  /** Tests with a known card whether messages for cards arrive unchanged, and otherwise in which coding they do. */
  selfTest?(test: SelfTest, signal: AbortSignal): Promise<SelfTestReport>;
}
