import { concatBytes, equalBytes, fromHex } from "../../../src/base/hex.ts";
import { plainBcd } from "../../../src/codec/kit/bcd.ts";
import { readTag, readTlvs, tlvBytes } from "../../../src/codec/kit/ber.ts";
import { Reader, Writer } from "../../../src/codec/kit/codec.ts";
import { answer, type CommandApdu, type ResponseApdu, refuse } from "../apdu.ts";
import type { CardCore, Session } from "../card-core.ts";
import { type EuiccState, enabledProfile, freeMemory, type KeySetState, type ProfileState } from "../card-state.ts";
import { ecasdAid, isdRAid } from "../fixture.ts";
import { keyInformation } from "./put-key.ts";

/** Card recognition data: GP version, SCP80 i = 00 and SCP81 i = 04. GP Card Specification §H.2 */
const recognition = fromHex(
  "663E733C06072A864886FC6B01600C060A2A864886FC6B02020101630906072A864886FC6B03640B06092A864886FC6B048000640B06092A864886FC6B048104",
);

const u = (value: number, octets: number) => new Writer().uint(value, octets).finish();

/** Key sets of a profile's own security domain; the first one is the MNO-SD. */
export function domainKeySets(profile: ProfileState, aid: string): KeySetState[] | undefined {
  const [first, ...others] = profile.installed?.domains ?? [];
  if (first === undefined || first.aid === aid) return profile.mnoKeySets;
  return others.find((domain) => domain.aid === aid)?.keySets;
}

/** Key sets of a domain of the card. */
function keySetsOf(state: EuiccState, aid: string): readonly KeySetState[] {
  if (aid === isdRAid) return state.isdR.keySets;
  const isdP = state.profiles.find((candidate) => candidate.aid === aid);
  if (isdP) return isdP.isdpKeySets;
  const enabled = aid === ecasdAid ? undefined : enabledProfile(state);
  return (enabled && domainKeySets(enabled, aid)) ?? [];
}

/** GET DATA of a security domain. GP Card Specification §11.3, SGP.02 §4.1.1.5 */
export function getData(card: CardCore, session: Session, { p1, p2, data }: CommandApdu): ResponseApdu {
  const { state } = card;
  const domain = session.domain ?? "";
  switch (p1 * 256 + p2) {
    case 0x005a:
      return domain === ecasdAid || domain === isdRAid ? answer(tlvBytes(0x5a, plainBcd(state.eid))) : refuse(0x6a88);
    case 0x0066:
      return answer(recognition);
    case 0xff21:
      return answer(resources(state));
    case 0x00e0:
      return answer(keyInformation(keySetsOf(state, domain)));
    case 0x00c1:
      return answer(tlvBytes(0xc1, fromHex(keySetsOf(state, domain)[0]?.cntr ?? "0000000000")));
    case 0x0085:
      return domain === isdRAid && state.isdR.scp81
        ? answer(tlvBytes(0x85, fromHex(state.isdR.scp81)))
        : refuse(0x6a88);
    case 0x7f21:
      return domain === ecasdAid ? answer(fromHex(state.ecasd.certificate)) : refuse(0x6a88);
    case 0xbf30:
      return answer(forwarded(state, data));
    default:
      return refuse(0x6a88);
  }
}

function resources(state: EuiccState): Uint8Array {
  return tlvBytes(
    0xff21,
    tlvBytes(0x81, u(state.profiles.length, 1)),
    tlvBytes(0x82, u(Math.max(0, freeMemory(state)), 4)),
    tlvBytes(0x83, u(state.memory.volatile, 2)),
  );
}

/** BF30: forwarded CASD data, named by a tag list. SGP.02 §4.1.1.5 */
function forwarded(state: EuiccState, data: Uint8Array): Uint8Array {
  const list = data.length > 0 ? readTlvs(data).find(({ tag }) => tag === 0x5c)?.value : undefined;
  if (list === undefined) return refuse(0x6a80);
  const parts = tags(list).map((tag) => {
    if (tag === 0x66) return recognition;
    if (tag === 0x7f21) return fromHex(state.ecasd.certificate);
    return refuse(0x6a88);
  });
  return tlvBytes(0xbf30, ...parts);
}

function tags(list: Uint8Array): number[] {
  const from = new Reader(list);
  const found: number[] = [];
  while (!from.ended) found.push(readTag(from));
  return found;
}

/** Life-cycle octet of an ISD-P. SGP.02 §2.2.1.3 */
function lifeCycle(profile: ProfileState): number {
  return { created: 0x07, personalized: 0x0f, disabled: 0x1f, enabled: 0x3f }[profile.state];
}

function entry(profile: ProfileState, wanted: readonly number[] | undefined): Uint8Array {
  const attributes = (profile.fallback ? 0x01 : 0) | (profile.emergency ? 0x02 : 0);
  const all: readonly (readonly [number, Uint8Array])[] = [
    [0x4f, fromHex(profile.aid)],
    [0x9f70, u(lifeCycle(profile), 1)],
    [0x53, u(attributes, 1)],
    [0x8f, u(profile.quota ?? profile.used, 4)],
    [0x91, u(Math.max(0, (profile.quota ?? profile.used) - profile.used), 4)],
    [0xc5, fromHex("80C000")],
    [0xc4, fromHex("A0000005591010FFFFFFFF8900000D00")],
    [0xcc, fromHex(isdRAid)],
    [0x84, fromHex("A0000005591010FFFFFFFF8900000E00")],
  ];
  const chosen = wanted ? all.filter(([tag]) => wanted.includes(tag)) : all.slice(0, 5);
  return tlvBytes(0xe3, ...chosen.map(([tag, value]) => tlvBytes(tag, value)));
}

const chunk = 240;

/** GET STATUS of the ISD-R: its ISD-Ps, all that match the AID given. SGP.02 §4.1.1.5, GP §11.4 */
export function getStatus(card: CardCore, session: Session, { p1, p2, data }: CommandApdu): ResponseApdu {
  if (p1 !== 0x40 && p1 !== 0x80) return refuse(0x6a86);
  if ((p2 & 0xfe) !== 0x02) return refuse(0x6a86);
  const criteria = readTlvs(data);
  const aid = criteria[0];
  if (aid?.tag !== 0x4f) return refuse(0x6a80);
  const list = criteria.find(({ tag }) => tag === 0x5c);
  const wanted = list && tags(list.value);
  const found =
    p1 === 0x80
      ? [tlvBytes(0xe3, tlvBytes(0x4f, fromHex(isdRAid)), tlvBytes(0x9f70, u(0x0f, 1)))]
      : card.state.profiles
          .filter((profile) => equalBytes(fromHex(profile.aid).subarray(0, aid.value.length), aid.value))
          .map((profile) => entry(profile, wanted));
  if (found.length === 0) return refuse(0x6a88);
  const pages = paged(found);
  session.statusPage = p2 & 0x01 ? session.statusPage + 1 : 0;
  const page = pages[session.statusPage] ?? refuse(0x6a88);
  const more = session.statusPage + 1 < pages.length;
  return { data: page, sw: more ? 0x6310 : 0x9000 };
}

/** Entries in pages that fit one R-APDU. */
function paged(entries: readonly Uint8Array[]): Uint8Array[] {
  const pages: Uint8Array[] = [];
  for (const one of entries) {
    const last = pages.at(-1);
    if (last && last.length + one.length <= chunk) pages[pages.length - 1] = concatBytes(last, one);
    else pages.push(one);
  }
  return pages;
}
