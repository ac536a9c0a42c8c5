import { withoutUndefined } from "../../base/defined.ts";
import type { JobId, TargetId } from "../../base/id.ts";
import type { NewEvent } from "../model/event.ts";
import type { Job, JobPatch } from "../model/job.ts";
import type { JobEnd, JobEndEffect } from "../model/job-end.ts";
import { mayHaveLeft } from "../model/packet.ts";
import type { Repositories } from "../model/store.ts";
import { executedSoFar } from "./executed-so-far.ts";
import type { JobEffect, JobEvent, JobFacts, JobStep } from "./job-events.ts";
import { needsFacts, step } from "./job-step.ts";
import { waitsFor } from "./packet-order.ts";

/**
 * Applies an event to a job as part of a unit of work: its record, packet and events, and the effects of its end. The
 * job is given by id or as it was read; if it has changed since, it is read again.
 */
export type FeedJob = (r: Repositories, job: Job | JobId, event: JobEvent) => Promise<JobStep>;

/** {@link FeedJob} with the effects of a job's end. Only this file writes job records. */
export function jobFeed(endEffects: readonly JobEndEffect[]): FeedJob {
  const take = async (r: Repositories, job: Job, event: JobEvent): Promise<JobStep | "changed"> => {
    const facts = needsFacts(job, event) ? await factsOf(r, job, event) : undefined;
    const taken = step(job, event, facts);
    if ("refused" in taken) return taken;
    const patch = patchOf(job, taken.job);
    const stored = Object.keys(patch).length === 0 || (await r.jobs.patch(job.id, patch, job));
    if (!stored) return "changed";
    for (const effect of taken.effects) await apply(r, job, effect, event.at);
    return taken;
  };
  const apply = async (r: Repositories, job: Job, effect: JobEffect, at: number): Promise<void> => {
    switch (effect.kind) {
      case "packet":
        return r.packets.patch(effect.id, effect.patch);
      case "raise-counter":
        return r.keySets.raiseCounter(effect.keySet, effect.floor);
      case "event": {
        const { kind: _, ...facts } = effect;
        await r.events.append({ at, target: job.target, job: job.id, ...facts });
        return;
      }
      case "end": {
        for (const follow of endEffects) await follow(r, job, effect.end, at);
        if (job.attempts > 0) await r.jobs.letGo(job.target, waitsFor(job.id), at);
        await r.events.append(endEvent(job, effect.end, at));
      }
    }
  };
  return async (r, given, event) => {
    const first = typeof given === "string" ? await r.jobs.get(given) : given;
    if (first === undefined) return { refused: "ended" };
    const taken = await take(r, first, event);
    if (taken !== "changed") return taken;
    const now = await r.jobs.get(first.id);
    const again = now === undefined ? "changed" : await take(r, now, event);
    return again === "changed" ? { refused: "ended" } : again;
  };
}

/** Whether a step was taken. */
export function wasTaken(taken: JobStep): taken is Extract<JobStep, { readonly job: Job }> {
  return "job" in taken;
}

/** Defers the due jobs behind this one with the same request: if this one has no route, neither have they. */
export function deferAlike(r: Repositories, job: Job, at: number, until: number, note: string): Promise<void> {
  return r.jobs.defer(job, at, until, note);
}

/** Makes the deferred jobs of a target, or of all, due. */
export function makeDue(r: Repositories, target: TargetId | undefined, at: number): Promise<void> {
  return r.jobs.resume(target, at);
}

async function factsOf(r: Repositories, job: Job, event: JobEvent): Promise<JobFacts> {
  // The step itself takes back a transmission that certainly never left.
  const unsent =
    event.kind === "submit-failed" && event.failure.fate === "not-sent" ? event.failure.packet.id : undefined;
  const packets = (await r.packets.ofJob(job.id)).map((packet) =>
    packet.id === unsent ? { ...packet, transmissions: packet.transmissions - 1 } : packet,
  );
  const sentPackets = packets.filter((packet) => mayHaveLeft([packet])).length;
  return { soFar: await executedSoFar(r, job, packets), sentPackets };
}

/** The changed fields of a job's record. */
function patchOf(before: Job, after: Job): JobPatch {
  const { state, chosen, attempts, notBefore, result, error, note, startedAt, endedAt } = after;
  return {
    ...(state === before.state ? {} : { state }),
    ...(chosen === before.chosen || chosen === undefined ? {} : { chosen }),
    ...(attempts === before.attempts ? {} : { attempts }),
    ...(notBefore === before.notBefore ? {} : { notBefore }),
    ...(result === before.result || result === undefined ? {} : { result }),
    ...(error === before.error || error === undefined ? {} : { error }),
    ...(note === before.note || note === undefined ? {} : { note }),
    ...(startedAt === before.startedAt || startedAt === undefined ? {} : { startedAt }),
    ...(endedAt === before.endedAt || endedAt === undefined ? {} : { endedAt }),
  };
}

function endEvent(job: Job, { state, error, result }: JobEnd, at: number): NewEvent {
  const data = {
    origin: job.origin,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
    ...withoutUndefined({ commands: result?.commands.length }),
  };
  return { at, type: `job.${state}`, target: job.target, job: job.id, data };
}
