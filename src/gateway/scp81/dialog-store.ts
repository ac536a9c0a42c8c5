import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { isRecordId, type JobId, type TargetId } from "../../base/id.ts";
import type { AdminRecord, AdminStep, AdminStore, AdminVerdict, Offer } from "../../link/scp81/admin-store.ts";
import { type FeedJob, wasTaken } from "../jobs/feed-job.ts";
import { lateAnswerOf, reportLateAnswer } from "../jobs/late-answer.ts";
import { enterChannel, withLostLink } from "../jobs/secure-channels.ts";
import {
  type AdminDialogRecord,
  freshDialog,
  type JobParts,
  jobsInParts,
  partsOf,
  withParts,
} from "../model/admin-dialog.ts";
import { hasEnded, type Job } from "../model/job.ts";
import { switchIsOpen } from "../model/profile-switch.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Notifications } from "../notifications/notifications.ts";
import { mayStart } from "../scp80/reserve-packet.ts";
import { cutScript, type ScriptParts, scriptParts } from "../scripts/script-parts.ts";
import { noteAgentId } from "../targets/agent-ids.ts";
import { takeNotification } from "./admin-notification.ts";
import { adminScript, jobOfScript } from "./admin-scripts.ts";
import { scriptOutcome } from "./admin-verdict.ts";

interface Scp81StoreDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly notifications: Notifications;
  readonly feed: FeedJob;
  /** How long a session is held open for an upstream that announced more. */
  readonly holdOpenMs: number;
  /** The target may be free for its next job. */
  readonly wake: (target: TargetId) => void;
}

/** The store of administration sessions, on top of the gateway's jobs: each step is one unit of work. */
export class Scp81Store implements AdminStore {
  readonly #deps: Scp81StoreDeps;

  constructor(deps: Scp81StoreDeps) {
    this.#deps = deps;
  }

  async load(session: string): Promise<AdminRecord> {
    return (await this.#deps.store.read((r) => r.adminDialogs.get(session)))?.record ?? {};
  }

  async advance(session: string, step: AdminStep): Promise<Offer> {
    const target = isRecordId("tgt", session) ? session : undefined;
    const woken = new Set<TargetId>();
    const offer = await this.#deps.store.write(async (r) => {
      woken.clear();
      let dialog = (await r.adminDialogs.get(session)) ?? freshDialog;
      for (const { script, verdict } of step.settled) dialog = await this.#settle(r, dialog, script, verdict);
      if (step.position !== undefined) dialog = { ...dialog, record: { ...dialog.record, position: step.position } };
      if (step.notification !== undefined) {
        const received = { target, tlv: step.notification, receivedAt: this.#deps.clock.now() };
        const counts = await takeNotification(r, this.#deps.notifications, received, (id) => woken.add(id));
        if (counts && target !== undefined) await this.#confirmHere(r, target);
      }
      const [next, made] = await this.#next(r, target, dialog, step.next);
      await r.adminDialogs.put(session, next);
      return made;
    });
    if (step.settled.length > 0 && target !== undefined) woken.add(target);
    for (const id of woken) this.#deps.wake(id);
    return offer;
  }

  /** The card expects the confirmation in the session in which it notified. SGP.02 §3.15.2 */
  async #confirmHere(r: Repositories, target: TargetId): Promise<void> {
    for (const job of await r.jobs.list({ target, state: ["queued"], origin: "system" }, undefined, 20)) {
      const { work, request } = job;
      if (work.kind !== "script" || work.function?.name !== "confirmNotification") continue;
      if (job.attempts > 0 || request.bearer !== "auto" || request.link !== undefined) continue;
      const why = "the notification came in this session";
      await this.#deps.feed(r, job, { kind: "session-chosen", at: this.#deps.clock.now(), why, untouched: false });
    }
  }

