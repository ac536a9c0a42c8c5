import type { JobFailure, JobResult } from "./job.ts";
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
  /** How often these octets were sent; more than once makes "counter low" mean "already run". */
  readonly transmissions: number;
  readonly status: number;
  readonly statusName: string;
  readonly authenticated: boolean;
  readonly data: Uint8Array;
  /** Commands of the script; 0 when not known. */
  readonly commands: number;
}

/** Statuses after which the final response packet is still to come. TS 102 225 §5.2 */
const intermediate = new Set([0x08, 0x0b, 0x0c]);

/**
 * Judges the status of a response packet; `read` decodes the additional data of a good one.
 * An unauthenticated status may stop a job but never makes it a success.
 */
export function judge(facts: VerdictFacts, read: (data: Uint8Array) => ReadResult): Verdict {
  const por = { status: facts.status, name: facts.statusName, authenticated: facts.authenticated };
  const fail = (code: string, message: string, detail: JobFailure["detail"], result?: JobResult): Verdict => ({
    at: "failed",
    error: { code, message, detail },
    ...(result === undefined ? {} : { result }),
  });
  if (intermediate.has(facts.status)) return { at: "wait", note: `PoR ${facts.statusName}` };
  if (facts.status === 0x02) {
    if (facts.transmissions <= 1) return { at: "again", note: "PoR counter low: our counter was behind" };
    const message = "the card already ran this packet in an earlier transmission; its answer is lost";
    return fail("packet.answer-lost", message, { por, executed: true });
  }
  if (facts.status !== 0) return fail("packet.por", `the card refused the packet: ${facts.statusName}`, { por });
  if (!facts.authenticated) {
    return fail("packet.unauthenticated-status", "the card says ok, but without the proof that was asked for", {
      por,
      executed: "unknown",
    });
  }
  const { result: read1, fault } = read(facts.data);
  return judgeCommands({ ...read1, por }, fault, facts.commands);
}

/** Success or failure of a script whose answer is here, whatever carried it. */
export function judgeCommands(result: JobResult, fault: string | undefined, commands: number): Verdict {
  const fail = (message: string, detail: JobFailure["detail"]): Verdict => ({
    at: "failed",
    result,
    error: { code: "job.script", message, detail },
  });
  if (fault !== undefined) return fail(fault, { executed: result.executed ?? 0 });
  const first = result.executed !== undefined && result.commands.length === 1 ? result.executed : 1;
  const failed = result.commands.findIndex((command) => !goodSw(command.sw));
  if (failed >= 0) {
    const sw = result.commands[failed]?.sw;
    return fail(`command ${failed + first} ended with ${sw}`, { command: failed + first - 1, sw });
  }
  if (commands > 0 && result.executed !== undefined && result.executed < commands && result.data !== undefined) {
    return fail(`the card ran ${result.executed} of ${commands} commands`, { executed: result.executed, commands });
  }
  return { at: "done", result };
}

/** Status words that mean success to a script: 9000, 91xx, 92xx, 61xx, 9Fxx; warnings 62xx, 63xx count as success. */
export function goodSw(sw: string): boolean {
  return sw === "9000" || /^(91|92|61|9F|62|63)/i.test(sw);
}
