import { withoutUndefined } from "../../src/base/defined.ts";
import { isGatewayError } from "../../src/base/gateway-error.ts";
import { concatBytes } from "../../src/base/hex.ts";
import type { Body } from "../../src/codec/smpp/bodies.ts";
import { isOctets } from "../../src/codec/smpp/data-coding.ts";
import { hasUdh, messageKind } from "../../src/codec/smpp/esm-class.ts";
import { deliveredOctets, type Receipt, readReceipt } from "../../src/codec/smpp/receipt.ts";
import {
  elementId,
  readUserDataHeader,
  securityHeaderOf,
  userDataHeaderBytes,
} from "../../src/codec/sms/user-data-header.ts";
import type { InboundItem, NetworkVerdict } from "../../src/link/sms-bearer.ts";

type Delivered = Body<"deliver_sm"> | Body<"data_sm">;
type Message = Extract<InboundItem, { kind: "message" }>;

/** What a deliver_sm or data_sm turned out to be. `mended`: the header indicator was missing and was supplied. */
type Delivery =
  | { readonly is: "message"; readonly item: Message; readonly mended: boolean }
  | { readonly is: "receipt"; readonly receipt: Receipt; readonly of: string }
  | { readonly is: "noise"; readonly kind: string };

function startsLikePacket(octets: Uint8Array): boolean {
  return octets[0] === 2 && (octets[1] === elementId.command || octets[1] === elementId.response) && octets[2] === 0;
}

function carriesPacket(octets: Uint8Array): boolean {
  try {
    return securityHeaderOf(readUserDataHeader(octets).elements) !== undefined;
  } catch (error) {
    if (isGatewayError(error)) return false;
    throw error;
  }
}

/** Converts sar_* parameters into the concatenation element that the rest of the gateway uses. */
function withSar(octets: Uint8Array, udhi: boolean, { tlvs }: Delivered): { octets: Uint8Array; udhi: boolean } {
  const { sarMsgRefNum: reference, sarTotalSegments: total, sarSegmentSeqnum: sequence } = tlvs;
  if (reference === undefined || total === undefined || sequence === undefined || total < 2) return { octets, udhi };
  const element = { id: elementId.concat16, value: Uint8Array.of(reference >> 8, reference & 0xff, total, sequence) };
  if (!udhi) return { octets: concatBytes(userDataHeaderBytes([element]), octets), udhi: true };
  const { elements, body } = readUserDataHeader(octets);
  return { octets: concatBytes(userDataHeaderBytes([element, ...elements]), body), udhi: true };
}

/**
 * Reads a message from the SMSC. Octets stay octets whatever data_coding states; a packet inside something declared an
 * acknowledgement is still a packet. @throws codec.* for a header that contradicts its lengths where one is needed
 */
export function readDelivery(body: Delivered, mendMissingUdhi: boolean): Delivery {
  const raw = deliveredOctets(body);
  const declared = hasUdh(body.esmClass);
  const packet = declared && carriesPacket(raw);
  if (!packet) {
    const receipt = readReceipt(body);
    if (receipt !== undefined) return { is: "receipt", receipt, of: body.source.addr };
    const kind = messageKind(body.esmClass);
    if (kind !== "message") return { is: "noise", kind };
  }
  const mended = !declared && mendMissingUdhi && startsLikePacket(raw);
  const { octets, udhi } = withSar(raw, declared || mended, body);
  const item: Message = {
    kind: "message",
    ...(body.source.addr === "" ? {} : { from: body.source.addr }),
    ...(body.destination.addr === "" ? {} : { to: body.destination.addr }),
    userData: octets,
    userDataHeader: udhi,
    protocolId: "protocolId" in body ? body.protocolId : 0,
    dataCoding: body.dataCoding,
    ...(packet || mended || isOctets(body.dataCoding) ? {} : { smppText: true }),
  };
  return { is: "message", item, mended };
}

const states = {
  scheduled: "pending",
  enroute: "pending",
  accepted: "pending",
  delivered: "delivered",
  expired: "failed",
  deleted: "failed",
  undeliverable: "failed",
  rejected: "failed",
  skipped: "failed",
  unknown: "unknown",
} as const;

/** State of a receipt as bearers report it. */
export function receiptState(receipt: Receipt): "delivered" | "pending" | "failed" | "unknown" {
  return receipt.intermediate ? "pending" : states[receipt.state];
}

/** The network's verdict on a message, field by field. A notification on the way is not a final state. */
export function receiptVerdict({ state, intermediate, error, networkError }: Receipt): NetworkVerdict {
  const passing = intermediate && states[state] !== "pending";
  return {
    state: passing ? "enroute" : state,
    ...withoutUndefined({ error, networkError }),
  };
}

/** The network's report on a message as text: state, error, network error code. */
export function receiptWords(receipt: Receipt): string {
  const { stat, state, error, networkError } = receipt;
  const parts = [
    stat ?? state,
    error === undefined ? undefined : `err:${error}`,
    networkError === undefined ? undefined : `network error ${networkError.network}/${networkError.code}`,
  ];
  return parts.filter((part) => part !== undefined).join(" ");
}
