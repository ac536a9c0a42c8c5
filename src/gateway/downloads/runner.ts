import { randomBytes } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { detach } from "../../base/detach.ts";
import { asGatewayError, type GatewayError } from "../../base/gateway-error.ts";
import type { DownloadId, TargetId } from "../../base/id.ts";
import { KeyedQueue } from "../../base/keyed-queue.ts";
import { ecCurve, p256 } from "../../codec/euicc/ec-curve.ts";
import { newEcKey } from "../../crypto/certificates/ec-key.ts";
import type { Log } from "../../link/driver.ts";
import type { Download, DownloadFailure } from "../model/download.ts";
import type { GatewayEvent } from "../model/event.ts";
import { hasEnded, type Job } from "../model/job.ts";
import type { JobQueue } from "../model/new-job.ts";
import { switchOutcome } from "../model/profile-switch.ts";
import type { Repositories, Store } from "../model/store.ts";
import { applyEffect } from "./card-effects.ts";
import { type DownloadEvent, stepDownload, stuckDownload } from "./download-step.ts";
import type { DownloadMaterial, SmDp } from "./material.ts";
import type { FreshValues, Move } from "./move.ts";
import { type StageWork, stageWork } from "./stage-work.ts";
import { stepAnswer } from "./step-answer.ts";

/** What {@link DownloadRunner} needs. */
interface DownloadRunnerDeps {
  readonly store: Store;
  readonly jobs: JobQueue;
  readonly clock: Clock;
  readonly log: Log;
  /** Credentials by name. */
  readonly smDp: (name: string) => SmDp | undefined;
  /** Time between two looks at all open downloads. */
  readonly tickMs?: number;
}

/** The record changed while its next step was prepared: the step is taken again. */
class Changed extends Error {}

/**
 * Drives downloads. Their whole state is in the store: a step, its effects and the job of the next step are one commit,
 * so a restart continues where it was, and no command is sent that is not stored.
 */
