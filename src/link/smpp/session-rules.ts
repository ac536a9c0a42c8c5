import { type RequestCommand, type ResponseCommand, responseOf } from "../../codec/smpp/pdu.ts";
import { status } from "../../codec/smpp/status.ts";

/** Reasons for which the session rules end a session, as text. */
export const endReasons = {
  "no-bind": "the client did not bind in time",
  "no-bind-answer": "the SMSC did not answer the bind in time",
  "no-enquire-answer": "the peer stopped responding",
  unbound: "the session was unbound",
} as const;

/** command_status for a request of the peer that failed on our side: one that requests a later try. */
export function failureStatus(command: RequestCommand): number {
  return command === "deliver_sm" || command === "data_sm" ? status.ESME_RX_T_APPN : status.ESME_RSYSERR;
}

/** True for a bind of any kind. */
export function isBind(command: RequestCommand): boolean {
  return command.startsWith("bind_");
}

/** True for requests that do not count in the window and may be sent without a bind. */
export function isControl(command: RequestCommand): boolean {
  return isBind(command) || command === "enquire_link" || command === "unbind";
}

/** PDUs that have no answer. SMPP 3.4 §4.1.7, §4.12 */
export function isSilent(command: RequestCommand): boolean {
  return command === "alert_notification" || command === "outbind";
}

/** Requests whose responses some peers confuse with each other. */
const families: readonly RegExp[] = [/^bind_/, /^(submit_sm|submit_multi|data_sm)/, /^(deliver_sm|data_sm)/];

/**
 * Whether this response may answer the request with its sequence number: a response of another kind, such as the answer
 * to an enquire_link, must not settle a message.
 */
export function mayAnswer(request: RequestCommand, response: ResponseCommand): boolean {
  if (response === "generic_nack" || response === responseOf(request)) return true;
  return families.some((family) => family.test(request) && family.test(response));
}

/** The status of a response; a generic_nack is a failure even where it carries 0. */
export function failedStatus(response: ResponseCommand, code: number): number {
  return response === "generic_nack" && code === 0 ? status.ESME_RUNKNOWNERR : code;
}
