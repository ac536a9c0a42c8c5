import { withoutUndefined } from "../../base/defined.ts";
import type { ErrorDetail } from "../../base/gateway-error.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { isSuccess, statusClass, swText } from "../../codec/apdu/status-word.ts";
import { euiccResponseText, isInstalled, readEuiccResponse } from "../../codec/euicc/euicc-response.ts";
import { isScp03tError, scp03tCommandName, scp03tErrorText } from "../../codec/euicc/scp03t.ts";
import { capduObject, isCapdu, isExpandedScript, parseScript, type ScriptObject } from "../../codec/ota/script.ts";
import {
  badFormatName,
  chainingResultName,
  type ExpandedResponse,
  parseScriptResponse,
  type ScriptItem,
  type ScriptResponse,
  scriptItems,
} from "../../codec/ota/script-response.ts";
import type { ExecutedFacts, JobFailure } from "../model/failure.ts";
import type { CommandResult, JobResult, JobWork } from "../model/job.ts";
import { commandWords, mayHaveActed } from "./command-words.ts";

/** The objects of a script, each of which the card answers. */
export interface OrderedScript {
  readonly commands: readonly ScriptObject[];
  /** It is certainly a script: data without the form of a script answer do not answer it. */
  readonly certain: boolean;
  /** In compact format, and not an ES5 function: some cards answer it with a PoR only. */
  readonly mayBeSilent?: boolean;
}

/** How the card answered a script. */
export interface AnsweredScript {
  readonly result: Omit<JobResult, "por">;
  /** Why the answer is not a success. */
  readonly failure?: JobFailure;
}

/** The place of a script within a longer one that is sent in parts. */
interface ScriptPlace {
  /** Number of commands in the parts before it. */
  readonly before?: number;
  /** Number of commands in the whole script. */
  readonly total?: number;
}

/** The objects of an octet string that is read as a script; undefined when it cannot be. ETSI TS 102 226 §5 */
export function askedByBody(body: Uint8Array): OrderedScript {
  try {
    const { objects } = parseScript(body);
    // With an early response the card answers before it runs a command. TS 102 226 §5.2.1.2
    const early = objects.some(({ tag, value }) => (tag === 0x81 || tag === 0x01) && value[0] === 0x82);
    return { commands: early ? [] : objects.filter(isAnswered), certain: isExpandedScript(body) };
  } catch (error) {
    if (error instanceof GatewayError) return { commands: [], certain: false };
    throw error;
  }
}

/** The objects of a job's script; whether it is in compact format (`compact`) depends on its target. */
export function askedByWork(work: JobWork, compact = false): OrderedScript {
  if (work.kind === "packet") return { commands: [], certain: false };
  const named = work.function !== undefined;
  if (work.kind === "body") {
    const asked = askedByBody(work.body);
    return { ...asked, mayBeSilent: !asked.certain && !named };
  }
  const commands = work.apdus.map(capduObject);
  return { commands, certain: true, mayBeSilent: compact && !named };
}

function isAnswered({ tag }: ScriptObject): boolean {
  return isCapdu(tag) || scp03tCommandName(tag) !== undefined;
}

/** An answer without a readable script response, with its octets if there are any. */
function unread(data: Uint8Array): Omit<JobResult, "por"> {
  return { ...(data.length === 0 ? {} : { data }), commands: [] };
}

/**
 * Reads and evaluates the card's answer to a script: each command must be answered with its success, up to the last
 * one. ETSI TS 102 226 §5, SGP.02 §4.1.3.3
 */
