import { newId } from "../../base/id.ts";
import { checkPolicy } from "../eis/policy.ts";
import { step } from "../jobs/job-step.ts";
import { enterStoredChannel } from "../jobs/secure-channels.ts";
import type { Job } from "../model/job.ts";
import type { KeySet } from "../model/key-set.ts";
import type { OrderKey } from "../model/new-job.ts";
import type { PacketRecord } from "../model/packet.ts";
import { switchIsOpen } from "../model/profile-switch.ts";
import type { Repositories } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { noteAgentId } from "../targets/agent-ids.ts";
import type { FoundRoute } from "./reserve-packet.ts";
import { planPacket } from "./secured-packet.ts";

/** A job that is stored as under way, and its packet, which may be sent from now on. */
export interface BegunJob {
  readonly job: Job;
  readonly packet: PacketRecord;
  /** The keys that secure it, unless it was secured upstream. */
  readonly keySet?: KeySet;
}

/**
 * Accepts a job and reserves its packet in one step, for a target without other work under way. Undefined, with nothing
 * stored, when the job has to wait for another job or a profile switch, or is to be refused.
 * @throws crypto.*, target.no-key
 */
export async function beginJob(
  r: Repositories,
  accepted: Omit<Job, "seq">,
  target: Target,
  { bearer, link, why }: FoundRoute,
  key: OrderKey = {},
): Promise<BegunJob | undefined> {
  const { id, work, origin, createdAt: at } = accepted;
  if (checkPolicy(target, work).refusal !== undefined) return undefined;
  if ((await r.jobs.hasOpen(target.id)) || (await switchIsOpen(r, target.id, at))) return undefined;
  const chosen = { bearer, link, why };
  const queued = { ...accepted, seq: 0 };
  const opened = work.kind === "packet" ? [] : await r.keySets.open(target.id, "SCP80");
  if ((await enterStoredChannel(r, queued, 1)) !== undefined) return undefined;
  const { plan, keySet } = await planPacket(queued, target, opened, r.keySets);
  const packet: PacketRecord = {
    id: newId("pkt", at),
    job: id,
    target: target.id,
    ...plan,
    state: "reserved",
    link,
    transmissions: 1,
    createdAt: at,
  };
  const reserved = { cntr: packet.cntr, segments: packet.userData.length };
  const taken = step(queued, { kind: "reserved", at, chosen, packet: reserved });
  if ("refused" in taken) return undefined;
  const { job } = await r.jobs.insert(taken.job, key.idempotencyKey, key.idempotencyDigest);
  await r.packets.insert(packet);
  await noteAgentId(r, target, work, at);
  await r.events.append({ at, type: "job.queued", target: target.id, job: id, data: { origin } });
  for (const effect of taken.effects) {
    if (effect.kind !== "event") continue;
    const { kind: _, ...facts } = effect;
    await r.events.append({ at, target: target.id, job: id, ...facts });
  }
  return { job, packet, ...(keySet && { keySet }) };
}
