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
  return { names, form, dials: /^[DAO]/i.test(body) || /^\+CGDATA|^\+CHUP|^H/i.test(body) };
}

function splitOutsideQuotes(body: string): string[] {
  return body.match(/(?:[^;"]|"[^"]*"?)+/g) ?? [];
}

/** Commands whose parameters are secrets: PINs, passwords. */
const secret =
  /^(at)?([+^#%*!$](?:CPIN|CPIN2|CLCK|CPWD|CGAUTH|SPIC|PIN|QPIN|UPIN|QICSGP|PASSW|UAUTHREQ|ENTERCND)\w*)=(?!\?)/i;
/** VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN carry the PIN in their data. TS 102 221 §11.1.9 */
const pinApdu = /^("?[0-9A-F]{2}(?:20|24|26|28|2C)[0-9A-F]{6})([0-9A-F]+)("?.*)$/i;

/** The line as traces and errors may show it: PINs and passwords are masked. */
export function publicLine(line: string): string {
  const hidden = secret.exec(line);
  if (hidden !== null) return `${line.slice(0, hidden[0].length)}***`;
  const apdu = /^at\+(?:csim|cgla)=(?:[0-9A-Fa-f]+,)?\d+,/i.exec(line);
  if (apdu === null) return line;
  const match = pinApdu.exec(line.slice(apdu[0].length));
  return match === null ? line : `${apdu[0]}${match[1]}***${match[3]}`;
}

/** What a trace shows of octets that are mostly text. */
export function shownText(text: string): string {
  return publicLine(text.replace(/[\r\n]+$/, "")).replace(/\p{Cc}/gu, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
