import { withoutUndefined } from "../../base/defined.ts";
import { codecError } from "../../base/gateway-error.ts";
import { Writer } from "../kit/codec.ts";

/** A command APDU. The case follows from what is there: data (Lc) and Le. ISO/IEC 7816-4 §5.1 */
interface CommandApdu {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  /** Empty = no Lc. */
  readonly data: Uint8Array;
  /** Octets of answer that are wanted: 1–256 short, 1–65536 extended; absent = none. */
  readonly le?: number;
  /** Lengths are (to be) coded in the extended form. */
  readonly extended: boolean;
}

/** 1: neither, 2: Le, 3: data, 4: both. ISO/IEC 7816-4 §5.1 */
export function commandCase(command: CommandApdu): 1 | 2 | 3 | 4 {
  if (command.data.length === 0) return command.le === undefined ? 1 : 2;
  return command.le === undefined ? 3 : 4;
}

/** Fields of a command in the usual notation; data and Le decide the case, and whether lengths must be extended. */
export function commandOf(
  header: readonly [cla: number, ins: number, p1: number, p2: number],
  data: Uint8Array = new Uint8Array(0),
  le?: number,
): CommandApdu {
  const [cla, ins, p1, p2] = header;
  const extended = data.length > 255 || (le ?? 0) > 256;
  return { cla, ins, p1, p2, data, extended, ...withoutUndefined({ le }) };
}

/** Octets of a command. @throws codec.length when data or Le do not fit the form asked for */
export function buildCommand(command: CommandApdu): Uint8Array {
  const { data, le, extended } = command;
  const most = extended ? 65535 : 255;
  if (data.length > most) throw codecError("codec.length", `Lc ${data.length}, at most ${most}`, 4, { field: "Lc" });
  if (le !== undefined && (le < 1 || le > most + 1)) {
    throw codecError("codec.length", `Le ${le}, 1 to ${most + 1}`, 4, { field: "Le" });
  }
  const to = new Writer().u8(command.cla).u8(command.ins).u8(command.p1).u8(command.p2);
  if (extended && (data.length > 0 || le !== undefined)) to.u8(0);
  if (data.length > 0) to.uint(data.length, extended ? 2 : 1).bytes(data);
  if (le !== undefined) to.uint(le % (most + 1), extended ? 2 : 1);
  return to.finish();
}

/**
 * Reads a command of any case, short or extended. ISO/IEC 7816-3 §12.1.3
 * @throws codec.truncated below four octets, codec.length when Lc does not fit what follows
 */
export function parseCommand(octets: Uint8Array, base = 0): CommandApdu {
  const [cla, ins, p1, p2, p3] = octets;
  if (cla === undefined || ins === undefined || p1 === undefined || p2 === undefined) {
    throw codecError("codec.truncated", `C-APDU: ${octets.length} octets, at least 4`, base, { field: "C-APDU" });
  }
  const header = { cla, ins, p1, p2 };
  const none = new Uint8Array(0);
  if (p3 === undefined) return { ...header, data: none, extended: false };
  if (octets.length === 5) return { ...header, data: none, le: p3 === 0 ? 256 : p3, extended: false };
  if (p3 === 0 && octets.length >= 7) return parseExtended(octets, header, base);
  const end = 5 + p3;
  if (p3 === 0 || octets.length < end || octets.length > end + 1) throw wrongLc(p3, octets.length - 5, base);
  const data = octets.subarray(5, end);
  const le = octets[end];
  return { ...header, data, extended: false, ...(le === undefined ? {} : { le: le === 0 ? 256 : le }) };
}

function wrongLc(lc: number, present: number, base: number) {
  return codecError("codec.length", `Lc ${lc}, ${present} octets follow`, base + 4, { field: "Lc" });
}

function parseExtended(
  octets: Uint8Array,
  header: Pick<CommandApdu, "cla" | "ins" | "p1" | "p2">,
  base: number,
): CommandApdu {
  const first = ((octets[5] ?? 0) << 8) | (octets[6] ?? 0);
  const wanted = (value: number) => (value === 0 ? 65536 : value);
  if (octets.length === 7) return { ...header, data: new Uint8Array(0), le: wanted(first), extended: true };
  const end = 7 + first;
  const rest = octets.length - end;
  if (first === 0 || (rest !== 0 && rest !== 2)) throw wrongLc(first, octets.length - 7, base);
  const data = octets.subarray(7, end);
  if (rest === 0) return { ...header, data, extended: true };
  return { ...header, data, le: wanted(((octets[end] ?? 0) << 8) | (octets[end + 1] ?? 0)), extended: true };
}
