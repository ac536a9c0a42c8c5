import type { Clock } from "../../base/clock.ts";
import { asGatewayError, GatewayError } from "../../base/gateway-error.ts";
import { newId } from "../../base/id.ts";
import type { Log } from "../../link/driver.ts";
import {
  addCounts,
  minRetentionMs,
  type PruneCounts,
  type PrunePage,
  periodOf,
  type RetainedKind,
  type Retention,
  retainedKinds,
} from "../model/retention.ts";
import type { Repositories, Store } from "../model/store.ts";

/** One removal of records past their retention, or a dry run of it. */
export interface PruneRun {
  readonly id: string;
  readonly dryRun: boolean;
  readonly retention: Retention;
  readonly state: "running" | "done" | "failed" | "stopped";
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Number of removed records so far; in a dry run, of those that would be removed. */
  readonly removed: PruneCounts;
  /** Time of the oldest event that an upstream has not received, if records are kept because of it. */
  readonly heldSince?: number;
  readonly error?: string;
}

export interface PrunerDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly retention: Retention;
  /** Names of the upstreams that receive events. */
  readonly upstreams: readonly string[];
  /** Number of records examined in one unit of work. */
  readonly unit?: number;
}

/** The first run waits, since the daemon has other work after its start. */
const firstAfterMs = 5 * 60_000;
const everyMs = 3_600_000;
/** Short enough that the delay is not noticeable. */
const defaultUnit = 200;
/** A record may be a little older than the event that reports it. */
const slackMs = 3_600_000;
const maxRemembered = 20;

/** Removes records past their retention, in small units with pauses in between, so that other work continues. */
export class Pruner {
  readonly retention: Retention;
  readonly #deps: PrunerDeps;
  readonly #stopping = new AbortController();
  readonly #runs = new Map<string, PruneRun>();
  #working: Promise<unknown> | undefined;
  #schedule: Promise<void> | undefined;
  #total: PruneCounts = {};

  constructor(deps: PrunerDeps) {
    this.#deps = deps;
    this.retention = deps.retention;
  }

  /** Starts hourly runs, if a retention period is configured. */
  start(): void {
    if (Object.keys(this.retention).length > 0) this.#schedule ??= this.#everyHour();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new GatewayError("job.interrupted", "the daemon is stopping"));
    await this.#schedule;
    await this.#working;
  }

  /** Number of records removed since the start. */
  get total(): PruneCounts {
    return this.#total;
  }

  get latest(): PruneRun | undefined {
    return [...this.#runs.values()].at(-1);
  }

  run(id: string): PruneRun | undefined {
    return this.#runs.get(id);
  }

  /**
   * Starts the removal of records older than these periods, by default the configured ones.
   * @throws store.busy while a run is under way, api.usage for no or too short periods
   */
  begin(order: { readonly retention?: Retention; readonly dryRun?: boolean } = {}): PruneRun {
    const { retention = this.retention, dryRun = false } = order;
    checkPeriods(retention);
    const running = this.latest;
    if (this.#working !== undefined)
      throw new GatewayError("store.busy", "a run is under way; try again when it has ended", {
        detail: { run: running?.id },
      });
    const startedAt = this.#deps.clock.now();
    const run: PruneRun = { id: newId("prn", startedAt), dryRun, retention, state: "running", startedAt, removed: {} };
    this.#note(run);
    this.#working = this.#work(run.id).finally(() => {
      this.#working = undefined;
    });
    return run;
  }

  /** Resolves when no run is under way. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #everyHour(): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#stopping;
    try {
      for (let waitMs = firstAfterMs; ; waitMs = everyMs) {
        await clock.sleep(waitMs, signal);
        // A run that was requested in the meantime does the same work.
        if (this.#working === undefined) this.begin();
        await this.#working;
      }
    } catch (error) {
      if (!signal.aborted)
        this.#deps.log.error({ err: asGatewayError(error).message }, "automatic removal of old records ended");
    }
  }

  async #work(id: string): Promise<void> {
    const { clock, log } = this.#deps;
    const started = clock.monotonic();
    try {
      for (const kind of retainedKinds) await this.#prune(id, kind);
      this.#change(id, { state: "done", endedAt: clock.now() });
    } catch (thrown) {
      const stopped = this.#stopping.signal.aborted;
      const error = asGatewayError(thrown);
      this.#change(id, { state: stopped ? "stopped" : "failed", error: error.message, endedAt: clock.now() });
      if (!stopped) log.error({ run: id, err: error.message }, "failed to remove old records");
    }
    const { removed, dryRun, state } = this.#known(id);
    if (!dryRun && Object.keys(removed).length > 0)
      log.info({ ...removed, state, tookMs: Math.round(clock.monotonic() - started) }, "old records were removed");
  }

  async #prune(id: string, kind: RetainedKind): Promise<void> {
    const { store, clock, unit = defaultUnit } = this.#deps;
    const { signal } = this.#stopping;
    const { retention, dryRun, startedAt } = this.#known(id);
    const keepMs = retention[periodOf[kind]];
    if (keepMs === undefined) return;
    const before = await this.#bound(id, startedAt - keepMs);
    const look = async (r: Repositories, after: number) => {
      const page: PrunePage = await r.retention.page(kind, before, after, unit);
      const { positions } = page;
      return {
        page,
        counts: await (dryRun ? r.retention.count(kind, positions) : r.retention.remove(kind, positions)),
      };
    };
    for (let after: number | undefined = 0; after !== undefined; ) {
      signal.throwIfAborted();
      const from: number = after;
      const began = clock.monotonic();
      const { page, counts } = await (dryRun ? store.read((r) => look(r, from)) : store.write((r) => look(r, from)));
      this.#count(id, counts);
      after = page.next;
      // An equally long pause, for other work.
      if (after !== undefined) await clock.sleep(Math.max(1, clock.monotonic() - began), signal);
    }
  }

  /** Events that an upstream has not received are kept, and so are the records that they refer to. */
  async #bound(id: string, before: number): Promise<number> {
    const { store, upstreams } = this.#deps;
    const untaken = await store.read((r) => r.retention.firstUntaken(upstreams));
    if (untaken === undefined || untaken - slackMs >= before) return before;
    this.#change(id, { heldSince: untaken });
    return untaken - slackMs;
  }

  #count(id: string, counts: PruneCounts): void {
    const run = this.#known(id);
    this.#change(id, { removed: addCounts(run.removed, counts) });
    if (!run.dryRun) this.#total = addCounts(this.#total, counts);
  }

  #known(id: string): PruneRun {
    const run = this.#runs.get(id);
    if (run === undefined) throw new Error(`no run ${id}`);
    return run;
  }

  #change(id: string, change: Partial<PruneRun>): void {
    this.#runs.set(id, { ...this.#known(id), ...change });
  }

  #note(run: PruneRun): void {
    this.#runs.set(run.id, run);
    if (this.#runs.size > maxRemembered) this.#runs.delete(this.#runs.keys().next().value ?? "");
  }
}

function checkPeriods(retention: Retention): void {
  const given = Object.entries(retention);
  if (given.length === 0)
    throw new GatewayError(
      "api.usage",
      "at least one of jobsMs, eventsMs and auditMs is required: no retention is configured",
      {
        detail: { field: "jobsMs" },
      },
    );
  for (const [field, ms] of given)
    if (ms < minRetentionMs)
      throw new GatewayError("api.usage", `${field}: must be at least 1 h`, { detail: { field } });
}
