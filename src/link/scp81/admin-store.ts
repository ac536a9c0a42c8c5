import type { ScriptKind } from "../../codec/gp/admin-http.ts";

/** A script that waits to be carried by an administration session. */
export interface AdminScript {
  /** Unique for all time. */
  readonly id: string;
  /** The job that it belongs to, for traces. */
  readonly job?: string;
  readonly kind: ScriptKind;
  /** AID in hexadecimal of the targeted application; absent = the security domain that owns the PSK. */
  readonly target?: string;
  /** Command script, octet for octet as the card gets it. */
  readonly body: Uint8Array;
  /** How long the card may process the script before it answers; the server's own limit is never shorter. */
  readonly budgetMs?: number;
  /** The session ends after it (a profile switch): nothing else is delivered before the next session. */
  readonly last?: boolean;
  /**
   * If the card did not process it to its end: deliver it again (the default), or report it. Scripts inside a secure
   * channel of their own (ES8) are always reported.
   */
  readonly onBreak?: "resend" | "report";
  /**
   * Names the secure channel (SCP03, SCP03t) that this script belongs to. A broken link ends that channel permanently; a
   * new channel gets a new name.
   */
  readonly secureChannel?: string;
}

/** Outcome of a delivered script. */
export type AdminVerdict =
  | { readonly state: "answered"; readonly response: Uint8Array }
  /** The card executed it, but its answer is not a response script. */
  | { readonly state: "answered-unparseable"; readonly response: Uint8Array }
  /**
   * The card did not pass it to an application, or could not verify its security (`security-error`: it may have run).
   */
  | { readonly state: "rejected"; readonly scriptStatus: string }
  /** The card executed all of it; the link broke before the response arrived, and the response is lost. */
  | { readonly state: "executed-response-lost" }
  /** The card did not process it to its end; some of its commands may have run. */
  | { readonly state: "not-delivered"; readonly why: "link-broken" | "secure-channel-lost" | "too-often" }
  /** The card began another session without an answer to this script. */
  | { readonly state: "fate-unknown" };

/** A verdict that is to be stored. */
interface Settlement {
  readonly script: string;
  readonly verdict: AdminVerdict;
}

/** A script whose delivery was made durable and that has no verdict yet. At most one per target. */
export interface Outstanding {
  readonly script: AdminScript;
  /** Its own Next-URI. */
  readonly uri: string;
  /** The Next-URI of the request that it answered; absent = the first request of a session. */
  readonly after?: string;
  /** How often the body was sent, at least 1. */
  readonly deliveries: number;
}

/**
 * The position of a target's card in the dialog, if nothing is outstanding; otherwise its position when the outstanding
 * script was sent.
 */
export interface Position {
  /** Next-URI of the newest script with a verdict that the card reached. */
  readonly uri: string;
  /** That script was the last of its session. */
  readonly last: boolean;
  /** The secure channel that script belonged to. */
  readonly secureChannel?: string;
}

/** The durable state of one target's dialog. */
export interface AdminRecord {
  readonly outstanding?: Outstanding;
  readonly position?: Position;
}

/** One durable step of a dialog: applied as a whole or not at all. */
export interface AdminStep {
  /** Verdicts. A script that the store no longer waits for is ignored. */
  readonly settled: readonly Settlement[];
  /** Replaces the stored position when given. */
  readonly position?: Position;
  /** Notification TLV (`E1 …`) that the card sent in the query of its request. */
  readonly notification?: Uint8Array;
  readonly next: /** Hand out the next script and store it as outstanding under this Next-URI. */
    | {
        readonly do: "offer";
        readonly uri: string;
        readonly after?: string;
        /** A secure channel that ended with the link: its queued scripts get the verdict `secure-channel-lost`. */
        readonly lostChannel?: string;
      }
    /**
     * The outstanding script is delivered again; if it was withdrawn, the next one is handed out in its place and under
     * its Next-URI.
     */
    | {
        readonly do: "redeliver";
        readonly script: string;
        readonly deliveries: number;
        readonly after?: string;
        readonly lostChannel?: string;
      }
    /** Nothing is handed out. */
    | { readonly do: "stop" };
}

/** What the store has for the card. */
export type Offer =
  | { readonly kind: "script"; readonly script: AdminScript }
  /** Nothing now, but the client announced more scripts: the session may be held open. */
  | { readonly kind: "more" }
  | { readonly kind: "none" };

/**
 * The durable side of administration sessions. All calls of one target come one after the other.
 * A rejection means that nothing of the step was stored; the card's link is then dropped, and the card returns.
 */
export interface AdminStore {
  /** The target's record as last stored, by this or an earlier process. */
  load(target: string): Promise<AdminRecord>;
  /** Makes a step durable (perhaps together with others) and only then resolves. */
  advance(target: string, step: AdminStep): Promise<Offer>;
}