export function answeredScript(asked: OrderedScript, data: Uint8Array, place: ScriptPlace = {}): AnsweredScript {
  const answer = readAnswer(data);
  if (data.length === 0 && asked.commands.length > 0) {
    if (asked.mayBeSilent === true) return { result: { ...unread(data), note: silence } };
    return { result: unread(data), failure: new ScriptEvaluation(asked, place).silent() };
  }
  if (answer === undefined) {
    if (data.length === 0 || !asked.certain || asked.commands.length === 0) return { result: unread(data) };
    const failure = scriptFailure("the card's answer is not an answer to a script", { executed: "unknown" });
    return { result: unread(data), failure };
  }
  const evaluation = new ScriptEvaluation(asked, place);
  if (answer.format === "compact") {
    const { count, last } = answer;
    const ran = evaluation.atMost(count);
    const result = { data, commands: [commandResult(last)], executed: ran };
    const index = Math.max(1, ran) - 1;
    return withFailure(
      result,
      evaluation.tooMany(count) ?? evaluation.rapdu(index, last.sw) ?? evaluation.count(count, true),
    );
  }
  const failure = evaluation.expanded(answer, scriptItems(data));
  const secured = answer.others.filter(({ tag }) => scp03tCommandName(tag) !== undefined || isScp03tError(tag)).length;
  const executed = evaluation.atMost(answer.count ?? answer.answers.length + secured);
  return withFailure({ data, commands: answer.answers.map(commandResult), executed }, failure);
}

const silence = "the card accepted the script without an answer: the result of its commands is unknown";

function withFailure(result: Omit<JobResult, "por">, failure: JobFailure | undefined): AnsweredScript {
  return { result, ...withoutUndefined({ failure }) };
}

