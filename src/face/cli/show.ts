import { fromHex } from "../../base/hex.ts";
import { statusWordName } from "../../codec/apdu/status-word.ts";
import { parseSpi, showSpi } from "../../codec/ota/spi.ts";
import { showDataCoding } from "../../codec/sms/data-coding.ts";
import { smsFailureName, smsStatusName } from "../../codec/sms/status-names.ts";

const number = (text: string) => Number.parseInt(text, 16);

function spiMeaning(text: string): string {
  try {
    return showSpi(parseSpi(fromHex(text)));
  } catch {
    return "reserved";
  }
}

/** The meaning of a value with this name, as text. */
const meanings: Readonly<Record<string, (text: string) => string>> = {
  sw: (text) => statusWordName(number(text)),
  trailing_sw: (text) => `${statusWordName(number(text))}; outside the packet`,
  spi: spiMeaning,
  tp_dcs: (text) => showDataCoding(number(text)),
  tp_st: (text) => smsStatusName(number(text)),
  tp_fcs: (text) => smsFailureName(number(text)),
};

function plain(name: string, value: unknown): string {
  if (value === null) return "none";
  if (value === "") return "empty";
  const text = String(value);
  const meaning = typeof value === "string" ? meanings[name]?.(value) : undefined;
  return meaning === undefined ? text : `${text}  (${meaning})`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function* linesOf(value: Readonly<Record<string, unknown>>, indent: string): Generator<string> {
  const width = Math.max(0, ...Object.keys(value).map((name) => name.length));
  for (const [name, member] of Object.entries(value)) {
    if (Array.isArray(member)) {
      for (const [index, item] of member.entries()) {
        const label = `${name} ${index + 1}`;
        if (!isRecord(item)) {
          yield `${indent}${label.padEnd(width)}  ${plain(name, item)}`;
          continue;
        }
        yield `${indent}${label}`;
        yield* linesOf(item, `${indent}  `);
      }
    } else if (isRecord(member)) {
      yield `${indent}${name}`;
      yield* linesOf(member, `${indent}  `);
    } else {
      yield `${indent}${name.padEnd(width)}  ${plain(name, member)}`;
    }
  }
}

/** An answer for display: an indented tree, with the meaning after each code. */
export function showAnswer(answer: Readonly<Record<string, unknown>>): string {
  return [...linesOf(answer, "")].map((line) => `${line}\n`).join("");
}
