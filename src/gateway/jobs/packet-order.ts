import type { JobId, TargetId } from "../../base/id.ts";
import { parseSpi } from "../../codec/ota/spi.ts";
import { endStates, type Job } from "../model/job.ts";
import { type KeySetInfo, servesTar } from "../model/key-set.ts";
import type { PacketRecord } from "../model/packet.ts";
import type { Repositories } from "../model/store.ts";

/** What the order of packets depends on: the counter that the card compares. */
export type OrderFacts = Pick<PacketRecord, "keySet" | "tar" | "spi" | "kic" | "kid">;

/** A packet that has left blocks packets with a higher counter of the same keys until its job has ended. */
export interface Place {
  readonly job: Job;
  readonly packet: PacketRecord;
}

/** Places of a target, earliest first: packets of open jobs that may have left and were not answered. */
export async function placesOf(r: Repositories, target: TargetId): Promise<Place[]> {
  const places: Place[] = [];
  for (const packet of await r.packets.inPlace(target)) {
    const job = await r.jobs.get(packet.job);
    if (job !== undefined && !endStates.includes(job.state)) places.push({ job, packet });
  }
  return places;
}

/**
 * The place that a packet has to wait for: of another job, with the same counter, and before it. `own` is the packet
 * itself, absent while it is not secured yet.
 */
export async function placeBefore(
  r: Repositories,
  job: Job,
  facts: OrderFacts,
  own?: PacketRecord,
): Promise<Place | undefined> {
  const places = (await placesOf(r, job.target)).filter((place) => place.job.id !== job.id);
  if (places.length === 0) return undefined;
  const sets = await r.keySets.list(job.target);
  const counter = counterOf(facts, sets);
  if (counter === undefined) return undefined;
  return places.find(({ packet }) => counterOf(packet, sets) === counter && isBefore(packet, own));
}

function isBefore(packet: PacketRecord, own: PacketRecord | undefined): boolean {
  if (own === undefined) return true;
  if (packet.cntr !== undefined && own.cntr !== undefined) return packet.cntr < own.cntr;
  return packet.createdAt === own.createdAt ? packet.id < own.id : packet.createdAt < own.createdAt;
}

/**
 * Identifies the counter that the card compares a packet with: of one of our key sets, or of the keys that a packet
 * secured upstream names. Undefined when the card compares none. TS 102 225 §5.1.1
 */
function counterOf({ keySet, tar, spi, kic, kid }: OrderFacts, sets: readonly KeySetInfo[]): string | undefined {
  if (spi === undefined || tar === undefined || !comparesCounter(spi)) return undefined;
  if (keySet !== undefined) return keySet;
  const kvn = (kid?.[0] ?? 0) >> 4 || (kic?.[0] ?? 0) >> 4;
  const known = sets.find((set) => set.type === "SCP80" && set.kvn === kvn && servesTar(set, tar));
  return known?.id ?? `KVN ${kvn} of ${tar <= "00FFFF" ? "the ISD-R" : tar}`;
}

function comparesCounter(spi: Uint8Array): boolean {
  try {
    const { counter } = parseSpi(spi).command;
    return counter === "higher" || counter === "next";
  } catch {
    return true;
  }
}

/** The note of a job that waits for a place. */
export function waitsFor(job: JobId): string {
  return `waits for job ${job}, whose packet was sent with a lower counter`;
}
