import { z } from "zod";
import { codecError } from "../../../base/gateway-error.ts";
import { toHex } from "../../../base/hex.ts";
import type { SmsDeliverReport, SmsSubmitReport } from "../../../codec/sms/report.ts";
import { smsOutcome } from "../../../codec/sms/status-names.ts";
import type { SmsCommand, SmsDeliver, SmsStatusReport, SmsSubmit, SmsTpdu } from "../../../codec/sms/tpdu.ts";
import type { UserData } from "../../../codec/sms/user-data.ts";
import { relativeMinutes, validityFormat, validityOf, validityValue } from "../../../codec/sms/validity.ts";
import { hexField, octetField, octetText } from "./field.ts";
import type { Answer } from "./operation.ts";

const types = [
  "SMS-DELIVER",
  "SMS-SUBMIT",
  "SMS-STATUS-REPORT",
  "SMS-COMMAND",
  "SMS-DELIVER-REPORT",
  "SMS-SUBMIT-REPORT",
] as const;

/** Type names of TPDUs. */
export const tpduTypeField = z.enum(types);

const numberOctet = z.int().min(0).max(255);
const flag = z.boolean().nullish();

/** The fields of any TPDU as JSON; `type` determines which of them are used. */
export const tpduFields = z.object({
  type: tpduTypeField,
  rp: z.enum(["ACK", "ERROR"]).nullish(),
  tp_mms: flag,
  tp_lp: flag,
  tp_sri: flag,
  tp_srr: flag,
  tp_srq: flag,
  tp_rd: flag,
  tp_rp: flag,
  tp_udhi: flag,
  tp_vpf: z.int().min(0).max(3).nullish(),
  tp_vp: z.union([numberOctet, z.string()]).nullish(),
  tp_mr: numberOctet.nullish(),
  tp_oa: z.string().nullish(),
  tp_oa_toa: octetField.nullish(),
  tp_da: z.string().nullish(),
  tp_da_toa: octetField.nullish(),
  tp_ra: z.string().nullish(),
  tp_ra_toa: octetField.nullish(),
  tp_pid: octetField.nullish(),
  tp_dcs: octetField.nullish(),
  tp_scts: z.string().nullish(),
  tp_dt: z.string().nullish(),
  tp_st: octetField.nullish(),
  tp_fcs: octetField.nullish(),
  tp_pi: octetField.nullish(),
  tp_ct: octetField.nullish(),
  tp_mn: numberOctet.nullish(),
  tp_cd: hexField().nullish(),
  tp_udl: numberOctet.nullish(),
  tp_ud: hexField().nullish(),
});

type Fields = z.output<typeof tpduFields>;

function userDataShape(userData: UserData | undefined): Answer {
  if (userData === undefined) return {};
  return { tp_udl: userData.length ?? userData.octets.length, tp_ud: toHex(userData.octets) };
}

function deliverShape(tpdu: SmsDeliver): Answer {
  return {
    type: tpdu.type,
    tp_mms: tpdu.noMoreMessages,
    tp_lp: tpdu.loopPrevention,
    tp_sri: tpdu.statusReport,
    tp_udhi: tpdu.userDataHeader,
    tp_rp: tpdu.replyPath,
    tp_oa_toa: octetText(tpdu.originator.toa),
    tp_oa: tpdu.originator.number,
    tp_pid: octetText(tpdu.pid),
    tp_dcs: octetText(tpdu.dcs),
    tp_scts: tpdu.scts,
    ...userDataShape(tpdu.userData),
  };
}

function submitShape(tpdu: SmsSubmit): Answer {
  const { validity } = tpdu;
  const minutes = validity?.format === "relative" ? relativeMinutes(validity.value) : null;
  return {
    type: tpdu.type,
    tp_rd: tpdu.rejectDuplicates,
    tp_vpf: validityFormat(validity),
    tp_srr: tpdu.statusReport,
    tp_udhi: tpdu.userDataHeader,
    tp_rp: tpdu.replyPath,
    tp_mr: tpdu.reference,
    tp_da_toa: octetText(tpdu.destination.toa),
    tp_da: tpdu.destination.number,
    tp_pid: octetText(tpdu.pid),
    tp_dcs: octetText(tpdu.dcs),
    tp_vp: validityValue(validity),
    ...(validity === undefined || validity.format === "relative" ? { tp_vp_minutes: minutes } : {}),
    ...userDataShape(tpdu.userData),
  };
}

