import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { exportEis } from "../simulators/euicc/eis.ts";
import { SimulatedEuicc } from "../simulators/euicc/euicc.ts";
import type { Executed } from "../simulators/euicc/execution-log.ts";
import { createEuiccState } from "../simulators/euicc/fixture.ts";
import { PcscLab } from "../simulators/pcsc-lab.ts";
import type { ShownJob } from "../src/face/cli/job-view.ts";
import { stuckMs } from "./patience.ts";
import { pause, seeded, Victim } from "./victim.ts";

/** What a run found; everything but `jobs`, `kills`, the ways jobs ended and `open` must be 0. */
export interface KillTestReport {
  readonly jobs: number;
  readonly kills: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly endedMoreThanOnce: number;
  readonly neverEnded: number;
  /** Facts about jobs that never ended, and of the links. */
  readonly open: readonly string[];
  /** Counters that a card accepted for two different packets, or twice for one. */
  readonly countersUsedTwice: number;
  /** Jobs that are done although no card executed their packet. */
  readonly doneButNotExecuted: number;
  /** Packets a card executed whose job knows nothing of it. */
  readonly executedButUnknown: number;
}

export interface KillTestOptions {
  readonly jobs: number;
  readonly cards: number;
  readonly kills: number;
  /** Seed of the moments of the kills. */
  readonly seed: number;
  readonly print: (line: string) => void;
}

