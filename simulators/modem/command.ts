import type { CommandIo } from "./at-terminal.ts";
import type { Parameters } from "./command-line.ts";
import type { ModemFunctions } from "./modem-functions.ts";

/** One command as its handler sees it. */
export interface Call {
  readonly modem: ModemFunctions;
  readonly io: CommandIo;
  readonly parameters: Parameters;
  /** What stood after `=`, or the digits of a basic command. */
  readonly tail: string;
}

/** Information lines; a `final` takes the place of OK, empty for no result at all. */
export type Reply = undefined | string | readonly string[] | { readonly final: string };

/** Carries a command out. @throws modem.cme, modem.cms, modem.refused for anything but OK */
export type Handler = (call: Call) => Reply | Promise<Reply>;

/** A command's four forms. A text is the answer itself; a missing test form answers OK, another missing one fails. */
export interface CommandSpec {
  readonly test?: string | Handler;
  readonly read?: string | Handler;
  readonly write?: Handler;
  readonly execute?: string | Handler;
  /** Typing ends it. ITU-T V.250 §5.6.1 */
  readonly abortable?: boolean;
}

export type CommandTable = Readonly<Record<string, CommandSpec>>;
