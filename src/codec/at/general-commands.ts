import { withoutUndefined } from "../../base/defined.ts";
import { type ArgReader, charsetText } from "./args.ts";
import { bare, command, info, nothing } from "./command.ts";
import { parseRegistration, type Registration } from "./urc.ts";

/** Attention: does nothing, shows that the modem listens. V.250 §4.4 */
export const attention = command<void, void>({ line: () => "AT", reply: nothing, budget: "quick" });

/** A line that gives nothing back but its result, such as those of a profile's `init`. */
export const plain = command<string, void>({ line: (line) => line, reply: nothing, budget: "quick" });

/** The same with the time a restart or a change of functionality takes. */
export const powerLine = command<string, void>({ line: (line) => line, reply: nothing, budget: "power" });

/** Manufacturer. TS 27.007 §5.1 */
export const maker = command<void, string>({
  line: () => "AT+CGMI",
  reply: bare("+CGMI", (lines) => lines[0] ?? ""),
  budget: "quick",
});

/** Model. TS 27.007 §5.2 */
export const model = command<void, string>({
  line: () => "AT+CGMM",
  reply: bare("+CGMM", (lines) => lines[0] ?? ""),
  budget: "quick",
});

/** Firmware revision. TS 27.007 §5.3 */
export const revision = command<void, string>({
  line: () => "AT+CGMR",
  reply: bare("+CGMR", (lines) => (lines[0] ?? "").replace(/^Revision:\s*/i, "")),
  budget: "quick",
});

/** What the module states about itself in free form. V.250 §6.1.3 */
export const identification = command<void, readonly string[]>({
  line: () => "ATI",
  reply: { prefixes: ["+GCAP"], lines: "many", read: (lines) => lines.map(({ text }) => text.trim()) },
  budget: "quick",
});

/** Any read-only question of a profile: all its lines. */
export const question = command<string, readonly string[]>({
  line: (line) => line,
  reply: { prefixes: [], lines: "many", read: (lines) => lines.map(({ text }) => text.trim()) },
  budget: "card",
});

/** PIN state: `READY`, `SIM PIN`, `SIM PUK` … TS 27.007 §8.3 */
export const pinState = command<void, string>({
  line: () => "AT+CPIN?",
  reply: { ...info("+CPIN", (args) => args.text("code").trim()), lone: true },
  budget: "pin",
});

/** Registration in the domain of `CREG`, `CGREG`, `CEREG` or `C5GREG`. TS 27.007 §7.2, §10.1.20, §10.1.22, §10.1.47 */
export const registration = command<"CREG" | "CGREG" | "CEREG" | "C5GREG", Registration>({
  line: (domain) => `AT+${domain}?`,
  reply: {
    prefixes: ["+CREG", "+CGREG", "+CEREG", "+C5GREG"],
    lines: "one",
    read: (lines) => parseRegistration(lines[0]?.text ?? ""),
  },
  budget: "quick",
});

/** The operator in use: digits of MCC and MNC or a name, as the format was set. TS 27.007 §7.3 */
export interface Operator {
  readonly mode: number;
  readonly format?: number;
  readonly operator?: string;
  readonly accessTechnology?: number;
}

export const operator = command<void, Operator>({
  line: () => "AT+COPS?",
  reply: info("+COPS", (args): Operator => {
    const mode = args.int("mode");
    const format = args.maybeInt();
    const name = args.maybeText();
    const accessTechnology = args.maybeInt();
    return {
      mode,
      ...withoutUndefined({ format }),
      ...(name === undefined ? {} : { operator: utf8(operatorText(name, format)) }),
      ...withoutUndefined({ accessTechnology }),
    };
  }),
  budget: "quick",
});

/** Digits need not be decoded unless they are too many to be MCC and MNC. */
function operatorText(name: string, format: number | undefined): string {
  if (format !== 2) return charsetText(name);
  if (/^\d{5,6}$/.test(name)) return name;
  const digits = [charsetText(name), Buffer.from(name, "hex").toString("latin1")];
  return digits.find((text) => /^\d{5,6}$/.test(text)) ?? name;
}

/** The character set of string parameters. TS 27.007 §5.5 */
export const characterSet = command<void, string>({
  line: () => "AT+CSCS?",
  reply: info("+CSCS", (args) => charsetText(args.text("chset")).toUpperCase()),
  budget: "quick",
});

/** Operators are reported as MCC and MNC from now on. TS 27.007 §7.3 */
export const numericOperators = command<void, void>({ line: () => "AT+COPS=3,2", reply: nothing, budget: "quick" });

/** Scan for operators; any character ends it early. TS 27.007 §7.3 */
export const scanOperators = command<void, string>({
  line: () => "AT+COPS=?",
  reply: info("+COPS", (_, rest) => rest),
  budget: "scan",
  abortable: true,
});

/** Signal: dBm, undefined when not known. TS 27.007 §8.5 */
export const signalQuality = command<void, { readonly rssiDbm?: number }>({
  line: () => "AT+CSQ",
  reply: info("+CSQ", (args) => {
    const rssi = args.int("rssi");
    return rssi >= 0 && rssi <= 31 ? { rssiDbm: -113 + 2 * rssi } : {};
  }),
  budget: "quick",
});

/** Signal of each access technology, dBm and dB. TS 27.007 §8.69 */
export interface ExtendedSignal {
  readonly rxlevDbm?: number;
  readonly rscpDbm?: number;
  readonly rsrqDb?: number;
  readonly rsrpDbm?: number;
}

export const extendedSignal = command<void, ExtendedSignal>({
  line: () => "AT+CESQ",
  reply: info("+CESQ", readExtendedSignal),
  budget: "quick",
});

function readExtendedSignal(args: ArgReader): ExtendedSignal {
  const rxlev = args.int("rxlev");
  args.maybeInt();
  const rscp = args.int("rscp");
  args.maybeInt();
  const rsrq = args.int("rsrq");
  const rsrp = args.int("rsrp");
  return {
    ...(rxlev <= 63 ? { rxlevDbm: -111 + rxlev } : {}),
    ...(rscp <= 96 ? { rscpDbm: -121 + rscp } : {}),
    ...(rsrq <= 34 ? { rsrqDb: -20 + rsrq / 2 } : {}),
    ...(rsrp <= 97 ? { rsrpDbm: -141 + rsrp } : {}),
  };
}

/** Text that came as Latin-1 characters, as UTF-8 if it is that. */
function utf8(text: string): string {
  const decoded = Buffer.from(text, "latin1").toString("utf8");
  return decoded.includes("\ufffd") ? text : decoded;
}
