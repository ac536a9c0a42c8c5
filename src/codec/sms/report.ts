import { codecError } from "../../base/gateway-error.ts";
import type { Reader, Writer } from "../kit/codec.ts";
import { Timestamp } from "./timestamp.ts";
import { readUserData, type UserData, writeUserData } from "./user-data.ts";

interface ReportFields {
  /** Whether it travels in RP-ACK or RP-ERROR; the octets do not contain it. */
  readonly rp: "ACK" | "ERROR";
  readonly userDataHeader: boolean;
  /** TP-FCS, in RP-ERROR only; names in status-names.ts. */
  readonly failureCause?: number | undefined;
  /** TP-PI as it stands; when building, derived from the fields that are present. */
  readonly parameters?: number | undefined;
  readonly pid?: number | undefined;
  readonly dcs?: number | undefined;
  readonly userData?: UserData | undefined;
}

/** SMS-DELIVER-REPORT, the mobile's answer to SMS-DELIVER. 3GPP TS 23.040 §9.2.2.1a */
export interface SmsDeliverReport extends ReportFields {
  readonly type: "SMS-DELIVER-REPORT";
}

/** SMS-SUBMIT-REPORT, the service centre's answer to SMS-SUBMIT. 3GPP TS 23.040 §9.2.2.2a */
export interface SmsSubmitReport extends ReportFields {
  readonly type: "SMS-SUBMIT-REPORT";
  readonly scts: string;
}

function readCause(from: Reader): number {
  const offset = from.offset;
  const cause = from.u8("TP-FCS");
  if (cause < 0x80) throw codecError("codec.value", `TP-FCS ${cause} is reserved`, offset, { field: "TP-FCS" });
  return cause;
}

/** Reads a report; TP-PI bits beyond b3 are reserved and refused. */
export function readReport(
  from: Reader,
  type: "SMS-DELIVER-REPORT" | "SMS-SUBMIT-REPORT",
  rp: "ACK" | "ERROR",
): SmsDeliverReport | SmsSubmitReport {
  const first = from.u8("first octet");
  const failureCause = rp === "ERROR" ? readCause(from) : undefined;
  const offset = from.offset;
  const parameters = from.u8("TP-PI");
  if (parameters & ~0x07) throw codecError("codec.value", "TP-PI: reserved bits are set", offset, { field: "TP-PI" });
  const scts = type === "SMS-SUBMIT-REPORT" ? Timestamp.read(from) : "";
  const pid = parameters & 0x01 ? from.u8("TP-PID") : undefined;
  const dcs = parameters & 0x02 ? from.u8("TP-DCS") : undefined;
  const userData = parameters & 0x04 ? readUserData(from, dcs ?? 0) : undefined;
  const fields = { rp, userDataHeader: (first & 0x40) !== 0, failureCause, parameters, pid, dcs, userData };
  return type === "SMS-SUBMIT-REPORT" ? { type, ...fields, scts } : { type, ...fields };
}

/** Writes a report. @throws codec.value when RP-ERROR has no TP-FCS or RP-ACK has one */
export function writeReport(to: Writer, value: SmsDeliverReport | SmsSubmitReport): void {
  to.u8((value.type === "SMS-SUBMIT-REPORT" ? 0x01 : 0x00) | (value.userDataHeader ? 0x40 : 0));
  if ((value.rp === "ERROR") !== (value.failureCause !== undefined)) {
    throw codecError("codec.value", "TP-FCS is required in RP-ERROR and not allowed otherwise", to.length, {
      field: "TP-FCS",
    });
  }
  if (value.failureCause !== undefined) to.u8(value.failureCause);
  to.u8(
    (value.pid === undefined ? 0 : 0x01) |
      (value.dcs === undefined ? 0 : 0x02) |
      (value.userData === undefined ? 0 : 0x04),
  );
  if (value.type === "SMS-SUBMIT-REPORT") Timestamp.write(to, value.scts);
  if (value.pid !== undefined) to.u8(value.pid);
  if (value.dcs !== undefined) to.u8(value.dcs);
  if (value.userData !== undefined) writeUserData(to, value.userData, value.dcs ?? 0);
}
