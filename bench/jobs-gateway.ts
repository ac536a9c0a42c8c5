import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { exportEis } from "../simulators/euicc/eis.ts";
import type { SimulatedEuicc } from "../simulators/euicc/euicc.ts";
import { parseConfig } from "../src/app/config/config.ts";
import { Daemon } from "../src/app/daemon.ts";
import { silentLog } from "../src/link/driver.ts";

/** The result of one measurement. */
export interface Measured {
  readonly perSecond: number;
  /** Median of one job alone. */
  readonly medianMs: number;
  /** Processor time of a job, all threads of the process; on a busy machine the steadier figure. */
  readonly cpuMs?: number;
}

/** A daemon without any outside, with a card of its own in each simulated reader. */
export class MeasuredDaemon implements AsyncDisposable {
  readonly #daemon: Daemon;
  readonly #eids: readonly string[];
  readonly #ended = new Map<string, number>();
  #wake: () => void = () => {};

  private constructor(daemon: Daemon, eids: readonly string[]) {
    this.#daemon = daemon;
    this.#eids = eids;
    daemon.gateway.events.onCommit((events) => {
      for (const event of events)
        if (/^job\.(done|failed|expired)$/.test(event.type)) this.#ended.set(event.job ?? "", performance.now());
      this.#wake();
    });
  }

  static async open(folder: string, softCards: readonly SimulatedEuicc[]): Promise<MeasuredDaemon> {
    const config = parseConfig({ readers: { enabled: false }, scp81: { enabled: false } });
    const daemon = await Daemon.start({ config, state: folder, env: process.env, log: silentLog });
    for (const [index, card] of softCards.entries()) {
      await daemon.gateway.targets.import(exportEis(card.state));
      daemon.simulate(`bench ${index}`, card);
    }
    const { links } = daemon.gateway;
    const ready = () => links.list().filter(({ state, card }) => state.up && card !== undefined).length;
    while (ready() < softCards.length) await new Promise((resolve) => setTimeout(resolve, 10));
    return new MeasuredDaemon(
      daemon,
      softCards.map((card) => card.state.eid),
    );
  }

  async measure(jobs: number): Promise<Measured> {
    this.#ended.clear();
    const cpu = process.cpuUsage();
    const start = performance.now();
    await Promise.all(Array.from({ length: jobs }, (_, index) => this.#submit(index)));
    while (this.#ended.size < jobs) await this.#something();
    const seconds = (performance.now() - start) / 1000;
    const cpuMs = cpuSince(cpu) / jobs;
    const failed = await this.#daemon.gateway.jobs.list({ state: ["failed", "expired"] }, undefined, 10);
    if (failed.length > 0) throw new Error(`${failed.length} jobs failed: ${failed[0]?.error?.message}`);
    const alone: number[] = [];
    for (let i = 0; i < 40; i++) {
      const from = performance.now();
      const id = await this.#submit(i);
      while (!this.#ended.has(id)) await this.#something();
      alone.push((this.#ended.get(id) ?? 0) - from);
      // The card's own last word is not part of the job.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return { perSecond: jobs / seconds, cpuMs, medianMs: alone.sort((a, b) => a - b)[20] ?? 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
  }

  async #submit(index: number): Promise<string> {
    const target = this.#eids[index % this.#eids.length] ?? "";
    const work = { kind: "es5" as const, function: "auditResources" };
    return (await this.#daemon.gateway.jobs.submit({ target, work, origin: { face: "api" } })).job.id;
  }

  #something(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** Processor time since then, ms. */
export function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Puts finished jobs with their packets and events into a store that no daemon has open. */
export function fillFinished(folder: string, count: number): void {
  const database = new Sqlite(join(folder, "otagate.db"));
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = OFF");
  const work = JSON.stringify({
    kind: "script",
    tar: "000001",
    apdus: ["80F24002024F0000"],
    function: { name: "auditStatus", params: {} },
  });
  const result = JSON.stringify({
    commands: [{ data: "E3164F10A0000005591010FFFFFFFF89000012009F70013F", sw: "9000" }],
  });
  const job = database.prepare(
    "INSERT INTO job (id, target, state, lane, origin_face, work, request, origin, attempts, not_before, valid_until, result, created_at, ended_at) VALUES (?, ?, 'done', 'normal', 'api', ?, '{}', '{\"face\":\"api\"}', 1, 0, 0, ?, 0, 1)",
  );
  const packet = database.prepare(
    "INSERT INTO packet (id, job, target, key_set, tar, cntr, user_data, state, transmissions, created_at) VALUES (?, ?, ?, ?, '000001', ?, '[]', 'answered', 1, 0)",
  );
  const event = database.prepare("INSERT INTO event (at, type, target, job, data) VALUES (0, 'job.done', ?, ?, '{}')");
  const targets = database.prepare<[], { id: string }>("SELECT id FROM target").all();
  for (let from = 0; from < count; from += 100_000)
    database.transaction(() => {
      for (let i = from; i < Math.min(from + 100_000, count); i++) {
        const target = targets[i % Math.max(1, targets.length)]?.id ?? "t";
        job.run(`filler_${i}`, target, work, result);
        packet.run(`filler_${i}`, `filler_${i}`, target, "filler", i);
        event.run(target, `filler_${i}`);
      }
    })();
  database.close();
}
