import { fromHex, toHex } from "../../src/base/hex.ts";
import { answer, type CommandApdu, type ResponseApdu, refuse } from "./apdu.ts";
import type { CardCore, Session } from "./card-core.ts";
import { enabledProfile } from "./card-state.ts";
import { getData } from "./domains/domain-data.ts";
import { isdPCommand } from "./domains/isd-p.ts";
import { isdRCommand } from "./domains/isd-r.ts";
import { mnoCommand, mnoDomainAid } from "./domains/mno-domain.ts";
import { fileCommand } from "./files/file-commands.ts";
import { domainInformation } from "./files/file-system.ts";
import { ecasdAid, isdRAid } from "./fixture.ts";

/** Commands with an interindustry class, and with a proprietary one (GET DATA takes both). */
const interindustry = new Set([
  0xa4, 0xb0, 0xd6, 0xb2, 0xdc, 0xa2, 0x20, 0x24, 0x26, 0x28, 0x2c, 0x88, 0x84, 0x82, 0x70, 0xc0, 0xca,
]);
const proprietary = new Set([0xf2, 0xaa, 0x10, 0x12, 0x14, 0xc2, 0xca, 0xe2, 0xe4, 0xe6, 0xd8, 0x50, 0x82]);

/** Refuses a class byte that the card does not know (6E00) or an instruction (6D00). TS 102 221 §10.1.1 */
export function checkClass({ cla, ins }: CommandApdu): void {
  const group = cla & 0xf0;
  if (![0x00, 0x40, 0x80, 0xc0].includes(group)) refuse(group === 0x60 || group === 0xe0 ? 0x6882 : 0x6e00);
  const own = group >= 0x80;
  if ((group & 0x40) === 0 && cla & 0x0c && !own) refuse(0x6882);
  if (!interindustry.has(ins) && !proprietary.has(ins)) refuse(0x6d00);
  if (!(own ? proprietary : interindustry).has(ins)) refuse(0x6e00);
}

/** AIDs of the enabled profile's security domains, MNO-SD first. */
function profileDomains({ state }: CardCore): readonly string[] {
  return enabledProfile(state)?.installed?.domains.map(({ aid }) => aid) ?? [mnoDomainAid];
}

/** Security domains whose AID starts with these octets. */
function domainFor(card: CardCore, aid: Uint8Array): string | undefined {
  const own = profileDomains(card);
  const known = [isdRAid, ecasdAid, ...card.state.profiles.map((profile) => profile.aid), ...own];
  const wanted = toHex(aid);
  return wanted.length >= 10 ? known.find((candidate) => candidate.startsWith(wanted)) : undefined;
}

/**
 * Runs a command on a session: SELECT by AID finds domains too, the rest goes to what is selected. A remote session
 * stays with the application its keys are for.
 */
export function dispatch(card: CardCore, session: Session, apdu: CommandApdu): ResponseApdu {
  if (apdu.ins === 0xa4) {
    if (session.rights === "remote") return session.domain ? refuse(0x6d00) : fileCommand(card, session, apdu);
    const domain = apdu.p1 === 0x04 ? domainFor(card, apdu.data) : undefined;
    if (domain === undefined) return fileCommand(card, session, apdu);
    session.domain = domain;
    session.personalize = undefined;
    return answer(domainInformation(fromHex(domain)));
  }
  const { domain } = session;
  if (domain === undefined) return fileCommand(card, session, apdu);
  return domainCommand(card, session, domain, apdu);
}

function domainCommand(card: CardCore, session: Session, domain: string, apdu: CommandApdu): ResponseApdu {
  if (domain === isdRAid) return isdRCommand(card, session, apdu);
  if (domain === ecasdAid) return apdu.ins === 0xca ? getData(card, session, apdu) : refuse(0x6d00);
  const profile = card.state.profiles.find(({ aid }) => aid === domain);
  if (profile && apdu.ins === 0xca) return getData(card, session, apdu);
  if (profile) return isdPCommand(card, session, profile, apdu);
  const enabled = enabledProfile(card.state);
  return enabled && profileDomains(card).includes(domain) ? mnoCommand(card, session, enabled, apdu) : refuse(0x6a82);
}