export class DownloadRunner {
  readonly #deps: DownloadRunnerDeps;
  readonly #queue = new KeyedQueue<DownloadId>();
  /** Open downloads by target. */
  readonly #open = new Map<TargetId, DownloadId>();
  readonly #marked = new Set<DownloadId>();
  #off: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(deps: DownloadRunnerDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    const { store, tickMs = 1000 } = this.#deps;
    this.#off = store.onEvents((events) => this.#noteEvents(events));
    for (const { id, target } of await store.read((r) => r.downloads.open())) this.look(id, target);
    this.#timer = setInterval(() => {
      for (const [target, id] of this.#open) this.look(id, target);
    }, tickMs).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#off?.();
    clearInterval(this.#timer);
    await this.#queue.idle();
  }

  /** Takes the next steps of a download, as far as they can be taken now. */
  look(id: DownloadId, target: TargetId): void {
    if (this.#stopped || this.#marked.has(id)) return;
    this.#open.set(target, id);
    this.#marked.add(id);
    detach(
      this.#queue.run(id, () => this.#work(id)),
      (error) => {
        const { code, message } = asGatewayError(error);
        this.#deps.log.warn({ download: id, code, message }, "failed to continue a download; trying again");
      },
    );
  }

  #noteEvents(events: readonly GatewayEvent[]): void {
    for (const { type, target, data } of events) {
      const id = target === undefined ? undefined : this.#open.get(target);
      if (id === undefined || target === undefined) continue;
      const ended = type === "job.done" || type === "job.failed" || type === "job.expired" || type === "job.cancelled";
      if ((ended && isOrigin(data, id)) || type.startsWith("switch.")) this.look(id, target);
    }
  }

  async #work(id: DownloadId): Promise<void> {
    this.#marked.delete(id);
    while (!this.#stopped && (await this.#advance(id)));
  }

  /** Takes one step; false when there is none to take. */
  async #advance(id: DownloadId): Promise<boolean> {
    const { store } = this.#deps;
    const now = await store.read(async (r) => {
      const download = await r.downloads.get(id);
      if (download === undefined || download.endedAt !== undefined) return { download };
      const found = download.waiting ? await r.jobs.ofKey(jobKey(download)) : undefined;
      const job = found?.job;
      const profileSwitch = job === undefined ? undefined : await r.profileSwitches.ofJob(job.id);
      return { download, job, profileSwitch, octets: await r.downloads.packageOf(id) };
    });
    const { download, job, octets } = now;
    if (download === undefined || download.endedAt !== undefined) {
      if (download !== undefined && this.#open.get(download.target) === id) this.#open.delete(download.target);
      return false;
    }
    const outcome = now.profileSwitch && switchOutcome(now.profileSwitch);
    const event = this.#event(download, job, outcome);
    if (event === undefined) return false;
    const smDp = this.#deps.smDp(download.smDp);
    if (smDp === undefined || octets === undefined) {
      const what = smDp === undefined ? `the SM-DP '${download.smDp}' is not configured` : "its package is missing";
      await this.#stuck(download, { kind: "gateway", message: what });
      return true;
    }
    return this.#take(download, event, { smDp, octets });
  }

  #event(
    download: Download,
    job: Job | undefined,
    outcome: "confirmed" | "rolled-back" | "lapsed" | undefined,
  ): DownloadEvent | undefined {
    const at = this.#deps.clock.now();
    if (!download.waiting) return { kind: "started", at };
    if (job === undefined || !hasEnded(job)) return undefined;
    if (download.stage.at === "enabling" && job.state === "done")
      return outcome === undefined ? undefined : { kind: "switched", outcome, at };
    return { kind: "answered", answer: stepAnswer(job), at };
  }

  async #take(download: Download, event: DownloadEvent, material: DownloadMaterial): Promise<boolean> {
    const next = stepDownload(download, event, material, freshValues(download));
    if (next.download === download) return false;
    const { stage } = next.download;
    try {
      const work = stageWork(next.download, material);
      if (work === undefined) await this.#put(download, next, event.at);
      else await this.#order(download, next, work, event.at);
      return true;
    } catch (thrown) {
      if (thrown instanceof Changed) return true;
      const error = asGatewayError(thrown);
      if (error.retry !== "never") throw thrown;
      await this.#stuck(download, { kind: "gateway", message: `${stage.at}: ${error.message}`, detail: codeOf(error) });
      return true;
    }
  }

  /** Stores a step without a job. @throws Changed */
  async #put(before: Download, next: Move, at: number): Promise<void> {
    await this.#deps.store.write((r) => store(r, before, next, at));
  }

  /** Stores a step and the job of its stage in one unit of work. @throws Changed */
  async #order(before: Download, next: Move, { work, request }: StageWork, at: number): Promise<void> {
    const ordered = next.download.ordered + 1;
    const steps = next.download.steps.map((step, index, all) =>
      index === all.length - 1 ? { ...step, job: ordered } : step,
    );
    const download: Download = { ...next.download, ordered, waiting: true, steps };
    await this.#deps.jobs.submit({
      target: download.target,
      work: async (r) => {
        await store(r, before, { ...next, download }, at);
        return work;
      },
      request,
      origin: { face: "download", reference: download.id },
      validityMs: download.order.stepValidityMs,
      idempotencyKey: jobKey(download),
    });
  }

  async #stuck(download: Download, failure: DownloadFailure): Promise<void> {
    const at = this.#deps.clock.now();
    await this.#put(download, stuckDownload(download, at, failure), at);
  }
}

/** The idempotency key of the job that a download last ordered. */
export function jobKey({ id, ordered }: Pick<Download, "id" | "ordered">): string {
  return `${id}.${ordered}`;
}

function codeOf({ code }: GatewayError) {
  return { code };
}

function isOrigin(data: unknown, id: DownloadId): boolean {
  if (typeof data !== "object" || data === null || !("origin" in data)) return false;
  const { origin } = data;
  return typeof origin === "object" && origin !== null && "reference" in origin && origin.reference === id;
}

function freshValues({ cardKey }: Download): FreshValues {
  const { scalar } = newEcKey(ecCurve(cardKey.curve) ?? p256);
  return { ephemeral: scalar, hostChallenge: new Uint8Array(randomBytes(8)) };
}

/** Stores a step with its effects, unless the record has changed since it was read. @throws Changed */
async function store(r: Repositories, before: Download, { download, effects }: Move, at: number): Promise<void> {
  const now = await r.downloads.get(before.id);
  if (now === undefined || now.ordered !== before.ordered || now.stage.at !== before.stage.at) throw new Changed();
  if (now.cancelled !== before.cancelled || now.endedAt !== before.endedAt) throw new Changed();
  for (const effect of effects) await applyEffect(r, before, download, effect, at);
  await r.downloads.put(download);
  const { id, target, stage, attempt, outcome } = download;
  if (outcome !== undefined) {
    const { kind, card, text } = outcome;
    await r.events.append({ at, type: "download.ended", target, data: { download: id, outcome: kind, card, text } });
  } else await r.events.append({ at, type: "download.step", target, data: { download: id, step: stage.at, attempt } });
}
