import type { Clock } from "../../base/clock.ts";
import { newId } from "../../base/id.ts";
import { checkPolicy } from "../eis/policy.ts";
import { type FeedJob, wasTaken } from "../jobs/feed-job.ts";
import { stageOf } from "../jobs/job-stage.ts";
import { type Place, placeBefore, waitsFor } from "../jobs/packet-order.ts";
import { enterStoredChannel } from "../jobs/secure-channels.ts";
import type { Route } from "../links/routing.ts";
import { openFailure } from "../model/failure.ts";
import type { Job } from "../model/job.ts";
import type { KeySet } from "../model/key-set.ts";
import { mayHaveLeft, type PacketRecord } from "../model/packet.ts";
import { switchIsOpen } from "../model/profile-switch.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { noteAgentId } from "../targets/agent-ids.ts";
import { mustBeReplaced, orderFacts, planPacket } from "./secured-packet.ts";

export type FoundRoute = Extract<Route, { at: "found" }>;

/**
 * A packet that is to be sent, and its job at that time; with the keys of a new packet its answer can be read without a
 * look-up.
 */
interface Reserved {
  readonly job: Job;
  readonly packet: PacketRecord;
  readonly keySet?: KeySet;
}

/**
 * How long a job waits for the place of another before it is tried again; the end of the other job resumes it earlier.
 */
const minPlaceWaitMs = 250;
const maxPlaceWaitMs = 60_000;

/** What {@link reservePacket} needs. */
interface ReserveDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly feed: FeedJob;
}

/**
 * The packet to send: the reserved one, or a new one; the transmission is counted durably. Undefined when the job has
 * ended, was taken by a session, or waits for a packet that left before it.
 */
export function reservePacket(
  deps: ReserveDeps,
  queued: Job,
  target: Target,
  route: FoundRoute,
): Promise<Reserved | undefined> {
  return deps.store.write((r) => reserveIn(deps, r, queued, target, route));
}

async function reserveIn(
  { clock, feed }: ReserveDeps,
  r: Repositories,
  queued: Job,
  seen: Target,
  { bearer, link, why }: FoundRoute,
): Promise<Reserved | undefined> {
  const now = clock.now();
  // The job may have changed since its route was chosen.
  const target = (await r.targets.get(seen.id)) ?? seen;
  // A job that was never tried has no packets, and its step is refused if it has changed since it was read.
  const untried = queued.attempts === 0 && queued.chosen === undefined;
  const job = untried ? queued : await r.jobs.get(queued.id);
  if (job === undefined || stageOf(job) !== "queued") return undefined;
  const current = untried ? undefined : (await r.packets.ofJob(job.id)).at(-1);
  if (current?.state === "answered") return { job, packet: current };
  if (now >= job.validUntil) return void (await feed(r, job, { kind: "expired", at: now }));
  if (!mayHaveLeft(current === undefined ? [] : [current]) && !(await mayStart(feed, r, job, target, now)))
    return undefined;
  // Only the owner has the keys of a packet secured upstream.
  const opened = job.work.kind === "packet" ? [] : await r.keySets.open(target.id, "SCP80");
  const sets = opened.length > 0 || current === undefined ? opened : await r.keySets.list(target.id);
  const kept = current === undefined || mustBeReplaced(current, sets) ? undefined : current;
  const place = await placeBefore(r, job, kept ?? orderFacts(job, target, sets), kept);
  if (place !== undefined) return giveWay(feed, r, job, place, now);
  const error = kept === undefined ? await enterStoredChannel(r, job, job.attempts + 1) : undefined;
  if (error !== undefined)
    return void (await feed(r, job, { kind: "ended", at: now, end: { state: "failed", error } }));
  const chosen = { bearer, link, why };
  if (kept !== undefined) {
    const packet = { ...kept, transmissions: kept.transmissions + 1, link };
    const taken = await feed(r, job, { kind: "reserved", at: now, chosen });
    await r.packets.patch(kept.id, { transmissions: packet.transmissions, link });
    return wasTaken(taken) ? { job: taken.job, packet } : undefined;
  }
  // Nothing of the packet has left, but a later counter has: the card would refuse it.
  if (current !== undefined) await r.packets.patch(current.id, { state: "abandoned" });
  const { plan, keySet } = await planPacket(job, target, opened, r.keySets);
  const packet: PacketRecord = {
    id: newId("pkt", now),
    job: job.id,
    target: target.id,
    ...plan,
    state: "reserved",
    link,
    transmissions: 1,
    createdAt: now,
  };
  const segments = packet.userData.length;
  const taken = await feed(r, job, { kind: "reserved", at: now, chosen, packet: { cntr: packet.cntr, segments } });
  if (!wasTaken(taken)) return undefined;
  await r.packets.insert(packet);
  await noteAgentId(r, target, job.work, now);
  return { job: taken.job, packet, ...(keySet && { keySet }) };
}

/** Conditions that must hold when the first packet is reserved: a rule or a switch may have changed since the order. */
export async function mayStart(
  feed: FeedJob,
  r: Repositories,
  job: Job,
  target: Target,
  now: number,
): Promise<boolean> {
  const { refusal } = job.attempts > 0 ? { refusal: undefined } : checkPolicy(target, job.work);
  if (refusal !== undefined) {
    await feed(r, job, { kind: "ended", at: now, end: { state: "failed", error: openFailure(refusal) } });
    return false;
  }
  return job.lane === "system" || !(await switchIsOpen(r, job.target, now));
}

/**
 * Defers a job until the packet before it is answered or abandoned; a confirmation makes that packet be tried at once.
 */
async function giveWay(
  feed: FeedJob,
  r: Repositories,
  job: Job,
  { job: first }: Place,
  now: number,
): Promise<undefined> {
  const note = waitsFor(first.id);
  const hurry = job.lane === "system" && job.note !== note && first.state === "queued";
  if (hurry) await feed(r, first, { kind: "due", at: now });
  const due = hurry ? now : Math.min(first.notBefore, now + maxPlaceWaitMs);
  await feed(r, job, { kind: "deferred", at: now, note, until: Math.max(due, now + minPlaceWaitMs) });
  return undefined;
}
