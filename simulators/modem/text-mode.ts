import {
  addressText,
  countsSeptets,
  numberAddress,
  readDeliver,
  readStatusReport,
  readSubmit,
  type Submit,
  semiOctetDigits,
  submitOctets,
} from "../network/tpdu.ts";
import {
  type CharacterSet,
  fromHostText,
  fromSeptets,
  packSeptets,
  toHostText,
  toSeptets,
  unpackSeptets,
} from "./alphabet.ts";
import type { MessageStatus, StoredMessage } from "./message-store.ts";
import type { Settings } from "./settings.ts";

/** Names of the states in text mode, by their number in PDU mode. */
const statusNames = ["REC UNREAD", "REC READ", "STO UNSENT", "STO SENT", "ALL"] as const;

/** `yy/MM/dd,hh:mm:ss±zz` of seven timestamp octets. 3GPP TS 27.005 §3.1 <scts> */
function timeText(octets: Uint8Array): string {
  const [yy, mo, dd, hh, mi, ss] = [...octets].map((octet) => `${octet & 0x0f}${octet >> 4}`);
  const zone = octets[6] ?? 0;
  const quarters = (zone & 0x07) * 10 + (zone >> 4);
  return `${yy}/${mo}/${dd},${hh}:${mi}:${ss}${(zone & 0x08) === 0 ? "+" : "-"}${String(quarters).padStart(2, "0")}`;
}

interface UserData {
  readonly dcs: number;
  readonly header: boolean;
  readonly length: number;
  readonly userData: Uint8Array;
}

/** The user data as the data line of text mode; headers and 8-bit data in hexadecimal. 3GPP TS 27.005 §3.1 <data> */
function dataText({ dcs, header, length, userData }: UserData, set: CharacterSet): string {
  if (header || !countsSeptets(dcs)) return Buffer.from(userData).toString("hex").toUpperCase();
  return toHostText(fromSeptets(unpackSeptets(userData, length)), set);
}

function quoted(text: string): string {
  return `"${text}"`;
}

/** Names and numbers are strings too: +CSCS applies to them. */
function number(text: string, { cscs }: Settings): string {
  return quoted(cscs === "UCS2" ? toHostText(text, cscs) : text);
}

/** Header of a +CMT unsolicited result. 3GPP TS 27.005 §3.4.1 */
export function directHeader(tpdu: Uint8Array, serviceCentre: string, settings: Settings): string {
  if (settings.cmgf === 0) return `+CMT: ,${tpdu.length}`;
  const message = readDeliver(tpdu);
  const basic = `+CMT: ${number(addressText(message.from), settings)},,${quoted(timeText(message.time))}`;
  return settings.csdh === 0 ? basic : `${basic},${details(message.from.toa, tpdu, message, serviceCentre, settings)}`;
}

/** Data line of a +CMT unsolicited result in text mode. */
export function directText(tpdu: Uint8Array, { cscs }: Settings): string {
  return dataText(readDeliver(tpdu), cscs);
}

/** +CDS in text mode. */
export function directReport(tpdu: Uint8Array): string {
  return `+CDS: ${reportFields(tpdu)}`;
}

function reportFields(tpdu: Uint8Array): string {
  const { reference, to, time, discharge, status } = readStatusReport(tpdu);
  const address = `${quoted(addressText(to))},${to.toa}`;
  return `${tpdu[0] ?? 0},${reference},${address},${quoted(timeText(time))},${quoted(timeText(discharge))},${status}`;
}

function details(
  toa: number,
  tpdu: Uint8Array,
  { pid, dcs, length }: { readonly pid: number; readonly dcs: number; readonly length: number },
  serviceCentre: string,
  settings: Settings,
): string {
  const centre = `${number(serviceCentre, settings)},${numberAddress(serviceCentre).toa}`;
  return `${toa},${tpdu[0] ?? 0},${pid},${dcs},${centre},${length}`;
}

/** Lines of +CMGR in text mode. 3GPP TS 27.005 §3.4.3 */
export function readText({ tpdu, serviceCentre, status }: StoredMessage, settings: Settings): string[] {
  const state = quoted(statusNames[status]);
  const kind = (tpdu[0] ?? 0) & 3;
  if (kind === 2) return [`+CMGR: ${state},${reportFields(tpdu)}`];
  if (kind === 1) {
    const message = readSubmit(tpdu, Date.now());
    const basic = `+CMGR: ${state},${number(addressText(message.to), settings)},`;
    const more = settings.csdh === 0 ? "" : `,${submitDetails(tpdu, message, serviceCentre, settings)}`;
    return [basic + more, dataText(message, settings.cscs)];
  }
  const message = readDeliver(tpdu);
  const basic = `+CMGR: ${state},${number(addressText(message.from), settings)},,${quoted(timeText(message.time))}`;
  const more = settings.csdh === 0 ? "" : `,${details(message.from.toa, tpdu, message, serviceCentre, settings)}`;
  return [basic + more, dataText(message, settings.cscs)];
}

