import type { Clock } from "../../base/clock.ts";
import { detach } from "../../base/detach.ts";
import { newId, type TargetId } from "../../base/id.ts";
import { isdRTar } from "../../codec/euicc/aid.ts";
import { type FeedJob, wasTaken } from "../jobs/feed-job.ts";
import type { HttpsBearer } from "../links/https-bearer.ts";
import type { HttpsState } from "../links/routing.ts";
import type { GatewayEvent } from "../model/event.ts";
import type { Job } from "../model/job.ts";
import { mayHaveLeft } from "../model/packet.ts";
import type { PendingSessionTrigger } from "../model/pending-session-trigger.ts";
import { switchIsOpen } from "../model/profile-switch.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { jobsChangingBearer, mayChangeBearer, sessionDueBy } from "./bearer-fallback.ts";

interface Scp81BearerDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly feed: FeedJob;
  /** Whether an administration session of this target is open now. */
  readonly isOpen: (target: TargetId) => boolean;
  /** A reader, modem or SMSC would carry the job now. */
  readonly bySms: (job: Job, target: Target) => boolean;
  /** The server runs. */
  readonly running: () => boolean;
  /** Value of the session trigger (SecuredData after SCP80), hexadecimal; `8100` = what the card has stored. */
  readonly trigger: (target: Target) => Uint8Array;
  /** Makes a session that is held open look for new scripts. */
  readonly resume: (target: TargetId) => void;
  /** Examines the target's queue. */
  readonly wake: (target: TargetId) => void;
  readonly pauses?: SessionPauses;
}

/** Pauses between the sessions of a target, milliseconds. */
export interface SessionPauses {
  /** Between a session that took its jobs and the trigger for jobs that came too late for it. */
  readonly betweenMs: number;
  /** Between two looks at the targets with waiting jobs. */
  readonly sweepMs: number;
}

const defaultPauses: SessionPauses = { betweenMs: 2_000, sweepMs: 1_000 };

/** SPI of triggers: CC, ciphered, counter must be higher; no PoR. */
const triggerSpi = Uint8Array.of(0x16, 0x00);

/** How long to wait for a session before the trigger is sent again; doubled each time no session comes. */
const triggerPatienceMs = 90_000;
const maxPatienceMs = 3_600_000;
/**
 * A card whose session broke during a script opens a new one by its own retry policy, which another trigger would
 * cancel.
 */
const resumePatienceMs = 300_000;
const pageSize = 500;

/** SCP81 as a bearer: jobs wait for a session of their target; a session that is not open is requested by SMS. */
export class Scp81Bearer implements HttpsBearer, Disposable {
  readonly #deps: Scp81BearerDeps;
  readonly #pauses: SessionPauses;
  readonly #sweep: NodeJS.Timeout;
  readonly #off: () => void;
  readonly #startedAt: number;
  /** When the last session of a target ended in this process. */
  readonly #closedAt = new Map<TargetId, number>();
  /** A copy of the stored orders, once they were read. */
  readonly #pending = new Map<TargetId, PendingSessionTrigger>();
  #wantedRead = false;
  #before: number | undefined;
  #sweeping = false;

