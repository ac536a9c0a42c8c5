import { cmeByText, cmsByText } from "./error-codes.ts";

/** How a command ended. Only `ok` and `connect` are successes. */
export type AtFinal =
  | { readonly kind: "ok"; readonly text: string }
  | { readonly kind: "connect"; readonly text: string }
  | { readonly kind: "error"; readonly text: string }
  /** `code` is missing when the modem gave a text that is in no table. TS 27.007 §9.2 */
  | { readonly kind: "cme"; readonly text: string; readonly code?: number }
  /** TS 27.005 §3.2.5 */
  | { readonly kind: "cms"; readonly text: string; readonly code?: number }
  /** NO CARRIER, BUSY, NO ANSWER, NO DIALTONE. V.250 §5.7.1 */
  | { readonly kind: "call"; readonly text: string };

const calls = ["NO CARRIER", "BUSY", "NO ANSWER", "NO DIALTONE", "NO DIAL TONE"];
const refusals = ["ERROR", "ABORTED", "COMMAND NOT SUPPORT", "TOO MANY PARAMETERS", "NA"];
const numeric = ["OK", "CONNECT", "RING", "NO CARRIER", "ERROR", undefined, "NO DIALTONE", "BUSY", "NO ANSWER"];

/** The words of a numeric result code; undefined for one that V.250 does not give. V.250 §6.3.1 */
export function numericResult(code: number): string | undefined {
  return numeric[code];
}

/** Reads a line as a final result code; undefined when it is none. */
export function parseFinal(line: string): AtFinal | undefined {
  const text = line.trim();
  if (text === "OK") return { kind: "ok", text };
  const first = text.charCodeAt(0);
  if (first === 0x2b) return parseExtended(text);
  if (refusals.includes(text) || /^(MODEM ERROR|ERROR): ?\d+$/.test(text)) return { kind: "error", text };
  if (calls.includes(text)) return { kind: "call", text };
  if (text === "CONNECT" || text.startsWith("CONNECT ")) return { kind: "connect", text };
  return undefined;
}

function parseExtended(text: string): AtFinal | undefined {
  const match = /^\+(CME|CMS) ERROR ?: ?(.*\S)$/.exec(text);
  if (match === null) return undefined;
  const value = match[2] ?? "";
  const kind = match[1] === "CME" ? "cme" : "cms";
  const code = /^\d+$/.test(value) ? Number(value) : kind === "cme" ? cmeByText(value) : cmsByText(value);
  return code === undefined ? { kind, text } : { kind, text, code };
}
