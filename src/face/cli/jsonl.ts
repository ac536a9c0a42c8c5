import type { Writable } from "node:stream";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { parseJson } from "../../base/json.ts";
import { type Answer, errorAnswer } from "./operations/operation.ts";

/** The longest accepted line; a longer one gets an error answer and is skipped. */
const maxLine = 4 * 1024 * 1024;
/** Number of characters that are gathered before they are written. */
const batch = 64 * 1024;

/** Counts of processed lines. */
interface JsonlCount {
  readonly lines: number;
  readonly errors: number;
}

/**
 * Answers JSON lines one by one, in order, in flat memory: it waits for a slow reader, answers a line that is not JSON
 * with an error, and never stops at a bad line. Blank lines are skipped. Ends early when the reader is gone.
 */
export async function answerLines(
  input: AsyncIterable<Uint8Array | string>,
  output: Writable,
  answer: (value: unknown) => Answer,
): Promise<JsonlCount> {
  const sink = new Sink(output);
  let lines = 0;
  let errors = 0;
  for await (const line of linesOf(input)) {
    if (line === undefined) {
      await sink.flush();
      continue;
    }
    lines += 1;
    const given = typeof line === "string" ? answerText(line, lines, answer) : errorAnswer(line);
    if ("error" in given) errors += 1;
    if (!(await sink.write(given))) break;
  }
  await sink.flush();
  return { lines, errors };
}

/** Text collected for one write; false once the reader has gone. */
class Sink {
  readonly #output: Writable;
  #text = "";
  #gone = false;

  constructor(output: Writable) {
    this.#output = output;
    output.once("close", () => {
      this.#gone = true;
    });
    output.on("error", () => {
      this.#gone = true;
    });
  }

  async write(answer: Answer): Promise<boolean> {
    this.#text += `${JSON.stringify(answer)}\n`;
    if (this.#text.length >= batch) await this.flush();
    return !this.#gone;
  }

  /** Writes the collected text, so that a peer that waits for its answer receives it. */
  async flush(): Promise<void> {
    if (this.#text === "" || this.#gone) return;
    const text = this.#text;
    this.#text = "";
    if (this.#output.write(text)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        for (const event of ["drain", "close", "error"]) this.#output.off(event, done);
        resolve();
      };
      for (const event of ["drain", "close", "error"]) this.#output.on(event, done);
      if (this.#output.destroyed) done();
    });
  }
}

function answerText(line: string, number: number, answer: (value: unknown) => Answer): Answer {
  let value: unknown;
  try {
    value = parseJson(line);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    const { message, detail } = error;
    const why = message.startsWith("not valid") ? "is not valid JSON" : `is not accepted: ${message}`;
    return errorAnswer(new GatewayError("api.usage", `line ${number} ${why}`, { detail }));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return errorAnswer(new GatewayError("api.usage", `line ${number} is not a JSON object`));
  }
  return answer(value);
}

/**
 * Lines without their end; a line that is too long comes as the error to answer. Undefined marks the end of the data
 * received so far: the sender may be waiting for answers.
 */
async function* linesOf(input: AsyncIterable<Uint8Array | string>): AsyncGenerator<string | GatewayError | undefined> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  let length = 0;
  let skipping = false;
  const add = (text: string) => {
    length += text.length;
    if (length > maxLine) skipping = true;
    if (skipping) parts = [];
    else parts.push(text);
  };
  const take = (): string | GatewayError | undefined => {
    const line = parts.join("").trim();
    const tooLong = skipping;
    parts = [];
    length = 0;
    skipping = false;
    if (tooLong) return new GatewayError("api.usage", `a line is longer than ${maxLine} characters`);
    return line === "" ? undefined : line;
  };
  for await (const chunk of input) {
    const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      add(text.slice(start, end));
      start = end + 1;
      const line = take();
      if (line !== undefined) yield line;
    }
    if (start < text.length) add(text.slice(start));
    yield undefined;
  }
  add(decoder.decode());
  const last = take();
  if (last !== undefined) yield last;
}
