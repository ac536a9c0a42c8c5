import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { swOf } from "../../codec/apdu/status-word.ts";
import type { Es5Answer } from "../../codec/euicc/es5/answer.ts";
import { type ClassifiedCommand, classifyCommand } from "../../codec/euicc/es5/classify.ts";
import { type Es5Function, es5Answer, es5Function, isEs5Function } from "../../codec/euicc/es5/functions.ts";
import type { CommandResult, JobWork } from "../model/job.ts";
import { statusMeaning } from "./command-words.ts";
import { scriptCommands } from "./script-body.ts";
import { swSucceeds } from "./script-verdict.ts";

/** A command of a script and the card's answer. */
export interface ExecutedCommand {
  readonly function: ClassifiedCommand["function"];
  readonly succeeded: boolean;
  readonly sw: string;
  /** Meaning of its status word as the answer of the function. */
  readonly meaning: string;
  /** Its data decoded, if they could be read. */
  readonly answer?: Es5Answer;
}

/** The commands of a job's script that the card answered, with names and decoded answers. */
export function executedCommands(work: JobWork, results: readonly CommandResult[]): ExecutedCommand[] {
  const apdus = scriptCommands(work);
  // A compact response reports the last command only; the ones before it succeeded.
  const offset =
    results.length === 1 && apdus.length > 1 && work.kind === "script" && work.format === "compact"
      ? apdus.length - 1
      : 0;
  return results.flatMap((result, index) => {
    const apdu = apdus[index + offset];
    if (apdu === undefined) return [];
    const { function: fn } = classifyCommand(apdu);
    const answer = isEs5Function(fn) ? answerOf(fn, result) : undefined;
    const { sw } = result;
    const succeeded = swSucceeds(swOf(sw), apdu);
    const facts = { function: fn, succeeded, sw, meaning: statusMeaning(fn, sw) };
    return [{ ...facts, ...withoutUndefined({ answer }) }];
  });
}

function answerOf(fn: Es5Function, result: CommandResult): Es5Answer | undefined {
  if (es5Function(fn.name)?.answer === undefined) return undefined;
  try {
    return es5Answer(fn.name, result.data);
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}
