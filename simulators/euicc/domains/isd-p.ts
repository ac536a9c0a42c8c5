import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { readTlvs, tlvBytes } from "../../../src/codec/kit/ber.ts";
import { answer, type CommandApdu, type ResponseApdu, refuse, status, statusOf, succeeded } from "../apdu.ts";
import type { CardCore, Session } from "../card-core.ts";
import { freeMemory, type KeySetState, type ProfileState } from "../card-state.ts";
import { imsiDigits } from "../files/profile-files.ts";
import { euiccResponse } from "../profile/euicc-response.ts";
import { installStatus } from "../profile/install-error.ts";
import { contentOf, type InstalledProfile } from "../profile/installer.ts";
import { PackageLoader } from "../profile/loader.ts";
import { getData } from "./domain-data.ts";
import { readPutKey, replaceKeySet } from "./put-key.ts";
import {
  externalAuthenticate,
  initializeUpdate,
  openCommand,
  responseMac,
  type Scp03Session,
  sealedTlv,
  sealResponse,
} from "./scp03.ts";
import { type Dgi, readDgis } from "./store-data.ts";

/** Commands to an ISD-P: an SCP03 channel and what goes through it. SGP.02 §4.1.3, GP Amendment D */
export function isdPCommand(card: CardCore, session: Session, profile: ProfileState, apdu: CommandApdu): ResponseApdu {
  if (session.rights !== "remote") return refuse(0x6982);
  const secured = (apdu.cla & 0x04) !== 0;
  if (apdu.ins === 0x50 && !secured) return beginChannel(card, profile, apdu);
  if (apdu.ins === 0x82 && secured) return authenticateHost(card, profile, apdu);
  if (!secured) return refuse(apdu.ins === 0xe2 || apdu.ins === 0xd8 ? 0x6982 : 0x6d00);
  return securedCommand(card, session, profile, apdu);
}

function channelKeys(profile: ProfileState, kvn: number): KeySetState | undefined {
  return profile.isdpKeySets.find((set) => set.type === "SCP03" && (kvn === 0 || set.kvn === kvn));
}

function beginChannel(card: CardCore, profile: ProfileState, { p1, p2, data }: CommandApdu): ResponseApdu {
  if (p2 !== 0) return refuse(0x6a86);
  if (data.length !== 8) return refuse(0x6700);
  const set = channelKeys(profile, p1);
  if (set === undefined) return refuse(0x6a88);
  const { response, session } = initializeUpdate(set, fromHex(profile.aid), data);
  card.channels.set(profile.aid, session);
  card.commit();
  return answer(response);
}

function authenticateHost(
  card: CardCore,
  profile: ProfileState,
  { cla, ins, p1, p2, data }: CommandApdu,
): ResponseApdu {
  const channel = card.channels.get(profile.aid);
  if (channel === undefined || channel.mode !== "apdu" || channel.level !== 0) return refuse(0x6985);
  if (channel.stale) {
    card.channels.delete(profile.aid);
    return refuse(0x6a86);
  }
  const head = Uint8Array.of(cla, ins, p1, p2, data.length);
  if (externalAuthenticate(channel, p1, head, data)) return status(0x9000);
  card.channels.delete(profile.aid);
  return refuse(0x6982);
}

/** A command in the channel. An error word leaves without data and without R-MAC. GP Amendment D §6.2.5 */
function securedCommand(card: CardCore, session: Session, profile: ProfileState, apdu: CommandApdu): ResponseApdu {
  const channel = card.channels.get(profile.aid);
  if (channel === undefined || channel.mode !== "apdu" || channel.level === 0) return refuse(0x6985);
  const head = Uint8Array.of(apdu.cla, apdu.ins, apdu.p1, apdu.p2, apdu.data.length);
  const clear = openCommand(channel, head, apdu.data);
  if (clear === undefined) {
    card.channels.delete(profile.aid);
    return refuse(0x6982);
  }
  let result: ResponseApdu;
  try {
    result = plainCommand(card, session, profile, channel, { ...apdu, cla: apdu.cla & ~0x04, data: clear });
  } catch (error) {
    return status(statusOf(error));
  }
  if (!succeeded(result.sw) || (channel.level & 0x10) === 0) return result;
  const data = sealResponse(channel, result.data);
  const mac = responseMac(channel, concatBytes(data, Uint8Array.of(result.sw >> 8, result.sw & 0xff)));
  return { data: concatBytes(data, mac), sw: result.sw };
}

function plainCommand(
  card: CardCore,
  session: Session,
  profile: ProfileState,
  channel: Scp03Session,
  apdu: CommandApdu,
): ResponseApdu {
  const { ins, p2, data } = apdu;
  if (ins === 0xca) return getData(card, session, apdu);
  if (ins === 0xe2) {
    storeInDomain(profile, readDgis(data) ?? refuse(0x6a80));
    card.commit();
    return status(0x9000);
  }
  if (ins !== 0xd8) return refuse(0x6d00);
  const { kvn, keys, response } = readPutKey(p2, data, channel.dek);
  const type = kvn >= 0x30 && kvn <= 0x3f ? "SCP03" : "TOKEN";
  replaceKeySet(profile.isdpKeySets, { kvn, type, keys, ccLength: 8, ...(type === "SCP03" && { cntr: "000000" }) });
  card.commit();
  return answer(response);
}

/** Data groupings that belong to one ISD-P: SD data, connectivity, POL1. SGP.02 §4.1.2.1, §4.1.3.4 */
export function storeInDomain(profile: ProfileState, dgis: readonly Dgi[]): void {
  for (const { id, value } of dgis) {
    if (id === 0x0070)
      for (const tlv of readTlvs(value)) profile.sdData[tlv.tag.toString(16).toUpperCase()] = toHex(tlv.value);
    else if (id === 0x3a06) profile.pol1 = policyIn(value);
    else if (id === 0x3a07) storeConnectivity(profile, value);
    else refuse(0x6a88);
  }
}

