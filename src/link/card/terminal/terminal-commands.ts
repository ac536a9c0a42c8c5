import { withoutUndefined } from "../../../base/defined.ts";
import { GatewayError } from "../../../base/gateway-error.ts";
import { type Duration, durationMs } from "../../../codec/cat/local-info.ts";
import { type Address, catObject, findObject, findTlv } from "../../../codec/cat/object.ts";
import type { ProactiveCommand } from "../../../codec/cat/proactive.ts";
import { type Answer, answer, success } from "../answer.ts";
import { packSubmit } from "./pack-submit.ts";
import { remainingSeconds, startTimer, stopTimer, type Timers } from "./timers.ts";

/** A short message that the card sends. */
export interface CardSms {
  /** The whole TPDU (SMS-SUBMIT or SMS-COMMAND), packed when the card requested that. */
  readonly tpdu: Uint8Array;
  /** Service centre given by the card; by default the terminal's own. */
  readonly serviceCentre?: Address;
}

/** Receives a short message of the card; resolves when it is durable. @throws if it cannot be stored */
export type SmsHandler = (sms: CardSms) => Promise<void>;

const missing: Answer = { result: "valuesMissing" };

/**
 * SEND SHORT MESSAGE: the card gets its answer when the handler has resolved. A rejection with `detail.rpCause` is an
 * RP-ERROR with that cause, any other one is reported as a temporary network problem (the card tries again).
 * 3GPP TS 31.111 §6.4.10
 */
export async function sendShortMessage(command: ProactiveCommand, handler: SmsHandler | undefined): Promise<Answer> {
  const tpdu = findTlv(command.objects, "smsTpdu");
  if (tpdu === undefined || tpdu.value.length === 0) return missing;
  const pack = (command.details.qualifier & 0x01) !== 0;
  const address = findTlv(command.objects, "address");
  // Without digits there is no service centre to name.
  const serviceCentre =
    address === undefined || address.value.length < 2 ? undefined : findObject(command.objects, "address");
  const sms: CardSms = {
    tpdu: pack ? packSubmit(tpdu.value) : tpdu.value,
    ...withoutUndefined({ serviceCentre }),
  };
  if (handler === undefined) return { result: "networkUnable", additional: [0x00] };
  try {
    await handler(sms);
    return success;
  } catch (error) {
    const cause = error instanceof GatewayError ? error.detail.rpCause : undefined;
    if (typeof cause === "number") return { result: "smsRpError", additional: [cause & 0xff] };
    return { result: "networkUnable", additional: [0x00] };
  }
}

/** An answer together with the timers after it. */
interface TimerOutcome {
  readonly answer: Answer;
  readonly timers: Timers;
}

/** TIMER MANAGEMENT at monotonic time `now`. ETSI TS 102 223 §6.4.21 @throws codec.* */
export function manageTimer(timers: Timers, command: ProactiveCommand, now: number): TimerOutcome {
  const id = findObject(command.objects, "timerIdentifier");
  if (id === undefined) return { answer: missing, timers };
  if (id < 1 || id > 8) return { answer: { result: "dataNotUnderstood" }, timers };
  const named = catObject("timerIdentifier", id, true);
  if (command.details.qualifier === 0x00) {
    const seconds = findObject(command.objects, "timerValue");
    if (seconds === undefined) return { answer: missing, timers };
    return { answer: answer("success", [named]), timers: startTimer(timers, id, seconds, now) };
  }
  if (command.details.qualifier > 0x02) return { answer: { result: "dataNotUnderstood" }, timers };
  const left = remainingSeconds(timers, id, now);
  if (left === undefined) return { answer: answer("timerContradiction", [named]), timers };
  return {
    answer: answer("success", [named, catObject("timerValue", left, true)]),
    timers: command.details.qualifier === 0x01 ? stopTimer(timers, id) : timers,
  };
}

/** Shortest and longest interval that is applied, ms. */
const minPollMs = 1_000;

/**
 * POLL INTERVAL: the interval that is used from now on, reported to the card. ETSI TS 102 223 §6.4.6 @throws codec.*
 */
export function pollInterval(command: ProactiveCommand): { readonly answer: Answer; readonly pollMs?: number } {
  const wanted = findObject(command.objects, "duration");
  if (wanted === undefined) return { answer: missing };
  const used: Duration = durationMs(wanted) < minPollMs ? { unit: "seconds", interval: 1 } : wanted;
  return { answer: answer("success", [catObject("duration", used, true)]), pollMs: durationMs(used) };
}

/** SET UP EVENT LIST: the events of the new list. ETSI TS 102 223 §6.4.16 */
export function eventsOf(command: ProactiveCommand): ReadonlySet<number> | undefined {
  const list = findObject(command.objects, "eventList");
  return list === undefined ? undefined : new Set(list);
}
