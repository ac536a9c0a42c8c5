import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { readTlvs, tlvBytes } from "../../../src/codec/kit/ber.ts";
import { Reader } from "../../../src/codec/kit/codec.ts";
import { answer, type CommandApdu, type ResponseApdu, refuse, status } from "../apdu.ts";
import type { CardCore, Session } from "../card-core.ts";
import type { ProfileState } from "../card-state.ts";
import { usimAid } from "../files/profile-files.ts";
import { domainAid } from "../fixture.ts";
import { getData } from "./domain-data.ts";
import { storeInDomain } from "./isd-p.ts";
import { readDgis } from "./store-data.ts";

/** AID of the MNO-SD, the issuer security domain of a profile. */
export const mnoDomainAid = "A000000151000000";

/** "The profile's own ISD-P". SGP.02 §2.2.3 */
const ownIsdP = domainAid(0x0f);

/** Commands to the MNO-SD of the enabled profile: ES6 and a little remote application management. SGP.02 §4.1.2 */
export function mnoCommand(card: CardCore, session: Session, profile: ProfileState, apdu: CommandApdu): ResponseApdu {
  if (apdu.ins === 0xca) return getData(card, session, apdu);
  if (session.rights !== "remote") return refuse(0x6982);
  switch (apdu.ins) {
    case 0xe6:
      return forPersonalization(session, profile, apdu);
    case 0xe2:
      return storeOwn(card, session, profile, apdu);
    case 0xf2:
      return applications(apdu);
    case 0xe4:
      return refuse(0x6a88);
    default:
      return refuse(0x6d00);
  }
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

function applications({ p1, p2, data }: CommandApdu): ResponseApdu {
  if ((p2 & 0xfe) !== 0x02) return refuse(0x6a86);
  const aid = readTlvs(data)[0];
  if (aid?.tag !== 0x4f) return refuse(0x6a80);
  const known = p1 === 0x80 ? [fromHex(mnoDomainAid)] : p1 === 0x40 ? [usimAid] : [];
  const found = known.filter((candidate) => toHex(candidate).startsWith(toHex(aid.value)));
  if (found.length === 0) return refuse(0x6a88);
  const entries = found.map((one) => tlvBytes(0xe3, tlvBytes(0x4f, one), tlvBytes(0x9f70, Uint8Array.of(0x07))));
  return answer(concatBytes(...entries));
}
