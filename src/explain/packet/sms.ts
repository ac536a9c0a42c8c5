import { GatewayError } from "../../base/gateway-error.ts";
import { decode, Reader } from "../../codec/kit/codec.ts";
import { readBcdAddress, showAddress, TpAddress } from "../../codec/sms/address.ts";
import { countsSeptets, dataCoding, showDataCoding } from "../../codec/sms/data-coding.ts";
import { smsFailureName, smsStatusName } from "../../codec/sms/status-names.ts";
import { Timestamp } from "../../codec/sms/timestamp.ts";
import { guessTpdu, type SmsTpdu } from "../../codec/sms/tpdu.ts";
import { readUserData, userDataText } from "../../codec/sms/user-data.ts";
import { enhancedMinutes, relativeMinutes } from "../../codec/sms/validity.ts";
import type { Context, ExplainType } from "../context.ts";
import { octetCount } from "../octet-count.ts";
import { type Branch, branchOf, hex2, type Node } from "../tree.ts";

/** Which TPDU it is, and for reports where it sits. */
interface Shape {
  readonly type: SmsTpdu["type"];
  readonly rp: "ACK" | "ERROR";
}

const shapes: Partial<Readonly<Record<ExplainType, Shape>>> = {
  "sms-deliver": { type: "SMS-DELIVER", rp: "ACK" },
  "sms-submit": { type: "SMS-SUBMIT", rp: "ACK" },
  "sms-status-report": { type: "SMS-STATUS-REPORT", rp: "ACK" },
  "sms-deliver-report": { type: "SMS-DELIVER-REPORT", rp: "ACK" },
  "sms-submit-report": { type: "SMS-SUBMIT-REPORT", rp: "ACK" },
  "sms-deliver-report-error": { type: "SMS-DELIVER-REPORT", rp: "ERROR" },
  "sms-submit-report-error": { type: "SMS-SUBMIT-REPORT", rp: "ERROR" },
};

const clauses: Readonly<Record<SmsTpdu["type"], string>> = {
  "SMS-DELIVER": "TS 23.040 §9.2.2.1",
  "SMS-SUBMIT": "TS 23.040 §9.2.2.2",
  "SMS-STATUS-REPORT": "TS 23.040 §9.2.2.3",
  "SMS-COMMAND": "TS 23.040 §9.2.2.4",
  "SMS-DELIVER-REPORT": "TS 23.040 §9.2.2.1a",
  "SMS-SUBMIT-REPORT": "TS 23.040 §9.2.2.2a",
};

/** The direction is not in the octets: the reading that fits them all counts, otherwise the one TP-MTI suggests. */
function guessShape(octets: Uint8Array): Shape {
  try {
    const tpdu = guessTpdu(octets);
    return { type: tpdu.type, rp: "rp" in tpdu ? tpdu.rp : "ACK" };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const type = (["SMS-DELIVER", "SMS-SUBMIT", "SMS-STATUS-REPORT", "SMS-DELIVER"] as const)[(octets[0] ?? 0) & 0x03];
    return { type: type ?? "SMS-DELIVER", rp: "ACK" };
  }
}

/** An SMS TPDU; `as` specifies which one where it is known. 3GPP TS 23.040 §9.2 */
export function tpduNode(octets: Uint8Array, base: number, context: Context, as?: ExplainType): Node {
  const shape = (as === undefined ? undefined : shapes[as]) ?? guessShape(octets);
  const label = shape.type.endsWith("REPORT") && shape.rp === "ERROR" ? `${shape.type} in RP-ERROR` : shape.type;
  return branchOf(label, octets, base, (branch) => withRest(branch, readers[shape.type](branch, context, shape)), {
    clause: clauses[shape.type],
  });
}

/** Modems and records of EF.SMS carry more octets than the TPDU has. */
function withRest(branch: Branch, words: string): string {
  branch.rest("octets behind the TPDU", (octets) => (octets.every((octet) => octet === 0xff) ? "filling" : undefined), {
    note: "no part of the message",
  });
  return words;
}

