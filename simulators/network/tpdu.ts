import { codecError } from "../../src/base/gateway-error.ts";

/** An address field as it stands in a TPDU. 3GPP TS 23.040 §9.1.2.5 */
export interface Address {
  /** Type of address: type of number and numbering plan. */
  readonly toa: number;
  /** Digits, or the packed octets in hexadecimal when the type is alphanumeric. */
  readonly digits: string;
}

/** SMS-SUBMIT taken apart. 3GPP TS 23.040 §9.2.2.2 */
export interface Submit {
  readonly rejectDuplicates: boolean;
  readonly statusReport: boolean;
  readonly header: boolean;
  readonly replyPath: boolean;
  readonly reference: number;
  readonly to: Address;
  readonly pid: number;
  readonly dcs: number;
  /** Milliseconds, undefined when the message names none. */
  readonly validityMs: number | undefined;
  readonly length: number;
  readonly userData: Uint8Array;
}

/** SMS-DELIVER. 3GPP TS 23.040 §9.2.2.1 */
export interface Deliver {
  readonly from: Address;
  readonly pid: number;
  readonly dcs: number;
  readonly header: boolean;
  readonly moreToSend: boolean;
  readonly replyPath: boolean;
  readonly reportRequested: boolean;
  /** Seven octets of TP-SCTS. */
  readonly time: Uint8Array;
  /** TP-UDL: septets in the default alphabet, octets otherwise. */
  readonly length: number;
  readonly userData: Uint8Array;
}

/** SMS-STATUS-REPORT. 3GPP TS 23.040 §9.2.2.3 */
interface StatusReport {
  readonly reference: number;
  readonly to: Address;
  readonly time: Uint8Array;
  readonly discharge: Uint8Array;
  /** TP-ST. */
  readonly status: number;
}

const digitsOfNibble = "0123456789*#abc";

