import { withoutUndefined } from "../../base/defined.ts";
import { newId, type TargetId } from "../../base/id.ts";
import type { Address } from "../../codec/smpp/bodies.ts";
import { isOctets } from "../../codec/smpp/data-coding.ts";
import { smppOfTp } from "../../codec/smpp/text.ts";
import { digits } from "../model/address-digits.ts";
import type { ArrivedItem, ReassembledMessage } from "../model/inbox.ts";
import type { PacketRecord } from "../model/packet.ts";
import type { SmscMessage } from "../model/smsc-message.ts";
import type { Repositories } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import type { Answered } from "../scp80/response-match.ts";
import { post } from "./settle.ts";

/** The client that receives the card's message, and the addresses for it. */
interface Recipient {
  readonly client: string;
  readonly source: Address;
  readonly destination: Address;
  /** data_coding that the client uses for the card. */
  readonly dataCoding?: number;
  /** The command it answers, and whether another response follows, if that can be read. */
  readonly answers?: {
    readonly message: SmscMessage;
    readonly packet: PacketRecord;
    readonly follows: boolean | undefined;
  };
}

/**
 * Delivers a message of the card, segment by segment unchanged, to the client whose command it answers, otherwise to
 * the client in conversation with the card. Returns what was done, as text.
 */
export async function forwardToClient(
  r: Repositories,
  entry: ArrivedItem,
  target: TargetId | undefined,
  whole: ReassembledMessage,
  answered: Answered | undefined,
  at: number,
): Promise<string | undefined> {
  if (entry.item.kind !== "message" || target === undefined) return undefined;
  const recipient = requesterOf(answered) ?? (await partnerOf(r, entry, target));
  if (recipient === undefined) return undefined;
  const { userDataHeader, protocolId, dataCoding } = entry.item;
  const own = entry.item.smppText === true;
  const { client, source, destination, answers } = recipient;
  // Octets are returned under the coding that the client uses for them; a text keeps its own.
  const octets = whole.security !== undefined || isOctets(dataCoding);
  const coding = octets ? (recipient.dataCoding ?? dataCoding) : dataCoding;
  for (const userData of whole.userData) {
    const item = { id: newId("out", at), kind: "message" as const, source, destination };
    // A text in septets has one octet per character in SMPP.
    const length = whole.userData.length === 1 ? entry.item.userDataLength : undefined;
    const text = octets || own ? undefined : smppOfTp(userData, userDataHeader, dataCoding, length);
    const content =
      text === undefined ? { userData, dataCoding: coding } : { userData: text.octets, dataCoding: text.dataCoding };
    await post(r, client, { ...item, ...content, userDataHeader, protocolId }, at);
  }
  // If it cannot be determined whether it is the last, the command stays open, after those that had no response yet.
  if (answers?.follows === false) await r.packets.patch(answers.packet.id, { state: "answered", answeredAt: at });
  else if (answers !== undefined && answers.follows === undefined)
    await r.packets.patch(answers.packet.id, { answeredAt: at });
  return answers === undefined
    ? `for SMPP client ${client}`
    : `PoR to message ${answers.message.id} of SMPP client ${client}`;
}

/** The client whose command it answers. */
function requesterOf(answered: Answered | undefined): Recipient | undefined {
  if (answered?.kind !== "upstream" || answered.message === undefined) return undefined;
  const { message, packet, follows } = answered;
  const coding = withoutUndefined({ dataCoding: message.dataCoding });
  const { client, source: destination, destination: source } = message;
  return { client, source, destination, answers: { message, packet, follows }, ...coding };
}

/** The client that the target is in conversation with. */
async function partnerOf(r: Repositories, { item }: ArrivedItem, target: TargetId): Promise<Recipient | undefined> {
  if (item.kind !== "message") return undefined;
  const conversation = await r.smsc.conversation(target, digits(item.to));
  if (conversation === undefined) return undefined;
  const source = await presentNumber(r, target, conversation.ours, item.from);
  const coding = withoutUndefined({ dataCoding: conversation.dataCoding });
  return { client: conversation.client, source, destination: conversation.theirs, ...coding };
}

/** A client that wrote to a number of the target receives the present number; an alias stays as it is. */
async function presentNumber(r: Repositories, id: TargetId, ours: Address, from: string | undefined): Promise<Address> {
  const target = await r.targets.get(id);
  const used = digits(ours.addr);
  if (target === undefined || !numbersOf(target).includes(used)) return ours;
  const sender = digits(from);
  const now = sender !== undefined && numbersOf(target).includes(sender) ? sender : digits(target.msisdn);
  return now === undefined || now === used ? ours : { ...ours, addr: ours.addr.startsWith("+") ? `+${now}` : now };
}

function numbersOf(target: Target): (string | undefined)[] {
  return [target.msisdn, ...target.esimProfiles.map((profile) => profile.msisdn)]
    .filter((number) => number !== undefined)
    .map(digits);
}
