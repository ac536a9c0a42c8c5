import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { readTlvs, tlvBytes } from "../../../src/codec/kit/ber.ts";
import { Reader } from "../../../src/codec/kit/codec.ts";
import { answer, type CommandApdu, type ResponseApdu, refuse, status } from "../apdu.ts";
import type { CardCore, Session } from "../card-core.ts";
import type { ProfileState } from "../card-state.ts";
import { usimAid } from "../files/profile-files.ts";
import { domainAid } from "../fixture.ts";
import { domainKeySets, getData } from "./domain-data.ts";
import { storeInDomain } from "./isd-p.ts";
import { readPutKey, replaceKeySet } from "./put-key.ts";
import { readDgis } from "./store-data.ts";

/** AID of the MNO-SD, the issuer security domain of a profile. */
export const mnoDomainAid = "A000000151000000";

/** "The profile's own ISD-P". SGP.02 §2.2.3 */
const ownIsdP = domainAid(0x0f);

/**
 * Commands to a security domain of the enabled profile: ES6 for the MNO-SD, key management and a little remote application
 * management for each. SGP.02 §4.1.2
 */
export function mnoCommand(card: CardCore, session: Session, profile: ProfileState, apdu: CommandApdu): ResponseApdu {
  if (apdu.ins === 0xca) return getData(card, session, apdu);
  if (session.rights !== "remote") return refuse(0x6982);
  const own = session.domain === (profile.installed?.domains[0]?.aid ?? mnoDomainAid);
  switch (apdu.ins) {
    case 0xe6:
      return own ? forPersonalization(session, profile, apdu) : refuse(0x6985);
    case 0xe2:
      return own ? storeOwn(card, session, profile, apdu) : refuse(0x6985);
    case 0xf2:
      return applications(profile, apdu);
    case 0xd8:
      return putKey(card, session, profile, apdu);
    case 0xe4:
      return refuse(0x6a88);
    default:
      return refuse(0x6d00);
  }
}

/** PUT KEY to the domain itself, ciphered under the DEK of the packet's key set. GP Card Specification §11.8 */
function putKey(card: CardCore, session: Session, profile: ProfileState, { p2, data }: CommandApdu): ResponseApdu {
  if (session.dek === undefined) return refuse(0x6985);
  const { kvn, keys, response } = readPutKey(p2, data, session.dek);
  const type = kvn <= 0x0f ? "SCP80" : kvn >= 0x40 && kvn <= 0x4f ? "SCP81" : refuse(0x6a80);
  const sets = domainKeySets(profile, session.domain ?? "") ?? refuse(0x6985);
  replaceKeySet(sets, { kvn, type, keys, ccLength: 8, ...(type === "SCP80" && { cntr: "0000000000" }) });
  card.commit();
  return answer(response);
}

function forPersonalization(session: Session, profile: ProfileState, { p1, p2, data }: CommandApdu): ResponseApdu {
  if (p1 !== 0x20 || p2 !== 0) return refuse(0x6a86);
  const from = new Reader(data);
  const fields = Array.from({ length: 3 }, () => from.take(from.u8("length"), "field"));
  const aid = toHex(fields[2] ?? new Uint8Array(0));
  if (aid !== ownIsdP && aid !== profile.aid) return refuse(0x6a88);
  session.personalize = profile.aid;
  return answer(Uint8Array.of(0));
}

/** ES6.UpdatePOL1 and ES6.UpdateConnectivityParameters. SGP.02 §4.1.2.1, §4.1.2.2 */
function storeOwn(card: CardCore, session: Session, profile: ProfileState, { data }: CommandApdu): ResponseApdu {
  if (session.personalize !== profile.aid) return refuse(0x6985);
  const dgis = readDgis(data) ?? refuse(0x6a80);
  if (dgis.some(({ id }) => id !== 0x3a06 && id !== 0x3a07)) return refuse(0x6a88);
  storeInDomain(profile, dgis);
  card.commit();
  return status(0x9000);
}

/** GET STATUS: the domain (P1 80), applications and further domains (40), load packages (20). GP Card Specification §11.4 */
function applications(profile: ProfileState, { p1, p2, data }: CommandApdu): ResponseApdu {
  if ((p2 & 0xfe) !== 0x02) return refuse(0x6a86);
  const aid = readTlvs(data)[0];
  if (aid?.tag !== 0x4f) return refuse(0x6a80);
  const prefix = toHex(aid.value);
  const found = registered(profile, p1).filter(({ aid: candidate }) => candidate.startsWith(prefix));
  if (found.length === 0) return refuse(0x6a88);
  const entries = found.map(({ aid: one, lifeCycle }) =>
    tlvBytes(0xe3, tlvBytes(0x4f, fromHex(one)), tlvBytes(0x9f70, Uint8Array.of(lifeCycle))),
  );
  return answer(concatBytes(...entries));
}

interface Registered {
  readonly aid: string;
  readonly lifeCycle: number;
}

function registered({ installed }: ProfileState, p1: number): readonly Registered[] {
  const [first, ...others] = installed?.domains ?? [{ aid: mnoDomainAid, lifeCycle: 0x07 }];
  const selectable = (aid: string): Registered => ({ aid, lifeCycle: 0x07 });
  if (p1 === 0x80) return first ? [first] : [];
  if (p1 === 0x20) return (installed?.applications ?? []).map((one) => ({ aid: one.package, lifeCycle: 0x01 }));
  if (p1 !== 0x40) return [];
  if (installed === undefined) return [selectable(toHex(usimAid))];
  const adfs = installed.files.flatMap(({ aid }) => (aid === undefined ? [] : [selectable(aid)]));
  const applets = installed.applications.flatMap(({ instances }) => instances.map(selectable));
  return [...others, ...adfs, ...applets, ...installed.remoteFiles.map(({ aid }) => selectable(aid))];
}
