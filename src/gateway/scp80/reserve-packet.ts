import type { Clock } from "../../base/clock.ts";
import { newId } from "../../base/id.ts";
import { checkPolicy } from "../eis/policy.ts";
import { endJobIn } from "../jobs/end-job.ts";
import { type Place, placeBefore, waitsFor } from "../jobs/packet-order.ts";
import { enterStoredChannel } from "../jobs/secure-channels.ts";
import { expireJobIn } from "../jobs/stop-job.ts";
import type { Route } from "../links/routing.ts";
import { openFailure } from "../model/failure.ts";
import type { Job } from "../model/job.ts";
import { mayHaveLeft, type PacketRecord } from "../model/packet.ts";
import { switchIsOpen } from "../model/profile-switch.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { noteAgentId } from "../targets/agent-ids.ts";
import { mustBeMadeAnew, orderFacts, planPacket } from "./secured-packet.ts";

export type FoundRoute = Extract<Route, { at: "found" }>;

/** How long a job waits for the place of another before it looks again; the end of the other wakes it. */
const shortestPlaceWaitMs = 250;
const longestPlaceWaitMs = 60_000;

/**
 * The packet to send: the one that is already reserved, or a new one; its transmission is counted durably. Undefined when
 * the job has ended, or waits for a packet that left before it.
 */
export function reservePacket(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  job: Job,
  target: Target,
  route: FoundRoute,
): Promise<PacketRecord | undefined> {
  return store.write(async (r) => {
    const now = clock.now();
    const current = (await r.packets.ofJob(job.id)).at(-1);
    if (current?.state === "answered") return current;
    if (now >= job.validUntil) return void (await expireJobIn(r, job.id, now));
    if (!mayHaveLeft(current === undefined ? [] : [current]) && !(await mayStart(r, job, now))) return undefined;
    const sets = await r.keySets.list(target.id);
    const kept = current === undefined || mustBeMadeAnew(current, sets) ? undefined : current;
    const place = await placeBefore(r, job, kept ?? orderFacts(job, target, sets), kept);
    if (place !== undefined) return giveWay(r, job, place, now);
    const lost = kept === undefined ? await enterStoredChannel(r, job, job.attempts + 1) : undefined;
    if (lost !== undefined) {
      await endJobIn(r, clock.now(), job.id, { state: "failed", error: lost });
      return undefined;
    }
    const { bearer, link, why } = route;
    const chosen = { bearer, link, why };
    const started = job.startedAt === undefined ? { startedAt: now } : {};
    const running = { state: "running", chosen, attempts: job.attempts + 1, ...started } as const;
    if (!(await r.jobs.patch(job.id, running))) return undefined;
    if (kept !== undefined) {
      const transmissions = kept.transmissions + 1;
      await r.packets.patch(kept.id, { transmissions, link });
      return { ...kept, transmissions, link };
    }
    // Nothing of it has left, but a later counter has: the card would refuse it.
    if (current !== undefined) await r.packets.patch(current.id, { state: "abandoned" });
    const packet: PacketRecord = {
      id: newId("pkt", now),
      job: job.id,
      target: target.id,
      ...(await planPacket(job, target, r.keySets)),
      state: "reserved",
      link,
      transmissions: 1,
      createdAt: now,
    };
    await r.packets.insert(packet);
    await noteAgentId(r, target, job.work, clock.now());
    const data = { ...chosen, cntr: packet.cntr, segments: packet.userData.length };
    await r.events.append({ at: now, type: "job.sending", target: target.id, job: job.id, data });
    return packet;
  });
}

/** What has to hold where the first packet leaves: a rule or a switch of a moment ago counts. */
export async function mayStart(r: Repositories, job: Job, now: number): Promise<boolean> {
  const target = await r.targets.get(job.target);
  const { refusal } = target === undefined || job.attempts > 0 ? { refusal: undefined } : checkPolicy(target, job.work);
  if (refusal !== undefined) {
    await endJobIn(r, now, job.id, { state: "failed", error: openFailure(refusal) });
    return false;
  }
  return job.lane === "system" || !(await switchIsOpen(r, job.target, now));
}

/** Puts a job off until the packet before it has its answer or is given up; a confirmation has that tried at once. */
async function giveWay(r: Repositories, job: Job, { job: first }: Place, now: number): Promise<undefined> {
  const note = waitsFor(first.id);
  const hurry = job.lane === "system" && job.note !== note && first.state === "queued";
  if (hurry) await r.jobs.patch(first.id, { notBefore: now });
  const due = hurry ? now : Math.min(first.notBefore, now + longestPlaceWaitMs);
  const notBefore = Math.min(Math.max(due, now + shortestPlaceWaitMs), job.validUntil);
  await r.jobs.patch(job.id, { state: "queued", note, notBefore });
  return undefined;
}
