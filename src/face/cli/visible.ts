/**
 * Characters that a terminal acts on instead of showing them: controls of C0 and C1, and those that turn the direction of writing or separate
 * lines. ECMA-48, Unicode UAX #9
 */
const acting = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;
/** The same but for ends of lines and tabs. */
const actingInLines = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff](?<![\n\t])/gu;
/** Colors and weights: the one kind of sequence that this program writes. ECMA-48 §8.3.117 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what makes the sequence
const styles = /(\u001b\[[0-9;]*m)/;

function spelled(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

/** Text from outside as it may stand within a line on a terminal: what would act on the terminal is spelled out. */
export function visible(text: string): string {
  return text.replace(acting, spelled);
}

/** Lines as they may be written to a terminal; `styled` leaves colors in them. */
export function visibleLines(text: string, styled: boolean): string {
  if (!styled) return text.replace(actingInLines, spelled);
  return text
    .split(styles)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(actingInLines, spelled)))
    .join("");
}

/** A value, as an API answers it, with all its texts as they may stand on a terminal. */
export function visibleValue<T>(value: T): T {
  return mapped(value) as T;
}

function mapped(value: unknown): unknown {
  if (typeof value === "string") return visible(value);
  if (Array.isArray(value)) return value.map(mapped);
  if (typeof value !== "object" || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [visible(name), mapped(inner)]));
}