function submitDetails(tpdu: Uint8Array, message: Submit, serviceCentre: string, settings: Settings): string {
  const centre = `${number(serviceCentre, settings)},${numberAddress(serviceCentre).toa}`;
  return `${message.to.toa},${tpdu[0] ?? 0},${message.pid},${message.dcs},,${centre},${message.length}`;
}

/** Lines of one entry of +CMGL in text mode. 3GPP TS 27.005 §3.4.2 */
export function listText(index: number, { tpdu, status }: StoredMessage, settings: Settings): string[] {
  const state = quoted(statusNames[status]);
  const kind = (tpdu[0] ?? 0) & 3;
  if (kind === 2) return [`+CMGL: ${index},${state},${reportFields(tpdu)}`];
  const message = kind === 1 ? readSubmit(tpdu, Date.now()) : readDeliver(tpdu);
  const address = "to" in message ? message.to : message.from;
  const time = "time" in message ? quoted(timeText(message.time)) : "";
  const more = settings.csdh === 0 ? "" : `,${address.toa},${message.length}`;
  return [
    `+CMGL: ${index},${state},${number(addressText(address), settings)},,${time}${more}`,
    dataText(message, settings.cscs),
  ];
}

/** The state a word or number of +CMGL means, 4 for all; undefined when it is none. */
export function statusOf(text: string): MessageStatus | 4 | undefined {
  const index = /^[0-4]$/.test(text) ? Number(text) : statusNames.map(String).indexOf(text.toUpperCase());
  return index === 0 || index === 1 || index === 2 || index === 3 || index === 4 ? index : undefined;
}

/** SMS-SUBMIT of what was typed in text mode; undefined when the text does not fit its coding. 3GPP TS 27.005 §3.5.1 */
export function submitOfText(
  to: string,
  toa: number | undefined,
  text: string,
  settings: Settings,
): Uint8Array | undefined {
  const [firstOctet, validity, pid, dcs] = settings.csmp;
  const named = settings.cscs === "UCS2" ? (fromHostText(to, "UCS2") ?? to) : to;
  const address = toa === undefined ? numberAddress(named) : { toa, digits: numberAddress(named).digits };
  const header = (firstOctet & 0x40) !== 0;
  const content = userDataOf(text, dcs, header, settings.cscs);
  if (content === undefined || address.digits === "") return undefined;
  return submitOctets({
    statusReport: (firstOctet & 0x20) !== 0,
    header,
    replyPath: (firstOctet & 0x80) !== 0,
    reference: 0,
    to: address,
    pid,
    dcs,
    ...((firstOctet & 0x18) === 0x10 ? { validity } : {}),
    ...content,
  });
}

function userDataOf(
  text: string,
  dcs: number,
  header: boolean,
  set: CharacterSet,
): { readonly length: number; readonly userData: Uint8Array } | undefined {
  if (header || !countsSeptets(dcs)) {
    if (!/^(?:[0-9A-Fa-f]{2})*$/.test(text) || text.length > 280) return undefined;
    const userData = Uint8Array.from(Buffer.from(text, "hex"));
    return { length: userData.length, userData };
  }
  const plain = fromHostText(text, set);
  if (plain === undefined) return undefined;
  const septets = toSeptets(plain);
  return septets.length > 160 ? undefined : { length: septets.length, userData: packSeptets(septets) };
}

/** The service centre and the TPDU of a PDU-mode body; undefined when it is not a hexadecimal or too short. */
export function splitPdu(
  body: string,
): { readonly serviceCentre: string | undefined; readonly tpdu: Uint8Array } | undefined {
  const compact = body.trim();
  if (!/^(?:[0-9A-Fa-f]{2})+$/.test(compact)) return undefined;
  const bytes = Uint8Array.from(Buffer.from(compact, "hex"));
  const length = bytes[0] ?? 0;
  if (bytes.length < 1 + length) return undefined;
  const tpdu = bytes.slice(1 + length);
  if (length < 2) return { serviceCentre: undefined, tpdu };
  const digits = semiOctetDigits(bytes.subarray(2, 1 + length));
  return { serviceCentre: ((bytes[1] ?? 0) & 0x70) === 0x10 ? `+${digits}` : digits, tpdu };
}
