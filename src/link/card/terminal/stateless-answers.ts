import { dateTimeAt } from "../../../codec/cat/local-info.ts";
import { catObject, catObjectName, findObject, findTlv } from "../../../codec/cat/object.ts";
import type { ProactiveCommand } from "../../../codec/cat/proactive.ts";
import { terminalProblem } from "../../../codec/cat/result.ts";
import { textOf } from "../../../codec/cat/text.ts";
import { type Answer, answer, beyondCapabilities, success } from "../answer.ts";
import type { TerminalSettings } from "./terminal-settings.ts";

/** What an answer depends on besides the command. */
interface AnswerContext {
  readonly settings: TerminalSettings;
  /** Wall clock, ms. */
  readonly now: number;
}

/** Battery charge: full. Search mode: automatic. ETSI TS 102 223 §8.76, 3GPP TS 31.111 §8.68 */
const batteryFull = 0x04;
const automaticSearch = 0x01;

/** The answer to PROVIDE LOCAL INFORMATION. ETSI TS 102 223 §6.4.15 */
function localInformation(qualifier: number, { settings, now }: AnswerContext): Answer {
  switch (qualifier) {
    case 0x00:
      if (settings.location === undefined) {
        return { result: "terminalUnable", additional: [terminalProblem.noService] };
      }
      return answer("success", [catObject("locationInformation", settings.location, true)]);
    case 0x01:
      return answer("success", [catObject("imei", settings.imei, true)]);
    case 0x03:
      return answer("success", [catObject("dateTimeZone", dateTimeAt(now, settings.timeZoneQuarters), true)]);
    case 0x04:
      return answer("success", [catObject("language", settings.language, true)]);
    case 0x06:
      return answer("success", [catObject("accessTechnology", Uint8Array.of(settings.accessTechnology))]);
    case 0x08:
      return answer("success", [catObject("imeisv", settings.imeisv, true)]);
    case 0x09:
      return answer("success", [catObject("networkSearchMode", automaticSearch, true)]);
    case 0x0a:
      return answer("success", [catObject("batteryState", batteryFull, true)]);
    default:
      return beyondCapabilities;
  }
}

/** Text that a command displays; undefined for a command that shows none. @throws codec.* */
export function shownText(command: ProactiveCommand): string | undefined {
  const text = findObject(command.objects, "textString");
  return text === undefined ? undefined : textOf(text);
}

/**
 * Answers that depend on neither state nor time: those of a bench without keypad, display, calls and supplementary
 * services. Undefined for a command that another component executes.
 */
export function statelessAnswer(command: ProactiveCommand, context: AnswerContext): Answer | undefined {
  switch (command.name) {
    case "moreTime":
    case "languageNotification":
      return success;
    case "provideLocalInformation":
      return localInformation(command.details.qualifier, context);
    case "displayText":
      if (findTlv(command.objects, "textString") === undefined) return { result: "valuesMissing" };
      return context.settings.display ? success : beyondCapabilities;
    case undefined:
    case "endOfSession":
      return { result: "typeNotUnderstood" };
    case "refresh":
    case "pollInterval":
    case "pollingOff":
    case "setUpEventList":
    case "sendShortMessage":
    case "timerManagement":
    case "openChannel":
    case "closeChannel":
    case "receiveData":
    case "sendData":
    case "getChannelStatus":
      return undefined;
    default:
      return beyondCapabilities;
  }
}

/** How far the terminal understands a command. ETSI TS 102 223 §6.10 */
export function comprehension(command: ProactiveCommand): "all" | "partly" | "not" {
  const unknown = command.objects.filter((object) => catObjectName(object.tag) === undefined);
  if (unknown.length === 0) return "all";
  return unknown.some((object) => object.cr) ? "not" : "partly";
}
