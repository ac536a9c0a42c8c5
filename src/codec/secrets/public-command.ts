import { fromHex, toHex } from "../../base/hex.ts";
import { mayNameKeys } from "./key-files.ts";
import { showEnvelope } from "./message-secrets.ts";
import { type CommandSecrets, withoutRanges } from "./secret-data.ts";
import type { ShowMessage } from "./segment-secrets.ts";

const hidden = "***";

/** Commands of which all parameters may be PINs or passwords. */
const secretNames =
  /PIN|CLCK|PWD|PASS|AUTH|GPAU|ICSGP|CSTT|SAPBR|UPSD|REGAPP|NDIS|PDPP|SGACT|SICS|SPIC|PUK|ENTERCND|USERID|CRED|PSK|NETOPEN|GPCO/;

/** Commands of which no parameter is a secret, whatever the sign in front. 3GPP TS 27.007, 27.005, ITU-T V.250 and vendors' own */
const harmless = new Set(
  (
    "CREG CGREG CEREG C5GREG COPS COPN CPOL CPLS CSQ CESQ CMGF CNMI CPMS CMGS CMGW CMGR CMGL CMGD CMSS CMGC CMMS CSMS CSCS CSCA " +
    "CSMP CSDH CSCB CSAS CRES CNMA CMEE CFUN CGATT CGACT CGDATA CGDCONT CGPADDR CGCONTRDP CGEREP CGSN CGMI CGMM CGMR CIMI CCID ICCID " +
    "CICCID QCCID SQNCCID XICCID SCID EID CCHO CCHC CUSATR CUSATW CUSATE CUSATT CUSATD CMUX CLAC GCAP GMI GMM GMR GSN IPR IFC ICF ILRR " +
    "CCLK CTZU CTZR CRC CLIP CLIR CLCC CHUP CPAS CIND CMER CSCON CPSMS CEDRXS CNMP CMNB WS46 CPOF CPOWD CPWROFF CREBOOT " +
    "CRESET QPOWD QSIMSTAT QSIMDET QSTK QURCCFG QCFG QNWINFO QENG QCSQ STK STIA STGI STSR QSS REBOOT SHDN SELINT SIMDET XRESET " +
    "XSYSTEMMODE UBIP UCUSATA USIMSTAT URAT UMNOPROF CURC RESET SCFG SCKS SIND SMSO SSTA SSTGI SSTR SYSCFGEX SYSINFOEX HCSQ"
  ).split(" "),
);

const carriesApdu = /(?:CSIM|CGLA)$/;
const accessesFile = /(?:CRSM|CRLA)$/;

