/** Outcome of a short message, from TP-ST. 3GPP TS 23.040 §9.2.3.15 */
type SmsOutcome = "delivered" | "pending" | "failed-permanent" | "failed-temporary" | "reserved";

/** The class of a TP-ST value: reserved values inside a class count as the class, `80`–`FF` as reserved. */
export function smsOutcome(status: number): SmsOutcome {
  if (status <= 0x1f) return "delivered";
  if (status <= 0x3f) return "pending";
  if (status <= 0x5f) return "failed-permanent";
  return status <= 0x7f ? "failed-temporary" : "reserved";
}

const statuses = new Map([
  [0x00, "received by the SME"],
  [0x01, "forwarded to the SME, delivery not confirmed"],
  [0x02, "replaced by the SC"],
  [0x20, "congestion"],
  [0x21, "SME busy"],
  [0x22, "no response from SME"],
  [0x23, "service rejected"],
  [0x24, "quality of service not available"],
  [0x25, "error in SME"],
  [0x40, "remote procedure error"],
  [0x41, "incompatible destination"],
  [0x42, "connection rejected by SME"],
  [0x43, "not obtainable"],
  [0x44, "quality of service not available"],
  [0x45, "no interworking available"],
  [0x46, "validity period expired"],
  [0x47, "deleted by originating SME"],
  [0x48, "deleted by SC administration"],
  [0x49, "message does not exist"],
  [0x60, "congestion"],
  [0x61, "SME busy"],
  [0x62, "no response from SME"],
  [0x63, "service rejected"],
  [0x64, "quality of service not available"],
  [0x65, "error in SME"],
]);

/** Name of a TP-ST value. */
export function smsStatusName(status: number): string {
  const name = statuses.get(status);
  if (name !== undefined) return name;
  return status >= 0x10 && status <= 0x7f && (status & 0x10) !== 0 ? "SC specific" : "reserved";
}

const causes = new Map([
  [0x80, "telematic interworking not supported"],
  [0x81, "short message type 0 not supported"],
  [0x82, "cannot replace short message"],
  [0x8f, "unspecified TP-PID error"],
  [0x90, "data coding scheme (alphabet) not supported"],
  [0x91, "message class not supported"],
  [0x9f, "unspecified TP-DCS error"],
  [0xa0, "command cannot be actioned"],
  [0xa1, "command unsupported"],
  [0xaf, "unspecified TP-Command error"],
  [0xb0, "TPDU not supported"],
  [0xc0, "SC busy"],
  [0xc1, "no SC subscription"],
  [0xc2, "SC system failure"],
  [0xc3, "invalid SME address"],
  [0xc4, "destination SME barred"],
  [0xc5, "SM rejected, duplicate SM"],
  [0xc6, "TP-VPF not supported"],
  [0xc7, "TP-VP not supported"],
  [0xd0, "(U)SIM SMS storage full"],
  [0xd1, "no SMS storage capability in (U)SIM"],
  [0xd2, "error in MS"],
  [0xd3, "memory capacity exceeded"],
  [0xd4, "(U)SIM application toolkit busy"],
  [0xd5, "(U)SIM data download error"],
  [0xff, "unspecified error cause"],
]);

/** Name of a TP-FCS value. 3GPP TS 23.040 §9.2.3.22 */
export function smsFailureName(cause: number): string {
  const name = causes.get(cause);
  if (name !== undefined) return name;
  return cause >= 0xe0 && cause <= 0xfe ? "application specific" : "reserved";
}
