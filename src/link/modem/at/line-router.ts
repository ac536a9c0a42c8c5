import { withoutUndefined } from "../../../base/defined.ts";
import { splitLine } from "../../../codec/at/args.ts";
import type { AtInfo } from "../../../codec/at/command.ts";
import { type CommandShape, commandShape } from "../../../codec/at/line-name.ts";
import { type AtFinal, parseFinal } from "../../../codec/at/result.ts";
import {
  headerLength,
  registrationAnswer,
  registrationPrefixes,
  type Urc,
  type UrcRule,
} from "../../../codec/at/urc.ts";

/** The role of a line. */
export type LineRole =
  | "echo"
  | "info"
  /** The data line after an information line or a two-line URC. */
  | "pdu"
  | "urc"
  | "final"
  /** Belongs to a command that was abandoned. */
  | "late"
  | "prompt"
  | "garbage"
  /** Decided at the end of the command: its own, or of another command. */
  | "doubtful";

/** The command the lines are read for. */
export interface OpenLines {
  readonly line: string;
  readonly shape: CommandShape;
  /** Prefixes that are certainly its own. */
  readonly prefixes: readonly string[];
  readonly lines: "none" | "one" | "many" | "any";
  /** Echoes that may still arrive: the command line, then the body. */
  echoes: string[];
  /** Characters of the first echo that have arrived: a notice may split an echo. */
  echoed: number;
  readonly info: { text: string; data?: string }[];
  readonly doubtful: string[];
  own: boolean;
}

/** The effect of one line. */
interface Routed {
  readonly role: LineRole;
  readonly final?: AtFinal;
  readonly urc?: Urc;
  /**
   * A text in quotes is open. It may continue at once; after a pause, the line was the final result `final`.
   */
  readonly unsure?: { readonly final?: AtFinal };
}

/** A text in quotes that continues over the end of its line, as +CUSD brings it. */
interface OpenText {
  lines: number;
  readonly add: (line: string) => void;
  readonly urc?: () => Urc;
}

interface Header {
  readonly rule?: UrcRule;
  readonly text: string;
  readonly into?: { text: string; data?: string };
  readonly length: number | undefined;
  /** Number of commands that have ended since, so that a header whose data line was lost does not wait forever. */
  age: number;
}

/** Starts reading for a command. `prefixes` and `lines` come from its declaration; without one, from its text. */
export function openLines(
  line: string,
  declared?: { readonly prefixes: readonly string[]; readonly lines: "none" | "one" | "many" },
  body?: string,
): OpenLines {
  return new Lines(line, declared, body);
}

/** Created for every command. A class, since creating an object with its own accessor is slow. */
class Lines implements OpenLines {
  readonly line: string;
  readonly prefixes: readonly string[];
  readonly lines: OpenLines["lines"];
  echoes: string[];
  echoed = 0;
  readonly info: { text: string; data?: string }[] = [];
  readonly doubtful: string[] = [];
  own = false;
  #shape: CommandShape | undefined;

  constructor(line: string, declared: Parameters<typeof openLines>[1], body: string | undefined) {
    this.line = line;
    this.echoes = body === undefined ? [line] : [line, body];
    this.prefixes = declared?.prefixes ?? this.shape.names;
    this.lines = declared?.lines ?? (this.#asksRegistration() ? "one" : "any");
  }

  get shape(): CommandShape {
    this.#shape ??= commandShape(this.line);
    return this.#shape;
  }

  #asksRegistration(): boolean {
    return this.shape.form === "read" && this.shape.names.some(isRegistration);
  }
}

const ctrlZ = "\x1a";
const withData = ["+CMGR", "+CMGL"];
const smsCommands = /^\+(CM(?!E)[A-Z]+|CNMI|CNMA|CSMS|CPMS|CSCA|CGSMS|CSMP|CSCB)$/;
const hexLine = /^(?:[0-9A-Fa-f]{2})+$/;

/** Sorts lines into answers, unsolicited codes and noise, in any order. One per open port. */
export class LineRouter {
  readonly #find: (text: string) => UrcRule | undefined;
  readonly #headers: Header[] = [];
  #text: OpenText | undefined;

