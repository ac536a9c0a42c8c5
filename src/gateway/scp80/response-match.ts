import { withoutUndefined } from "../../base/defined.ts";
import { isGatewayError } from "../../base/gateway-error.ts";
import type { TargetId } from "../../base/id.ts";
import { porWords } from "../../codec/ota/por-status.ts";
import { parseTpdu } from "../../codec/sms/tpdu.ts";
import { digits } from "../model/address-digits.ts";
import type { ArrivedItem, ReassembledMessage } from "../model/inbox.ts";
import type { Job } from "../model/job.ts";
import type { KeySet } from "../model/key-set.ts";
import type { PacketRecord } from "../model/packet.ts";
import type { SmscMessage } from "../model/smsc-message.ts";
import type { Repositories } from "../model/store.ts";
import type { Flight } from "./answers.ts";
import { fromStranger } from "./evaluate-response.ts";
import { mayAnswer, type ReadAnswer, readAnswer } from "./secured-packet.ts";
import { matchUpstream } from "./upstream-answer.ts";

/** A response without known keys answers no command older than this. */
const guessWindowMs = 10 * 60_000;
/** How far the clock of a service centre may be behind ours. */
const clockSkewMs = 30_000;
const maxCandidates = 1000;
/** Candidates of all targets, when the sender is unknown or a different one. */
const maxStrangers = 100;

/** The command packet that a response packet answers. */
export type Answered =
  /**
   * One of our packets, answered as requested: secured with the card's keys, or in clear from the card's own number or
   * reader.
   */
  | { readonly kind: "own"; readonly packet: PacketRecord; readonly reading: ReadAnswer }
  /** It matches one of our packets, or may, but its sender is not authenticated. */
  | { readonly kind: "unproven"; readonly packet: PacketRecord; readonly why: string }
  /** A packet secured upstream; `follows` is undefined if the status cannot be read. */
  | {
      readonly kind: "upstream";
      readonly packet: PacketRecord;
      readonly job: Job;
      readonly message?: SmscMessage;
      readonly follows: boolean | undefined;
    };

/** The answer to a packet in flight, proven by the card's keys and the packet's counter: no search is needed. */
export function answersFlight(flight: Flight | undefined, whole: ReassembledMessage): ReadAnswer | undefined {
  if (flight === undefined || !mayAnswer(flight.packet, whole.body)) return undefined;
  const reading = read(flight.keySet, flight.packet, whole);
  return reading !== undefined && !("why" in reading) && reading.asAsked && reading.authenticated ? reading : undefined;
}

/**
 * Finds the command that a response packet answers: by keys and counter where they are known, otherwise the oldest open
 * command of its TAR that is older than the response. Commands to the number that the response came from are preferred.
 */
export async function findAnswered(
  r: Repositories,
  entry: ArrivedItem,
  target: TargetId | undefined,
  whole: ReassembledMessage,
): Promise<Answered | undefined> {
  const named = target === undefined ? [] : await candidates(r, target, maxCandidates, whole);
  const keys = keysIn(r);
  const proven = await provenIn(r, named, keys, whole, "counter");
  if (proven !== undefined) return proven;
  const all = await candidates(r, undefined, maxStrangers, whole);
  const others = all.filter((packet) => packet.target !== target);
  return (
    (await provenIn(r, others, keys, whole, "keys")) ??
    (await guessIn(r, entry, named, keys, whole)) ??
    (await unprovenIn(r, entry, named, keys, whole)) ??
    (await strangeIn(r, entry, others, keys, whole))
  );
}

async function candidates(
  r: Repositories,
  target: TargetId | undefined,
  limit: number,
  whole: ReassembledMessage,
): Promise<PacketRecord[]> {
  const packets = await r.packets.unanswered(target, limit);
  return packets.filter((packet) => mayAnswer(packet, whole.body)).reverse();
}

/** Matching criteria: the counter, also in clear, or only the keys where the sender is unknown. */
type Proof = "counter" | "keys";

type KeysOf = (target: TargetId) => Promise<readonly KeySet[]>;

/** Opens the keys of each target once. */
function keysIn(r: Repositories): KeysOf {
  const opened = new Map<TargetId, Promise<readonly KeySet[]>>();
  return (target) => {
    const known = opened.get(target) ?? r.keySets.open(target, "SCP80");
    opened.set(target, known);
    return known;
  };
}

/** Matches by keys and counter: of two commands with the same counter, an open one is preferred, then the older. */
async function provenIn(
  r: Repositories,
  packets: readonly PacketRecord[],
  keys: KeysOf,
  whole: ReassembledMessage,
  by: Proof,
): Promise<Answered | undefined> {
  let late: Answered | undefined;
  for (const packet of packets) {
    const found = await proven(r, packet, await keys(packet.target), whole, by);
    if (found === undefined) continue;
    if ((await openJob(r, packet)) !== undefined) return found;
    late ??= found;
  }
  return late;
}

async function proven(
  r: Repositories,
  packet: PacketRecord,
  sets: readonly KeySet[],
  whole: ReassembledMessage,
  by: Proof,
): Promise<Answered | undefined> {
  if (packet.keySet === undefined) {
    const found = matchUpstream(sets, packet, whole.userData);
    return found?.match === "yes" && (by === "counter" || found.proven)
      ? upstream(r, packet, found.follows)
      : undefined;
  }
  const set = sets.find((one) => one.id === packet.keySet);
  const reading = set === undefined ? undefined : read(set, packet, whole);
  if (reading === undefined || "why" in reading || !reading.asAsked) return undefined;
  // A response from an unknown sender must be secured with the card's keys.
  const counts = by === "counter" || reading.authenticated || reading.ciphered;
  return counts ? { kind: "own", packet, reading } : undefined;
}