function readAnswer(data: Uint8Array): ScriptResponse | undefined {
  if (data.length === 0) return undefined;
  try {
    return parseScriptResponse(data);
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

function commandResult({ data, sw }: { readonly data: Uint8Array; readonly sw: number }): CommandResult {
  return { data, sw: swText(sw) };
}

function scriptFailure(message: string, facts: ExecutedFacts, detail: ErrorDetail = {}): JobFailure {
  return { code: "job.script", message, ...facts, detail };
}

/** Evaluates the answer to a script; its failures are texts and numbers. */
class ScriptEvaluation {
  readonly #asked: OrderedScript;
  readonly #before: number;
  readonly #total: number;

  constructor(asked: OrderedScript, { before = 0, total = asked.commands.length }: ScriptPlace) {
    this.#asked = asked;
    this.#before = before;
    this.#total = total;
  }

  /** The first thing in an expanded answer that is not a success. */
  expanded(answer: ExpandedResponse, items: readonly ScriptItem[]): JobFailure | undefined {
    for (const [index, item] of items.entries()) {
      const failure = this.#item(index, item);
      if (failure !== undefined) return failure;
    }
    const fault = faultOf(answer);
    const ran = answer.count ?? items.length;
    const excess = this.tooMany(answer.count ?? 0);
    if (excess !== undefined) return excess;
    if (fault !== undefined) return this.#failure(fault, ran, ran > 0 ? undefined : false);
    return this.count(Math.max(ran, items.length), answer.count !== undefined);
  }

  /** A number of commands that the card reports, at most that of the script. */
  atMost(ran: number): number {
    const { length } = this.#asked.commands;
    return length === 0 ? ran : Math.min(ran, length);
  }

  /** A card that counts more commands than there are does not refer to this script. */
  tooMany(ran: number): JobFailure | undefined {
    const { length } = this.#asked.commands;
    if (length === 0 || ran <= length) return undefined;
    const message = `the card counts ${ran} commands, but ${length} were sent: its answer belongs to a different script`;
    return this.#failure(message, 0, undefined);
  }

  /** A PoR or HTTP answer that contains nothing about the script. */
  silent(): JobFailure {
    const { length } = this.#asked.commands;
    const what =
      length === 1 ? "the status word of the command is missing" : `status words of ${length} commands are missing`;
    const message = `the card accepted the script without an answer: ${what}, whether it was executed is unknown`;
    return this.#failure(message, 0, undefined);
  }

  /** The script must have run to its last command; `counted` when the card itself specifies how many ran. */
  count(ran: number, counted: boolean): JobFailure | undefined {
    const { length } = this.#asked.commands;
    if (ran >= length) return undefined;
    const message = `the card executed ${this.#before + ran} of ${this.#total} commands`;
    return this.#failure(message, ran, counted ? false : undefined);
  }

  /** A status word that is not a success of its command. */
  rapdu(index: number, sw: number): JobFailure | undefined {
    const command = this.#asked.commands[index];
    const apdu = command !== undefined && isCapdu(command.tag) ? command.value : undefined;
    if (swSucceeds(sw, apdu)) return undefined;
    const { words, meaning, name } = commandWords(this.#before + index + 1, apdu, swText(sw));
    const detail = { sw: swText(sw), ...withoutUndefined({ function: name }), meaning };
    return this.#failed(index, words, detail, mayHaveActed(swText(sw)) ? undefined : false);
  }

  /** Evaluates one answer against its command. */
  #item(index: number, { tag, value, sw }: ScriptItem): JobFailure | undefined {
    const command = this.#asked.commands[index];
    if (sw !== undefined) {
      const failure = this.rapdu(index, sw);
      if (failure !== undefined || command === undefined || isCapdu(command.tag)) return failure;
      return this.#failed(
        index,
        `command ${this.#before + index + 1}: a status word is not an answer to ${nameOf(command)}`,
        {},
      );
    }
    const error = scp03tErrorText(tag, value);
    if (error !== undefined) {
      const facts = { error: swText(tag), reason: value[0] };
      return this.#failed(index, `command ${this.#before + index + 1}: ${error}`, facts, false);
    }
    if (command !== undefined && command.tag !== tag) {
      const what = `command ${this.#before + index + 1}: an object of another type is not an answer to ${nameOf(command)}`;
      return this.#failed(index, what, {});
    }
    const installed = tag === 0x86 ? readEuiccResponse(value) : undefined;
    if (installed === undefined || isInstalled(installed)) return undefined;
    const words = euiccResponseText(installed);
    const facts = { peStatus: installed.statuses.map(({ status }) => status) };
    return this.#failed(
      index,
      `command ${this.#before + index + 1}: the card refuses the profile package: ${words}`,
      facts,
    );
  }

  /** `sure`: the facts about the failed command itself. */
  #failed(index: number, message: string, detail: ErrorDetail, sure?: false): JobFailure {
    return this.#failure(message, index, sure, { command: this.#before + index + 1, ...detail });
  }

  /** The facts when only the first commands ran; `sure`: the facts about the rest if none did. */
  #failure(message: string, ran: number, sure: false | undefined, detail: ErrorDetail = {}): JobFailure {
    const executedCommands = this.#before + ran;
    const facts: ExecutedFacts =
      executedCommands > 0 ? { executed: "partly", executedCommands } : { executed: sure ?? "unknown" };
    return scriptFailure(message, facts, { ...detail, ...(this.#total > 0 ? { commands: this.#total } : {}) });
  }
}

function nameOf({ tag }: ScriptObject): string {
  return scp03tCommandName(tag) ?? "a C-APDU";
}

/** What an expanded answer reports about the script as a whole. */
function faultOf(answer: ExpandedResponse): string | undefined {
  if (answer.badFormat !== undefined) return `the card could not read the script: ${badFormatName(answer.badFormat)}`;
  if (answer.chaining !== undefined) return `script chaining: ${chainingResultName(answer.chaining)}`;
  if (answer.immediateAction !== undefined) {
    return `immediate action failed: ${answer.immediateAction === 1 ? "suspension error" : answer.immediateAction}`;
  }
  return answer.truncated ? "an answer was truncated, the commands after it were not executed" : undefined;
}

/**
 * Whether a status word is the success of its command: normal endings and warnings. An EXTERNAL AUTHENTICATE that the
 * card refuses ends with 63xx as a rule. ETSI TS 102 221 §10.2, GP Card Specification §11, Amendment D §7.1.2
 */
export function swSucceeds(sw: number, command?: Uint8Array): boolean {
  if (isSuccess(sw)) return true;
  if (statusClass(sw) !== "warning") return false;
  return !(command?.[1] === 0x82 && sw >> 8 === 0x63);
}
