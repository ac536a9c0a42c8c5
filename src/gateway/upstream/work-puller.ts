import { z } from "zod";
import type { Clock } from "../../base/clock.ts";
import { checked } from "../../base/field-words.ts";
import { asGatewayError, GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import type { JobId } from "../../base/id.ts";
import { backoffMs } from "../../base/retry.ts";
import { firstIssue } from "../../base/strict.ts";
import type { Log } from "../../link/driver.ts";
import { JobOrder, newJobOf } from "../jobs/job-order.ts";
import { recordId } from "../model/identifiers.ts";
import type { JobQueue } from "../model/new-job.ts";

/** One item of work from an upstream. Its id is never used again. */
const WorkId = z.looseObject({ id: z.string().regex(/^[\x21-\x7e]{1,200}$/, "must be 1 to 200 visible characters") });
const WorkItem = z.looseObject({ order: z.unknown().optional(), cancel: z.string().max(100).optional() });
const WorkList = z.looseObject({ work: z.array(z.unknown()) });
/** Maximum number of items accepted from one list; the upstream hands out the others again. */
const maxAtOnce = 1000;
/** Minimum time between the starts of polls that bring nothing new, however quickly the upstream answers. */
const minIntervalMs = 1000;
/** Number of internal errors after which the receipt of an item reports the failure. */
const maxFailures = 3;
/** Longest pause because of work that cannot be accepted yet: other work may follow it. */
const maxHoldUpMs = 10_000;
/** Refusals that concern the client or its request rate, not the contents of the request. */
const notAboutContent = new Set([401, 403, 408, 425, 429]);

/** Outcome of an item of work. */
export type WorkReceipt =
  | { readonly id: string; readonly job: JobId }
  | {
      readonly id: string;
      readonly problem: { readonly type: string; readonly detail: string; readonly facts?: unknown };
    };

interface Taken {
  readonly receipt?: WorkReceipt;
  /** The item is new. */
  readonly isNew: boolean;
  /** Why it could not be accepted yet. */
  readonly trouble?: unknown;
}

interface PullerDeps {
  readonly jobs: Pick<JobQueue, "submit" | "get" | "cancel">;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Long poll: the answer's JSON, or undefined when there is no work. @throws upstream.* */
  readonly fetch: (signal: AbortSignal) => Promise<unknown>;
  /** Reports the outcome of work. @throws upstream.* */
  readonly acknowledge: (receipts: readonly WorkReceipt[], signal: AbortSignal) => Promise<void>;
  /** Resolves when the connection is not needed for a more urgent request. */
  readonly turn: () => Promise<void>;
}

interface PullerSettings {
  readonly upstream: string;
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
}

/**
 * Fetches work from an upstream by long poll. Work becomes a job under its id, so that work handed out twice is done
 * once; it is acknowledged when it is durable.
 */
export class WorkPuller implements AsyncDisposable {
  readonly #deps: PullerDeps;
  readonly #settings: PullerSettings;
  readonly #stopping = new AbortController();
  #polling: AbortController | undefined;
  #running: Promise<void> | undefined;
  /** Items of work that failed by an internal error, and how often. */
  readonly #failed = new Map<string, number>();
  lastError: string | undefined;

  constructor(deps: PullerDeps, settings: PullerSettings) {
    this.#deps = deps;
    this.#settings = settings;
  }

  get #client(): string {
    return `upstream:${this.#settings.upstream}`;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Releases the connection for a more urgent request; work that was on its way is handed out again. */
  yield(): void {
    this.#polling?.abort(new Error("the connection is needed"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error("the daemon is stopping"));
    this.#polling?.abort(this.#stopping.signal.reason);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log, random } = this.#deps;
    const { upstream } = this.#settings;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#deps.turn();
        const began = clock.monotonic();
        const { heldUp, quick } = await this.#once();
        if (failures > 0 && heldUp === undefined) log.info({ upstream }, "fetching work succeeded again");
        if (heldUp !== undefined) throw heldUp;
        failures = 0;
        this.lastError = undefined;
        const early = began + minIntervalMs - clock.monotonic();
        if (!quick && early > 0) await clock.sleep(early, signal).catch(() => {});
      } catch (thrown) {
        if (signal.aborted) return;
        const error = asGatewayError(thrown);
        this.lastError = error.message;
        if (failures === 0) log.warn({ upstream, code: error.code, message: error.message }, "failed to fetch work");
        const { firstRetryMs: firstMs, maxRetryMs } = this.#settings;
        const maxMs = error.code.startsWith("upstream.") ? maxRetryMs : Math.min(maxRetryMs, maxHoldUpMs);
        await clock.sleep(backoffMs(failures++, { firstMs, maxMs, random }), signal).catch(() => {});
      }
    }
  }

  /**
   * One poll. `quick`: the next one may follow at once, since this one brought new work or was abandoned for a more
   * urgent request. `heldUp`: why some of its work could not be accepted yet.
   */
  async #once(): Promise<{ readonly quick: boolean; readonly heldUp?: unknown }> {
    if (this.#stopping.signal.aborted) return { quick: true };
    const polling = new AbortController();
    this.#polling = polling;
    let answer: unknown;
    try {
      answer = await this.#deps.fetch(polling.signal);
    } catch (error) {
      if (polling.signal.aborted && !this.#stopping.signal.aborted) return { quick: true };
      throw error;
    } finally {
      this.#polling = undefined;
    }
    if (answer === undefined) return { quick: false };
    const list = checked(WorkList, answer);
    if (!list.success)
      throw new GatewayError("upstream.protocol", `${this.#settings.upstream}: the answer is not a list of work`);
    // Accepted in sequence: the order of the list is the order of acceptance.
    const work = list.data.work.slice(0, maxAtOnce);
    const taken = await Promise.all(work.map((item) => this.#take(item)));
    const receipts = taken.map(({ receipt }) => receipt).filter((receipt) => receipt !== undefined);
    if (receipts.length > 0) await this.#acknowledge(receipts);
    const heldUp = taken.find(({ trouble }) => trouble !== undefined)?.trouble;
    const quick = taken.some(({ isNew }) => isNew);
    return heldUp === undefined ? { quick } : { quick, heldUp };
  }

  /** Reports the outcome of work. One refused receipt does not block the others. */
  async #acknowledge(receipts: readonly WorkReceipt[]): Promise<void> {
    try {
      await this.#deps.acknowledge(receipts, this.#stopping.signal);
    } catch (thrown) {
      const { code, detail } = asGatewayError(thrown);
      const status = typeof detail.status === "number" ? detail.status : 0;
      if (code !== "upstream.refused" || status < 400 || status >= 500 || notAboutContent.has(status)) throw thrown;
      const [first] = receipts;
      if (receipts.length === 1) {
        const facts = { upstream: this.#settings.upstream, work: first?.id, status };
        this.#deps.log.warn(facts, "a receipt was refused; the upstream will return the work again");
        return;
      }
      const half = Math.ceil(receipts.length / 2);
      await this.#acknowledge(receipts.slice(0, half));
      await this.#acknowledge(receipts.slice(half));
    }
  }

  /**
   * Outcome of one item; no receipt for an item without an id, which cannot be acknowledged, or for a temporary
   * problem.
   */
  async #take(raw: unknown): Promise<Taken> {
    const { log } = this.#deps;
    const { upstream } = this.#settings;
    const named = checked(WorkId, raw);
    if (!named.success) {
      log.warn({ upstream }, "work without a valid id was ignored");
      return { isNew: false };
    }
    const { id } = named.data;
    try {
      const { job, isNew } = await this.#do(id, raw);
      this.#failed.delete(id);
      return { receipt: { id, job }, isNew };
    } catch (thrown) {
      const error = asGatewayError(thrown);
      const { code, message, detail: facts } = error;
      // A temporary problem of the gateway is not an outcome: the work stays with the upstream and is handed out again.
      if (error.retry !== "never") return { isNew: false, trouble: thrown };
      if (code === "api.internal" && !this.#givenUp(id, thrown)) return { isNew: false, trouble: thrown };
      const problem = code === "api.internal" ? { type: code, detail: "see the gateway's log" } : undefined;
      return { receipt: { id, problem: problem ?? { type: code, detail: message, facts } }, isNew: false };
    }
  }

  /** Whether an item with an internal error has failed often enough to be refused; the error is logged each time. */
  #givenUp(id: string, thrown: unknown): boolean {
    const { upstream } = this.#settings;
    const err = thrown instanceof Error ? thrown.stack : String(thrown);
    this.#deps.log.error({ upstream, work: id, err }, "internal error in an item of work");
    const failures = (this.#failed.get(id) ?? 0) + 1;
    this.#failed.delete(id);
    if (failures >= maxFailures) return true;
    this.#failed.set(id, failures);
    if (this.#failed.size > maxAtOnce) this.#failed.delete(this.#failed.keys().next().value ?? "");
    return false;
  }

  async #do(id: string, raw: unknown): Promise<{ readonly job: JobId; readonly isNew: boolean }> {
    const item = checked(WorkItem, raw);
    if (!item.success) {
      const { field: at, message } = firstIssue(item.error);
      const field = at === "" ? "work" : at;
      throw new GatewayError("api.usage", `${field}: ${message}`, { detail: { field } });
    }
    const { order, cancel } = item.data;
    return cancel === undefined ? this.#submit(id, order) : { job: await this.#cancel(cancel), isNew: false };
  }

  async #submit(id: string, order: unknown): Promise<{ readonly job: JobId; readonly isNew: boolean }> {
    const parsed = checked(JobOrder, order);
    if (!parsed.success) {
      const { field: at, message } = firstIssue(parsed.error);
      const field = at === "" ? "order" : `order.${at}`;
      throw new GatewayError("api.usage", `${field}: ${message}`, { detail: { field } });
    }
    const origin = { face: "upstream", client: this.#client } as const;
    const { job, created } = await this.#deps.jobs.submit(newJobOf(parsed.data, origin, id));
    return { job: job.id, isNew: created };
  }

  /** A job that had ended counts as cancelled: its events report its end. */
  async #cancel(id: string): Promise<JobId> {
    const job = recordId("job", id);
    const { origin } = await this.#deps.jobs.get(job);
    if (origin.face !== "upstream" || origin.client !== this.#client)
      throw new GatewayError("job.unknown", `cancel: this upstream has no job '${job}'`);
    try {
      await this.#deps.jobs.cancel(job);
    } catch (error) {
      if (!isGatewayError(error, "job.state")) throw error;
    }
    return job;
  }
}
