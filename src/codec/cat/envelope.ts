import { codecError } from "../../base/gateway-error.ts";
import { readLength, tlvBytes } from "../kit/ber.ts";
import type { Codec } from "../kit/codec.ts";
import { type CatTlv, catTlvBytes, readCatTlvs } from "./comprehension.ts";
import { device } from "./device.ts";
import { type CatEvent, catEvent } from "./event.ts";
import {
  type Address,
  type CatObjectValue,
  catObject,
  type DeviceIdentities,
  findObject,
  findTlv,
  objectValue,
} from "./object.ts";
import type { TextString } from "./text.ts";

/** Templates of ENVELOPE by name. ETSI TS 102 223 §9.1, 3GPP TS 31.111 §9.1 */
export const envelopeTags = {
  smsPpDownload: 0xd1,
  cellBroadcastDownload: 0xd2,
  menuSelection: 0xd3,
  callControl: 0xd4,
  moSmsControl: 0xd5,
  eventDownload: 0xd6,
  timerExpiration: 0xd7,
  intraUicc: 0xd8,
  ussdDownload: 0xd9,
  mmsTransferStatus: 0xda,
  mmsNotificationDownload: 0xdb,
  terminalApplications: 0xdc,
  geographicalLocationReporting: 0xdd,
  envelopeContainer: 0xde,
  proseReport: 0xdf,
  proseControl: 0xe4,
} as const;

export type EnvelopeName = keyof typeof envelopeTags;

function isEnvelopeName(name: string): name is EnvelopeName {
  return name in envelopeTags;
}

const nameByTag = new Map<number, EnvelopeName>();
for (const [name, tag] of Object.entries(envelopeTags)) if (isEnvelopeName(name)) nameByTag.set(tag, name);

/** What a terminal brings to the card by ENVELOPE, or what a card hands to another. ETSI TS 102 223 §7 */
export interface Envelope {
  readonly name: EnvelopeName;
  readonly devices: DeviceIdentities | undefined;
  /** Of an event download with one known event. */
  readonly event: CatEvent | undefined;
  /** All objects in their order, devices and event list among them. */
  readonly objects: readonly CatTlv[];
}

const eventByCode = new Map<number, CatEvent>();
for (const [name, code] of Object.entries(catEvent)) if (isEvent(name)) eventByCode.set(code, name);
function isEvent(name: string): name is CatEvent {
  return name in catEvent;
}

export const Envelope: Codec<Envelope> = {
  read: (from) => {
    const offset = from.offset;
    const tag = from.u8("envelope tag");
    const name = nameByTag.get(tag);
    if (name === undefined) {
      throw codecError("codec.tag", `${tag.toString(16).toUpperCase()} is not an envelope`, offset, { tag });
    }
    const body = from.sub(readLength(from), "envelope");
    const objects = readCatTlvs(body.bytes, body.base);
    const devices = findObject(objects, "deviceIdentities");
    const events = name === "eventDownload" ? findObject(objects, "eventList") : undefined;
    const code = events?.length === 1 ? events[0] : undefined;
    return { name, devices, event: code === undefined ? undefined : eventByCode.get(code), objects };
  },
  write: (to, value) => void to.bytes(tlvBytes(envelopeTags[value.name], catTlvBytes(value.objects))),
};

/** An envelope of these objects, device identities first; an event download starts with its event. */
function envelope(
  name: EnvelopeName,
  devices: DeviceIdentities,
  objects: readonly CatTlv[],
  event?: CatEvent,
): Envelope {
  const head = event === undefined ? [] : [catObject("eventList", [catEvent[event]], true)];
  return { name, devices, event, objects: [...head, catObject("deviceIdentities", devices, true), ...objects] };
}

const fromTerminal: DeviceIdentities = { source: device.terminal, destination: device.uicc };
const fromNetwork: DeviceIdentities = { source: device.network, destination: device.uicc };

/** A short message for the card: the complete SMS-DELIVER, and the service centre it came through. 3GPP TS 31.111 §7.1.1 */
export function smsPpDownload(tpdu: Uint8Array, serviceCentre?: Address): Envelope {
  const address = serviceCentre === undefined ? [] : [catObject("address", serviceCentre)];
  return envelope("smsPpDownload", fromNetwork, [...address, catObject("smsTpdu", tpdu, true)]);
}