function statusReportShape(tpdu: SmsStatusReport): Answer {
  return {
    type: tpdu.type,
    tp_mms: tpdu.noMoreMessages,
    ...(tpdu.loopPrevention ? { tp_lp: true } : {}),
    tp_srq: tpdu.forCommand,
    tp_udhi: tpdu.userDataHeader,
    tp_mr: tpdu.reference,
    tp_ra_toa: octetText(tpdu.recipient.toa),
    tp_ra: tpdu.recipient.number,
    tp_scts: tpdu.scts,
    tp_dt: tpdu.discharge,
    tp_st: octetText(tpdu.status),
    outcome: smsOutcome(tpdu.status),
    ...optionalShape(tpdu),
  };
}

function commandShape(tpdu: SmsCommand): Answer {
  return {
    type: tpdu.type,
    tp_srr: tpdu.statusReport,
    tp_udhi: tpdu.userDataHeader,
    tp_mr: tpdu.reference,
    tp_pid: octetText(tpdu.pid),
    tp_ct: octetText(tpdu.command),
    tp_mn: tpdu.messageNumber,
    tp_da_toa: octetText(tpdu.destination.toa),
    tp_da: tpdu.destination.number,
    tp_cd: toHex(tpdu.data),
  };
}

function optionalShape(tpdu: SmsStatusReport | SmsDeliverReport | SmsSubmitReport): Answer {
  return {
    ...(tpdu.parameters === undefined ? {} : { tp_pi: octetText(tpdu.parameters) }),
    ...(tpdu.pid === undefined ? {} : { tp_pid: octetText(tpdu.pid) }),
    ...(tpdu.dcs === undefined ? {} : { tp_dcs: octetText(tpdu.dcs) }),
    ...userDataShape(tpdu.userData),
  };
}

function reportShape(tpdu: SmsDeliverReport | SmsSubmitReport): Answer {
  return {
    type: tpdu.type,
    rp: tpdu.rp,
    tp_udhi: tpdu.userDataHeader,
    ...(tpdu.failureCause === undefined ? {} : { tp_fcs: octetText(tpdu.failureCause) }),
    ...(tpdu.type === "SMS-SUBMIT-REPORT" ? { tp_scts: tpdu.scts } : {}),
    ...optionalShape(tpdu),
  };
}

/** A TPDU as JSON fields. */
export function fieldsOf(tpdu: SmsTpdu): Answer {
  switch (tpdu.type) {
    case "SMS-DELIVER":
      return deliverShape(tpdu);
    case "SMS-SUBMIT":
      return submitShape(tpdu);
    case "SMS-STATUS-REPORT":
      return statusReportShape(tpdu);
    case "SMS-COMMAND":
      return commandShape(tpdu);
    default:
      return reportShape(tpdu);
  }
}

function needed<K extends keyof Fields>(fields: Fields, name: K): NonNullable<Fields[K]> {
  const value = fields[name];
  if (value === null || value === undefined) {
    throw codecError("codec.value", `${name} is missing in ${fields.type}`, 0, { field: name });
  }
  return value;
}

function userDataOf(fields: Fields): UserData | undefined {
  if (!fields.tp_ud) return undefined;
  return fields.tp_udl === null || fields.tp_udl === undefined
    ? { octets: fields.tp_ud }
    : { length: fields.tp_udl, octets: fields.tp_ud };
}

const none: UserData = { length: 0, octets: new Uint8Array(0) };