const set = (octet: number, bit: number) => (octet & (1 << (bit - 1))) !== 0;

function firstOctet(branch: Branch, flags: readonly (readonly [number, string])[]): number {
  return branch.octet("first octet", (octet) => {
    const names = flags.filter(([bit]) => set(octet, bit)).map(([, name]) => name);
    return names.length === 0 ? undefined : names.join(", ");
  });
}

function address(branch: Branch, label: string): string {
  const digits = branch.from.peek() ?? 0;
  let text = "";
  branch.field(label, 2 + Math.ceil(Math.min(digits, 40) / 2), (octets, offset) => {
    text = showAddress(decode(TpAddress, octets, offset));
    return text;
  });
  return text;
}

const protocol = (pid: number): string | undefined =>
  pid === 0x7f ? "(U)SIM data download" : pid === 0x40 ? "short message type 0" : undefined;

function coding(branch: Branch): number {
  branch.octet("TP-PID", protocol);
  return branch.octet("TP-DCS", showDataCoding);
}

const time = (octets: Uint8Array, offset: number): string => decode(Timestamp, octets, offset);

/** TP-UDL and TP-UD. Returns what the message is, as text. */
function userData(
  branch: Branch,
  { dcs, udhi, address }: { readonly dcs: number; readonly udhi: boolean; readonly address: string },
  context: Context,
): string | undefined {
  const { from } = branch;
  const start = from.offset - from.base;
  const probe = new Reader(from.bytes.subarray(start), from.offset);
  const announced = from.peek() ?? 0;
  let octets = announced;
  try {
    octets = readUserData(probe, dcs).octets.length;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
  }
  branch.octet("TP-UDL", (value) => `${value} ${countsSeptets(dcs) ? "septets" : "octets"}`);
  if (udhi) {
    const message = { dcs, length: announced, address };
    const inside = { ...context, message };
    return branch.part(octets, (bytes, offset) => context.read("tp-ud", bytes, offset, inside)).value;
  }
  let words: string | undefined;
  branch.field("TP-UD", octets, (bytes) => {
    const text = userDataText({ length: announced, octets: bytes }, dcs);
    if (text !== undefined) words = `"${text}"`;
    return words;
  });
  return words ?? (dataCoding(dcs).alphabet === "8-bit" ? octetCount(octets) : undefined);
}

function deliver(branch: Branch, context: Context): string {
  const first = firstOctet(branch, [
    [3, "no further messages"],
    [4, "loop prevention"],
    [6, "status report"],
    [7, "header in TP-UD"],
    [8, "reply path"],
  ]);
  const from = address(branch, "TP-OA");
  branch.value = `from ${from}`;
  const dcs = coding(branch);
  branch.field("TP-SCTS", 7, time);
  const what = userData(branch, { dcs, udhi: set(first, 7), address: from }, context);
  return what === undefined ? `from ${from}` : `from ${from}, ${what}`;
}

function validity(branch: Branch, format: number): void {
  if (format === 2) {
    branch.octet("TP-VP", (value) => minutesText(relativeMinutes(value)));
  } else if (format === 3) {
    branch.field("TP-VP", 7, time);
  } else if (format === 1) {
    branch.field("TP-VP", 7, (octets) => {
      const minutes = enhancedMinutes(octets);
      return minutes === undefined ? undefined : minutesText(minutes);
    });
  }
}

