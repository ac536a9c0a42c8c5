import { codecError } from "../../base/gateway-error.ts";
import { Reader, Writer } from "../kit/codec.ts";
import { type SmsAddress, TpAddress } from "./address.ts";
import { readReport, type SmsDeliverReport, type SmsSubmitReport, writeReport } from "./report.ts";
import { Timestamp } from "./timestamp.ts";
import { readUserData, type UserData, writeUserData } from "./user-data.ts";
import { readValidity, type Validity, validityFormat, writeValidity } from "./validity.ts";

/** SMS-DELIVER, from the service centre. 3GPP TS 23.040 §9.2.2.1 */
export interface SmsDeliver {
  readonly type: "SMS-DELIVER";
  /** TP-MMS as the bit stands: true = no further messages wait. */
  readonly noMoreMessages: boolean;
  readonly loopPrevention: boolean;
  /** TP-SRI. */
  readonly statusReport: boolean;
  readonly userDataHeader: boolean;
  readonly replyPath: boolean;
  readonly originator: SmsAddress;
  readonly pid: number;
  readonly dcs: number;
  /** TP-SCTS, see {@link Timestamp}. */
  readonly scts: string;
  readonly userData: UserData;
}

/** SMS-SUBMIT, to the service centre. 3GPP TS 23.040 §9.2.2.2 */
export interface SmsSubmit {
  readonly type: "SMS-SUBMIT";
  readonly rejectDuplicates: boolean;
  /** TP-SRR. */
  readonly statusReport: boolean;
  readonly userDataHeader: boolean;
  readonly replyPath: boolean;
  /** TP-MR. */
  readonly reference: number;
  readonly destination: SmsAddress;
  readonly pid: number;
  readonly dcs: number;
  readonly validity?: Validity | undefined;
  readonly userData: UserData;
}

/** SMS-STATUS-REPORT, from the service centre. 3GPP TS 23.040 §9.2.2.3 */
export interface SmsStatusReport {
  readonly type: "SMS-STATUS-REPORT";
  readonly noMoreMessages: boolean;
  readonly loopPrevention: boolean;
  /** TP-SRQ: answers an SMS-COMMAND. */
  readonly forCommand: boolean;
  readonly userDataHeader: boolean;
  readonly reference: number;
  readonly recipient: SmsAddress;
  readonly scts: string;
  /** TP-DT. */
  readonly discharge: string;
  /** TP-ST; names in status-names.ts. */
  readonly status: number;
  /** TP-PI, absent when the TPDU ends before it. */
  readonly parameters?: number | undefined;
  readonly pid?: number | undefined;
  readonly dcs?: number | undefined;
  readonly userData?: UserData | undefined;
}

/** SMS-COMMAND, to the service centre. 3GPP TS 23.040 §9.2.2.4 */
export interface SmsCommand {
  readonly type: "SMS-COMMAND";
  readonly statusReport: boolean;
  readonly userDataHeader: boolean;
  readonly reference: number;
  readonly pid: number;
  /** TP-CT: 0 enquiry, 1 cancel status report, 2 delete, 3 enable status report. */
  readonly command: number;
  /** TP-MN: reference of the message concerned. */
  readonly messageNumber: number;
  readonly destination: SmsAddress;
  readonly data: Uint8Array;
}

/** Any SMS TPDU. */
export type SmsTpdu = SmsDeliver | SmsSubmit | SmsStatusReport | SmsCommand | SmsDeliverReport | SmsSubmitReport;

const bit = (octet: number, number: number) => (octet & (1 << (number - 1))) !== 0;
const put = (set: boolean, number: number) => (set ? 1 << (number - 1) : 0);

function readDeliver(from: Reader): SmsDeliver {
  const first = from.u8("first octet");
  const originator = TpAddress.read(from);
  const pid = from.u8("TP-PID");
  const dcs = from.u8("TP-DCS");
  return {
    type: "SMS-DELIVER",
    noMoreMessages: bit(first, 3),
    loopPrevention: bit(first, 4),
    statusReport: bit(first, 6),
    userDataHeader: bit(first, 7),
    replyPath: bit(first, 8),
    originator,
    pid,
    dcs,
    scts: Timestamp.read(from),
    userData: readUserData(from, dcs),
  };
}

function writeDeliver(to: Writer, value: SmsDeliver): void {
  to.u8(
    put(value.noMoreMessages, 3) |
      put(value.loopPrevention, 4) |
      put(value.statusReport, 6) |
      put(value.userDataHeader, 7) |
      put(value.replyPath, 8),
  );
  TpAddress.write(to, value.originator);
  to.u8(value.pid).u8(value.dcs);
  Timestamp.write(to, value.scts);
  writeUserData(to, value.userData, value.dcs);
}

