import { GatewayError } from "../../../base/gateway-error.ts";
import type { AtFinal } from "../../../codec/at/result.ts";
import {
  type AtRequest,
  type AtResult,
  commandFacts,
  goneError,
  type Pending,
  requestFacts,
  timeoutError,
} from "./at-request.ts";
import type { CommandEffect, CommandState } from "./command-step.ts";
import { patience } from "./engine-contract.ts";

const ctrlZ = "\x1a";
const esc = "\x1b";

/** The data of an event besides its kind. */
export interface Cause {
  readonly final?: AtFinal;
  readonly abortedBy?: unknown;
  readonly banner?: string;
  readonly reason?: GatewayError;
}

/** How a command ends. */
export type SettledAs = Extract<CommandEffect, { readonly do: "settle" }>["as"];

const emptyOk: AtFinal = { kind: "ok", text: "" };
/** Placeholder facts of a waiting command; its own are determined when its turn comes. */
export const plainFacts = commandFacts({ line: "", timeoutMs: 0 }, new Set());

/** Whether the caller of a command no longer waits. */
export function isOrphan(state: CommandState): boolean {
  return "orphan" in state && state.orphan;
}

/** The octets to write to the line. */
export function textOf(
  what: Extract<CommandEffect, { readonly do: "write" }>["what"],
  { line, body = "", bodyEnd = ctrlZ }: AtRequest,
): string {
  switch (what) {
    case "line":
      return `${line}\r`;
    case "line-and-body":
      return `${line}\r${body}${ctrlZ}`;
    case "body":
      return body + bodyEnd;
    case "escape":
      return esc;
    case "any-key":
      return "\r";
  }
}

/** Milliseconds of a time limit. */
export function limitOf(by: "line" | "body" | "lone-answer", { timeoutMs, bodyTimeoutMs }: AtRequest): number {
  return by === "lone-answer" ? patience.loneAnswerMs : by === "line" ? timeoutMs : (bodyTimeoutMs ?? timeoutMs);
}

/** The result or the error that a command ends with. @param before the state it ends from */
export function outcome(
  pending: Pending,
  before: CommandState,
  as: SettledAs,
  { final = emptyOk, reason, banner = "" }: Cause,
  info: AtResult["info"],
): AtResult | GatewayError {
  switch (as) {
    case "answer":
    case "success": {
      const { prompted, cancelled } = "prompted" in before ? before : { prompted: false, cancelled: false };
      return { final, info, promptSeen: prompted, cancelled, bodySent: before.at === "body-sent" };
    }
    case "late-answer":
      return { final, info, promptSeen: true, cancelled: false, bodySent: true };
    case "timeout":
      return timeoutError(pending, before);
    case "reset": {
      const { detail, fate } = requestFacts(pending, before);
      const facts = { detail: { ...detail, banner }, fate };
      return new GatewayError("modem.reset", `the modem restarted (${banner}) during the command`, facts);
    }
    case "gone":
      return goneError(reason ?? new GatewayError("link.lost", "the modem's port was disconnected"), pending, before);
  }
}
