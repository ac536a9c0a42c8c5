import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseConfig } from "../src/app/config/config.ts";
import { Daemon } from "../src/app/daemon.ts";
import { silentLog } from "../src/link/driver.ts";

interface Numbers {
  readonly jobsPerSecond: number;
  /** Milliseconds from a request to its answer with one client that waits for each. */
  readonly acceptMs: { readonly p50: number; readonly p99: number };
  /** Milliseconds from the acceptance of a job to its event at a subscriber. */
  readonly eventMs: { readonly p50: number; readonly p99: number };
  /** Milliseconds for the first page of open jobs, of one target's jobs and of the daemon's own numbers. */
  readonly readMs: Readonly<Record<string, number>>;
}

const state = (folder: string) => join(folder, "state");

/** A daemon with this many finished jobs in its store. */
class Stage implements AsyncDisposable {
  readonly daemon: Daemon;
  readonly targets: readonly string[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #folder: string;

  private constructor(daemon: Daemon, targets: readonly string[], folder: string) {
    this.daemon = daemon;
    this.targets = targets;
    this.#folder = folder;
  }

  static async open(finished: number, targetCount: number): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), "otagate-bench-api-"));
    const config = parseConfig({
      readers: { enabled: false },
      scp81: { enabled: false },
      modemDiscovery: { enabled: false },
    });
    const start = () => Daemon.start({ config, state: state(folder), log: silentLog, env: {} });
    const first = await start();
    const targets: string[] = [];
    for (let index = 0; index < targetCount; index++) {
      const { target } = await first.gateway.targets.import({ iccid: `8901${String(index).padStart(15, "0")}` });
      targets.push(target.id);
    }
    await first[Symbol.asyncDispose]();
    if (finished > 0) await fill(join(state(folder), "otagate.db"), finished, targets);
    return new Stage(await start(), targets, folder);
  }

  call(method: string, path: string, body?: unknown): Promise<string> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        {
          socketPath: this.daemon.socketPath,
          agent: this.#agent,
          method,
          path,
          ...(payload === undefined
            ? {}
            : { headers: { "content-type": "application/json", "content-length": Buffer.byteLength(payload) } }),
        },
        (response) => {
          let text = "";
          response.on("data", (chunk) => {
            text += chunk;
          });
          response.on("end", () => ((response.statusCode ?? 500) < 300 ? resolve(text) : reject(new Error(text))));
        },
      );
      sent.on("error", reject).end(payload);
    });
  }

  /** Told the id of each job whose `job.queued` event arrives. */
  async subscribe(onJob: (job: string) => void): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const onAnswer = (response: IncomingMessage) => {
        let rest = "";
        response.on("data", (chunk) => {
          const lines = (rest + chunk).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) if (line.startsWith("data: ")) onJob(String(JSON.parse(line.slice(6)).job));
        });
        response.on("error", () => {});
        resolve(() => void sent.destroy());
      };
      const path = "/v1/events?type=job.queued";
      const sent = httpRequest({ socketPath: this.daemon.socketPath, path }, onAnswer).on("error", reject).end();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.daemon[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Writes finished jobs with a packet and four events each, as the gateway leaves them. */
async function fill(file: string, count: number, targets: readonly string[]): Promise<void> {
  const { default: Sqlite } = await import("better-sqlite3");
  const db = new Sqlite(file);
  db.pragma("synchronous = OFF");
  const work = JSON.stringify({ kind: "script", tar: "000001", apdus: ["80F24002024F0000"] });
  const request = '{"bearer":"auto","maxPackets":4}';
  const origin = '{"face":"api","client":"smsr"}';
  const result = JSON.stringify({
    por: { status: 0, name: "ok", authenticated: true },
    commands: [{ data: "AB".repeat(60), sw: "9000" }],
  });
  const job = db.prepare(
    `INSERT INTO job (id, target, state, lane, origin_face, work, request, origin, attempts, not_before, valid_until,
     result, idempotency_key, created_at, ended_at) VALUES (?, ?, ?, 'normal', 'api', ?, ?, ?, 1, 0, 9e12, ?, ?, 1, 2)`,
  );
  const packet = db.prepare(
    `INSERT INTO packet (id, job, target, user_data, state, transmissions, response, created_at)
     VALUES (?, ?, ?, ?, ?, 1, ?, 1)`,
  );
  const event = db.prepare("INSERT INTO event (at, type, target, job, data) VALUES (1, ?, ?, ?, '{}')");
  const data = JSON.stringify(["AB".repeat(100)]);
  const batch = db.transaction((from: number, to: number) => {
    for (let index = from; index < to; index++) {
      const id = `job_${String(index).padStart(26, "0")}`;
      const target = targets[index % targets.length];
      const failed = index % 20 === 0;
      job.run(id, target, failed ? "failed" : "done", work, request, origin, failed ? null : result, `smsr k${index}`);
      packet.run(`pkt_${index}`, id, target, data, failed ? "sent" : "answered", failed ? null : data);
      for (const type of ["job.queued", "job.sending", "job.answered", "job.done"]) event.run(type, target, id);
    }
  });
  for (let from = 0; from < count; from += 20_000) batch(from, Math.min(count, from + 20_000));
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

const round = (value: number) => Math.round(value * 100) / 100;
const order = (target: string, n: number) => ({
  target,
  work: { kind: "script", apdus: ["80F24002024F0000"] },
  request: { bearer: "envelope" },
  reference: `bench ${n}`,
});

let serial = 0;

async function throughput(stage: Stage, jobs: number, clients: number): Promise<number> {
  const began = performance.now();
  let left = jobs;
  const client = async () => {
    while (left-- > 0) {
      const n = serial++;
      await stage.call("POST", "/v1/jobs", order(stage.targets[n % stage.targets.length] ?? "", n));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return Math.round(jobs / ((performance.now() - began) / 1000));
}

async function latencies(stage: Stage, jobs: number): Promise<Pick<Numbers, "acceptMs" | "eventMs">> {
  const seen = new Map<string, number>();
  const end = await stage.subscribe((job) => seen.set(job, performance.now()));
  const accepted: number[] = [];
  const began = new Map<string, number>();
  for (let index = 0; index < jobs; index++) {
    const n = serial++;
    const start = performance.now();
    const { id } = JSON.parse(
      await stage.call("POST", "/v1/jobs", order(stage.targets[n % stage.targets.length] ?? "", n)),
    );
    accepted.push(performance.now() - start);
    began.set(id, start);
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  end();
  const events = [...began].map(([id, start]) => (seen.get(id) ?? Number.POSITIVE_INFINITY) - start);
  const of = (values: readonly number[]) => ({ p50: percentile(values, 0.5), p99: percentile(values, 0.99) });
  return { acceptMs: of(accepted), eventMs: of(events) };
}

async function reads(stage: Stage): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  const paths = {
    "open jobs": "/v1/jobs?state=queued,running,waiting&limit=50",
    "done jobs": "/v1/jobs?state=done&limit=50",
    "jobs of a target": `/v1/jobs?target=${stage.targets[0]}&limit=50`,
    "the daemon": "/v1",
    metrics: "/metrics",
  };
  for (const [name, path] of Object.entries(paths)) {
    await stage.call("GET", path);
    const began = performance.now();
    for (let round = 0; round < 20; round++) await stage.call("GET", path);
    found[name] = round((performance.now() - began) / 20);
  }
  return found;
}

/** Calls off what is open, so that every turn begins alike. */
async function clear(stage: Stage): Promise<void> {
  const { gateway, store } = stage.daemon;
  for (;;) {
    const open = await store.read((r) => r.jobs.list({ state: ["queued", "running"] }, undefined, 500));
    if (open.length === 0) return;
    await Promise.all(open.map((job) => gateway.jobs.cancel(job.id)));
  }
}

async function measured(stage: Stage, jobs: number): Promise<Numbers> {
  return {
    jobsPerSecond: await throughput(stage, jobs, 32),
    ...(await latencies(stage, 300)),
    readMs: await reads(stage),
  };
}

const { values } = parseArgs({
  options: {
    finished: { type: "string", default: "1000000" },
    jobs: { type: "string", default: "4000" },
    rounds: { type: "string", default: "4" },
    targets: { type: "string", default: "500" },
  },
});
const print = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
await using empty = await Stage.open(0, Number(values.targets));
process.stderr.write(`writing ${values.finished} finished jobs\n`);
await using full = await Stage.open(Number(values.finished), Number(values.targets));
const rates = { empty: [] as number[], full: [] as number[] };
await throughput(empty, 500, 32);
await throughput(full, 500, 32);
await clear(empty);
await clear(full);
// Turn about, so that what else the machine does falls on both.
for (let turn = 0; turn < Number(values.rounds); turn++) {
  for (const [name, stage] of [
    ["empty", empty],
    ["full", full],
  ] as const) {
    const numbers = await measured(stage, Number(values.jobs));
    rates[name].push(numbers.jobsPerSecond);
    print({ store: name, ...numbers });
    await clear(stage);
  }
}
const median = (list: readonly number[]) => percentile(list, 0.5);
print({
  jobsPerSecond: { empty: median(rates.empty), full: median(rates.full) },
  costOfFinishedJobs: round(median(rates.empty) / median(rates.full)),
});
