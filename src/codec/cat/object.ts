import { GatewayError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { fromSwappedBcd, swappedBcd } from "../kit/bcd.ts";
import { type Codec, decode, encode, type Of } from "../kit/codec.ts";
import { mapped, octets, record, rest, u8, u16 } from "../kit/primitives.ts";
import { BearerDescription, ChannelStatus, NetworkAccessName, OtherAddress, TransportLevel } from "./bearer.ts";
import { type CatTlv, catTagText, readCatTlvs, writeCatTlv } from "./comprehension.ts";
import { DateTimeZone, Duration, Imei, Imeisv, LocationInformation, TimerValue } from "./local-info.ts";
import { TextString } from "./text.ts";

/** Number, type and qualifier of a proactive command. ETSI TS 102 223 §8.6 */
export const CommandDetails = record({ number: u8, type: u8, qualifier: u8 });
export type CommandDetails = Of<typeof CommandDetails>;

/** Source and destination device. ETSI TS 102 223 §8.7 */
export const DeviceIdentities = record({ source: u8, destination: u8 });
export type DeviceIdentities = Of<typeof DeviceIdentities>;

/** General result and additional information. ETSI TS 102 223 §8.12 */
export const Result = record({ general: u8, additional: rest });
export type Result = Of<typeof Result>;

/** Type of number and numbering plan, then the digits. ETSI TS 102 223 §8.1 */
export const Address: Codec<{ readonly tonNpi: number; readonly digits: string }> = {
  read: (from) => {
    const tonNpi = from.u8("TON and NPI");
    const offset = from.offset;
    return { tonNpi, digits: fromSwappedBcd(from.rest(), undefined, offset) };
  },
  write: (to, value) => void to.u8(value.tonNpi).bytes(swappedBcd(value.digits, to.length)),
};
export type Address = Of<typeof Address>;

/** Number of files and their paths (each from `3F00` on). ETSI TS 102 223 §8.18 */
const FileList: Codec<{ readonly count: number; readonly paths: readonly Uint8Array[] }> = {
  read: (from) => {
    const count = from.u8("number of files");
    const all = from.rest();
    const paths: Uint8Array[] = [];
    let start = 0;
    for (let at = 2; at + 1 < all.length; at += 2) {
      if (all[at] !== 0x3f || all[at + 1] !== 0x00) continue;
      paths.push(all.subarray(start, at));
      start = at;
    }
    if (start < all.length) paths.push(all.subarray(start));
    return { count, paths };
  },
  write: (to, value) => {
    to.u8(value.count);
    for (const path of value.paths) to.bytes(path);
  },
};

const Item = record({ id: u8, text: rest });
const Icon = record({ qualifier: u8, id: u8 });
const eventList: Codec<readonly number[]> = mapped(
  rest,
  (codes) => [...codes],
  (codes) => Uint8Array.from(codes),
);
const latin1: Codec<string> = mapped(
  rest,
  (text) => Buffer.from(text).toString("latin1"),
  (text) => Buffer.from(text, "latin1"),
);

function object<const T extends number, V>(tag: T, codec: Codec<V>): { readonly tag: T; readonly codec: Codec<V> } {
  return { tag, codec };
}

/** Every COMPREHENSION-TLV object with its tag and coding. ETSI TS 102 223 §9.3, 3GPP TS 31.111 §9.3 */
export const catObjects = {
  commandDetails: object(0x01, CommandDetails),
  deviceIdentities: object(0x02, DeviceIdentities),
  result: object(0x03, Result),
  duration: object(0x04, Duration),
  alphaIdentifier: object(0x05, rest),
  address: object(0x06, Address),
  capabilityConfiguration: object(0x07, rest),
  subaddress: object(0x08, rest),
  ssString: object(0x09, rest),
  ussdString: object(0x0a, TextString),
  smsTpdu: object(0x0b, rest),
  cellBroadcastPage: object(0x0c, octets(88)),
  textString: object(0x0d, TextString),
  tone: object(0x0e, u8),
  item: object(0x0f, Item),
  itemIdentifier: object(0x10, u8),
  responseLength: object(0x11, record({ min: u8, max: u8 })),
  fileList: object(0x12, FileList),
  locationInformation: object(0x13, LocationInformation),
  imei: object(0x14, Imei),
  helpRequest: object(0x15, rest),
  networkMeasurementResults: object(0x16, rest),
  defaultText: object(0x17, TextString),
  itemsNextAction: object(0x18, rest),
  eventList: object(0x19, eventList),
  cause: object(0x1a, rest),
  locationStatus: object(0x1b, u8),
  transactionIdentifier: object(0x1c, rest),
  bcchChannelList: object(0x1d, rest),
  iconIdentifier: object(0x1e, Icon),
  itemIconIdentifierList: object(0x1f, record({ qualifier: u8, icons: rest })),
  cardReaderStatus: object(0x20, u8),
  cardAtr: object(0x21, rest),
  cApdu: object(0x22, rest),
  rApdu: object(0x23, rest),
  timerIdentifier: object(0x24, u8),
  timerValue: object(0x25, TimerValue),
  dateTimeZone: object(0x26, DateTimeZone),
  callControlAction: object(0x27, u8),
  atCommand: object(0x28, latin1),
  atResponse: object(0x29, latin1),
  bcRepeatIndicator: object(0x2a, u8),
  immediateResponse: object(0x2b, rest),
  dtmfString: object(0x2c, rest),
  language: object(0x2d, latin1),
  timingAdvance: object(0x2e, record({ state: u8, advance: u8 })),
  aid: object(0x2f, rest),
  browserIdentity: object(0x30, u8),
  url: object(0x31, latin1),
  bearer: object(0x32, rest),
  provisioningFile: object(0x33, rest),
  browserTerminationCause: object(0x34, u8),
  bearerDescription: object(0x35, BearerDescription),
  channelData: object(0x36, rest),
  channelDataLength: object(0x37, u8),
  channelStatus: object(0x38, ChannelStatus),
  bufferSize: object(0x39, u16),
  refreshPolicy: object(0x3a, rest),
  fileUpdateInformation: object(0x3b, rest),
  transportLevel: object(0x3c, TransportLevel),
  otherAddress: object(0x3e, OtherAddress),
  accessTechnology: object(0x3f, rest),
  dnsServerAddress: object(0x40, rest),
  serviceRecord: object(0x41, rest),
  deviceFilter: object(0x42, rest),
  serviceSearch: object(0x43, rest),
  attributeInformation: object(0x44, rest),
  serviceAvailability: object(0x45, rest),
  esn: object(0x46, octets(4)),
  networkAccessName: object(0x47, NetworkAccessName),
  cdmaSmsTpdu: object(0x48, rest),
  remoteEntityAddress: object(0x49, rest),
  wlanIdentifier: object(0x4a, rest),
  wlanAccessStatus: object(0x4b, u8),
  textAttribute: object(0x50, rest),
  itemTextAttributeList: object(0x51, rest),
  pdpContextActivation: object(0x52, rest),
  contactlessStateRequest: object(0x53, u8),
  contactlessState: object(0x54, u8),
  csgCellSelectionStatus: object(0x55, rest),
  csgId: object(0x56, rest),
  hnbName: object(0x57, rest),
  mac: object(0x60, rest),
  imeisv: object(0x62, Imeisv),
  batteryState: object(0x63, u8),
  browsingStatus: object(0x64, rest),
  networkSearchMode: object(0x65, u8),
  frameLayout: object(0x66, rest),
  framesInformation: object(0x67, rest),
  frameIdentifier: object(0x68, u8),
  measurementQualifier: object(0x69, u8),
  mmsReference: object(0x6a, rest),
  mmsIdentifier: object(0x6b, rest),
  mmsTransferStatus: object(0x6c, rest),
  meid: object(0x6d, rest),
  mmsContentIdentifier: object(0x6e, rest),
  mmsNotification: object(0x6f, rest),
  lastEnvelope: object(0x70, rest),
  registryApplicationData: object(0x71, rest),
  plmnAccessTechnologyList: object(0x72, rest),
  routingAreaInformation: object(0x73, rest),
  updateAttachType: object(0x74, u8),
  rejectionCause: object(0x75, u8),
  geographicalParameters: object(0x76, rest),
  gadShapes: object(0x77, rest),
  nmeaSentence: object(0x78, latin1),
  plmnList: object(0x79, rest),
  broadcastNetworkInformation: object(0x7a, rest),
  activateDescriptor: object(0x7b, u8),
  epsPdnActivation: object(0x7c, rest),
  trackingAreaIdentification: object(0x7d, rest),
  csgIdList: object(0x7e, rest),
} as const;

export type CatObjectName = keyof typeof catObjects;
export type CatObjectValue<K extends CatObjectName> = Of<(typeof catObjects)[K]["codec"]>;

function isObjectName(name: string): name is CatObjectName {
  return name in catObjects;
}

const nameByTag = new Map<number, CatObjectName>();
for (const [name, { tag }] of Object.entries(catObjects)) if (isObjectName(name)) nameByTag.set(tag, name);

/** Name of an object's tag; undefined when it is unknown. */
export function catObjectName(tag: number): CatObjectName | undefined {
  return nameByTag.get(tag);
}

/** An object to be written. `cr` is the comprehension flag. */
export function catObject<K extends CatObjectName>(name: K, value: CatObjectValue<K>, cr = false): CatTlv {
  return { tag: byName[name].tag, cr, value: encode(byName[name].codec, value) };
}

const byName: { readonly [K in CatObjectName]: { readonly tag: number; readonly codec: Codec<CatObjectValue<K>> } } =
  catObjects;

/** The first object of this name, as it stands. */
export function findTlv(objects: readonly CatTlv[], name: CatObjectName): CatTlv | undefined {
  return objects.find((object) => object.tag === catObjects[name].tag);
}

/** The decoded value of one object. @throws codec.* */
export function objectValue<K extends CatObjectName>(name: K, tlv: CatTlv): CatObjectValue<K> {
  return decode(byName[name].codec, tlv.value, tlv.valueOffset ?? 0);
}

/** The decoded value of the first object of this name; undefined when there is none. @throws codec.* */
export function findObject<K extends CatObjectName>(
  objects: readonly CatTlv[],
  name: K,
): CatObjectValue<K> | undefined {
  const found = findTlv(objects, name);
  return found === undefined ? undefined : objectValue(name, found);
}

/** One object for display: its name, place and decoded value, or why that could not be decoded. */
interface DescribedObject {
  readonly tag: string;
  readonly name: CatObjectName | "unknown";
  readonly cr: boolean;
  readonly offset: number;
  readonly raw: string;
  readonly value?: unknown;
  readonly error?: string;
}

/** All objects for display; a malformed one indicates it and does not hide the others. */
export function describeObjects(objects: readonly CatTlv[]): DescribedObject[] {
  return objects.map((tlv) => {
    const name = catObjectName(tlv.tag);
    const head = { tag: catTagText(tlv.tag), cr: tlv.cr, offset: tlv.offset ?? 0, raw: toHex(tlv.value) };
    if (name === undefined) return { ...head, name: "unknown" };
    try {
      return { ...head, name, value: objectValue(name, tlv) };
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { ...head, name, error: error.message };
    }
  });
}

/** A run of objects up to the end of the input. */
export const CatObjects: Codec<readonly CatTlv[]> = {
  read: (from) => {
    const offset = from.offset;
    return readCatTlvs(from.rest(), offset);
  },
  write: (to, value) => {
    for (const tlv of value) writeCatTlv(to, tlv);
  },
};