function readSubmit(from: Reader): SmsSubmit {
  const first = from.u8("first octet");
  const reference = from.u8("TP-MR");
  const destination = TpAddress.read(from);
  const pid = from.u8("TP-PID");
  const dcs = from.u8("TP-DCS");
  const validity = readValidity(from, (first >> 3) & 0x03);
  return {
    type: "SMS-SUBMIT",
    rejectDuplicates: bit(first, 3),
    statusReport: bit(first, 6),
    userDataHeader: bit(first, 7),
    replyPath: bit(first, 8),
    reference,
    destination,
    pid,
    dcs,
    validity,
    userData: readUserData(from, dcs),
  };
}

function writeSubmit(to: Writer, value: SmsSubmit): void {
  to.u8(
    0x01 |
      put(value.rejectDuplicates, 3) |
      (validityFormat(value.validity) << 3) |
      put(value.statusReport, 6) |
      put(value.userDataHeader, 7) |
      put(value.replyPath, 8),
  );
  to.u8(value.reference);
  TpAddress.write(to, value.destination);
  to.u8(value.pid).u8(value.dcs);
  writeValidity(to, value.validity);
  writeUserData(to, value.userData, value.dcs);
}

function readStatusReport(from: Reader): SmsStatusReport {
  const first = from.u8("first octet");
  const head = {
    type: "SMS-STATUS-REPORT" as const,
    noMoreMessages: bit(first, 3),
    loopPrevention: bit(first, 4),
    forCommand: bit(first, 6),
    userDataHeader: bit(first, 7),
    reference: from.u8("TP-MR"),
    recipient: TpAddress.read(from),
    scts: Timestamp.read(from),
    discharge: Timestamp.read(from),
    status: from.u8("TP-ST"),
  };
  if (from.ended) return head;
  const parameters = from.u8("TP-PI");
  const pid = bit(parameters, 1) ? from.u8("TP-PID") : undefined;
  const dcs = bit(parameters, 2) ? from.u8("TP-DCS") : undefined;
  const userData = bit(parameters, 3) ? readUserData(from, dcs ?? 0) : undefined;
  return { ...head, parameters, pid, dcs, userData };
}

function writeStatusReport(to: Writer, value: SmsStatusReport): void {
  to.u8(
    0x02 |
      put(value.noMoreMessages, 3) |
      put(value.loopPrevention, 4) |
      put(value.forCommand, 6) |
      put(value.userDataHeader, 7),
  );
  to.u8(value.reference);
  TpAddress.write(to, value.recipient);
  Timestamp.write(to, value.scts);
  Timestamp.write(to, value.discharge);
  to.u8(value.status);
  if (value.parameters !== undefined) to.u8(value.parameters);
  if (value.pid !== undefined) to.u8(value.pid);
  if (value.dcs !== undefined) to.u8(value.dcs);
  if (value.userData !== undefined) writeUserData(to, value.userData, value.dcs ?? 0);
}

function readCommand(from: Reader): SmsCommand {
  const first = from.u8("first octet");
  return {
    type: "SMS-COMMAND",
    statusReport: bit(first, 6),
    userDataHeader: bit(first, 7),
    reference: from.u8("TP-MR"),
    pid: from.u8("TP-PID"),
    command: from.u8("TP-CT"),
    messageNumber: from.u8("TP-MN"),
    destination: TpAddress.read(from),
    data: from.take(from.u8("TP-CDL"), "TP-CD"),
  };
}

function writeCommand(to: Writer, value: SmsCommand): void {
  to.u8(0x02 | put(value.statusReport, 6) | put(value.userDataHeader, 7));
  to.u8(value.reference).u8(value.pid).u8(value.command).u8(value.messageNumber);
  TpAddress.write(to, value.destination);
  to.u8(value.data.length).bytes(value.data);
}

/** Octets of a TPDU, without any service centre address. @throws codec.* for values that do not fit */
export function tpduBytes(tpdu: SmsTpdu): Uint8Array {
  const to = new Writer();
  switch (tpdu.type) {
    case "SMS-DELIVER":
      writeDeliver(to, tpdu);
      break;
    case "SMS-SUBMIT":
      writeSubmit(to, tpdu);
      break;
    case "SMS-STATUS-REPORT":
      writeStatusReport(to, tpdu);
      break;
    case "SMS-COMMAND":
      writeCommand(to, tpdu);
      break;
    default:
      writeReport(to, tpdu);
  }
  return to.finish();
}