function deliverOf(fields: Fields): SmsDeliver {
  return {
    type: "SMS-DELIVER",
    noMoreMessages: fields.tp_mms ?? true,
    loopPrevention: fields.tp_lp ?? false,
    statusReport: fields.tp_sri ?? false,
    userDataHeader: fields.tp_udhi ?? false,
    replyPath: fields.tp_rp ?? false,
    originator: { toa: needed(fields, "tp_oa_toa"), number: needed(fields, "tp_oa") },
    pid: fields.tp_pid ?? 0,
    dcs: fields.tp_dcs ?? 0,
    scts: needed(fields, "tp_scts"),
    userData: userDataOf(fields) ?? none,
  };
}

function submitOf(fields: Fields): SmsSubmit {
  const vp = fields.tp_vp ?? null;
  const vpf = fields.tp_vpf ?? (vp === null ? 0 : typeof vp === "number" ? 2 : 3);
  return {
    type: "SMS-SUBMIT",
    rejectDuplicates: fields.tp_rd ?? false,
    statusReport: fields.tp_srr ?? false,
    userDataHeader: fields.tp_udhi ?? false,
    replyPath: fields.tp_rp ?? false,
    reference: fields.tp_mr ?? 0,
    destination: { toa: needed(fields, "tp_da_toa"), number: needed(fields, "tp_da") },
    pid: fields.tp_pid ?? 0,
    dcs: fields.tp_dcs ?? 0,
    validity: validityOf(vpf, vp),
    userData: userDataOf(fields) ?? none,
  };
}

function statusReportOf(fields: Fields): SmsStatusReport {
  const userData = userDataOf(fields);
  const present = (fields.tp_pid == null ? 0 : 1) | (fields.tp_dcs == null ? 0 : 2) | (userData === undefined ? 0 : 4);
  return {
    type: "SMS-STATUS-REPORT",
    noMoreMessages: fields.tp_mms ?? true,
    loopPrevention: fields.tp_lp ?? false,
    forCommand: fields.tp_srq ?? false,
    userDataHeader: fields.tp_udhi ?? false,
    reference: fields.tp_mr ?? 0,
    recipient: { toa: needed(fields, "tp_ra_toa"), number: needed(fields, "tp_ra") },
    scts: needed(fields, "tp_scts"),
    discharge: needed(fields, "tp_dt"),
    status: needed(fields, "tp_st"),
    parameters: fields.tp_pi ?? (present === 0 ? undefined : present),
    pid: fields.tp_pid ?? undefined,
    dcs: fields.tp_dcs ?? undefined,
    userData,
  };
}

function commandOf(fields: Fields): SmsCommand {
  return {
    type: "SMS-COMMAND",
    statusReport: fields.tp_srr ?? false,
    userDataHeader: fields.tp_udhi ?? false,
    reference: fields.tp_mr ?? 0,
    pid: fields.tp_pid ?? 0,
    command: needed(fields, "tp_ct"),
    messageNumber: fields.tp_mn ?? 0,
    destination: { toa: needed(fields, "tp_da_toa"), number: needed(fields, "tp_da") },
    data: fields.tp_cd ?? new Uint8Array(0),
  };
}

function reportOf(fields: Fields): SmsDeliverReport | SmsSubmitReport {
  const common = {
    rp: fields.rp ?? (fields.tp_fcs == null ? ("ACK" as const) : ("ERROR" as const)),
    userDataHeader: fields.tp_udhi ?? false,
    failureCause: fields.tp_fcs ?? undefined,
    pid: fields.tp_pid ?? undefined,
    dcs: fields.tp_dcs ?? undefined,
    userData: userDataOf(fields),
  };
  return fields.type === "SMS-SUBMIT-REPORT"
    ? { type: "SMS-SUBMIT-REPORT", ...common, scts: needed(fields, "tp_scts") }
    : { type: "SMS-DELIVER-REPORT", ...common };
}

/** A TPDU of JSON fields. @throws codec.value naming a field that is missing */
export function tpduOf(fields: Fields): SmsTpdu {
  switch (fields.type) {
    case "SMS-DELIVER":
      return deliverOf(fields);
    case "SMS-SUBMIT":
      return submitOf(fields);
    case "SMS-STATUS-REPORT":
      return statusReportOf(fields);
    case "SMS-COMMAND":
      return commandOf(fields);
    default:
      return reportOf(fields);
  }
}
