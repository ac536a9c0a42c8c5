import type { GatewayError } from "../../../base/gateway-error.ts";
import type { Port } from "../../port.ts";
import type { ModemProfile } from "../profile/profile.ts";
import type { Timers } from "../timers.ts";
import type { AtResult, Urgency } from "./at-request.ts";
import type { LineRole } from "./line-router.ts";

/** What the engine needs. */
export interface AtEngineDeps {
  readonly port: Port;
  /** Link id, for traces. */
  readonly link: string;
  readonly profile: ModemProfile;
  readonly timers?: Timers;
  /** Called for each line with its role, and at the end of each command: for transcripts and consoles. */
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

/** How long the engine waits before it classifies an ambiguous line. */
export const patience = {
  /** Between the prompt and the body, for modems that lose octets if the body follows at once. */
  slowBodyMs: 50,
  /** How long a start banner may still prove to be a mere notice, because the command in flight is answered. */
  bootGraceMs: 2_500,
  /** How long a text of several lines may pause; after that, a last line that looks like a final result is one. */
  textPauseMs: 500,
  /** How long to wait for the final result after an answer that some firmware sends without one. */
  loneAnswerMs: 1_500,
} as const;
