import { concatBytes, equalBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { readTlvs, type Tlv, tlvBytes } from "../../../src/codec/kit/ber.ts";
import { Reader } from "../../../src/codec/kit/codec.ts";
import { answer, type CommandApdu, type ResponseApdu, refuse, status } from "../apdu.ts";
import type { CardCore, Session } from "../card-core.ts";
import { enabledProfile, freeMemory, type KeySetState, type ProfileState } from "../card-state.ts";
import { emptyProfile, isdRAid } from "../fixture.ts";
import { aesCmac, sameSecret } from "../secured/scp80-crypto.ts";
import { getData, getStatus } from "./domain-data.ts";
import { acceptCertificate, establishKeys, role } from "./key-establishment.ts";
import { readPutKey, replaceKeySet } from "./put-key.ts";
import { type Dgi, readDgis } from "./store-data.ts";

/** Commands to the ISD-R: ES5, and key establishment of ISD-Ps. SGP.02 §4.1.1 */
export function isdRCommand(card: CardCore, session: Session, apdu: CommandApdu): ResponseApdu {
  if (apdu.ins === 0xca) return getData(card, session, apdu);
  if (session.rights !== "remote") return refuse([0xe6, 0xe2, 0xe4, 0xf2, 0xd8].includes(apdu.ins) ? 0x6982 : 0x6d00);
  switch (apdu.ins) {
    case 0xe6:
      return install(card, session, apdu);
    case 0xe2:
      return storeData(card, session, apdu);
    case 0xe4:
      return deleteCommand(card, apdu);
    case 0xf2:
      return getStatus(card, session, apdu);
    case 0xd8:
      return putKey(card, session, apdu);
    default:
      return refuse(0x6d00);
  }
}

const isdPPrefix = fromHex("A0000005591010FFFFFFFF89");

/** AID (hex) of an ISD-P in the range the card gives to them. SGP.02 §2.2.3 */
function isdPAid(aid: Uint8Array): string {
  const field = (aid[13] ?? 0) * 256 + (aid[14] ?? 0);
  const ours = aid.length === 16 && equalBytes(aid.subarray(0, 12), isdPPrefix) && aid[12] === 0 && aid[15] === 0;
  return ours && field >= 0x10 ? toHex(aid) : refuse(0x6a80);
}

function profileAt(card: CardCore, aid: Uint8Array): ProfileState {
  const hex = toHex(aid);
  return card.state.profiles.find((profile) => profile.aid === hex) ?? refuse(0x6a88);
}

function install(card: CardCore, session: Session, { p1, p2, data }: CommandApdu): ResponseApdu {
  if (p2 !== 0) return refuse(0x6a86);
  if (p1 !== 0x0c && p1 !== 0x20) return refuse(0x6a86);
  const from = new Reader(data);
  const field = (name: string) => from.take(from.u8(name), name);
  const parts = ["load file", "module", "application", "privileges", "parameters", "token"].map(field);
  from.end("INSTALL");
  const [file, module, aid, privileges, parameters] = parts;
  if (!file || !module || !aid || !privileges || !parameters) return refuse(0x6a80);
  if (p1 === 0x20) return personalize(card, session, aid);
  if (toHex(file) !== "A0000005591010FFFFFFFF8900000D00" || toHex(module) !== "A0000005591010FFFFFFFF8900000E00") {
    return refuse(0x6a88);
  }
  if (toHex(privileges) !== "80C000") return refuse(0x6a80);
  return createIsdP(card, isdPAid(aid), quotaIn(parameters));
}

/** INSTALL [for personalization]: the next STORE DATA goes to that domain. GP §11.5.2.3.6 */
function personalize(card: CardCore, session: Session, aid: Uint8Array): ResponseApdu {
  const hex = toHex(aid);
  if (hex !== isdRAid) profileAt(card, aid);
  session.personalize = hex;
  return answer(Uint8Array.of(0));
}

function quotaIn(parameters: Uint8Array): number | undefined {
  const system = readTlvs(parameters).find(({ tag }) => tag === 0xef)?.value;
  const quota = system && readTlvs(system).find(({ tag }) => tag === 0x83)?.value;
  if (quota === undefined) return undefined;
  if (quota.length !== 2 && quota.length !== 4) return refuse(0x6a80);
  return quota.reduce((value, octet) => value * 256 + octet, 0);
}

/** ES5.CreateISDP. SGP.02 §4.1.1.1 */
function createIsdP(card: CardCore, aid: string, quota: number | undefined): ResponseApdu {
  const { profiles } = card.state;
  if (profiles.some((profile) => profile.aid === aid)) return refuse(0x6985);
  if ((quota ?? 0) > freeMemory(card.state) || freeMemory(card.state) <= 0) return refuse(0x6a84);
  profiles.push(emptyProfile(aid, quota));
  card.commit();
  return answer(Uint8Array.of(0));
}

/** STORE DATA: collects blocks until whole data groupings are there. GP §11.11 */
function storeData(card: CardCore, session: Session, { p1, p2, data }: CommandApdu): ResponseApdu {
  const last = (p1 & 0x80) !== 0;
  if (p2 === 0) session.stored = new Uint8Array(0);
  const block = concatBytes(session.stored, data);
  if ((p1 & 0x18) === 0x10) return storeParameters(card, session, block, last);
  if ((p1 & 0x18) !== 0x08) return refuse(0x6a86);
  const dgis = readDgis(block);
  if (dgis === undefined) {
    if (last || block.length > 4096) return refuse(0x6a80);
    session.stored = block.slice();
    return status(0x9000);
  }
  session.stored = new Uint8Array(0);
  return carryOut(card, session, dgis);
}

/** STORE DATA in BER-TLV form: the ISD-R's own SCP81 parameters. GP Amendment B §3.8 */
function storeParameters(card: CardCore, session: Session, block: Uint8Array, last: boolean): ResponseApdu {
  if (!last) {
    session.stored = block.slice();
    return status(0x9000);
  }
  session.stored = new Uint8Array(0);
  const set = readTlvs(block).find(({ tag }) => tag === 0x85);
  if (set === undefined) return refuse(0x6a80);
  if (set.value.length === 0) delete card.state.isdR.scp81;
  else card.state.isdR.scp81 = toHex(set.value);
  card.commit();
  return status(0x9000);
}

function carryOut(card: CardCore, session: Session, dgis: readonly Dgi[]): ResponseApdu {
  const [first] = dgis;
  const target = session.personalize ?? isdRAid;
  if (first === undefined) return refuse(0x6a80);
  switch (first.id) {
    case 0x3a01:
      return authenticateEntity(card, target, first.value);
    case 0x3a02:
      return deriveKeySet(card, target, dgis);
    case 0x3a03:
      return enable(card, named(card, first.value));
    case 0x3a04:
      return disable(card, named(card, first.value));
    case 0x3a05:
      return setFallback(card, named(card, first.value));
    case 0x3a07:
      return updateAddressing(card, first.value);
    case 0x3a08:
      return confirmNotification(card, first.value);
    case 0x3a09:
      return setEmergency(card, first.value);
    default:
      return refuse(0x6a88);
  }
}

/** The ISD-P in a value `4F 10 AID`. */
function named(card: CardCore, value: Uint8Array): ProfileState {
  const [only, ...others] = readTlvs(value);
  if (only?.tag !== 0x4f || others.length > 0) return refuse(0x6a80);
  return profileAt(card, only.value);
}

/** ES5.EstablishISDRKeySet and ES8.EstablishISDPKeySet, first part. SGP.02 §4.1.1.8 */
function authenticateEntity(card: CardCore, target: string, value: Uint8Array): ResponseApdu {
  card.agreements.delete(target);
  const expected = target === isdRAid ? role.smSr : role.smDp;
  const pending = acceptCertificate(card.state, value, expected, card.random);
  card.agreements.set(target, pending);
  return answer(tlvBytes(0x85, pending.challenge));
}

/** Their second part; the challenge serves once. */
function deriveKeySet(card: CardCore, target: string, dgis: readonly Dgi[]): ResponseApdu {
  const pending = card.agreements.get(target);
  if (pending === undefined) return refuse(0x6985);
  card.agreements.delete(target);
  const domain = target === isdRAid ? role.smSr : role.smDp;
  const { keySet, deleteOthers, response } = establishKeys(card.state, pending, dgis, card.random, domain);
  if (target === isdRAid) {
    if (deleteOthers) card.state.isdR.keySets = [];
    replaceKeySet(card.state.isdR.keySets, keySet);
  } else {
    const profile = profileAt(card, fromHex(target));
    if (deleteOthers) profile.isdpKeySets = [];
    replaceKeySet(profile.isdpKeySets, keySet);
    if (profile.state === "created") profile.state = "personalized";
    card.channels.delete(target);
  }
  card.commit();
  return answer(response);
}

/** ES5.EnableProfile. SGP.02 §4.1.1.2 */
function enable(card: CardCore, target: ProfileState): ResponseApdu {
  const { state } = card;
  if (state.pendingSwitch || target.state !== "disabled" || target.emergency) return refuse(0x6985);
  const current = enabledProfile(state);
  const held = state.returnOnlyTo !== undefined && state.returnOnlyTo !== target.aid;
  if (held || (state.returnOnlyTo === undefined && current && current.pol1 & 0x01)) return refuse(0x69e1);
  card.requestSwitch(target, 0x02);
  return status(0x9000);
}

/** ES5.DisableProfile: the holder of the fall-back attribute takes over. SGP.02 §4.1.1.3 */
function disable(card: CardCore, target: ProfileState): ResponseApdu {
  if (card.state.pendingSwitch || target.state !== "enabled" || target.fallback) return refuse(0x6985);
  if (target.pol1 & 0x01) return refuse(0x69e1);
  const holder = card.state.profiles.find((profile) => profile.fallback) ?? refuse(0x6985);
  card.requestSwitch(holder, 0x02);
  return status(0x9000);
}

/** ES5.SetFallbackAttribute: the attribute moves. SGP.02 §4.1.1.7 */
function setFallback(card: CardCore, target: ProfileState): ResponseApdu {
  const usable = target.state === "disabled" || target.state === "enabled";
  if (!usable || target.emergency || card.state.returnOnlyTo !== undefined) return refuse(0x6985);
  for (const profile of card.state.profiles) profile.fallback = profile === target;
  card.commit();
  return status(0x9000);
}

/** Emergency profile attribute: `4F AID` sets (and moves) it, nothing unsets it. SGP.02 v3.2 */
function setEmergency(card: CardCore, value: Uint8Array): ResponseApdu {
  const target = value.length > 0 ? named(card, value) : undefined;
  if (target && (target.state !== "disabled" || target.fallback)) return refuse(0x6985);
  for (const profile of card.state.profiles) profile.emergency = profile === target;
  card.commit();
  return status(0x9000);
}

/** ES5.UpdateSMSRAddressingParameters: only the templates given change. SGP.02 §4.1.1.10 */
function updateAddressing(card: CardCore, value: Uint8Array): ResponseApdu {
  const templates = readTlvs(value);
  if (templates.length === 0 || templates.some(({ tag }) => tag < 0xa3 || tag > 0xaf)) return refuse(0x6a80);
  const sms = templates.find(({ tag }) => tag === 0xa3);
  if (sms && readTlvs(sms.value)[0]?.tag !== 0x81) return refuse(0x6a80);
  for (const { tag, value: parameters } of templates)
    card.state.isdR.addressing[tag.toString(16).toUpperCase()] = toHex(parameters);
  card.commit();
  return status(0x9000);
}

/** ES5.HandleNotificationConfirmation. SGP.02 §4.1.1.12 */
function confirmNotification(card: CardCore, value: Uint8Array): ResponseApdu {
  const [sequence] = readTlvs(value);
  if (sequence?.tag !== 0x4e || sequence.value.length !== 2) return refuse(0x6a80);
  const deleted = card.confirm((sequence.value[0] ?? 0) * 256 + (sequence.value[1] ?? 0));
  if (deleted === undefined) return refuse(0x6a88);
  if (deleted.length === 0) return status(0x9000);
  return answer(tlvBytes(0x80, ...deleted.map((aid) => tlvBytes(0x4f, fromHex(aid)))));
}

function deleteCommand(card: CardCore, apdu: CommandApdu): ResponseApdu {
  if (apdu.p1 !== 0) return refuse(0x6a86);
  if (apdu.p2 === 0x00) return finaliseHandover(card, apdu.data);
  if (apdu.p2 !== 0x40) return refuse(0x6a86);
  const parts = readTlvs(apdu.data);
  const [aid] = parts;
  if (aid?.tag !== 0x4f) return refuse(0x6a80);
  const target = profileAt(card, aid.value);
  const token = parts.find(({ tag }) => tag === 0x9e);
  if (parts.length > 1) {
    if (token === undefined) return refuse(0x6a80);
    checkToken(target, apdu, token);
  }
  const occupied = target.state === "enabled" || target.fallback || pendingUse(card, target);
  if (occupied) return refuse(0x6985);
  if (token === undefined && target.pol1 & 0x02 && target.state === "disabled") return refuse(0x69e1);
  removeProfile(card, target);
  card.commit();
  return answer(Uint8Array.of(0));
}

function pendingUse({ state }: CardCore, target: ProfileState): boolean {
  return state.pendingSwitch?.to === target.aid || state.notification?.previous === target.aid;
}

/** Takes an ISD-P off the card. The caller makes it durable. */
export function removeProfile(card: CardCore, target: ProfileState): void {
  card.state.profiles = card.state.profiles.filter((profile) => profile !== target);
  if (card.state.returnOnlyTo === target.aid) delete card.state.returnOnlyTo;
  for (const map of [card.agreements, card.channels, card.downloads]) map.delete(target.aid);
}

/** ES5.MasterDelete: the target's own token key must have signed the command. SGP.02 §4.1.1.6 */
function checkToken(target: ProfileState, { p1, p2, data }: CommandApdu, token: Tlv): void {
  const key = target.isdpKeySets.find(({ kvn }) => kvn === 0x70)?.keys[0];
  const value = key?.value ?? refuse(0x6982);
  const covered = data.subarray(0, token.offset);
  const input = concatBytes(Uint8Array.of(p1, p2, covered.length), covered);
  if (!sameSecret(aesCmac(fromHex(value), input), token.value)) refuse(0x6982);
  const control = readTlvs(data).find(({ tag }) => tag === 0xb6);
  for (const { tag, value } of control ? readTlvs(control.value) : []) {
    const stored = target.sdData[tag.toString(16).toUpperCase()];
    if ([0x42, 0x45, 0x5f20].includes(tag) && stored !== toHex(value)) refuse(0x6982);
  }
}

/** ES5.FinaliseISDRhandover: key sets that are not listed go. SGP.02 §4.1.1.9 */
function finaliseHandover(card: CardCore, data: Uint8Array): ResponseApdu {
  const ranges = readTlvs(data);
  if (ranges.length === 0) return refuse(0x6a80);
  const kept: KeySetState[] = [];
  for (const { tag, value } of ranges) {
    const [kvn, first, last] = value;
    if (tag !== 0xf2 || value.length !== 3 || first === undefined || last === undefined) return refuse(0x6a80);
    const set = card.state.isdR.keySets.find((candidate) => candidate.kvn === kvn);
    const keys = set?.keys.filter(({ id }) => id >= first && id <= last);
    if (set === undefined || keys === undefined || keys.length === 0) return refuse(0x6a88);
    kept.push({ ...set, keys });
  }
  card.state.isdR.keySets = kept;
  card.commit();
  return status(0x9000);
}

/** PUT KEY to the ISD-R, ciphered under the DEK of the session's key set. GP §11.8 */
function putKey(card: CardCore, session: Session, { p2, data }: CommandApdu): ResponseApdu {
  if (session.dek === undefined) return refuse(0x6985);
  const { kvn, keys, response } = readPutKey(p2, data, session.dek);
  const type = kvn <= 0x0f ? "SCP80" : kvn >= 0x40 && kvn <= 0x4f ? "SCP81" : refuse(0x6a80);
  replaceKeySet(card.state.isdR.keySets, {
    kvn,
    type,
    keys,
    ccLength: 8,
    ...(type === "SCP80" && { cntr: "0000000000" }),
  });
  card.commit();
  return answer(response);
}