  constructor(deps: Scp81BearerDeps) {
    this.#deps = deps;
    this.#pauses = deps.pauses ?? defaultPauses;
    this.#startedAt = deps.clock.now();
    this.#off = deps.store.onEvents((events) => {
      for (const event of events) this.#noteEvent(event);
    });
    this.#sweep = setInterval(() => this.#look(), this.#pauses.sweepMs).unref();
    this.#look();
  }

  async state(target: Target): Promise<HttpsState> {
    const open = this.#deps.isOpen(target.id);
    if (!open && !this.#deps.running()) return { open, possible: false };
    const sets = await this.#deps.store.read((r) => r.keySets.list(target.id));
    const possible = open || (this.#deps.running() && sets.some((set) => set.type === "SCP81"));
    return { open, possible, only: possible && !sets.some((set) => set.type === "SCP80") };
  }

  async enqueue(job: Job, target: Target, why: string): Promise<void> {
    const now = this.#deps.clock.now();
    await this.#deps.store.write(async (r) => {
      const fresh = !mayHaveLeft(await r.packets.ofJob(job.id));
      const dueBy = sessionDueBy(job, now);
      const taken = await this.#deps.feed(r, job.id, { kind: "session-chosen", at: now, why, dueBy, untouched: fresh });
      if (wasTaken(taken) && !this.#deps.isOpen(target.id) && (await this.#due(r, target.id, now))) {
        await this.#ask(r, target, now);
      }
    });
    this.#deps.resume(target.id);
  }

  async trigger(target: Target, forMs = triggerPatienceMs): Promise<void> {
    const now = this.#deps.clock.now();
    const wanted = { target: target.id, since: now, until: now + forMs };
    await this.#deps.store.write(async (r) => {
      await this.#ask(r, target, now);
      await r.sessionTriggers.put(wanted);
    });
    this.#pending.set(target.id, wanted);
    this.#deps.wake(target.id);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweep);
    this.#off();
  }

  #noteEvent({ type, target, at }: GatewayEvent): void {
    if (target === undefined) return;
    const wanted = this.#pending.get(target);
    // If the store fails, the order stays in it: after a restart the session is triggered once more at most.
    if (type === "session.opened" && wanted !== undefined) detach(this.#forget([wanted]), () => {});
    if (type === "session.closed") this.#closedAt.set(target, at);
  }

  /** Removes orders that are fulfilled or expired. One that has just been stored in their place stays. */
  async #forget(orders: readonly PendingSessionTrigger[]): Promise<void> {
    if (orders.length === 0) return;
    for (const order of orders) if (this.#pending.get(order.target) === order) this.#pending.delete(order.target);
    await this.#deps.store.write(async (r) => {
      for (const order of orders) await r.sessionTriggers.remove(order);
    });
  }

  /** Targets without a session for which an order that is still valid requested one. */
  async #pendingNow(now: number): Promise<TargetId[]> {
    if (!this.#wantedRead) {
      const stored = await this.#deps.store.read((r) => r.sessionTriggers.list());
      for (const wanted of stored) if (!this.#pending.has(wanted.target)) this.#pending.set(wanted.target, wanted);
      this.#wantedRead = true;
    }
    const over = [...this.#pending.values()].filter(({ target, until }) => now >= until || this.#deps.isOpen(target));
    await this.#forget(over);
    return [...this.#pending.values()].map(({ target }) => target);
  }

  /** Whether another trigger for the target is useful now. */
  async #due(r: Repositories, target: TargetId, now: number): Promise<boolean> {
    const triggers = (await r.jobs.list({ target, origin: "system" }, undefined, 10)).filter(isTrigger);
    const [last] = triggers;
    if (last !== undefined && last.endedAt === undefined) return false;
    const closedAt = this.#closedAt.get(target) ?? 0;
    const quietSince = Math.max(last?.endedAt ?? 0, closedAt);
    const dialog = await r.adminDialogs.get(target);
    if (dialog?.record.outstanding !== undefined) {
      return now - Math.max(quietSince, this.#startedAt) >= resumePatienceMs;
    }
    // Earlier triggers, also those before a restart, do not count for an order that came after them.
    const asked = Math.max(closedAt, (this.#pending.get(target)?.since ?? 0) - 1);
    const unheeded = triggers.filter((trigger) => trigger.createdAt > asked).length;
    if (unheeded === 0) return now - (last?.endedAt ?? 0) >= this.#pauses.betweenMs;
    return now - quietSince >= Math.min(triggerPatienceMs * 2 ** (unheeded - 1), maxPatienceMs);
  }

  /** Queues a trigger unless one is on its way. */
  async #ask(r: Repositories, target: Target, now: number): Promise<boolean> {
    const open = await r.jobs.list(
      { target: target.id, state: ["queued", "running", "waiting"], origin: "system" },
      undefined,
      50,
    );
    if (open.some(isTrigger)) return false;
    const { job } = await r.jobs.insert({
      id: newId("job", now),
      target: target.id,
      state: "queued",
      lane: "system",
      work: {
        kind: "body",
        tar: isdRTar,
        body: this.#deps.trigger(target),
        function: { name: "triggerSession", params: {} },
      },
      request: { bearer: "short-message", maxPackets: 8, spi: triggerSpi, fireAndForget: true },
      origin: { face: "system", reference: "scp81" },
      attempts: 0,
      notBefore: now,
      validUntil: now + triggerPatienceMs,
      createdAt: now,
    });
    await r.events.append({ at: now, type: "session.triggered", target: target.id, job: job.id, data: {} });
    return true;
  }

  #look(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    const looked = this.#remind().finally(() => {
      this.#sweeping = false;
    });
    // The store is busy or closing; the next look has the same result.
    detach(looked, () => {});
  }

  /** Ends jobs that waited too long, and requests again sessions that did not come; one page of jobs at a time. */
  async #remind(): Promise<void> {
    const { store, clock, isOpen } = this.#deps;
    const now = clock.now();
    const page = await store.read((r) => r.jobs.list({ state: ["waiting"] }, this.#before, pageSize));
    this.#before = page.length < pageSize ? undefined : page.at(-1)?.seq;
    const waiting = page.filter((job) => job.chosen?.bearer === "https");
    const late = waiting.filter((job) => now >= job.validUntil);
    const absent = new Set(
      waiting.filter((job) => now < job.validUntil && !isOpen(job.target)).map((job) => job.target),
    );
    for (const target of await this.#pendingNow(now)) absent.add(target);
    await this.#changeBearer(waiting, now);
    const due: TargetId[] = [];
    for (const target of absent) {
      if (await store.read(async (r) => (await this.#due(r, target, now)) && (await this.#hasUse(r, target, now)))) {
        due.push(target);
      }
    }
    if (late.length + due.length === 0) return;
    await store.write(async (r) => {
      for (const job of late) await this.#deps.feed(r, job.id, { kind: "expired", at: now });
      for (const id of due) {
        const target = await r.targets.get(id);
        if (target !== undefined) await this.#ask(r, target, now);
      }
    });
    for (const target of new Set([...due, ...late.map((job) => job.target)])) this.#deps.wake(target);
  }

  /** While a profile switch is open, only the gateway's own jobs run. */
  async #hasUse(r: Repositories, target: TargetId, now: number): Promise<boolean> {
    if (this.#pending.has(target)) return true;
    if (!(await switchIsOpen(r, target, now))) return true;
    return (await r.jobs.waitingForSession(target, 1))[0]?.lane === "system";
  }

  /** Jobs for which no session came in time are sent by short message where that is possible. */
  async #changeBearer(waiting: readonly Job[], now: number): Promise<void> {
    const { store, isOpen, wake } = this.#deps;
    const patient = waiting.filter((job) => mayChangeBearer(job, now) && !isOpen(job.target));
    for (const target of new Set(patient.map((job) => job.target))) {
      const falling = await store.read((r) => jobsChangingBearer(r, target, now, this.#deps));
      if (falling.length === 0) continue;
      await store.write(async (r) => {
        // A session may have taken some of them in the meantime.
        if (isOpen(target)) return;
        for (const job of await jobsChangingBearer(r, target, now, this.#deps)) await this.#reroute(r, job, now);
      });
      wake(target);
    }
  }

  async #reroute(r: Repositories, job: Job, now: number): Promise<void> {
    const why = "no SCP81 session came in time: goes by short message";
    await this.#deps.feed(r, job, { kind: "session-missed", at: now, why });
  }
}

function isTrigger(job: Job): boolean {
  return job.work.kind === "body" && job.work.function?.name === "triggerSession";
}
