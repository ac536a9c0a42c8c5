import { withoutUndefined } from "../../base/defined.ts";
import type { Body } from "../../codec/smpp/bodies.ts";
import { udhi } from "../../codec/smpp/esm-class.ts";
import { fromLatin1, requireAddress } from "../../codec/smpp/fields.ts";
import { messageStates } from "../../codec/smpp/message-state.ts";
import { formatReceiptText } from "../../codec/smpp/receipt.ts";
import { absoluteTime } from "../../codec/smpp/time.ts";
import type { Tlvs } from "../../codec/smpp/tlv.ts";
import type { SmscDelivery } from "./port.ts";

const receiptClass = 0x04;
const intermediateClass = 0x20;
const none = new Uint8Array(0);
const shortest = 254;

/** SMPP 3.4 §5.3.2.31 */
function networkErrorCode(error: { readonly network: number; readonly code: number } | undefined): Tlvs {
  if (error === undefined) return {};
  return { networkErrorCode: Uint8Array.of(error.network, error.code >> 8, error.code & 0xff) };
}

function parts(delivery: SmscDelivery): { octets: Uint8Array; esmClass: number; tlvs: Tlvs } {
  const echo: Tlvs = withoutUndefined({ userMessageReference: delivery.userMessageReference });
  if (delivery.kind === "message") {
    return { octets: delivery.userData, esmClass: delivery.userDataHeader ? udhi : 0, tlvs: echo };
  }
  const date = (epochMs: number) => absoluteTime(epochMs).slice(0, 10);
  const text = formatReceiptText({
    id: delivery.messageId,
    state: delivery.state,
    submitDate: date(delivery.submittedAt),
    doneDate: date(delivery.doneAt),
    ...withoutUndefined({ error: delivery.error }),
  });
  const tlvs: Tlvs = {
    ...echo,
    receiptedMessageId: delivery.messageId,
    messageState: messageStates.indexOf(delivery.state),
    ...networkErrorCode(delivery.networkError),
  };
  return { octets: fromLatin1(text), esmClass: delivery.intermediate ? intermediateClass : receiptClass, tlvs };
}

/** The deliver_sm of a message from a card or of a receipt; `withTlvs` false for clients older than 3.4. SMPP 3.4 §4.6 */
export function deliverBody(delivery: SmscDelivery, withTlvs: boolean): Body<"deliver_sm"> {
  const { octets, esmClass, tlvs } = parts(delivery);
  requireAddress(delivery.source.addr, "source_addr");
  requireAddress(delivery.destination.addr, "destination_addr");
  const payload = octets.length > shortest;
  const kept = withTlvs ? tlvs : {};
  return {
    serviceType: "",
    source: delivery.source,
    destination: delivery.destination,
    esmClass,
    protocolId: delivery.kind === "message" ? delivery.protocolId : 0,
    priorityFlag: 0,
    scheduleDeliveryTime: "",
    validityPeriod: "",
    registeredDelivery: 0,
    replaceIfPresentFlag: 0,
    dataCoding: delivery.kind === "message" ? delivery.dataCoding : 0,
    smDefaultMsgId: 0,
    shortMessage: payload ? none : octets,
    tlvs: payload ? { ...kept, messagePayload: octets } : kept,
  };
}

/** The same as data_sm. SMPP 3.4 §4.7 */
export function dataBody(delivery: SmscDelivery): Body<"data_sm"> {
  const { octets, esmClass, tlvs } = parts(delivery);
  return {
    serviceType: "",
    source: delivery.source,
    destination: delivery.destination,
    esmClass,
    registeredDelivery: 0,
    dataCoding: delivery.kind === "message" ? delivery.dataCoding : 0,
    tlvs: { ...tlvs, messagePayload: octets },
  };
}