function minutesText(minutes: number): string {
  if (minutes % 1440 === 0) return `${minutes / 1440} days`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.round(minutes * 100) / 100} min`;
}

function submit(branch: Branch, context: Context): string {
  const first = firstOctet(branch, [
    [3, "reject duplicates"],
    [6, "status report"],
    [7, "header in TP-UD"],
    [8, "reply path"],
  ]);
  branch.octet("TP-MR", String);
  const to = address(branch, "TP-DA");
  branch.value = `to ${to}`;
  const dcs = coding(branch);
  validity(branch, (first >> 3) & 0x03);
  const what = userData(branch, { dcs, udhi: set(first, 7), address: to }, context);
  return what === undefined ? `to ${to}` : `to ${to}, ${what}`;
}

/** TP-PI and what it announces. */
function announced(branch: Branch, udhi: boolean, context: Context, between?: () => void): string | undefined {
  const parameters = branch.octet("TP-PI", (octet) =>
    ["TP-PID", "TP-DCS", "TP-UD"].filter((_, bit) => set(octet, bit + 1)).join(", "),
  );
  between?.();
  if (set(parameters, 1)) branch.octet("TP-PID", protocol);
  const dcs = set(parameters, 2) ? branch.octet("TP-DCS", showDataCoding) : 0;
  return set(parameters, 3) ? userData(branch, { dcs, udhi, address: "" }, context) : undefined;
}

function report(branch: Branch, context: Context, { type, rp }: Shape): string {
  const first = firstOctet(branch, [[7, "header in TP-UD"]]);
  const words: string[] = [rp === "ERROR" ? "RP-ERROR" : "RP-ACK"];
  if (rp === "ERROR") {
    branch.octet("TP-FCS", (cause) => {
      words.push(smsFailureName(cause));
      return smsFailureName(cause);
    });
  }
  const what = announced(branch, set(first, 7), context, () => {
    if (type === "SMS-SUBMIT-REPORT") branch.field("TP-SCTS", 7, time);
  });
  return [...words, ...(what === undefined ? [] : [what])].join(", ");
}

function statusReport(branch: Branch, context: Context): string {
  const first = firstOctet(branch, [
    [3, "no further messages"],
    [4, "loop prevention"],
    [6, "answers an SMS-COMMAND"],
    [7, "header in TP-UD"],
  ]);
  const reference = branch.octet("TP-MR", String);
  const to = address(branch, "TP-RA");
  branch.field("TP-SCTS", 7, time);
  branch.field("TP-DT", 7, time);
  const status = branch.octet("TP-ST", smsStatusName);
  if (!branch.from.ended) announced(branch, set(first, 7), context);
  return `message ${reference} to ${to}: ${smsStatusName(status)}`;
}

function command(branch: Branch): string {
  firstOctet(branch, [
    [6, "status report"],
    [7, "header in TP-CD"],
  ]);
  branch.octet("TP-MR", String);
  branch.octet("TP-PID", protocol);
  const what = ["enquiry", "cancel status report", "delete", "enable status report"];
  const type = branch.octet("TP-CT", (octet) => what[octet] ?? "reserved");
  branch.octet("TP-MN", String);
  const to = address(branch, "TP-DA");
  branch.field("TP-CD", branch.octet("TP-CDL", String));
  return `to ${to}, ${what[type] ?? hex2(type)}`;
}

const readers: Readonly<Record<SmsTpdu["type"], (branch: Branch, context: Context, shape: Shape) => string>> = {
  "SMS-DELIVER": deliver,
  "SMS-SUBMIT": submit,
  "SMS-STATUS-REPORT": statusReport,
  "SMS-COMMAND": command,
  "SMS-DELIVER-REPORT": report,
  "SMS-SUBMIT-REPORT": report,
};

/** Service centre address and TPDU, as modems take and give them. 3GPP TS 27.005 §4 */
export function smsPduNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf(
    "SMS PDU of a modem",
    octets,
    base,
    (branch) => {
      const length = branch.octet("SCA length", (octet) => (octet === 0 ? "the stored address" : `${octet} octets`));
      if (length > 0) branch.field("SCA", length, (bytes, offset) => showAddress(readBcdAddress(bytes, offset)));
      const rest = branch.from.remaining;
      const tpdu = branch.part(rest, (bytes, offset) => context.read("sms-tpdu", bytes, offset, context));
      return tpdu.value === undefined ? tpdu.label : `${tpdu.label} ${tpdu.value}`;
    },
    { clause: "TS 27.005 §4" },
  );
}
