/** A key that occurs twice in an object of a JSON text: parsers take the last one without an error. RFC 8259 §4 */
interface DoubleKey {
  readonly key: string;
  /** Place of the second one. */
  readonly line: number;
}

const space = /[\s,:]/;

/** Keys that occur twice in one object. The text must be well-formed JSON; linear in its length. */
export function doubleKeys(text: string): readonly DoubleKey[] {
  const found: DoubleKey[] = [];
  const open: (Set<string> | undefined)[] = [];
  let line = 1;
  for (let at = 0; at < text.length; ) {
    const character = text.charAt(at);
    if (character === '"') {
      const end = stringEnd(text, at);
      const keys = open.at(-1);
      if (keys !== undefined && isKey(text, end)) {
        const key: unknown = JSON.parse(text.slice(at, end));
        if (typeof key === "string" && keys.has(key)) found.push({ key, line });
        else if (typeof key === "string") keys.add(key);
      }
      at = end;
      continue;
    }
    if (character === "\n") line++;
    if (character === "{") open.push(new Set());
    else if (character === "[") open.push(undefined);
    else if (character === "}" || character === "]") open.pop();
    at++;
  }
  return found;
}

/** Position behind the closing quote. */
function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function isKey(text: string, from: number): boolean {
  for (let at = from; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === ":") return true;
    if (!space.test(character) || character === ",") return false;
  }
  return false;
}
