/**
 * Characters that a terminal executes instead of displaying them: controls of C0 and C1, and those that change the
 * direction of writing or separate lines. ECMA-48, Unicode UAX #9
 */
const acting = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;
/** The same without line ends and tabs. */
const actingInLines = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff](?<![\n\t])/gu;
/** Colors and weights: the only sequences that this program writes. ECMA-48 §8.3.117 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what makes the sequence
const styles = /(\u001b\[[0-9;]*m)/;

function spelled(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

/** Text from outside for a line on a terminal: control characters are spelled out. */
export function visible(text: string): string {
  return text.replace(acting, spelled);
}

/** Lines for a terminal, with control characters spelled out; `styled` keeps colors. */
export function visibleLines(text: string, styled: boolean): string {
  if (!styled) return text.replace(actingInLines, spelled);
  return text
    .split(styles)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(actingInLines, spelled)))
    .join("");
}

/** A value from an API answer with control characters in all its texts spelled out. */
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