/** `+` makes it international, anything else unknown. ISDN numbering. */
export function numberAddress(number: string): Address {
  const digits = number.replace(/[^0-9*#a-c]/g, "");
  return { toa: number.startsWith("+") ? 0x91 : 0x81, digits };
}

/** The number in the usual notation. */
export function addressText({ toa, digits }: Address): string {
  return (toa & 0x70) === 0x10 ? `+${digits}` : digits;
}

/** Swapped semi-octets with a filler. */
export function semiOctets(digits: string): Uint8Array {
  const bytes = new Uint8Array((digits.length + 1) >> 1).fill(0xff);
  for (const [index, digit] of [...digits].entries()) {
    const nibble = digitsOfNibble.indexOf(digit) & 0x0f;
    const at = index >> 1;
    const old = bytes[at] ?? 0xff;
    bytes[at] = index % 2 === 0 ? (old & 0xf0) | nibble : (old & 0x0f) | (nibble << 4);
  }
  return bytes;
}

/** Digits of swapped semi-octets, up to the filler. */
export function semiOctetDigits(bytes: Uint8Array): string {
  let digits = "";
  for (const byte of bytes) {
    for (const nibble of [byte & 0x0f, byte >> 4]) {
      if (nibble === 0x0f) return digits;
      digits += digitsOfNibble[nibble] ?? "";
    }
  }
  return digits;
}

/** TP-SCTS of a moment, in UTC. */
export function timestamp(ms: number): Uint8Array {
  const t = new Date(ms);
  const parts = [
    t.getUTCFullYear() % 100,
    t.getUTCMonth() + 1,
    t.getUTCDate(),
    t.getUTCHours(),
    t.getUTCMinutes(),
    t.getUTCSeconds(),
    0,
  ];
  return Uint8Array.from(parts, (part) => ((part % 10) << 4) | Math.floor(part / 10));
}

/** Reads octets in order; complains with the offset when they end early. */
class Octets {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get rest(): number {
    return this.#bytes.length - this.#at;
  }

  byte(field: string): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw codecError("codec.truncated", `${field} is missing`, this.#at, { field });
    this.#at += 1;
    return value;
  }

  take(count: number, field: string): Uint8Array {
    if (this.rest < count) throw codecError("codec.truncated", `${field} is cut off`, this.#at, { field });
    const part = this.#bytes.slice(this.#at, this.#at + count);
    this.#at += count;
    return part;
  }

  end(): void {
    if (this.rest > 0) throw codecError("codec.trailing", "octets follow the user data", this.#at);
  }
}

function readAddress(from: Octets, field: string): Address {
  const count = from.byte(field);
  if (count > 20) throw codecError("codec.length", `${field} has ${count} semi-octets`, 0, { field });
  const toa = from.byte(field);
  const octets = from.take((count + 1) >> 1, field);
  if ((toa & 0x70) === 0x50) return { toa, digits: Buffer.from(octets).toString("hex") };
  return { toa, digits: semiOctetDigits(octets).slice(0, count) };
}

function addressOctets({ toa, digits }: Address): Uint8Array {
  if ((toa & 0x70) !== 0x50) return Uint8Array.of(digits.length, toa, ...semiOctets(digits));
  const packed = Buffer.from(digits, "hex");
  return Uint8Array.of(packed.length * 2, toa, ...packed);
}

/** True when TP-UDL counts septets. 3GPP TS 23.038 §4 */
export function countsSeptets(dcs: number): boolean {
  const group = dcs >> 4;
  if (group < 4) return (dcs & 0x0c) === 0 && (dcs & 0x20) === 0;
  if (group === 0x0f) return (dcs & 0x04) === 0;
  return group === 0x0c || group === 0x0d;
}

/** Message class 0 to 3, or undefined. 3GPP TS 23.038 §4 */
export function messageClass(dcs: number): number | undefined {
  const group = dcs >> 4;
  if (group < 8) return (dcs & 0x10) === 0 ? undefined : dcs & 3;
  return group === 0x0f ? dcs & 3 : undefined;
}

function readUserData(from: Octets, dcs: number): { length: number; userData: Uint8Array } {
  const length = from.byte("TP-UDL");
  const octets = countsSeptets(dcs) ? Math.ceil((length * 7) / 8) : length;
  if (octets > 140) throw codecError("codec.length", `TP-UDL ${length} exceeds 140 octets`, 0, { field: "TP-UDL" });
  return { length, userData: from.take(octets, "TP-UD") };
}

const minute = 60_000;

/** TP-VP in its relative form. 3GPP TS 23.040 §9.2.3.12.1 */
function relativeMs(value: number): number {
  if (value <= 143) return (value + 1) * 5 * minute;
  if (value <= 167) return (12 * 60 + (value - 143) * 30) * minute;
  return value <= 196 ? (value - 166) * 1440 * minute : (value - 192) * 7 * 1440 * minute;
}

function readValidity(from: Octets, format: number, now: number): number | undefined {
  if (format === 2) return relativeMs(from.byte("TP-VP"));
  if (format === 0) return undefined;
  const octets = from.take(7, "TP-VP");
  if (format === 1) return (octets[0] ?? 0) & 1 ? relativeMs(octets[1] ?? 0) : (octets[1] ?? 0) * 1000;
  const [yy = 0, mo = 1, dd = 1, hh = 0, mi = 0, ss = 0] = [...octets].map((o) => (o & 0x0f) * 10 + (o >> 4));
  return Math.max(0, Date.UTC(2000 + yy, mo - 1, dd, hh, mi, ss) - now);
}

/** @throws codec.* with the offset; codec.value when it is not SMS-SUBMIT */
export function readSubmit(bytes: Uint8Array, now: number): Submit {
  const from = new Octets(bytes);
  const first = from.byte("first octet");
  if ((first & 3) !== 1) throw codecError("codec.value", "this is not an SMS-SUBMIT", 0, { field: "TP-MTI" });
  const reference = from.byte("TP-MR");
  const to = readAddress(from, "TP-DA");
  const pid = from.byte("TP-PID");
  const dcs = from.byte("TP-DCS");
  const validityMs = readValidity(from, (first >> 3) & 3, now);
  const { length, userData } = readUserData(from, dcs);
  from.end();
  return {
    rejectDuplicates: (first & 0x04) !== 0,
    statusReport: (first & 0x20) !== 0,
    header: (first & 0x40) !== 0,
    replyPath: (first & 0x80) !== 0,
    reference,
    to,
    pid,
    dcs,
    validityMs,
    length,
    userData,
  };
}

/** Octets of an SMS-SUBMIT without validity period. */
export function submitOctets(
  message: Omit<Submit, "validityMs" | "rejectDuplicates"> & { readonly validity?: number },
): Uint8Array {
  const first =
    0x01 |
    (message.validity === undefined ? 0 : 0x10) |
    (message.statusReport ? 0x20 : 0) |
    (message.header ? 0x40 : 0) |
    (message.replyPath ? 0x80 : 0);
  const { reference, to, pid, dcs, length, userData } = message;
  const validity = message.validity === undefined ? [] : [message.validity];
  return Uint8Array.of(first, reference, ...addressOctets(to), pid, dcs, ...validity, length, ...userData);
}

/** Octets of an SMS-DELIVER. */
export function deliverOctets(message: Deliver): Uint8Array {
  const first =
    (message.moreToSend ? 0 : 0x04) |
    (message.reportRequested ? 0x20 : 0) |
    (message.header ? 0x40 : 0) |
    (message.replyPath ? 0x80 : 0);
  const { from, pid, dcs, time, length, userData } = message;
  return Uint8Array.of(first, ...addressOctets(from), pid, dcs, ...time, length, ...userData);
}

/** @throws codec.*; codec.value when it is not SMS-DELIVER */
export function readDeliver(bytes: Uint8Array): Deliver {
  const from = new Octets(bytes);
  const first = from.byte("first octet");
  if ((first & 3) !== 0) throw codecError("codec.value", "this is not an SMS-DELIVER", 0, { field: "TP-MTI" });
  const sender = readAddress(from, "TP-OA");
  const pid = from.byte("TP-PID");
  const dcs = from.byte("TP-DCS");
  const time = from.take(7, "TP-SCTS");
  const { length, userData } = readUserData(from, dcs);
  from.end();
  return {
    from: sender,
    pid,
    dcs,
    header: (first & 0x40) !== 0,
    moreToSend: (first & 0x04) === 0,
    replyPath: (first & 0x80) !== 0,
    reportRequested: (first & 0x20) !== 0,
    time,
    length,
    userData,
  };
}

/** Octets of an SMS-STATUS-REPORT on a submission, the last one waiting. */
export function statusReportOctets({ reference, to, time, discharge, status }: StatusReport): Uint8Array {
  return Uint8Array.of(0x06, reference, ...addressOctets(to), ...time, ...discharge, status);
}

/** @throws codec.*; codec.value when it is not SMS-STATUS-REPORT */
export function readStatusReport(bytes: Uint8Array): StatusReport {
  const from = new Octets(bytes);
  if ((from.byte("first octet") & 3) !== 2) throw codecError("codec.value", "this is not an SMS-STATUS-REPORT", 0);
  const reference = from.byte("TP-MR");
  const to = readAddress(from, "TP-RA");
  const time = from.take(7, "TP-SCTS");
  const discharge = from.take(7, "TP-DT");
  return { reference, to, time, discharge, status: from.byte("TP-ST") };
}