  constructor(find: (text: string) => UrcRule | undefined) {
    this.#find = find;
  }

  /** The role of the next line, with `open` the command in flight if there is one. */
  route(raw: string, open: OpenLines | undefined): Routed {
    if (this.#text !== undefined) return this.#continueText(raw, this.#text);
    const text = raw.trim();
    if (open !== undefined && this.#isEcho(raw, text, open)) return { role: "echo" };
    const final = parseFinal(text);
    if (final !== undefined && this.#endsCommand(final, text, open)) {
      this.#dropInfoHeaders();
      return { role: "final", final };
    }
    const data = this.#takeData(text);
    if (data !== undefined) return data;
    const { prefix, rest } = splitLine(text);
    if (open !== undefined && prefix !== undefined && this.#isOwn(prefix, rest, text, open)) {
      return this.#takeInfo(text, prefix, open);
    }
    const rule = this.#find(text);
    if (rule !== undefined) return this.#takeUrc(text, rule);
    if (open === undefined || open.lines === "none") return { role: "urc", urc: { event: "unknown", text } };
    if (prefix === undefined) {
      open.info.push({ text });
      return { role: "info" };
    }
    open.doubtful.push(text);
    return { role: "doubtful" };
  }

  /** The command ended: classifies the ambiguous lines. Lines that are not its own are returned as unsolicited. */
  settle(open: OpenLines): { readonly info: readonly AtInfo[]; readonly strays: readonly Urc[] } {
    const strays: Urc[] = [];
    for (const text of open.doubtful) {
      if (!open.own && this.#resembles(text, open)) open.info.push({ text });
      else strays.push({ event: "unknown", text });
    }
    return { info: open.info, strays };
  }

  #isEcho(raw: string, text: string, open: OpenLines): boolean {
    for (const [index, echo] of open.echoes.entries()) {
      if (echo.length < text.length - 4 || text.length < echo.length - 4) continue;
      const same = raw === echo || text === echo.trim() || raw === `${echo}${ctrlZ}`;
      const clipped =
        !same && index === 0 && text.length >= 4 && text.length >= echo.length - 3 && echo.trim().endsWith(text);
      const noisy = !same && index === 0 && echo.length >= 4 && text.length <= echo.length + 4 && text.endsWith(echo);
      if (same || clipped || noisy) {
        open.echoes = open.echoes.slice(index + 1);
        open.echoed = 0;
        return true;
      }
    }
    return isEchoPiece(raw, open) || isEchoPiece(text, open);
  }

  /** One more line of an open text. */
  #continueText(line: string, text: OpenText): Routed {
    text.add(line);
    text.lines++;
    if (endsInside(line) || text.lines >= maxTextLines) return { role: "pdu", ...this.endText() };
    const final = parseFinal(line);
    return { role: "pdu", unsure: withoutUndefined({ final }) };
  }

  /** Ends the open text; returns the unsolicited line that it belongs to, if any. */
  endText(): { readonly urc?: Urc } {
    const urc = this.#text?.urc?.();
    this.#text = undefined;
    return withoutUndefined({ urc });
  }

  #open(text: OpenText, role: LineRole): Routed {
    this.#text = text;
    return { role, unsure: {} };
  }

