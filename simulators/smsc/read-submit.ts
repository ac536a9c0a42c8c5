import type { SmscBehaviour } from "./behaviour.ts";
import type { SimulatedSms } from "./message-store.ts";
import type { PackagePdu } from "./smpp-package.ts";

/** Refusals of the simulated SMSC. */
const refusal = { dataCoding: 0x104, destination: 0x0b, length: 0x01 } as const;

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function count(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function octets(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? new Uint8Array(value) : new Uint8Array(0);
}

function withSar(pdu: PackagePdu, data: Uint8Array, udhi: boolean): { data: Uint8Array; udhi: boolean } {
  const total = count(pdu.sar_total_segments);
  if (total < 2) return { data, udhi };
  const element = [0x00, 3, count(pdu.sar_msg_ref_num) & 0xff, total, count(pdu.sar_segment_seqnum)];
  const header = udhi ? [...data.subarray(1, 1 + (data[0] ?? 0))] : [];
  const body = udhi ? data.subarray(1 + (data[0] ?? 0)) : data;
  return { data: Uint8Array.of(element.length + header.length, ...element, ...header, ...body), udhi: true };
}

/** The message a phone would get, or the status that refuses it. */
export function readSubmit(pdu: PackagePdu, behaviour: SmscBehaviour): SimulatedSms | number {
  const inline = octets(pdu.short_message);
  const raw = inline.length > 0 ? inline : octets(pdu.message_payload);
  const { data, udhi } = withSar(pdu, raw, (count(pdu.esm_class) & 0x40) !== 0);
  const to = text(pdu.destination_addr);
  if (to === "") return refusal.destination;
  if (data.length === 0 || data.length > 140) return refusal.length;
  const mapped = behaviour.dataCodings[String(count(pdu.data_coding))] ?? count(pdu.data_coding);
  if (mapped === "refuse") return refusal.dataCoding;
  return {
    from: text(pdu.source_addr),
    to,
    userData: mapped === "destroy" ? data.map((octet) => octet & 0x7f) : data,
    userDataHeader: udhi,
    protocolId: pdu.command === "data_sm" ? 0x7f : count(pdu.protocol_id),
    dataCoding: mapped === "destroy" ? 0 : mapped,
  };
}
