import type { GatewayError } from "../../base/gateway-error.ts";
import type { Port } from "../port.ts";
import type { AtResult, Urgency } from "./at-request.ts";
import type { LineRole } from "./line-router.ts";
import type { ModemProfile } from "./profile.ts";
import type { Timers } from "./timers.ts";

/** What the engine needs. */
export interface AtEngineDeps {
  readonly port: Port;
  /** Link id, for traces. */
  readonly link: string;
  readonly profile: ModemProfile;
  readonly timers?: Timers;
  /** Told of each line and its role, and of each command's end: for transcripts and consoles. */
  readonly observe?: (event: EngineEvent) => void;
}

export type EngineEvent =
  | { readonly kind: "line"; readonly role: LineRole; readonly text: string }
  /** A doubtful line's role, at the end of the command. */
  | { readonly kind: "decided"; readonly role: "info" | "urc"; readonly text: string }
  | { readonly kind: "end"; readonly line: string; readonly result: AtResult | GatewayError };

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly urgency?: Urgency;
  /** Instead of the profile's limit for this kind of command. */
  readonly timeoutMs?: number;
}