  async #settle(
    r: Repositories,
    dialog: AdminDialogRecord,
    script: string,
    verdict: AdminVerdict,
  ): Promise<AdminDialogRecord> {
    const { outstanding, ...others } = dialog.record;
    const ours = outstanding?.script.id === script ? outstanding : undefined;
    const cleared = ours === undefined ? dialog : { ...dialog, record: others };
    const id = jobOfScript(script);
    if (id === undefined) return cleared;
    const job = await r.jobs.get(id);
    const now = this.#deps.clock.now();
    if (job === undefined || hasEnded(job)) {
      const late = ours === undefined ? undefined : lateAnswerOf(verdict);
      if (job !== undefined && late !== undefined) await reportLateAnswer(r, job, now, late);
      return withParts(cleared, id, undefined);
    }
    if (ours === undefined) return cleared;
    const parts = partsOf(dialog, id);
    const outcome = scriptOutcome({ job, body: ours.script.body, ...(parts && { parts }) }, verdict);
    const carried = { bearer: "https" as const, repeatable: ours.script.secureChannel === undefined };
    const taken = await this.#deps.feed(r, job, { kind: "answered", at: now, verdict: outcome.verdict, carried });
    if (outcome.parts !== undefined) return withParts(cleared, id, outcome.parts);
    if (wasTaken(taken) && !hasEnded(taken.job)) return withParts(cleared, id, parts && { ...parts, again: true });
    if (wasTaken(taken) && taken.job.state === "done") return withParts(cleared, id, undefined);
    // A job that did not succeed ends its secure channel.
    const stored = (await r.adminDialogs.get(job.target)) ?? cleared;
    const over = withParts({ ...cleared, channels: stored.channels }, id, undefined);
    return stored.lost === undefined ? over : { ...over, lost: stored.lost };
  }

  async #next(
    r: Repositories,
    target: TargetId | undefined,
    dialog: AdminDialogRecord,
    next: AdminStep["next"],
  ): Promise<[AdminDialogRecord, Offer]> {
    if (next.do === "stop") return [dialog, { kind: "none" }];
    if (next.do === "offer") return this.#offer(r, target, dialog, next);
    const marked = withLostLink(dialog, next.lostChannel, this.#deps.clock.now());
    const { outstanding, ...withdrawn } = marked.record;
    if (outstanding === undefined || outstanding.script.id !== next.script) return [marked, { kind: "none" }];
    const id = jobOfScript(next.script);
    const job = id === undefined ? undefined : await r.jobs.get(id);
    if (job === undefined || hasEnded(job) || this.#deps.clock.now() >= job.validUntil) {
      return this.#offer(
        r,
        target,
        { ...marked, record: withdrawn },
        {
          ...next,
          do: "offer",
          uri: outstanding.uri,
        },
      );
    }
    const again = { ...outstanding, deliveries: next.deliveries };
    return [
      { ...marked, record: { ...marked.record, outstanding: again } },
      { kind: "script", script: outstanding.script },
    ];
  }

  async #offer(
    r: Repositories,
    target: TargetId | undefined,
    before: AdminDialogRecord,
    next: Extract<AdminStep["next"], { do: "offer" }>,
  ): Promise<[AdminDialogRecord, Offer]> {
    const { feed } = this.#deps;
    const now = this.#deps.clock.now();
    const kept = await withoutEnded(r, before);
    const dialog = withLostLink(kept, next.lostChannel, now);
    const owner = target === undefined ? undefined : await r.targets.get(target);
    if (owner === undefined) return [dialog, { kind: "none" }];
    const held = await switchIsOpen(r, owner.id, now);
    for await (const job of waitingJobs(r, owner.id)) {
      const { work } = job;
      if (work.kind === "packet" || now >= job.validUntil) continue;
      // After an unconfirmed switch only the gateway's own jobs run.
      if (held && job.lane === "normal") continue;
      const running = partsOf(dialog, job.id);
      const attempts = running === undefined || running.again === true ? job.attempts + 1 : job.attempts;
      if (job.attempts === 0 && !(await mayStart(feed, r, job, owner, now))) continue;
      const entry = enterChannel(dialog, job, attempts);
      if (entry.at === "lost") {
        await feed(r, job, { kind: "ended", at: now, end: { state: "failed", error: entry.error } });
        continue;
      }
      const cut =
        running === undefined ? scriptParts(work, owner, job.request.oneByOne) : remainingParts(running, work);
      const [body] = cut.bodies;
      if (body === undefined) continue;
      const partsLeft = cut.bodies.length - 1;
      const index = running?.answered ?? 0;
      const script = adminScript({ ...job, attempts }, work, { body, index }, entry.channel);
      const octets = body.length;
      await feed(r, job, { kind: "delivered", at: now, attempts, octets, part: index, partsLeft });
      await noteAgentId(r, owner, work, now);
      const { uri, after } = next;
      const outstanding = { script, uri, deliveries: 1, ...withoutUndefined({ after }) };
      const delivered: AdminDialogRecord = {
        ...entry.dialog,
        record: { ...entry.dialog.record, outstanding },
        moreUntil: job.request.moreToCome === true ? now + this.#deps.holdOpenMs : 0,
      };
      const parts = running === undefined ? firstParts(cut) : underWay(running);
      return [withParts(delivered, job.id, parts), { kind: "script", script }];
    }
    return [dialog, { kind: dialog.moreUntil > now ? "more" : "none" }];
  }
}

/** The parts that the card has not answered. */
function remainingParts(
  { limit, remaining, left }: JobParts,
  work: Exclude<Job["work"], { kind: "packet" }>,
): ScriptParts {
  if (left !== undefined) return { bodies: left };
  const bodies = cutScript(work, limit);
  return { bodies: bodies.slice(bodies.length - remaining), limit };
}

/** Nothing of the script is answered yet; undefined for a script in one part. */
function firstParts({ bodies, limit }: ScriptParts): JobParts | undefined {
  if (limit === undefined) return undefined;
  return {
    limit,
    remaining: bodies.length,
    answered: 0,
    commands: 0,
    ran: 0,
    results: [],
    data: new Uint8Array(0),
  };
}

function underWay({ again: _, ...parts }: JobParts): JobParts {
  return parts;
}

/** Forgets the parts of jobs that ended in the meantime. */
async function withoutEnded(r: Repositories, dialog: AdminDialogRecord): Promise<AdminDialogRecord> {
  let now = dialog;
  for (const id of jobsInParts(dialog)) {
    const job = await r.jobs.get(id);
    if (job === undefined || hasEnded(job)) now = withParts(now, id, undefined);
  }
  return now;
}

/** Jobs that wait for the session, in order; usually only the first one is needed. */
async function* waitingJobs(r: Repositories, target: TargetId): AsyncGenerator<Job> {
  const seen = new Set<JobId>();
  for (const limit of [1, 1000]) {
    const jobs = await r.jobs.waitingForSession(target, limit);
    for (const job of jobs) if (!seen.has(job.id)) yield job;
    for (const { id } of jobs) seen.add(id);
    if (jobs.length < limit) return;
  }
}
