import { type ErrorDetail, GatewayError, type SubmitFate } from "../../../base/gateway-error.ts";
import type { AtInfo, AtReply } from "../../../codec/at/command.ts";
import { cmeError, cmsError } from "../../../codec/at/error-codes.ts";
import { publicLine } from "../../../codec/at/line-name.ts";
import type { AtFinal } from "../../../codec/at/result.ts";
import type { Quirk } from "../profile/quirks.ts";
import type { CommandFacts, CommandState } from "./command-step.ts";
import type { OpenLines } from "./line-router.ts";

/** A command line as sent, and the expected answer. */
export interface AtRequest {
  /** Without its line end. */
  readonly line: string;
  /** Sent after the prompt and followed by Ctrl-Z. */
  readonly body?: string;
  /** Instead of Ctrl-Z: ESC cancels the entry, an empty text leaves it open. */
  readonly bodyEnd?: string;
  /** The body is sent with the line, without waiting for a prompt; by default according to the profile. */
  readonly inline?: boolean;
  /** The answer that the declaration expects; absent for a line entered by hand. */
  readonly expects?: Pick<AtReply<unknown>, "prefixes" | "lines" | "lone">;
  /** Time limit up to the prompt, or to the final result when there is no body. */
  readonly timeoutMs: number;
  /** Time limit from the body to the final result. */
  readonly bodyTimeoutMs?: number;
  /** Any character ends it early. */
  readonly abortable?: boolean;
  /** The modem may not be ready yet: a missing answer does not start a resynchronization. */
  readonly tentative?: boolean;
  /** After a timeout, wait for the late answer during resynchronization, and accept it. */
  readonly acceptLate?: boolean;
}

/** The stage of a command on the wire. */
type AtStage = "queued" | "sent" | "body-sent";

/** The answer to one command. */
export interface AtResult {
  readonly final: AtFinal;
  readonly info: readonly AtInfo[];
  readonly promptSeen: boolean;
  /** The body was sent; an OK without it is not a success. */
  readonly bodySent: boolean;
  /** The caller canceled it at the prompt and the modem confirmed that. */
  readonly cancelled: boolean;
}

/** Order of waiting commands: initialization, acknowledgements, all others. */
export type Urgency = "init" | "urgent" | "normal";

const order: Readonly<Record<Urgency, number>> = { init: 0, urgent: 1, normal: 2 };

/** Queues a command after those of the same urgency. */
export function enqueue(queue: Pending[], pending: Pending): void {
  const rank = order[pending.urgency];
  const at = queue.findIndex(({ urgency }) => order[urgency] > rank);
  if (at < 0) queue.push(pending);
  else queue.splice(at, 0, pending);
}

/** A command on its way through the engine. */
export interface Pending {
  readonly request: AtRequest;
  readonly urgency: Urgency;
  readonly resolve: (result: AtResult) => void;
  readonly reject: (error: unknown) => void;
  readonly lines: OpenLines;
  state: CommandState;
  /** Determined by the profile in force when the command leaves the queue. */
  facts: CommandFacts;
  stopTimer: () => void;
  release: () => void;
}

/** The facts in errors of a command: nothing was sent before the body. */
export function requestFacts(
  { request }: Pick<Pending, "request">,
  state: CommandState,
): { readonly detail: ErrorDetail; readonly fate: SubmitFate } {
  const stage = stageOf(state);
  return {
    detail: { command: publicLine(request.line), stage },
    fate: request.body === undefined || stage !== "body-sent" ? "not-sent" : "unknown",
  };
}

function stageOf({ at }: CommandState): AtStage {
  return at === "late" || at === "body-sent" ? "body-sent" : at === "queued" ? "queued" : "sent";
}

/** The facts of a request that determine the course of its command, under the profile in force. */
export function commandFacts(request: AtRequest, quirks: ReadonlySet<Quirk>): CommandFacts {
  const body = request.body !== undefined;
  return {
    body,
    inline: body && (request.inline ?? quirks.has("pdu-inline")),
    slowBody: body && quirks.has("slow-body"),
    tentative: request.tentative === true,
    abortable: request.abortable === true,
    acceptLate: request.acceptLate === true,
    lone: request.expects?.lone === true,
    oneLine: request.expects?.lines === "one",
  };
}

/** The error of a command that was not answered in time. */
export function timeoutError(pending: Pending, state: CommandState): GatewayError {
  const { detail, fate } = requestFacts(pending, state);
  return new GatewayError("modem.timeout", `${detail.command} was not answered in time`, { detail, fate });
}

/** The error of a result that is not a success; undefined for OK and CONNECT. */
export function resultError(line: string, result: AtResult): GatewayError | undefined {
  const { final } = result;
  if (final.kind === "ok" || final.kind === "connect") return undefined;
  const command = publicLine(line);
  const fate = "not-sent";
  if (final.kind === "cme") {
    const { text, retry } = cmeError(final.code);
    const code = retry === "never" ? "modem.cme-permanent" : "modem.cme";
    const detail = { command, cme: final.code, text: final.text, name: text };
    return new GatewayError(code, `${command}: ${final.text}${final.code === undefined ? "" : ` (${text})`}`, {
      detail,
      fate,
    });
  }
  if (final.kind === "cms") {
    const { text, retry } = cmsError(final.code);
    const code = retry === "never" ? "modem.cms-permanent" : "modem.cms";
    const detail = { command, cms: final.code, text: final.text, name: text };
    return new GatewayError(code, `${command}: ${final.text}${final.code === undefined ? "" : ` (${text})`}`, {
      detail,
      fate,
    });
  }
  return new GatewayError("modem.refused", `${command}: ${final.text}`, {
    detail: { command, text: final.text },
    fate,
  });
}

/** The error of a command whose port is gone. */
export function goneError(reason: GatewayError, pending?: Pending, state?: CommandState): GatewayError {
  if (pending === undefined || state === undefined) return reason.with({ fate: "not-sent" });
  return reason.with(requestFacts(pending, state));
}

/** A result without any information. */
export function bareResult(final: AtFinal): AtResult {
  return { final, info: [], promptSeen: false, cancelled: false, bodySent: false };
}
