import { fromHex, toHex } from "../../base/hex.ts";
import { showAlone, showProactive, showTpdu, showWithin } from "../secrets/message-secrets.ts";
import { isCommandLine, publicAnswer, publicCommandLine } from "../secrets/public-command.ts";
import { CommandSecrets } from "../secrets/secret-data.ts";
import type { ShowMessage } from "../secrets/segment-secrets.ts";

/** Names and form of a command line, as far as its text shows them. */
export interface CommandShape {
  /** Extended commands in it, upper case with their sign: `+CSQ`, `^SCID`. Empty for basic commands alone. */
  readonly names: readonly string[];
  /** Form of the last command. V.250 §5.4 */
  readonly form: "test" | "read" | "set" | "execute" | "basic";
  /** Ends in data or a call: NO CARRIER, CONNECT and the like are its own. */
  readonly dials: boolean;
}

/** Reads the shape of `AT+COPS=3,2;+COPS?`: separators inside quotes do not count. */
export function commandShape(line: string): CommandShape {
  const body = line.trim().replace(/^at/i, "");
  const parts = splitOutsideQuotes(body);
  const names = parts.flatMap((part) => {
    const match = /[+^#%*!$][A-Za-z0-9_]+/.exec(part.replace(/"[^"]*"?/g, ""));
    return match === null ? [] : [match[0].toUpperCase()];
  });
  const last = (parts.at(-1) ?? "").replace(/"[^"]*"?/g, "");
  const extended = /[+^#%*!$][A-Za-z]/.test(last);
  const form = !extended
    ? "basic"
    : last.endsWith("=?")
      ? "test"
      : last.endsWith("?")
        ? "read"
        : last.includes("=")
          ? "set"
          : "execute";
  return { names, form, dials: /^[DAO]/i.test(body) || /^\+CGDATA|^\+CHUP|^H|[#^*]SGACT|^\+CGACT/i.test(body) };
}

function splitOutsideQuotes(body: string): string[] {
  return body.match(/(?:[^;"]|"[^"]*"?)+/g) ?? [];
}

/** The answer of AUTHENTICATE: nothing else that a card states starts so. 3GPP TS 31.102 §7.1.2.1 */
const authentication = /^(\s*[+^#%*!$]\w*(?:csim|cgla)\s*: ?\d+,"?db)[0-9A-Fa-f]+/i;
/** A proactive command in what a modem states: fetched, or reported unsolicited. ETSI TS 102 223 §6.6 */
const proactive = /(?<![0-9A-Fa-f])[dD]0(?:[0-9A-Fa-f]{2}){8,}/g;
/** Service centre address and TPDU of a short message. 3GPP TS 27.005 §4 */
const messagePdu = /^(?:[0-9A-Fa-f]{2}){12,}(?=\p{Cc}?$)/u;

/** The line as traces and errors may show it: PINs, passwords and keys are masked. */
export function publicLine(line: string, show: ShowMessage = showAlone, secrets = new CommandSecrets()): string {
  const pdu = messagePdu.exec(line)?.[0];
  if (pdu !== undefined) return `${publicPdu(pdu, show)}${line.slice(pdu.length)}`;
  const shown = isCommandLine(line) ? publicCommandLine(line, show, secrets) : publicAnswer(line, secrets);
  return shown.replace(authentication, "$1***").replace(proactive, (hex) => {
    const octets = fromHex(hex);
    const shown = showProactive(octets);
    return shown === octets ? hex : toHex(shown);
  });
}

function publicPdu(hex: string, show: ShowMessage): string {
  const octets = fromHex(hex);
  const tpdu = octets.subarray(1 + (octets[0] ?? 0));
  const shown = showWithin(octets, tpdu, (part) => showTpdu(part, show));
  return shown === octets ? hex : toHex(shown);
}

/** What a trace shows of octets that are mostly text. */
export function shownText(text: string, show: ShowMessage = showAlone, secrets = new CommandSecrets()): string {
  return publicLine(text.replace(/[\r\n]+$/, ""), show, secrets).replace(/\p{Cc}/gu, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
