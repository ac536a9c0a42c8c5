import { porFollows, porStatus } from "../codec/ota/por-status.ts";
import { commandWords, mayHaveActed } from "./command-words.ts";
import type { Executed, FailureDetail, JobFailure } from "./failure.ts";
import type { JobResult } from "./job.ts";
import type { ReadResult } from "./script-body.ts";

/** What a response packet means for the job that sent the command packet. */
export type Verdict =
  /** It is over. */
  | { readonly at: "done"; readonly result: JobResult }
  | { readonly at: "failed"; readonly error: JobFailure; readonly result?: JobResult }
  /** The real answer follows (status 08, 0B, 0C). */
  | { readonly at: "wait"; readonly note: string }
  /** The packet was not run: a new one with a higher counter may go. */
  | { readonly at: "again"; readonly note: string };

/** Facts about the exchange beside the response itself. */
export interface VerdictFacts {
  /** How often these octets were sent; more than once makes "counter low" mean "processed or overtaken". */
  readonly transmissions: number;
  readonly status: number;
  readonly statusName: string;
  readonly authenticated: boolean;
  readonly data: Uint8Array;
  /** C-APDUs of the script; none when not known. */
  readonly commands: readonly Uint8Array[];
}

/**
 * Judges the status of a response packet; `read` decodes the additional data of a good one.
 * An unauthenticated status may stop a job but never makes it a success.
 */
export function judge(facts: VerdictFacts, read: (data: Uint8Array) => ReadResult): Verdict {
  const { status, statusName: name, authenticated } = facts;
  const por = { status, name, authenticated };
  const fail = (code: string, message: string, executed: Executed): Verdict => ({
    at: "failed",
    error: { code, message, detail: { por, executed } },
  });
  if (porFollows(status)) return { at: "wait", note: `PoR ${name}` };
  if (status === porStatus.counterLow) {
    if (facts.transmissions <= 1) return { at: "again", note: "PoR counter low: our counter was behind" };
    // The earlier transmission was run or refused, or a later packet passed it: the counter alone does not tell which.
    const message = "the card refuses the counter of a packet that was sent before: whether it ran it is unknown";
    return fail("packet.answer-lost", message, "unknown");
  }
  if (status !== porStatus.ok)
    return fail("packet.por", `the card refused the packet: ${name}`, authenticated ? false : "unknown");
  if (!authenticated) {
    const message = "the card says ok, but without the proof that was asked for";
    return fail("packet.unauthenticated-status", message, "unknown");
  }
  const { result, fault } = read(facts.data);
  return judgeCommands({ ...result, por }, fault, facts.commands);
}

/** Success or failure of a script whose answer is here, whatever carried it. Commands are counted from 1. */
export function judgeCommands(
  result: JobResult,
  fault: string | undefined,
  commands: readonly Uint8Array[],
): Extract<Verdict, { at: "done" | "failed" }> {
  const executed = executedCommandsOf(result, commands.length, fault);
  const fail = (message: string, facts: Omit<FailureDetail, "executed"> = {}) => ({
    at: "failed" as const,
    result,
    error: { code: "job.script", message, detail: { ...facts, ...executed } },
  });
  if (fault !== undefined) return fail(fault);
  const failed = result.commands.findIndex((command) => !goodSw(command.sw));
  const sw = result.commands[failed]?.sw;
  if (sw !== undefined) {
    const command = failed + firstOf(result);
    const { words, meaning, name } = commandWords(command, commands[command - 1], sw);
    return fail(words, { command, sw, ...(name === undefined ? {} : { function: name }), meaning });
  }
  if (result.executed !== undefined && result.executed < commands.length && result.data !== undefined) {
    return fail(`the card ran ${result.executed} of ${commands.length} commands`, { commands: commands.length });
  }
  return { at: "done", result };
}

/** Number of the command that the first result belongs to: a compact answer has the last one's only. */
function firstOf({ executed, commands }: JobResult): number {
  return executed !== undefined && commands.length === 1 ? Math.max(executed, 1) : 1;
}

/** What a script's answer proves of its commands: those before the first that failed were carried out. */
function executedCommandsOf(
  result: JobResult,
  total: number,
  fault: string | undefined,
): Pick<FailureDetail, "executed" | "executedCommands"> {
  const failed = result.commands.findIndex(({ sw }) => !goodSw(sw));
  const answered = result.executed ?? result.commands.length;
  const good = failed < 0 ? answered : failed + firstOf(result) - 1;
  if (good > 0 && failed < 0 && fault === undefined && good >= total) return { executed: true };
  if (good > 0) return { executed: "partly", executedCommands: good };
  const sw = result.commands[failed]?.sw;
  return { executed: sw !== undefined && mayHaveActed(sw) ? "unknown" : false };
}

/** Status words that mean success to a script: 9000, 91xx, 92xx, 61xx, 9Fxx; warnings 62xx, 63xx count as success. */
export function goodSw(sw: string): boolean {
  return sw === "9000" || /^(91|92|61|9F|62|63)/i.test(sw);
}