/** Kills the daemon again and again while jobs run against cards behind pcscd, then compares both sides. */
export async function killTest(options: KillTestOptions): Promise<KillTestReport> {
  const folder = mkdtempSync(join(tmpdir(), "otagate-kill-"));
  const random = seeded(options.seed);
  const executed = new Map<string, Executed[]>();
  try {
    await using lab = await PcscLab.start({ readers: options.cards });
    const cards = Array.from({ length: options.cards }, (_, index) => {
      const state = createEuiccState({ seed: `kill ${index}` });
      executed.set(state.eid, []);
      const card = new SimulatedEuicc({
        state,
        onExecuted: (record) => executed.get(state.eid)?.push(structuredClone(record)),
      });
      lab.insert(index, card);
      return card;
    });
    const config = join(folder, "config.yaml");
    writeFileSync(
      config,
      JSON.stringify({ readers: { socket: lab.socket, client: "socket" }, sms: { envelopeAnswerTimeoutMs: 3000 } }),
    );
    const victim = new Victim(config, join(folder, "state"));
    await victim.start();
    for (const card of cards) await victim.api.post("/v1/targets", exportEis(card.state));
    const ids = await drive(
      victim,
      cards.map((card) => card.state.eid),
      options,
      random,
    );
    const report = await compare(victim, ids, executed, options.kills);
    await victim.kill("SIGTERM");
    return report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Submits all jobs, kills in between, and waits until every job has ended. */
async function drive(
  victim: Victim,
  eids: readonly string[],
  options: KillTestOptions,
  random: () => number,
): Promise<string[]> {
  const ids = new Map<number, string>();
  const submit = async () => {
    const one = async (index: number) => {
      if (ids.has(index)) return;
      const order = {
        target: eids[index % eids.length],
        work: { kind: "es5", function: index % 3 === 0 ? "auditResources" : "auditStatus" },
        reference: `job ${index}`,
      };
      const job = await victim.api.post<ShownJob>("/v1/jobs", order, {
        "idempotency-key": `kill-${options.seed}-${index}`,
      });
      ids.set(index, job.id);
    };
    for (let from = 0; from < options.jobs; from += 20) {
      await Promise.all(Array.from({ length: Math.min(20, options.jobs - from) }, (_, offset) => one(from + offset)));
    }
  };
  for (let kill = 0; kill < options.kills; kill++) {
    const submitting = submit().catch(() => {});
    await pause(100 + random() * 900);
    await victim.kill("SIGKILL");
    await submitting;
    await victim.start();
    options.print(`kill ${kill + 1} of ${options.kills}, ${ids.size} jobs accepted`);
  }
  await submit();
  await untilEnded(victim);
  return [...ids.values()];
}

async function openJobs(victim: Victim): Promise<ShownJob[]> {
  const query = { state: "queued,running,waiting", limit: 1000 };
  return (await victim.api.get<{ items: ShownJob[] }>("/v1/jobs", query)).items;
}

async function untilEnded(victim: Victim): Promise<void> {
  let before = "";
  for (let end = Date.now() + stuckMs; Date.now() < end; await pause(100)) {
    const open = await openJobs(victim);
    if (open.length === 0) return;
    const now = open.map(({ id, state, attempts }) => `${id} ${state} ${attempts}`).join();
    if (now !== before) end = Date.now() + stuckMs;
    before = now;
  }
}

/** Why jobs are still open, as far as the daemon knows. */
async function whyOpen(victim: Victim): Promise<string[]> {
  const open = await openJobs(victim);
  if (open.length === 0) return [];
  const { items } = await victim.api.get<{ items: unknown[] }>("/v1/links");
  const jobs = open.map(({ id, target, state, attempts, note }) =>
    [id, target, state, `attempts ${attempts}`, note].join(", "),
  );
  return [...jobs, ...items.map((link) => JSON.stringify(link))];
}

async function compare(
  victim: Victim,
  ids: readonly string[],
  executed: ReadonlyMap<string, readonly Executed[]>,
  kills: number,
): Promise<KillTestReport> {
  const jobs: ShownJob[] = [];
  for (const id of ids) jobs.push(await victim.api.get<ShownJob>(`/v1/jobs/${id}`));
  const ends = new Map<string, number>();
  for (let after = 0; ; ) {
    const { items } = await victim.api.get<{ items: { seq: number; type: string; job?: string }[] }>("/v1/events/log", {
      after,
      limit: 1000,
    });
    for (const event of items) {
      after = event.seq;
      if (/^job\.(done|failed|expired|cancelled)$/.test(event.type))
        ends.set(event.job ?? "", (ends.get(event.job ?? "") ?? 0) + 1);
    }
    if (items.length === 0) break;
  }
  const counters = [...executed.values()].map((records) =>
    records.flatMap((record) => ("cntr" in record && typeof record.cntr === "string" ? [record.cntr] : [])),
  );
  const run = new Set(
    [...executed].flatMap(([eid, records]) =>
      records.map((record) => `${eid}/${Number.parseInt("cntr" in record ? String(record.cntr) : "0", 16)}`),
    ),
  );
  const eidOf = new Map<string, string>();
  for await (const target of victim.api.list<{ id: string; eid: string }>("/v1/targets", {}, 1000))
    eidOf.set(target.id, target.eid);
  const sent = new Map<string, ShownJob>();
  for (const job of jobs)
    for (const packet of job.packets ?? [])
      if (packet.cntr !== undefined) sent.set(`${eidOf.get(job.target)}/${packet.cntr}`, job);
  const ended: Record<string, number> = {};
  for (const job of jobs) {
    const how = job.state === "failed" ? `failed ${job.error?.code}` : job.state;
    ended[how] = (ended[how] ?? 0) + 1;
  }
  return {
    jobs: jobs.length,
    kills,
    ended,
    endedMoreThanOnce: [...ends.values()].filter((count) => count > 1).length,
    neverEnded: jobs.filter((job) => !ends.has(job.id)).length,
    open: await whyOpen(victim),
    countersUsedTwice: counters.reduce((sum, list) => sum + list.length - new Set(list).size, 0),
    doneButNotExecuted: jobs.filter(
      (job) =>
        job.state === "done" &&
        !(job.packets ?? []).some((packet) => run.has(`${eidOf.get(job.target)}/${packet.cntr}`)),
    ).length,
    executedButUnknown: [...run].filter((key) => {
      const job = sent.get(key);
      return (
        job === undefined ||
        !(job.state === "done" || job.error?.detail.executed === true || job.error?.detail.executed === "unknown")
      );
    }).length,
  };
}

/** Whether a report shows no fault. */
export function sound(report: KillTestReport): boolean {
  return (
    report.endedMoreThanOnce +
      report.neverEnded +
      report.countersUsedTwice +
      report.doneButNotExecuted +
      report.executedButUnknown ===
    0
  );
}

if (process.argv[1]?.endsWith("kill-test.js") || process.argv[1]?.endsWith("kill-test.ts")) {
  const { values } = parseArgs({
    options: {
      jobs: { type: "string", default: "200" },
      cards: { type: "string", default: "5" },
      kills: { type: "string", default: "10" },
      seed: { type: "string", default: String(Date.now() % 100_000) },
    },
  });
  const report = await killTest({
    jobs: Number(values.jobs),
    cards: Number(values.cards),
    kills: Number(values.kills),
    seed: Number(values.seed),
    print: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify({ seed: Number(values.seed), ...report })}\n`);
  process.exitCode = sound(report) ? 0 : 1;
}
