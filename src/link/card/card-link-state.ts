import type { GatewayError } from "../../base/gateway-error.ts";
import type { Eid } from "../../codec/euicc/eid.ts";
import type { CardIdentity } from "./identity.ts";

/** State of the card in a reader. */
export type CardLinkState =
  /** The reader, or the service that provides it, is unavailable. */
  | { readonly at: "no-reader"; readonly reason: string }
  | { readonly at: "empty" }
  | { readonly at: "activating" }
  | { readonly at: "ready"; readonly atr: Uint8Array; readonly identity: CardIdentity; readonly eid: Eid | undefined }
  /** It failed; the next attempt follows after a delay. */
  | { readonly at: "waiting"; readonly error: GatewayError; readonly attempt: number; readonly delayMs: number }
  | { readonly at: "closed" };

/** Whether a card link can carry anything, and why not, as text. */
export function carries(state: CardLinkState): { readonly up: boolean; readonly reason?: string } {
  switch (state.at) {
    case "ready":
      if (state.identity.generation === undefined) return { up: true };
      return { up: false, reason: "the card is a 2G SIM (class A0 only): raw APDUs work, messages and jobs do not" };
    case "no-reader":
      return { up: false, reason: state.reason };
    case "empty":
      return { up: false, reason: "there is no card in the reader" };
    case "activating":
      return { up: false, reason: "the card is being activated" };
    case "waiting":
      return { up: false, reason: state.error.message };
    case "closed":
      return { up: false, reason: "the link is closed" };
  }
}