/** What may stand before the commands of a line: noise, and AT in any case. */
const head = /^[^A-Za-z0-9+^#%*!$\\&"]*a\s*t/i;
const bareCommand = /^\s*[+^#%*!$]\s*[A-Za-z]\w*\s*=/;
/** Basic commands that take a number, and S parameters. ITU-T V.250 §5.3 */
const basic = /^(?:[&\\%]?[A-CE-RT-Z]\s*\d{0,3}(?!\d)|S\s*\d{1,3}\s*(?:=\s*\d{0,3}(?!\d)|\?)?)/i;
const plainNumber = /^[\d+,TPW!@().\-\sIG]*$/i;

/** Whether a line is a command line, or the echo of one, as opposed to an answer. */
export function isCommandLine(line: string): boolean {
  return head.test(line) || bareCommand.test(line);
}

/** A command line with the parameters masked that are secrets, or may be: of each of its commands by itself. ITU-T V.250 §5.2 */
export function publicCommandLine(line: string, show: ShowMessage, secrets: CommandSecrets): string {
  const start = head.exec(line)?.[0] ?? "";
  let out = start;
  for (let rest = line.slice(start.length); rest !== ""; ) {
    const space = /^[\s;]+/.exec(rest)?.[0];
    const step =
      space !== undefined
        ? { taken: space, shown: space }
        : /^[+^#*!$]|^%\s*[A-Za-z]{2}/.test(rest)
          ? extended(rest, show, secrets)
          : /^d/i.test(rest)
            ? dial(rest)
            : basicCommand(rest);
    out += step.shown;
    rest = rest.slice(step.taken.length);
  }
  return out;
}

interface Step {
  readonly taken: string;
  readonly shown: string;
}

/** Up to the next semicolon that is not inside quotes. */
function segment(rest: string): string {
  return /^(?:[^;"]|"[^"]*(?:"|$))*/.exec(rest)?.[0] || rest;
}

function basicCommand(rest: string): Step {
  const known = basic.exec(rest)?.[0];
  if (known !== undefined && known !== "") return { taken: known, shown: known };
  const taken = segment(rest);
  return { taken, shown: hidden };
}

/** Digits of a service code are shown, what it is about is not: PINs and passwords are changed so. 3GPP TS 22.030 §6.5.2, §6.6 */
function dial(rest: string): Step {
  const taken = segment(rest);
  const number = taken.slice(1);
  if (plainNumber.test(number)) return { taken, shown: taken };
  const code = /^\s*[*#]{1,3}\d{2,3}[*#]/.exec(number)?.[0] ?? "";
  return { taken, shown: `${taken[0]}${code}${code.length === number.trimEnd().length ? "" : hidden}` };
}

function extended(rest: string, show: ShowMessage, secrets: CommandSecrets): Step {
  const taken = segment(rest);
  const written = /^.\s*\w*/s.exec(taken)?.[0] ?? "";
  const after = taken.slice(written.length);
  const name = written.slice(1).trim().toUpperCase();
  if (/\d{4,}$/.test(name)) return { taken, shown: `${written.replace(/\d+$/, "")}${hidden}` };
  if (/^\s*(?:=?\s*\?\s*)?$/.test(after)) return { taken, shown: taken };
  const sign = /^\s*=\s*/.exec(after)?.[0];
  if (sign === undefined) return { taken, shown: `${written}${hidden}` };
  const value = after.slice(sign.length);
  return { taken, shown: `${written}${sign}${publicValue(name, value, show, secrets)}` };
}

function publicValue(name: string, value: string, show: ShowMessage, secrets: CommandSecrets): string {
  if (carriesApdu.test(name)) return apduValue(value, show, secrets);
  if (accessesFile.test(name)) return fileValue(name, value, secrets);
  if (harmless.has(name)) return value;
  if (secretNames.test(name)) return hidden;
  return fields(value)
    .map((field) => (/^\s*\d{0,3}\s*$/.test(field) ? field : hidden))
    .join(",");
}

/** Parameters between commas that are not inside quotes. */
function fields(value: string): string[] {
  const found: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < value.length; at++) {
    if (value[at] === '"') quoted = !quoted;
    else if (value[at] === "," && !quoted) {
      found.push(value.slice(start, at));
      start = at + 1;
    }
  }
  return [...found, value.slice(start)];
}

/** Session, length and the command in hexadecimal. 3GPP TS 27.007 §8.17, §8.43 */
function apduValue(value: string, show: ShowMessage, secrets: CommandSecrets): string {
  const match = /^((?:\s*"?[0-9A-Fa-f]{1,8}"?\s*,){1,2})(\s*"?)([0-9A-Fa-f\s]*)("?\s*)$/.exec(value);
  if (match === null) return hidden;
  const [, numbers = "", open = "", hex = "", close = ""] = match;
  const tight = hex.replace(/\s/g, "");
  if (tight.length % 2 !== 0 || tight === "") return `${numbers}${open}${hidden}${close}`;
  const shown = publicApdu(tight, show, secrets);
  return `${numbers}${open}${shown === tight ? hex : shown}${close}`;
}

function publicApdu(hex: string, show: ShowMessage, secrets: CommandSecrets): string {
  const apdu = fromHex(hex);
  const secret = secrets.next(apdu);
  secrets.expectAnswer(apdu);
  if (secret !== undefined && secret.kind !== "login" && secret.ranges.length > 0)
    return `${hex.slice(0, 10)}${hidden}`;
  const shown = apdu[1] === 0xc2 ? showEnvelope(apdu, show) : withoutRanges(apdu, secret?.ranges ?? []);
  return shown === apdu ? hex : toHex(shown);
}

const harmlessAccess = new Set(["176", "178", "192", "203", "214", "219", "220", "242"]);

/** Command, file, P1 to P3, data and path; +CRLA has the session in front. 3GPP TS 27.007 §8.18, §8.48 */
function fileValue(name: string, value: string, secrets: CommandSecrets): string {
  const all = fields(value);
  const session = name.endsWith("CRLA") ? 1 : 0;
  const [command = "", file = "", ...parameters] = all.slice(session).map((field) => field.replace(/["\s]/g, ""));
  const plain = harmlessAccess.has(command) && !mayNameKeys(Number(file), parameters[4] ?? "");
  secrets.expectKeys(!plain);
  // The data are the sixth; what is not a number before them is none of theirs.
  return all
    .map((field, at) => {
      if (at - session >= 5) return plain ? field : hidden;
      return /^\s*"?\d{0,6}"?\s*$/.test(field) ? field : hidden;
    })
    .join(",");
}

/** An answer to a command line with what may be a secret masked. */
export function publicAnswer(line: string, secrets: CommandSecrets): string {
  const match = /^(\s*[+^#%*!$](\w+)\s*:)(.*)$/s.exec(line);
  if (match === null) return line;
  const [, front = "", name = "", rest = ""] = match;
  const upper = name.toUpperCase();
  if (carriesApdu.test(upper) || accessesFile.test(upper))
    return secrets.answersKeys ? `${front}${rest.replace(/[0-9A-Fa-f]{8,}/g, hidden)}` : line;
  // What they answer of PINs are words and counters.
  if (!secretNames.test(upper)) return line;
  return /^[^"]*$/.test(rest) && !/\d{4}/.test(rest) && !/PWD|PASS|AUTH/.test(upper) ? line : `${front} ${hidden}`;
}
