import { GatewayError } from "../../base/gateway-error.ts";
import { fromHex } from "../../base/hex.ts";
import type { Es5Function } from "../../codec/euicc/es5.ts";
import { type Es5Answer, es5Answer } from "../../codec/euicc/es5-answer.ts";
import { type ClassifiedCommand, classifyCommand } from "../../codec/euicc/es5-classify.ts";
import type { CommandResult, JobWork } from "../model/job.ts";
import { statusMeaning } from "./command-words.ts";
import { scriptCommands } from "./script-body.ts";
import { swSucceeds } from "./script-verdict.ts";

/** A command of a script and what the card said to it. */
export interface ExecutedCommand {
  readonly function: ClassifiedCommand["function"];
  readonly succeeded: boolean;
  readonly sw: string;
  /** What its status word means as the answer of the function. */
  readonly meaning: string;
  /** What its data mean, when they could be read. */
  readonly answer?: Es5Answer;
}

const withAnswer = new Set([
  "auditStatus",
  "auditResources",
  "auditEid",
  "auditKeys",
  "auditCounter",
  "auditForwarded",
  "establishISDRKeySet",
  "confirmNotification",
]);

function isEs5(fn: ClassifiedCommand["function"]): fn is Es5Function {
  return withAnswer.has(fn.name);
}

/** The commands of a job's script that the card answered, named and with their answers decoded. */
export function executedCommands(work: JobWork, results: readonly CommandResult[]): ExecutedCommand[] {
  const apdus = scriptCommands(work);
  // A compact response tells of the last command only; the ones before it succeeded.
  const offset =
    results.length === 1 && apdus.length > 1 && work.kind === "script" && work.format === "compact"
      ? apdus.length - 1
      : 0;
  return results.flatMap((result, index) => {
    const apdu = apdus[index + offset];
    if (apdu === undefined) return [];
    const { function: fn } = classifyCommand(apdu);
    const answer = isEs5(fn) ? answerOf(fn, result) : undefined;
    const { sw } = result;
    const succeeded = swSucceeds(Number.parseInt(sw, 16), apdu);
    const facts = { function: fn, succeeded, sw, meaning: statusMeaning(fn, sw) };
    return [{ ...facts, ...(answer === undefined ? {} : { answer }) }];
  });
}

function answerOf(fn: Es5Function, result: CommandResult): Es5Answer | undefined {
  try {
    return es5Answer(fn.name, fromHex(result.data));
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}
