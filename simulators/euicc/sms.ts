import { concatBytes, toHex } from "../../src/base/hex.ts";
import { swappedBcd } from "../../src/codec/kit/bcd.ts";
import { readTlv } from "../../src/codec/kit/ber.ts";
import { Reader, Writer } from "../../src/codec/kit/codec.ts";
import { refuse } from "./apdu.ts";
import { catValue, readCatTlvs } from "./cat-tlv.ts";

/** One short message as a data-download ENVELOPE brought it. */
interface ReceivedSms {
  /** TP-OA: length octet, type of address, digits. */
  readonly originator: Uint8Array;
  readonly elements: readonly { readonly id: number; readonly value: Uint8Array }[];
  readonly payload: Uint8Array;
}

/** SMS-PP DOWNLOAD: the SMS-DELIVER inside. @throws card.status, codec.* */
export function readDownload(envelope: Uint8Array): ReceivedSms {
  const tpdu = catValue(readCatTlvs(envelope), 0x0b);
  if (tpdu === undefined) return refuse(0x6a80);
  const from = new Reader(tpdu);
  const first = from.u8("TPDU type");
  if ((first & 0x03) !== 0) return refuse(0x6a80);
  const digits = from.peek() ?? 0;
  const originator = from.take(2 + Math.ceil(digits / 2), "TP-OA");
  from.take(9, "TP-PID, TP-DCS, TP-SCTS");
  const userData = from.sub(from.u8("TP-UDL"), "TP-UD");
  if ((first & 0x40) === 0) return { originator, elements: [], payload: userData.rest() };
  const header = userData.sub(userData.u8("UDHL"), "UDH");
  const elements: { id: number; value: Uint8Array }[] = [];
  while (!header.ended) elements.push({ id: header.u8("IEI"), value: header.take(header.u8("IEDL"), "IE") });
  return { originator, elements, payload: userData.rest() };
}

interface Assembly {
  readonly total: number;
  readonly parts: Map<number, Uint8Array>;
  secured: boolean;
}

/** Puts segments of concatenated short messages together, in any order. TS 23.040 §9.2.3.24.1 */
export class Reassembly {
  readonly #open = new Map<string, Assembly>();
  readonly #limit: number;

  constructor(limit = 8) {
    this.#limit = limit;
  }

  reset(): void {
    this.#open.clear();
  }

  /**
   * Takes one message; returns the secured command packet when it is complete, `incomplete` while segments are missing
   * and undefined for a message that is not a command packet at all.
   */
  take(sms: ReceivedSms): Uint8Array | "incomplete" | undefined {
    const secured = sms.elements.some(({ id }) => id === 0x70);
    const concat = sms.elements.find(
      ({ id, value }) => (id === 0x00 && value.length === 3) || (id === 0x08 && value.length === 4),
    );
    if (concat === undefined) return secured ? sms.payload : undefined;
    const [sequence = 0, total = 0] = [concat.value.at(-1), concat.value.at(-2)];
    if (sequence === 0 || sequence > total) return undefined;
    const key = `${toHex(sms.originator)}/${concat.id}/${toHex(concat.value.subarray(0, -1))}`;
    const assembly = this.#open.get(key) ?? { total, parts: new Map<number, Uint8Array>(), secured: false };
    this.#remember(key, assembly);
    assembly.parts.set(sequence, sms.payload.slice());
    assembly.secured ||= secured;
    if (assembly.parts.size < total) return "incomplete";
    this.#open.delete(key);
    if (!assembly.secured) return undefined;
    return concatBytes(...[...assembly.parts.entries()].sort(([a], [b]) => a - b).map(([, part]) => part));
  }

  #remember(key: string, assembly: Assembly): void {
    this.#open.delete(key);
    this.#open.set(key, assembly);
    const [oldest] = this.#open.keys();
    if (this.#open.size > this.#limit && oldest !== undefined) this.#open.delete(oldest);
  }
}

/** Cuts a secured packet into TP-UDs; `identifier` is 70 (command) or 71 (response). TS 31.115 §4 */
export function segments(packet: Uint8Array, identifier: 0x70 | 0x71, reference: number): Uint8Array[] {
  if (packet.length <= 137) return [concatBytes(Uint8Array.of(0x02, identifier, 0x00), packet)];
  const cuts: Uint8Array[] = [packet.subarray(0, 132)];
  for (let at = 132; at < packet.length; at += 134) cuts.push(packet.subarray(at, at + 134));
  return cuts.map((cut, i) => {
    const concat = [0x00, 0x03, reference, cuts.length, i + 1];
    const header = i === 0 ? [0x07, ...concat, identifier, 0x00] : [0x05, ...concat];
    return concatBytes(Uint8Array.from(header), cut);
  });
}

/** SMS-SUBMIT without validity period, to an address given as TP-DA octets. TS 23.040 §9.2.2.2 */
export function submit(destination: Uint8Array, userData: Uint8Array, hasHeader = true): Uint8Array {
  return new Writer()
    .u8(hasHeader ? 0x41 : 0x01)
    .u8(0x00)
    .bytes(destination)
    .u8(0x7f)
    .u8(0xf6)
    .u8(userData.length)
    .bytes(userData)
    .finish();
}

/** An address as RP and CAT objects hold it: type of number, digits. */
export function catAddress(number: string): Uint8Array {
  const digits = number.replace(/^\+/, "");
  return concatBytes(Uint8Array.of(number.startsWith("+") ? 0x91 : 0x81), swappedBcd(digits));
}

/** The template of an ENVELOPE. @throws codec.* */
export function readEnvelope(data: Uint8Array): { readonly tag: number; readonly body: Uint8Array } {
  const from = new Reader(data);
  const { tag, value } = readTlv(from);
  from.end("ENVELOPE");
  return { tag, body: value };
}