/** The parts of an SMS-PP download. @throws codec.tag when there is no TPDU */
export function smsPpParts(value: Envelope): { readonly tpdu: Uint8Array; readonly serviceCentre?: Address } {
  const tpdu = findTlv(value.objects, "smsTpdu");
  if (tpdu === undefined) throw codecError("codec.tag", "SMS TPDU is missing", 0, { field: "smsTpdu" });
  const address = findTlv(value.objects, "address");
  if (address === undefined) return { tpdu: tpdu.value };
  return { tpdu: tpdu.value, serviceCentre: objectValue("address", address) };
}

/** A cell broadcast page for the card. 3GPP TS 31.111 §7.1.2 */
export function cellBroadcastDownload(page: Uint8Array): Envelope {
  return envelope("cellBroadcastDownload", fromNetwork, [catObject("cellBroadcastPage", page, true)]);
}

/** A menu entry was chosen. ETSI TS 102 223 §7.2 */
export function menuSelection(item: number, help = false): Envelope {
  const request = help ? [catObject("helpRequest", new Uint8Array(0))] : [];
  return envelope("menuSelection", { source: device.keypad, destination: device.uicc }, [
    catObject("itemIdentifier", item, true),
    ...request,
  ]);
}

/** A call is about to be set up. ETSI TS 102 223 §7.3.1.6 */
export function callControl(dialled: Address, location: CatObjectValue<"locationInformation">): Envelope {
  return envelope("callControl", fromTerminal, [
    catObject("address", dialled, true),
    catObject("locationInformation", location, true),
  ]);
}

/** A short message is about to be sent. 3GPP TS 31.111 §7.3.2 */
export function moSmsControl(
  serviceCentre: Address,
  destination: Address,
  location: CatObjectValue<"locationInformation">,
): Envelope {
  return envelope("moSmsControl", fromTerminal, [
    catObject("address", serviceCentre, true),
    catObject("address", destination, true),
    catObject("locationInformation", location, true),
  ]);
}

/** A USSD string for the card. 3GPP TS 31.111 §7.1.3 */
export function ussdDownload(text: TextString): Envelope {
  return envelope("ussdDownload", fromNetwork, [catObject("ussdString", text, true)]);
}

/** A timer ran out after `elapsedSeconds`. ETSI TS 102 223 §7.4 */
export function timerExpiration(timer: number, elapsedSeconds: number): Envelope {
  return envelope("timerExpiration", fromTerminal, [
    catObject("timerIdentifier", timer, true),
    catObject("timerValue", elapsedSeconds, true),
  ]);
}

/** Events the network causes come from it; all others from the terminal. */
const networkEvents: ReadonlySet<CatEvent> = new Set(["mtCall", "callConnected", "callDisconnected"]);

/** Any event with the objects that belong to it. ETSI TS 102 223 §7.5 */
export function eventDownload(event: CatEvent, objects: readonly CatTlv[] = [], devices?: DeviceIdentities): Envelope {
  return envelope("eventDownload", devices ?? (networkEvents.has(event) ? fromNetwork : fromTerminal), objects, event);
}

/** `normal` service carries the location. ETSI TS 102 223 §7.5.4 */
export function locationStatusEvent(
  status: "normal" | "limited" | "none",
  location?: CatObjectValue<"locationInformation">,
): Envelope {
  const where = location === undefined ? [] : [catObject("locationInformation", location)];
  return eventDownload("locationStatus", [
    catObject("locationStatus", status === "normal" ? 0 : status === "limited" ? 1 : 2),
    ...where,
  ]);
}

/** Octets wait on a channel. ETSI TS 102 223 §7.5.10 */
export function dataAvailableEvent(status: CatObjectValue<"channelStatus">, waiting: number): Envelope {
  return eventDownload("dataAvailable", [
    catObject("channelStatus", status, true),
    catObject("channelDataLength", Math.min(waiting, 255), true),
  ]);
}

/** A channel changed its state. ETSI TS 102 223 §7.5.11 */
export function channelStatusEvent(status: CatObjectValue<"channelStatus">, objects: readonly CatTlv[] = []): Envelope {
  return eventDownload("channelStatus", [catObject("channelStatus", status, true), ...objects]);
}
