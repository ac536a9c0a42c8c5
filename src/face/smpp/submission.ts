import { withoutUndefined } from "../../base/defined.ts";
import { codecError, isGatewayError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import type { Address, Body } from "../../codec/smpp/bodies.ts";
import { cardTpDcs, reachesCard } from "../../codec/smpp/data-coding.ts";
import { hasUdh, messagingModes } from "../../codec/smpp/esm-class.ts";
import { requireAddress } from "../../codec/smpp/fields.ts";
import { messageOctets } from "../../codec/smpp/receipt.ts";
import { parseTime } from "../../codec/smpp/time.ts";
import { cutParameter } from "../../codec/smpp/tlv.ts";
import {
  concatenationOf,
  elementId,
  isToolkitHeader,
  readUserDataHeader,
  type UserDataParts,
  userDataHeaderBytes,
} from "../../codec/sms/user-data-header.ts";
import type { SmscSubmission } from "./port.ts";

type Submitted = Body<"submit_sm"> | Body<"data_sm"> | Body<"submit_multi">;

const userDataLimit = 140;
const cardProtocolId = 0x7f;
const receipts = ["never", "always", "on-failure", "on-success"] as const;

function headerOf(octets: Uint8Array, udhi: boolean): UserDataParts | undefined {
  if (!udhi) return undefined;
  try {
    return readUserDataHeader(octets);
  } catch (error) {
    if (isGatewayError(error)) return undefined;
    throw error;
  }
}

/** TP-UDs of a message, and its place as a segment. */
interface Carried {
  readonly userData: readonly Uint8Array[];
  readonly userDataHeader: boolean;
  readonly segment?: NonNullable<SmscSubmission["segment"]>;
}

function concatElement(reference: number, total: number, sequence: number) {
  return { id: elementId.concat8, value: Uint8Array.of(reference & 0xff, total, sequence) };
}

/** sar_* parameters request the SMSC to write the concatenation element. SMPP 3.4 §5.3.2.22 */
function fromSar(octets: Uint8Array, header: UserDataParts | undefined, tlvs: Submitted["tlvs"]): Carried | undefined {
  const { sarMsgRefNum: reference, sarTotalSegments: total, sarSegmentSeqnum: sequence } = tlvs;
  if (reference === undefined || total === undefined || sequence === undefined || total < 2) return undefined;
  if (sequence < 1 || sequence > total) {
    throw codecError("codec.value", `segment ${sequence} of ${total}`, 0, { field: "TLV" });
  }
  const elements = [concatElement(reference, total, sequence), ...(header?.elements ?? [])];
  const userData = concatBytes(userDataHeaderBytes(elements), header?.body ?? octets);
  const segment = { reference, referenceBits: 16, total, sequence } as const;
  return { userData: [userData], userDataHeader: true, segment };
}

/**
 * A payload that is too long for one short message, split as an SMSC does: other elements of its header go into the
 * first part.
 */
function cut(octets: Uint8Array, header: UserDataParts | undefined, reference: number): Carried {
  const body = header?.body ?? octets;
  const extra = userDataHeaderBytes(header?.elements ?? []).length - 1;
  const following = userDataLimit - 6;
  const total = 1 + Math.ceil((body.length - (following - extra)) / following);
  if (total > 255)
    throw codecError("codec.length", `${octets.length} octets need ${total} messages`, 0, { field: "short_message" });
  const userData: Uint8Array[] = [];
  for (let sequence = 1, at = 0; sequence <= total; sequence++) {
    const others = sequence === 1 ? (header?.elements ?? []) : [];
    const head = userDataHeaderBytes([concatElement(reference, total, sequence), ...others]);
    const part = body.subarray(at, at + userDataLimit - head.length);
    userData.push(concatBytes(head, part));
    at += part.length;
  }
  return { userData, userDataHeader: true };
}

const decisive: ReadonlySet<string | undefined> = new Set([
  "messagePayload",
  "sarMsgRefNum",
  "sarTotalSegments",
  "sarSegmentSeqnum",
]);

/** Checks that parameters which determine the message have their full length. */
function requireWhole({ tlvs }: Submitted): void {
  const name = cutParameter(tlvs)?.name;
  if (decisive.has(name)) throw codecError("codec.truncated", `the PDU ends inside ${name}`, 0, { field: "TLV" });
}

function carried(octets: Uint8Array, udhi: boolean, tlvs: Submitted["tlvs"], reference: number): Carried {
  const header = headerOf(octets, udhi);
  const sar = fromSar(octets, header, tlvs);
  if (sar !== undefined) return sar;
  const concat = header === undefined ? undefined : concatenationOf(header.elements);
  if (concat !== undefined && concat !== "ignored") {
    return { userData: [octets], userDataHeader: true, segment: concat };
  }
  if (octets.length > userDataLimit && "messagePayload" in tlvs) return cut(octets, header, reference);
  return { userData: [octets], userDataHeader: udhi };
}

/** data_sm contains no protocol identifier: a message for the card gets that of (U)SIM data download. */
function protocolOf(body: Submitted, octets: Uint8Array): number {
  if ("protocolId" in body) return body.protocolId;
  const header = headerOf(octets, hasUdh(body.esmClass));
  const secured = header?.elements.some(({ id }) => isToolkitHeader(id)) === true;
  return secured || reachesCard(cardTpDcs(body.dataCoding, false)) ? cardProtocolId : 0;
}

/**
 * A text coding is treated as octets if a toolkit header, or any header together with the PID of a card, indicates
 * data.
 */
function tpDcsOf(body: Submitted, octets: Uint8Array): number {
  const header = headerOf(octets, hasUdh(body.esmClass));
  const toolkit = header?.elements.some(({ id }) => isToolkitHeader(id)) === true;
  const forCard = toolkit || (header !== undefined && "protocolId" in body && body.protocolId === cardProtocolId);
  return cardTpDcs(body.dataCoding, forCard);
}

function moment(text: string, field: string, now: number): number | undefined {
  const time = parseTime(text, field);
  if (time.at === "default") return undefined;
  return time.at === "relative" ? now + time.ms : time.epochMs;
}

function times(body: Submitted, now: number): Pick<SmscSubmission, "validUntil" | "notBefore"> {
  if (!("validityPeriod" in body)) {
    const seconds = body.tlvs.qosTimeToLive;
    return seconds === undefined ? {} : { validUntil: now + seconds * 1_000 };
  }
  const notBefore = moment(body.scheduleDeliveryTime, "schedule_delivery_time", now);
  const validUntil = moment(body.validityPeriod, "validity_period", now);
  if (validUntil !== undefined && validUntil <= now) {
    throw codecError("codec.value", "the validity period has already expired", 0, { field: "validity_period" });
  }
  return withoutUndefined({ notBefore, validUntil });
}

/**
 * The submission in a submit_sm, data_sm or one destination of a submit_multi. `reference` numbers the segments of a
 * payload that has to be split. @throws codec.* with `detail.field`
 */
export function readSubmission(
  client: string,
  body: Submitted,
  destination: Address,
  now: number,
  reference: number,
): SmscSubmission {
  const to = destination.addr.replace(/^\+/, "");
  if (to === "") throw codecError("codec.value", "the destination is missing", 0, { field: "destination_addr" });
  requireWhole(body);
  // Responses carry both addresses.
  requireAddress(to, "destination_addr");
  requireAddress(body.source.addr, "source_addr");
  const octets = messageOctets("destinations" in body ? { ...body, destination } : body);
  const both = "shortMessage" in body && body.shortMessage.length > 0 && body.tlvs.messagePayload !== undefined;
  if (octets.length === 0 || both) {
    throw codecError("codec.length", both ? "two messages in one" : "no message", 0, { field: "sm_length" });
  }
  const from = body.source.addr.replace(/^\+/, "");
  const echo = body.tlvs.userMessageReference;
  return {
    client,
    to,
    ...(from === "" ? {} : { from }),
    source: body.source,
    destination,
    ...carried(octets, hasUdh(body.esmClass), body.tlvs, reference),
    protocolId: protocolOf(body, octets),
    dataCoding: body.dataCoding,
    tpDcs: tpDcsOf(body, octets),
    ...times(body, now),
    receipt: receipts[body.registeredDelivery & 0x03] ?? "never",
    intermediateReceipt: (body.registeredDelivery & 0x10) !== 0,
    mode: messagingModes[body.esmClass & 0x03] ?? "default",
    ...withoutUndefined({ userMessageReference: echo }),
  };
}
