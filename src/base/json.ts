import { withoutUndefined } from "./defined.ts";
import { GatewayError } from "./gateway-error.ts";

/** Limits of JSON from outside. */
interface JsonLimits {
  /** Maximum nesting of lists and objects. */
  readonly maxDepth: number;
  /** Fields of one object. */
  readonly maxFields: number;
  /** Entries of one list; one with longer entries (32 characters each on average, such as EIDs) may have as many as the text has room for. */
  readonly maxEntries: number;
}

const longEntry = 32;

/** Limits of every JSON text from outside: twice those of the largest request. */
const jsonLimits: JsonLimits = { maxDepth: 64, maxFields: 1000, maxEntries: 20_000 };

/** A limit that a text exceeds, and the offset of the character where it does. */
interface JsonExcess {
  readonly why: string;
  readonly offset: number;
}

const significant = /["[\]{},:]/g;

/**
 * Reads a text once and specifies where it exceeds a limit; undefined when it does not. It does not check whether the
 * text is JSON, and creates no value, so that the cost grows only with the length.
 */
export function jsonExcess(text: string, limits: JsonLimits = jsonLimits): JsonExcess | undefined {
  const counts: number[] = [];
  const maxEntries = Math.max(limits.maxEntries, Math.floor(text.length / longEntry));
  significant.lastIndex = 0;
  for (let found = significant.exec(text); found !== null; found = significant.exec(text)) {
    const at = found.index;
    switch (found[0]) {
      case '"':
        significant.lastIndex = endOfString(text, at + 1);
        break;
      case "[":
      case "{":
        counts.push(0);
        if (counts.length > limits.maxDepth) return { why: `nested deeper than ${limits.maxDepth} levels`, offset: at };
        break;
      case "]":
      case "}":
        counts.pop();
        break;
      case ",": {
        const count = (counts.pop() ?? 0) + 1;
        counts.push(count);
        // Entries are one more than the commas between them.
        if (count >= maxEntries) return { why: `a list of more than ${maxEntries} entries`, offset: at };
        break;
      }
      default:
        if ((counts.at(-1) ?? 0) >= limits.maxFields)
          return { why: `an object of more than ${limits.maxFields} fields`, offset: at };
    }
  }
  return undefined;
}

/** Offset behind the quotation mark that ends a string. */
function endOfString(text: string, from: number): number {
  let end = text.indexOf('"', from);
  while (end !== -1) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === 0x5c && end - 1 - escapes >= from) escapes += 1;
    if (escapes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

/**
 * JSON from outside as a value. The messages never quote the text, which may hold keys.
 * @throws codec.text naming the offset, when it is not JSON or exceeds a limit
 */
export function parseJson(text: string, limits: JsonLimits = jsonLimits): unknown {
  const excess = jsonExcess(text, limits);
  if (excess !== undefined)
    throw new GatewayError("codec.text", `${excess.why} (offset ${excess.offset})`, {
      detail: { offset: excess.offset },
    });
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's message may quote the text; only the position is used.
    const message = error instanceof Error ? error.message : "";
    const place = /position (\d+)/.exec(message)?.[1];
    const offset = place !== undefined ? Number(place) : message.includes("end of JSON") ? text.length : undefined;
    throw new GatewayError(
      "codec.text",
      offset === undefined ? "not valid JSON" : `not valid JSON (offset ${offset})`,
      {
        detail: withoutUndefined({ offset }),
      },
    );
  }
}