  #endsCommand(final: AtFinal, text: string, open: OpenLines | undefined): boolean {
    if (open === undefined) return final.kind !== "call" && final.kind !== "cms";
    if (final.kind === "call" || final.kind === "connect") return open.shape.dials;
    if (final.kind === "cms" && this.#find(text) !== undefined) {
      return open.shape.names.some((name) => smsCommands.test(name));
    }
    return true;
  }

  #isOwn(prefix: string, rest: string, text: string, open: OpenLines): boolean {
    const name = prefix.toUpperCase();
    if (!open.prefixes.includes(name) && !(open.prefixes.length === 0 && open.shape.names.includes(name))) return false;
    if (open.lines === "none") return this.#find(text) === undefined;
    if (open.lines === "one" && open.own) return false;
    if (isRegistration(name) && open.shape.form === "read") {
      return open.shape.names.includes(name) && registrationAnswer(rest);
    }
    return true;
  }

  #takeInfo(text: string, prefix: string, open: OpenLines): Routed {
    const info = { text };
    open.info.push(info);
    open.own = true;
    if (withData.includes(prefix) && open.shape.form !== "test") {
      this.#headers.push({ text, into: info, length: headerLength(text), age: 0 });
    } else if (endsInside(text)) {
      const add = (line: string) => {
        info.text += `\n${line}`;
      };
      return this.#open({ lines: 0, add }, "info");
    }
    return { role: "info" };
  }

  #takeUrc(text: string, rule: UrcRule): Routed {
    if (rule.lines === 2) {
      this.#headers.push({ rule, text, length: headerLength(text), age: 0 });
      return { role: "urc" };
    }
    if (endsInside(text)) {
      const lines = [text];
      const urc = () => ({ event: rule.event, text: lines.join("\n") });
      return this.#open({ lines: 0, add: (line) => void lines.push(line), urc }, "urc");
    }
    return { role: "urc", urc: { event: rule.event, text } };
  }

  /** A line that belongs to a header: by the announced length if several wait, otherwise to the last. */
  #takeData(text: string): Routed | undefined {
    if (this.#headers.length === 0) return undefined;
    const isHex = hexLine.test(text);
    if (!isHex && (splitLine(text).prefix !== undefined || this.#find(text) !== undefined)) return undefined;
    const fits = isHex ? this.#headers.findLastIndex((header) => header.length === tpduLength(text)) : -1;
    const [header] = this.#headers.splice(fits >= 0 ? fits : this.#headers.length - 1, 1);
    if (header?.into !== undefined) header.into.data = text;
    if (header?.rule === undefined) return { role: "pdu" };
    return { role: "pdu", urc: { event: header.rule.event, text: header.text, data: text } };
  }

  #dropInfoHeaders(): void {
    if (this.#headers.length === 0) return;
    for (const header of this.#headers) header.age++;
    const kept = this.#headers.filter(({ into, age }) => into === undefined && age < 2);
    this.#headers.splice(0, this.#headers.length, ...kept.slice(-4));
  }

  /**
   * Whether a line with another prefix may be the answer of a command whose own prefix never arrived: the prefix is
   * similar to its name, or damaged.
   */
  #resembles(text: string, open: OpenLines): boolean {
    if (open.shape.form === "basic") return true;
    if (/[^ -~]/.test(text)) return true;
    const word = (splitLine(text).prefix ?? "").slice(1).toUpperCase();
    const related = open.shape.names.some((name) => name.slice(1).includes(word) || word.includes(name.slice(1)));
    return related || open.shape.form === "read" || open.shape.form === "execute";
  }
}

const maxTextLines = 32;

/** The line opens a quote that it does not close, or closes one that an earlier line opened. */
function endsInside(text: string): boolean {
  let quotes = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) quotes++;
  return quotes % 2 === 1;
}

/**
 * Whether a text is a piece of an echo at its position. The first piece of a command must begin as a command does; one
 * of a PDU must be long enough.
 */
function isEchoPiece(piece: string, open: OpenLines): boolean {
  const [echo] = open.echoes;
  if (echo === undefined || piece === "" || open.own || open.info.length > 0) return false;
  if (open.echoed === 0 && !/^at?/i.test(piece) && piece.length < 8) return false;
  if (!echo.startsWith(piece, open.echoed)) return false;
  open.echoed += piece.length;
  if (open.echoed >= echo.length) {
    open.echoes = open.echoes.slice(1);
    open.echoed = 0;
  }
  return true;
}

function isRegistration(name: string): boolean {
  return registrationPrefixes.some((prefix) => prefix === name);
}

/** Octets after the SMSC address. TS 27.005 §3.1 <length> */
function tpduLength(pdu: string): number {
  return pdu.length / 2 - 1 - Number.parseInt(pdu.slice(0, 2), 16);
}
