import { codecError } from "../../base/gateway-error.ts";
import { ArgReader, parseArgs, splitLine } from "./args.ts";

/** Which of the profile's time limits a command has. */
export const budgets = [
  "quick",
  "pin",
  "card",
  "network",
  "scan",
  "attach",
  "power",
  "store",
  "list",
  "prompt",
  "send",
] as const;
export type Budget = (typeof budgets)[number];

/** An information line with the data line (a PDU) that follows it, if there was one. */
export interface AtInfo {
  readonly text: string;
  readonly data?: string;
}

/** What a command expects before its final result. */
export interface AtReply<R> {
  /** Prefixes its lines may carry; with none it answers in bare lines, or not at all. */
  readonly prefixes: readonly string[];
  /** `one`: a second line with the prefix is no longer its own. */
  readonly lines: "none" | "one" | "many";
  /** Old firmware sends the line and no final result behind it. */
  readonly lone?: boolean;
  /** @throws codec.text when the lines are not what they should be */
  read(info: readonly AtInfo[]): R;
}

/** A declared AT command: values in, line out, typed lines back. */
export interface AtCommand<A, R> {
  readonly line: (arg: A) => string;
  /** What is sent after the prompt, without Ctrl-Z. */
  readonly body?: (arg: A) => string;
  readonly reply: AtReply<R>;
  readonly budget: Budget;
  /** Any character ends it early. V.250 §5.6.1 */
  readonly abortable?: boolean;
}

/** Declares a command; the types come from its parts. */
export function command<A, R>(declaration: AtCommand<A, R>): AtCommand<A, R> {
  return declaration;
}

/** Nothing but the final result. */
export const nothing: AtReply<void> = { prefixes: [], lines: "none", read: () => undefined };

/**
 * One information line; its prefix may be missing, as some firmware leaves it out.
 * `prefix` may name alternatives (`+CCID`, `+ICCID`).
 */
export function info<R>(prefix: string | readonly string[], read: (args: ArgReader, rest: string) => R): AtReply<R> {
  const prefixes = typeof prefix === "string" ? [prefix] : prefix;
  const what = prefixes[0] ?? "answer";
  return {
    prefixes,
    lines: "one",
    read: (lines) => {
      const rest = ownLines(lines, prefixes)[0];
      if (rest === undefined) throw codecError("codec.text", `${what}: no information line came`, 0);
      return read(new ArgReader(parseArgs(rest.rest), what), rest.rest);
    },
  };
}

/** Any number of information lines, each with the data line after it. */
export function infos<R>(
  prefix: string,
  read: (args: ArgReader, data: string | undefined, rest: string) => R,
): AtReply<readonly R[]> {
  return {
    prefixes: [prefix],
    lines: "many",
    read: (lines) =>
      ownLines(lines, [prefix]).map(({ rest, data }) => read(new ArgReader(parseArgs(rest), prefix), data, rest)),
  };
}

/** The same, where an empty list is not a surprise: undefined instead of an error. */
export function maybe<R>(reply: AtReply<R>): AtReply<R | undefined> {
  return { ...reply, read: (lines) => (lines.length === 0 ? undefined : reply.read(lines)) };
}

/** Bare lines (ATI, +CGMM, +CIMI …), each with its own prefix and quotes taken off if the firmware adds them. */
export function bare<R>(prefix: string, read: (lines: readonly string[]) => R): AtReply<R> {
  return {
    prefixes: [prefix],
    lines: "many",
    read: (lines) => {
      const texts = lines.map(({ text }) => {
        const { prefix: found, rest } = splitLine(text.trim());
        const value = found?.toUpperCase() === prefix.toUpperCase() ? rest : text.trim();
        return unquoted(value);
      });
      return read(texts.filter((text) => text !== ""));
    },
  };
}

/** The text of a field in quotes; of several such fields, all of them: `"EC25","EG25-G"` is `EC25, EG25-G`. */
function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  const fields = parseArgs(value);
  if (fields.length > 1 && fields.every(({ quoted }) => quoted))
    return fields.map(({ text }) => text.trim()).join(", ");
  return value.replace(/^"(.*)"$/, "$1");
}

function ownLines(lines: readonly AtInfo[], prefixes: readonly string[]): { rest: string; data?: string }[] {
  const split = lines.map((line) => ({ line, ...splitLine(line.text.trim()) }));
  const own = split.filter(({ prefix }) => prefix !== undefined && prefixes.includes(prefix.toUpperCase()));
  const chosen = own.length > 0 ? own : split.filter(({ prefix }) => prefix === undefined);
  return chosen.map(({ line, rest }) => (line.data === undefined ? { rest } : { rest, data: line.data }));
}
