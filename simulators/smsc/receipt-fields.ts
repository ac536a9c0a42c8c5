import type { SmscBehaviour } from "./behaviour.ts";
import type { StoredMessage } from "./message-store.ts";

const stat = {
  enroute: "ENROUTE",
  delivered: "DELIVRD",
  undeliverable: "UNDELIV",
  expired: "EXPIRED",
  deleted: "DELETED",
};
const state = { enroute: 1, delivered: 2, expired: 3, deleted: 4, undeliverable: 5 };

function date(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\D/g, "").slice(2, 12);
}

function words(message: StoredMessage, style: SmscBehaviour["receiptStyle"]): string {
  const { receiptId: id } = message;
  const code = message.state === "delivered" ? "000" : "011";
  const done = date(message.doneAt ?? message.submittedAt);
  const submitted = date(message.submittedAt);
  switch (style) {
    case "standard":
      return `id:${id} sub:001 dlvrd:001 submit date:${submitted} done date:${done} stat:${stat[message.state]} err:${code} text:`;
    case "short":
      return `ID:${id} SUBMIT DATE:${submitted} DONE DATE:${done} STAT:${stat[message.state]} ERR:${code}`;
    case "columns":
      return `${code === "000" ? "00" : "11"},${done},${submitted},${id}`;
    case "letters":
      return `id:${id} sub:001 dlvrd:001 submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:${stat[message.state]} err:${code} text:none`;
  }
}

/** Fields of the deliver_sm or data_sm that reports on a message. */
export function receiptFields(message: StoredMessage, behaviour: SmscBehaviour): Readonly<Record<string, unknown>> {
  const octets = Buffer.from(words(message, behaviour.receiptStyle), "latin1");
  const echo = message.userMessageReference;
  return {
    source_addr_ton: message.destination.ton,
    source_addr_npi: message.destination.npi,
    source_addr: message.destination.addr,
    dest_addr_ton: message.source.ton,
    dest_addr_npi: message.source.npi,
    destination_addr: message.source.addr,
    esm_class: 0x04,
    data_coding: 0,
    ...(behaviour.deliverAs === "data_sm" ? { message_payload: octets } : { short_message: octets }),
    ...(behaviour.receiptTlvs ? { receipted_message_id: message.receiptId, message_state: state[message.state] } : {}),
    ...(echo === undefined ? {} : { user_message_reference: echo & 0xff }),
  };
}
