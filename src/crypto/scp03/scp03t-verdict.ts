import { type GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { type EuiccResponse, isInstalled, readEuiccResponse } from "../../codec/euicc/euicc-response.ts";
import { isScp03tError, scp03tErrorCommand, scp03tErrorText, scp03tTag } from "../../codec/euicc/scp03t.ts";
import { readInitializeUpdate } from "../../codec/gp/initialize-update.ts";
import type { Tlv } from "../../codec/kit/ber.ts";
import { scriptAnswerTlvs } from "../../codec/ota/script-response.ts";
import type { SecureChannel } from "./apdu-channel.ts";
import { acceptHandshake, type ChannelOffer, type Handshake, offerSize } from "./handshake.ts";
import { openAnswer } from "./scp03t-channel.ts";

/** One script of a download. SGP.02 §4.1.3.3 */
export type DownloadStep =
  /** Tag 84 alone. */
  | { readonly at: "initialize"; readonly offer: ChannelOffer }
  /** Tag 85 alone. */
  | { readonly at: "authenticate" }
  /** Tags 84 and 85 in one script, with a predicted challenge. */
  | { readonly at: "initialize-and-authenticate"; readonly offer: ChannelOffer }
  /** Tag 86; `channel` is the one after the block. */
  | { readonly at: "data"; readonly channel: SecureChannel; readonly last: boolean };

/** What arrived for a script of a download. */
type DownloadAnswer =
  | { readonly kind: "script"; readonly body: Uint8Array }
  /** The header `X-Admin-Script-Status: unknown-application`: there is no such ISD-P. */
  | { readonly kind: "unknown-application" }
  | { readonly kind: "lost" };

/** Why a download failed. */
type DownloadFault =
  | "unknown-application"
  /** The card refused a command: 9F44, 9F45 or 9F46. */
  | "refused"
  /** The card does not have the keys. */
  | "card-cryptogram"
  /** The card did not run EXTERNAL AUTHENTICATE. */
  | "not-authenticated"
  /** The answer is not one of SCP03t. */
  | "format";

/** Why an outcome is unknown. */
type DownloadDoubt =
  | "lost"
  /** The answer is not authentic. */
  | "answer-mac"
  /** The whole package was sent, and the card gave no EUICCResponse. */
  | "no-response"
  | "format";

/**
 * What an answer means. After `failed` and after an unsuccessful `response` the ISD-P is to be deleted; after `unknown`
 * its state is to be read first ({@link judgeState}). Nothing may be sent twice: chain and counter have moved.
 */
export type DownloadVerdict =
  | { readonly kind: "handshake"; readonly handshake: Handshake }
  | { readonly kind: "authenticated"; readonly handshake?: Handshake }
  /** The card took the block. Not authenticated: only the final answer is. */
  | { readonly kind: "continue" }
  | {
      readonly kind: "response";
      readonly response: EuiccResponse;
      readonly installed: boolean;
      readonly octets: Uint8Array;
    }
  | {
      readonly kind: "failed";
      readonly fault: DownloadFault;
      /** The refused command, the reason octet and what they mean. */
      readonly refusal?: { readonly command: number; readonly reason: number | undefined; readonly text: string };
      readonly next: "delete";
    }
  | { readonly kind: "unknown"; readonly doubt: DownloadDoubt; readonly next: "read-state" };

/** The verdict on the answer to a script of a download. Pure. SGP.02 §4.1.3.3 */
export function judgeDownload(step: DownloadStep, answer: DownloadAnswer): DownloadVerdict {
  if (answer.kind === "unknown-application") return failed("unknown-application");
  if (answer.kind === "lost") return unknown("lost");
  try {
    const answers = scriptAnswerTlvs(answer.body);
    const error = answers.find(({ tag }) => isScp03tError(tag));
    if (error !== undefined) return refused(error);
    return step.at === "data" ? judgeData(step, answers, answer.body) : judgeOpening(step, answers);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return faultOf(step, error);
  }
}

function judgeOpening(step: Exclude<DownloadStep, { at: "data" }>, answers: readonly Tlv[]): DownloadVerdict {
  const authenticated = answers.some(({ tag, value }) => tag === scp03tTag.externalAuthenticate && value.length === 0);
  if (step.at === "authenticate") return authenticated ? { kind: "authenticated" } : failed("not-authenticated");
  const update = answers.find(({ tag }) => tag === scp03tTag.initializeUpdate);
  if (update === undefined) return failed("format");
  const handshake = acceptHandshake(step.offer, readInitializeUpdate(update.value, offerSize(step.offer)));
  if (step.at === "initialize") return { kind: "handshake", handshake };
  return authenticated ? { kind: "authenticated", handshake } : failed("not-authenticated");
}

function judgeData(
  { channel, last }: Extract<DownloadStep, { at: "data" }>,
  answers: readonly Tlv[],
  body: Uint8Array,
): DownloadVerdict {
  const filled = answers.find(({ tag, value }) => tag === scp03tTag.data && value.length > 0);
  if (filled === undefined) {
    if (!answers.some(({ tag }) => tag === scp03tTag.data)) return unknown("format");
    return last ? unknown("no-response") : { kind: "continue" };
  }
  const octets = openAnswer(channel, body.subarray(filled.offset, filled.valueOffset + filled.value.length));
  const response = readEuiccResponse(octets);
  if (response === undefined) return unknown("format");
  return { kind: "response", response, installed: isInstalled(response), octets };
}

function faultOf({ at }: DownloadStep, error: GatewayError): DownloadVerdict {
  const forged = error.code === "crypto.authentication";
  if (at === "data") return unknown(forged ? "answer-mac" : "format");
  return failed(forged ? "card-cryptogram" : "format");
}

function refused({ tag, value }: Tlv): DownloadVerdict {
  const text = scp03tErrorText(tag, value) ?? "";
  const refusal = { command: scp03tErrorCommand(tag), reason: value[0], text };
  return { kind: "failed", fault: "refused", refusal, next: "delete" };
}

function failed(fault: DownloadFault): DownloadVerdict {
  return { kind: "failed", fault, next: "delete" };
}

function unknown(doubt: DownloadDoubt): DownloadVerdict {
  return { kind: "unknown", doubt, next: "read-state" };
}

/** What the life-cycle state of an ISD-P (9F70 of GET STATUS) means for a download whose outcome is unknown. */
type StateVerdict =
  /** Disabled or enabled: the profile is installed. */
  | { readonly kind: "installed" }
  /** Created, and the package interpreter has lost its place: delete and begin again. */
  | { readonly kind: "incomplete"; readonly next: "delete" }
  /** No ISD-P of this AID: nothing to delete. */
  | { readonly kind: "absent" };

/** The outcome of a download by the state of its ISD-P; `undefined`: GET STATUS found none. SGP.02 §3.1.2, §4.1.3.3 */
export function judgeState(lifeCycle: number | undefined): StateVerdict {
  if (lifeCycle === undefined) return { kind: "absent" };
  return (lifeCycle & 0x10) !== 0 ? { kind: "installed" } : { kind: "incomplete", next: "delete" };
}