/** POL1: `81 01 bb`, or the octet alone. */
function policyIn(value: Uint8Array): number {
  if (value.length === 1) return (value[0] ?? 0) & 0x07;
  const policy = readTlvs(value).find(({ tag }) => tag === 0x81 || tag === 0x80)?.value;
  if (policy === undefined || policy.length !== 1) return refuse(0x6a80);
  return (policy[0] ?? 0) & 0x07;
}

function storeConnectivity(profile: ProfileState, value: Uint8Array): void {
  const templates = readTlvs(value);
  if (templates.length === 0 || templates.some(({ tag }) => tag < 0xa0 || tag > 0xa2)) refuse(0x6a80);
  for (const { tag, value: parameters } of templates)
    profile.connectivity[tag.toString(16).toUpperCase()] = toHex(parameters);
}

/** SCP03t knows one security level only. SGP.02 §4.1.3.3 */
const scp03tLevel = 0x33;

const scp03tError = { 132: 0x44, 133: 0x45, 134: 0x46 } as const;

/** One TLV of SCP03t: 84, 85 or 86; `head` is its tag and length as sent. The response TLV, and whether the channel lives on. SGP.02 §4.1.3.3 */
export function scp03t(
  card: CardCore,
  profile: ProfileState,
  tag: number,
  head: Uint8Array,
  value: Uint8Array,
): { readonly response: Uint8Array; readonly ok: boolean } {
  const fail = (code: 1 | 2 | 3) => {
    card.channels.delete(profile.aid);
    card.downloads.delete(profile.aid);
    const low = tag === 0x84 ? scp03tError[0x84] : tag === 0x85 ? scp03tError[0x85] : scp03tError[0x86];
    return { response: Uint8Array.of(0x9f, low, 0x01, code), ok: false };
  };
  if (tag === 0x84) {
    const set = channelKeys(profile, value[0] ?? 0);
    if (value.length !== 10) return fail(1);
    if (set === undefined) return fail(3);
    const { response, session } = initializeUpdate(set, fromHex(profile.aid), value.subarray(2), "scp03t");
    card.channels.set(profile.aid, session);
    card.downloads.delete(profile.aid);
    card.commit();
    return { response: tlvBytes(0x84, response), ok: true };
  }
  const channel = card.channels.get(profile.aid);
  if (channel === undefined || channel.mode !== "scp03t") return fail(2);
  if (tag === 0x85 ? value.length !== 17 : value.length < 8) return fail(1);
  if (tag === 0x85) {
    if (value[0] !== scp03tLevel) return fail(2);
    return externalAuthenticate(channel, scp03tLevel, concatBytes(head, value.subarray(0, 1)), value.subarray(1))
      ? { response: Uint8Array.of(0x85, 0x00), ok: true }
      : fail(2);
  }
  if (channel.level === 0) return fail(2);
  const clear = openCommand(channel, head, value);
  return clear === undefined ? fail(2) : { response: load(card, profile, channel, clear), ok: true };
}

/** Takes a piece of the profile package; answers when the package is complete or cannot be installed. */
function load(card: CardCore, profile: ProfileState, channel: Scp03Session, piece: Uint8Array): Uint8Array {
  const { state, misbehaviour, downloads } = card;
  const room = profile.quota ?? Math.max(0, freeMemory(state));
  const loader = downloads.get(profile.aid) ?? new PackageLoader(state.settings, room);
  if (profile.state !== "personalized") return answered(card, profile, channel, wrongState);
  downloads.set(profile.aid, loader);
  const fails = misbehaviour.loadFails;
  const forced = fails !== undefined && loader.blocks + 1 === fails.block;
  const result = forced ? { at: "end" as const, response: euiccResponse([fails], true) } : loader.take(piece);
  if (result.at === "more") return Uint8Array.of(0x86, 0x00);
  if ("profile" in result && result.profile) {
    adopt(profile, result.profile);
    card.commit();
  }
  return answered(card, profile, channel, result.response);
}

const wrongState = euiccResponse([{ status: installStatus.invalidFormat }], true);

/** The EUICCResponse sealed; the download is over. */
function answered(card: CardCore, profile: ProfileState, channel: Scp03Session, response: Uint8Array): Uint8Array {
  const { loadSilent, loadMac, loadAborts } = card.misbehaviour;
  card.downloads.delete(profile.aid);
  if (loadSilent) return Uint8Array.of(0x86, 0x00);
  const clear = loadAborts ? euiccResponse([{ status: installStatus.ok }], true) : response;
  const sealed = sealedTlv(channel, clear);
  if (loadMac) sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 0x5a;
  return sealed;
}

/** The ISD-P gets the profile that its package made. */
function adopt(profile: ProfileState, made: InstalledProfile): void {
  const { header, installed } = made;
  const imsi = contentOf(installed, "6F07", "adf");
  const name = contentOf(installed, "6F46", "adf")?.subarray(1);
  Object.assign(profile, {
    state: "disabled",
    iccid: header.iccid,
    imsi: imsi ? imsiDigits(imsi) : "",
    spn: name ? String.fromCharCode(...name.filter((octet) => octet !== 0xff)) : (header.profileType ?? ""),
    pol1: header.pol1,
    used: made.size,
    installed,
    files: {},
    pins: made.pins,
    authentication: made.authentication,
    mnoKeySets: made.mnoKeySets,
  });
  Object.assign(profile.sdData, made.sdData);
  if (header.connectivity) storeConnectivity(profile, header.connectivity.value);
}