const readers = {
  "SMS-DELIVER": readDeliver,
  "SMS-SUBMIT": readSubmit,
  "SMS-STATUS-REPORT": readStatusReport,
  "SMS-COMMAND": readCommand,
  "SMS-DELIVER-REPORT": (from: Reader, rp: "ACK" | "ERROR") => readReport(from, "SMS-DELIVER-REPORT", rp),
  "SMS-SUBMIT-REPORT": (from: Reader, rp: "ACK" | "ERROR") => readReport(from, "SMS-SUBMIT-REPORT", rp),
} as const;

const messageTypes = {
  "SMS-DELIVER": 0,
  "SMS-DELIVER-REPORT": 0,
  "SMS-SUBMIT": 1,
  "SMS-SUBMIT-REPORT": 1,
  "SMS-STATUS-REPORT": 2,
  "SMS-COMMAND": 2,
} as const;

/**
 * Reads a TPDU of a known type; reports also need to know whether they sit in RP-ACK or RP-ERROR.
 * @throws codec.* with the offset; codec.value when TP-MTI states another type
 */
export function parseTpdu<T extends SmsTpdu["type"]>(
  bytes: Uint8Array,
  type: T,
  rp?: "ACK" | "ERROR",
): Extract<SmsTpdu, { readonly type: T }>;
export function parseTpdu(bytes: Uint8Array, type: SmsTpdu["type"], rp: "ACK" | "ERROR" = "ACK"): SmsTpdu {
  const from = new Reader(bytes);
  const mti = (from.peek() ?? messageTypes[type]) & 0x03;
  if (mti !== messageTypes[type]) {
    throw codecError("codec.value", `TP-MTI ${mti} does not belong to ${type}`, 0, { field: "TP-MTI" });
  }
  const tpdu = readers[type](from, rp);
  from.end("TPDU");
  return tpdu;
}

/**
 * A TPDU as modems hand it over, with what they put behind it cut off: at the announced length (`<length>` of TS 27.005
 * §3.1) where that leaves a whole TPDU, in any case where TP-UDL ends it.
 * @throws codec.* as {@link parseTpdu} does, for anything but octets left over
 */
export function receivedTpdu(
  bytes: Uint8Array,
  type: "SMS-DELIVER" | "SMS-STATUS-REPORT",
  announced?: number,
): { readonly tpdu: SmsDeliver | SmsStatusReport; readonly octets: Uint8Array } {
  const shorter = announced !== undefined && announced > 0 && announced < bytes.length;
  try {
    return readReceived(shorter ? bytes.subarray(0, announced) : bytes, type);
  } catch (error) {
    if (!shorter) throw error;
    return readReceived(bytes, type);
  }
}

function readReceived(bytes: Uint8Array, type: "SMS-DELIVER" | "SMS-STATUS-REPORT") {
  const from = new Reader(bytes);
  const mti = (from.peek() ?? messageTypes[type]) & 0x03;
  if (mti !== messageTypes[type]) {
    throw codecError("codec.value", `TP-MTI ${mti} does not belong to ${type}`, 0, { field: "TP-MTI" });
  }
  const tpdu = readers[type](from);
  return { tpdu, octets: bytes.subarray(0, from.offset) };
}

const guesses: Readonly<Record<number, readonly (readonly [SmsTpdu["type"], "ACK" | "ERROR"])[]>> = {
  0: [
    ["SMS-DELIVER", "ACK"],
    ["SMS-DELIVER-REPORT", "ACK"],
    ["SMS-DELIVER-REPORT", "ERROR"],
  ],
  1: [
    ["SMS-SUBMIT", "ACK"],
    ["SMS-SUBMIT-REPORT", "ACK"],
    ["SMS-SUBMIT-REPORT", "ERROR"],
  ],
  2: [
    ["SMS-STATUS-REPORT", "ACK"],
    ["SMS-COMMAND", "ACK"],
  ],
};

/**
 * Reads a TPDU of which the direction is unknown: TP-MTI alone does not tell a message from a report, so the first
 * reading that fits all octets counts (messages before reports, RP-ACK before RP-ERROR). `rp` states it is a report.
 * @throws codec.* of the most likely reading when none fits
 */
export function guessTpdu(bytes: Uint8Array, rp?: "ACK" | "ERROR"): SmsTpdu {
  const first = bytes[0];
  if (first === undefined) throw codecError("codec.truncated", "TPDU: no octet", 0);
  const all = guesses[first & 0x03];
  if (all === undefined) throw codecError("codec.value", "TP-MTI 3 is reserved", 0, { field: "TP-MTI" });
  const fitting = all.filter(([type, place]) => rp === undefined || (type.endsWith("REPORT") && place === rp));
  const usable = fitting.length > 0 ? fitting : all;
  let refused: unknown;
  for (const [type, place] of usable) {
    try {
      return parseTpdu(bytes, type, place);
    } catch (error) {
      refused ??= error;
    }
  }
  throw refused;
}
