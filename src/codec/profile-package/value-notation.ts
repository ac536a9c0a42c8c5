import { codecError } from "../../base/gateway-error.ts";
import { concatBytes, fromHex } from "../../base/hex.ts";
import { tlvBytes } from "../kit/ber.ts";
import { elementFields } from "./elements/table.ts";
import type { Field } from "./field.ts";

/** A token with its place in the text. */
interface Token {
  readonly kind: "name" | "number" | "hex" | "text" | "sign";
  readonly text: string;
  readonly at: number;
}

const tokenShape =
  /(?<space>\s+|--[^\n]*)|(?<hex>'[0-9A-Fa-f\s]*'H)|(?<text>"(?:[^"]|"")*")|(?<name>[A-Za-z][\w-]*)|(?<number>\d+)|(?<sign>::=|[{}:,()])/y;

/** @throws codec.text at a character that begins no token */
function tokensOf(text: string): readonly Token[] {
  const shape = new RegExp(tokenShape);
  const tokens: Token[] = [];
  while (shape.lastIndex < text.length) {
    const at = shape.lastIndex;
    const groups = shape.exec(text)?.groups;
    if (groups === undefined) throw codecError("codec.text", "ASN.1 value notation has no such character here", at);
    for (const kind of ["name", "number", "hex", "text", "sign"] as const) {
      const found = groups[kind];
      if (found !== undefined) tokens.push({ kind, text: found, at });
    }
  }
  return tokens;
}

/** Numbers with a name in the ASN.1. eUICC Profile Package §8.4.2, §8.5 */
function namedNumber(name: string): number | undefined {
  const algorithm = ["milenage", "tuak", "usim-test-algorithm"].indexOf(name);
  if (algorithm >= 0) return algorithm + 1;
  const found = /^(pinAppl|pukAppl|adm|secondPINAppl|secondPUKAppl)(\d{1,2})$/.exec(name);
  const index = Number(found?.[2]);
  if (found === null) return undefined;
  if (found[1] === "adm") return index <= 5 ? 9 + index : 132 + index;
  return found[1]?.startsWith("second") ? 128 + index : index;
}

/** Takes tokens one after the other and makes octets of them. */
class NotationReader {
  readonly #tokens: readonly Token[];
  readonly #end: number;
  #next = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
    this.#end = text.length;
  }

  /** Every element of the text: `value1 ProfileElement ::= header : { … }`, one behind the other. */
  elements(): Uint8Array {
    const byName = [...elementFields.values()];
    const parts: Uint8Array[] = [];
    while (this.#next < this.#tokens.length) {
      if (this.#peek(1)?.text !== ":") {
        this.#take("name");
        if (this.#peek()?.kind === "name") this.#take("name");
        this.#sign("::=");
      }
      parts.push(this.#alternative(byName));
    }
    return concatBytes(...parts);
  }

  #peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#next + ahead];
  }

  #take(kind: Token["kind"]): Token {
    const token = this.#peek();
    if (token?.kind !== kind) throw this.#error(`a ${kind} must stand here`);
    this.#next++;
    return token;
  }

  #sign(sign: string): void {
    if (this.#peek()?.text !== sign) throw this.#error(`${sign} must stand here`);
    this.#next++;
  }

  #isSign(sign: string): boolean {
    if (this.#peek()?.text !== sign) return false;
    this.#next++;
    return true;
  }

  #error(message: string) {
    return codecError("codec.text", `ASN.1 value notation: ${message}`, this.#peek()?.at ?? this.#end);
  }

  /** `name : value` of a CHOICE. */
  #alternative(fields: readonly Field[]): Uint8Array {
    const field = this.#named(fields);
    this.#sign(":");
    return this.#field(field);
  }

  #named(fields: readonly Field[]): Field {
    const token = this.#peek();
    const id = token?.text.toLowerCase().endsWith("-header") ? "header" : token?.text;
    const field = fields.find((one) => one.id === id);
    if (token?.kind !== "name" || field === undefined) throw this.#error("there is no such field");
    this.#next++;
    return field;
  }

  #field(field: Field): Uint8Array {
    return tlvBytes(field.tag, this.#value(field));
  }

  #value({ type }: Field): Uint8Array {
    switch (type.is) {
      case "null":
        if (this.#take("name").text !== "NULL") throw this.#error("NULL must stand here");
        return new Uint8Array();
      case "octets":
        return this.#octets();
      case "text":
        return new TextEncoder().encode(this.#take("text").text.slice(1, -1).replaceAll('""', '"'));
      case "integer":
        return this.#integer();
      case "oid":
        return this.#oid();
      case "choice":
        return this.#alternative(type.fields);
      case "sequence":
        return this.#braces(() => this.#field(this.#named(type.fields)));
      case "list": {
        const [only, ...others] = type.fields;
        const entry =
          only === undefined || others.length > 0 ? () => this.#alternative(type.fields) : () => this.#field(only);
        return this.#braces(entry);
      }
    }
  }

  #octets(): Uint8Array {
    const { text, at } = this.#take("hex");
    const digits = text.slice(1, -2).replace(/\s+/g, "");
    if (digits.length % 2 !== 0) throw codecError("codec.text", "odd number of hexadecimal digits", at);
    return fromHex(digits);
  }

  #braces(entry: () => Uint8Array): Uint8Array {
    this.#sign("{");
    const parts: Uint8Array[] = [];
    while (!this.#isSign("}")) {
      if (parts.length > 0) this.#sign(",");
      parts.push(entry());
    }
    return concatBytes(...parts);
  }

  /** ITU-T X.690 §8.3 */
  #integer(): Uint8Array {
    const token = this.#peek();
    const value = token?.kind === "name" ? namedNumber(token.text) : Number(this.#take("number").text);
    if (value === undefined || value > 0x7fff_ffff) throw this.#error("the number has no such name, or is too great");
    if (token?.kind === "name") this.#next++;
    const octets = Buffer.alloc(5);
    octets.writeUInt32BE(value, 1);
    const first = octets.findIndex((octet, index) => index === 4 || octet !== 0 || (octets[index + 1] ?? 0) >= 0x80);
    return Uint8Array.from(octets.subarray(first));
  }

  /** Arcs as numbers, or as `name(number)`. ITU-T X.690 §8.19 */
  #oid(): Uint8Array {
    const arcs: number[] = [];
    this.#sign("{");
    while (!this.#isSign("}")) {
      if (this.#peek()?.kind === "name") {
        this.#take("name");
        this.#sign("(");
        arcs.push(Number(this.#take("number").text));
        this.#sign(")");
      } else arcs.push(Number(this.#take("number").text));
    }
    const [first = 0, second = 0, ...others] = arcs;
    if (arcs.length < 2 || first > 2) throw this.#error("an object identifier must stand here");
    return concatBytes(...[first * 40 + second, ...others].map(arcOctets));
  }
}

function arcOctets(arc: number): Uint8Array {
  const octets = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) octets.unshift(128 + (rest % 128));
  return Uint8Array.from(octets);
}

/** Whether a text assigns values in ASN.1. */
export function isValueNotation(text: string): boolean {
  return /^\s*[A-Za-z][\w-]*(\s+ProfileElement)?\s*(::=|:\s*\{)/.test(text.replace(/--[^\n]*/g, ""));
}

/**
 * The octets of a package in ASN.1 value notation, as test profiles are published: an assignment for each element, its
 * fields in the order of the format. ITU-T X.680 §16, §17
 * @throws codec.text at the token that does not fit
 */
export function valueNotationOctets(text: string): Uint8Array {
  return new NotationReader(text).elements();
}
