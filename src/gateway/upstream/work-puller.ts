import { z } from "zod";
import type { Clock } from "../../base/clock.ts";
import { asGatewayError, GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { backoffMs } from "../../base/retry.ts";
import type { Log } from "../../link/driver.ts";
import type { Gateway } from "../gateway.ts";
import { JobOrder, newJobOf } from "../job-order.ts";

/** One piece of work that an upstream hands out. Its id is unique for all time. */
const WorkItem = z.looseObject({
  id: z.string().regex(/^[\x21-\x7e]{1,200}$/, "1 to 200 visible characters"),
  order: z.unknown().optional(),
  cancel: z.string().max(100).optional(),
});
const WorkList = z.looseObject({ work: z.array(z.unknown()).max(1000) });

/** What became of it. */
export type WorkReceipt =
  | { readonly id: string; readonly job: string }
  | {
      readonly id: string;
      readonly problem: { readonly type: string; readonly detail: string; readonly facts?: unknown };
    };

export interface PullerDeps {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Long poll: the answer's JSON, or undefined when there is no work. @throws upstream.* */
  readonly fetch: (signal: AbortSignal) => Promise<unknown>;
  /** Tells what became of work. @throws upstream.* */
  readonly acknowledge: (receipts: readonly WorkReceipt[], signal: AbortSignal) => Promise<void>;
  /** Resolves when the connection is not needed for anything more urgent. */
  readonly turn: () => Promise<void>;
}

export interface PullerSettings {
  readonly upstream: string;
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
}

/**
 * Fetches work from an upstream by long poll. Work becomes a job under its id, so that what is handed out twice is done
 * once; it is acknowledged when it is durable.
 */
export class WorkPuller implements AsyncDisposable {
  readonly #deps: PullerDeps;
  readonly #settings: PullerSettings;
  readonly #stopping = new AbortController();
  #polling: AbortController | undefined;
  #running: Promise<void> | undefined;
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

  /** Gives the connection up for something more urgent; work that was on its way comes again. */
  yield(): void {
    this.#polling?.abort(new Error("the connection is wanted"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error("the daemon stops"));
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
        await this.#once();
        if (failures > 0) log.info({ upstream }, "work is fetched again");
        failures = 0;
        this.lastError = undefined;
      } catch (thrown) {
        if (signal.aborted) return;
        const error = asGatewayError(thrown);
        this.lastError = error.message;
        if (failures === 0) log.warn({ upstream, code: error.code, message: error.message }, "no work can be fetched");
        const { firstRetryMs: firstMs, maxRetryMs: maxMs } = this.#settings;
        await clock.sleep(backoffMs(failures++, { firstMs, maxMs, random }), signal).catch(() => {});
      }
    }
  }

  async #once(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const polling = new AbortController();
    this.#polling = polling;
    let answer: unknown;
    try {
      answer = await this.#deps.fetch(polling.signal);
    } catch (error) {
      if (polling.signal.aborted && !this.#stopping.signal.aborted) return;
      throw error;
    } finally {
      this.#polling = undefined;
    }
    if (answer === undefined) return;
    const list = WorkList.safeParse(answer);
    if (!list.success)
      throw new GatewayError("upstream.protocol", `${this.#settings.upstream}: its work is no list of work`);
    // Taken in one after the other: the order in which work is listed is the order of acceptance.
    const receipts = await Promise.all(list.data.work.map((item) => this.#take(item)));
    const known = receipts.filter((receipt) => receipt !== undefined);
    if (known.length > 0) await this.#deps.acknowledge(known, this.#stopping.signal);
  }

  /** What became of one item; undefined for one without an id, which nobody can be told of. */
  async #take(raw: unknown): Promise<WorkReceipt | undefined> {
    const { log } = this.#deps;
    const { upstream } = this.#settings;
    const item = WorkItem.safeParse(raw);
    if (!item.success) {
      log.warn({ upstream }, "work without a usable id was left out");
      return undefined;
    }
    const { id, order, cancel } = item.data;
    try {
      return { id, job: cancel === undefined ? await this.#submit(id, order) : await this.#cancel(cancel) };
    } catch (thrown) {
      const error = asGatewayError(thrown);
      // Passing trouble of ours is no answer: the work stays with the upstream and comes again.
      if (error.retry !== "never" || error.code === "api.internal") throw thrown;
      return { id, problem: { type: error.code, detail: error.message, facts: error.detail } };
    }
  }

  async #submit(id: string, order: unknown): Promise<string> {
    const parsed = JobOrder.safeParse(order);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const field = ["order", ...(issue?.path ?? [])].join(".");
      throw new GatewayError("api.usage", `${field}: ${issue?.message ?? "not valid"}`, { detail: { field } });
    }
    const origin = { face: "upstream", client: this.#client } as const;
    const { job } = await this.#deps.gateway.submit(newJobOf(parsed.data, origin, id));
    return job.id;
  }

  /** A job that had ended is as good as cancelled: its end is told by its events. */
  async #cancel(job: string): Promise<string> {
    const { origin } = await this.#deps.gateway.job(job);
    if (origin.client !== this.#client) throw new GatewayError("job.unknown", `cancel: no job '${job}' of yours`);
    try {
      await this.#deps.gateway.cancel(job);
    } catch (error) {
      if (!isGatewayError(error, "job.state")) throw error;
    }
    return job;
  }
}
