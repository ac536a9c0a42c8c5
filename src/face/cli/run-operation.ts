import type { Readable, Writable } from "node:stream";
import { asGatewayError, GatewayError } from "../../base/gateway-error.ts";
import { answerLines } from "./jsonl.ts";
import { type Answer, answerTo, errorAnswer, type Operation, parseInput } from "./operations/operation.ts";
import { showAnswer } from "./show.ts";
import { visible, visibleLines } from "./visible.ts";

/** Input, output and exit code of commands without a daemon; replaced in tests. */
export interface CommandIo {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Sets the exit code of the process. */
  exitCode(code: number): void;
  /** Environment variables and files that a flag may name instead of a key. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readText: (path: string) => string;
}

/** Flags of every operation. */
export interface OutputFlags {
  readonly json?: boolean | undefined;
  readonly jsonl?: boolean | undefined;
}

/**
 * Runs one operation from flags, or with `--jsonl` one per input line. Results go to stdout; from flags, an error is one
 * line on stderr (or the error object with `--json`) and the exit code of its catalogue entry.
 */
export async function runOperation(
  operation: Operation,
  input: () => Readonly<Record<string, unknown>>,
  flags: OutputFlags,
  io: CommandIo,
): Promise<void> {
  if (flags.jsonl) {
    await answerLines(io.stdin, io.stdout, (line) => answerTo(operation, line));
    return;
  }
  try {
    const answer: Answer = operation.run(parseInput(operation.input, input()));
    io.stdout.write(flags.json ? `${JSON.stringify(answer, null, 2)}\n` : visibleLines(showAnswer(answer), false));
  } catch (thrown) {
    const error = asGatewayError(thrown);
    io.exitCode(error.entry.exit);
    if (flags.json) {
      io.stdout.write(`${JSON.stringify(errorAnswer(error), null, 2)}\n`);
      return;
    }
    const { offset } = error.detail;
    const place = typeof offset === "number" ? ` (offset ${offset})` : "";
    io.stderr.write(`${error.code}: ${visible(error.message)}${place}\n`);
  }
}

/**
 * A key from a flag: hexadecimal, or `env:NAME` or `file:PATH` so that it does not appear in the process list.
 * @throws config.secret when there is no such variable or file
 */
export function keyFlag(text: string | undefined, io: CommandIo): string | undefined {
  if (text === undefined) return undefined;
  if (text.startsWith("env:")) {
    const value = io.env[text.slice(4)];
    if (value === undefined) throw new GatewayError("config.secret", `${text}: the variable is not set`);
    return value;
  }
  if (!text.startsWith("file:")) return text;
  try {
    return io.readText(text.slice(5)).trim();
  } catch (cause) {
    throw new GatewayError("config.secret", `${text}: the file cannot be read`, { cause });
  }
}
