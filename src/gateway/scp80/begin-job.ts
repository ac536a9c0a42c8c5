import { newId } from "../../base/id.ts";
import { checkPolicy } from "../eis/policy.ts";
import { step } from "../jobs/job-step.ts";
import { chooseRoute, type RouteLink } from "../links/routing.ts";
import type { Job } from "../model/job.ts";
import type { PacketRecord } from "../model/packet.ts";
import { switchIsOpen } from "../model/profile-switch.ts";
import type { Repositories } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { planPacket } from "./secured-packet.ts";

/** A job that is stored as under way, and its packet, which may be sent from now on. */
interface BegunJob {
  readonly job: Job;
  readonly packet: PacketRecord;
}

const noHttps = { open: false, possible: false };

/**
 * Accepts a job and reserves its packet in one step, for a target without other work under way. Undefined, with nothing
 * stored, when the job has to wait for another job, a profile switch or a link, or is to be refused.
 */
export async function beginJob(
  r: Repositories,
  accepted: Omit<Job, "seq">,
  target: Target,
  links: readonly RouteLink[],
): Promise<BegunJob | undefined> {
  const { id, work, request, origin, createdAt: at } = accepted;
  const route = chooseRoute(target, work, request, links, noHttps, 0);
  if (route.at !== "found" || checkPolicy(target, work).refusal !== undefined) return undefined;
  if ((await r.jobs.hasOpen(target.id)) || (await switchIsOpen(r, target.id, at))) return undefined;
  const { bearer, link, why } = route;
  const chosen = { bearer, link, why };
  const queued = { ...accepted, seq: 0 };
  const opened = work.kind === "packet" ? [] : await r.keySets.open(target.id, "SCP80");
  const packet: PacketRecord = {
    id: newId("pkt", at),
    job: id,
    target: target.id,
    ...(await planPacket(queued, target, opened, r.keySets)).plan,
    state: "reserved",
    link,
    transmissions: 1,
    createdAt: at,
  };
  const reserved = { cntr: packet.cntr, segments: packet.userData.length };
  const taken = step(queued, { kind: "reserved", at, chosen, packet: reserved });
  if ("refused" in taken) return undefined;
  const { job } = await r.jobs.insert(taken.job);
  await r.packets.insert(packet);
  await r.events.append({ at, type: "job.queued", target: target.id, job: id, data: { origin } });
  for (const effect of taken.effects) {
    if (effect.kind !== "event") continue;
    const { kind: _, ...facts } = effect;
    await r.events.append({ at, target: target.id, job: id, ...facts });
  }
  return { job, packet };
}