function read(
  set: KeySet,
  packet: PacketRecord,
  whole: ReassembledMessage,
): ReadAnswer | { readonly why: string } | undefined {
  try {
    return readAnswer(set, packet, whole.userData);
  } catch (error) {
    // Deciphered with other keys, the data may not even have the form of a response.
    return isGatewayError(error, "packet.cc") || isGatewayError(error, "packet.format")
      ? { why: error.message }
      : undefined;
  }
}

async function guessIn(
  r: Repositories,
  entry: ArrivedItem,
  packets: readonly PacketRecord[],
  keys: KeysOf,
  whole: ReassembledMessage,
): Promise<Answered | undefined> {
  const number = entry.item.kind === "message" ? digits(entry.item.to) : undefined;
  const guesses: { readonly rank: readonly number[]; readonly answered: Answered }[] = [];
  for (const packet of packets) {
    if (packet.keySet !== undefined || isYounger(packet, entry)) continue;
    const found = matchUpstream(await keys(packet.target), packet, whole.userData);
    const answered = found === undefined ? undefined : await upstream(r, packet, found.follows);
    if (answered === undefined) continue;
    const open = answered.job.endedAt === undefined;
    if (!open && (packet.answeredAt ?? packet.createdAt) < entry.receivedAt - guessWindowMs) continue;
    const sender =
      answered.message?.source.addr ?? (answered.job.work.kind === "packet" ? answered.job.work.from : undefined);
    const wrote = number !== undefined && digits(sender) === number;
    const waits = open || answered.message !== undefined;
    // Commands that may have been answered already come last, latest first: the final response follows another one.
    const seen = packet.answeredAt === undefined ? 0 : 1;
    const age = packet.answeredAt === undefined ? packet.createdAt : -packet.answeredAt;
    guesses.push({ rank: [wrote ? 0 : 1, seen, waits ? 0 : 1, age], answered });
  }
  return guesses.sort((a, b) => compare(a.rank, b.rank))[0]?.answered;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

async function upstream(
  r: Repositories,
  packet: PacketRecord,
  follows: boolean | undefined,
): Promise<Extract<Answered, { kind: "upstream" }> | undefined> {
  const job = await r.jobs.get(packet.job);
  if (job === undefined) return undefined;
  const message = job.origin.face === "smpp" ? (await r.smsc.messagesOfJob(job.id)).at(-1) : undefined;
  if (job.origin.face === "smpp" && message === undefined) return undefined;
  return { kind: "upstream", packet, job, follows, ...withoutUndefined({ message }) };
}

/** The commands that a message may answer according to their keys, with its contents under those keys. */
async function* readingsOf(
  r: Repositories,
  entry: ArrivedItem,
  packets: readonly PacketRecord[],
  keys: KeysOf,
  whole: ReassembledMessage,
) {
  for (const packet of packets) {
    if (packet.keySet === undefined || isYounger(packet, entry)) continue;
    const set = (await keys(packet.target)).find((one) => one.id === packet.keySet);
    const reading = set === undefined ? undefined : read(set, packet, whole);
    if (reading !== undefined && (await openJob(r, packet)) !== undefined) yield { packet, reading };
  }
}

async function unprovenIn(...of: Parameters<typeof readingsOf>): Promise<Answered | undefined> {
  for await (const { packet, reading } of readingsOf(...of)) {
    const why = "why" in reading ? reading.why : `${porWords(reading.statusName)} without the proof that was asked for`;
    return { kind: "unproven", packet, why };
  }
  return undefined;
}

/** A response in clear to a command that required no more, from a sender not proven to be the card. */
async function strangeIn(...of: Parameters<typeof readingsOf>): Promise<Answered | undefined> {
  for await (const { packet, reading } of readingsOf(...of)) {
    if ("why" in reading || !reading.asAsked) continue;
    return { kind: "unproven", packet, why: fromStranger(reading.statusName) };
  }
  return undefined;
}

async function openJob(r: Repositories, packet: PacketRecord): Promise<Job | undefined> {
  const job = await r.jobs.get(packet.job);
  return job === undefined || job.endedAt !== undefined ? undefined : job;
}

/** Whether the packet was made after the response was sent (according to its service centre) or had arrived. */
function isYounger(packet: PacketRecord, entry: ArrivedItem): boolean {
  const sentAt = entry.item.kind === "message" ? sentTime(entry.item.tpdu) : undefined;
  return packet.createdAt > entry.receivedAt || (sentAt !== undefined && sentAt + clockSkewMs < packet.createdAt);
}

/** TP-SCTS of a SMS-DELIVER. 3GPP TS 23.040 §9.2.3.11 */
function sentTime(tpdu: Uint8Array | undefined): number | undefined {
  if (tpdu === undefined || ((tpdu[0] ?? 0) & 0x03) !== 0) return undefined;
  try {
    const at = Date.parse(parseTpdu(tpdu, "SMS-DELIVER").scts);
    return Number.isNaN(at) ? undefined : at;
  } catch {
    return undefined;
  }
}
