import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import Sqlite from "better-sqlite3";
import { packageRoot } from "../src/app/version.ts";
import { ApiClient } from "../src/face/cli/client.ts";

/** Start-up time and idle memory of the daemon, with an empty store and a full one; baseline: a bare node in the same run. */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    finished: { type: "string", default: "100000" },
    idle: { type: "string", default: "10" },
  },
});
const rounds = Number(values.rounds);

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const median = (list: readonly number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });
}

/** Resident memory of a process, MiB. */
function residentMib(pid: number | undefined): number {
  const [, kib = "0"] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
}

async function bareNode(): Promise<number> {
  const start = performance.now();
  await ended(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }));
  return performance.now() - start;
}

async function bareMemory(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "setInterval(()=>{},1000)"], { stdio: "ignore" });
  await pause(1000);
  const mib = residentMib(child.pid);
  child.kill("SIGKILL");
  await ended(child);
  return mib;
}

/** Starts a daemon until it is ready; with `idleSeconds`, also what it holds after that time. */
async function daemon(state: string, idleSeconds = 0): Promise<{ ms: number; mib: number }> {
  const start = performance.now();
  const child = spawn(process.execPath, [join(packageRoot, "bin", "otagate.js"), "daemon", "--state", state], {
    stdio: "ignore",
    env: { ...process.env, PCSCLITE_CSOCK_NAME: "/nonexistent" },
  });
  const api = new ApiClient({ socketPath: join(state, "otagate.sock") });
  const ready = () =>
    api.get("/readyz").then(
      () => true,
      () => false,
    );
  while (!(await ready())) await pause(5);
  const ms = performance.now() - start;
  await pause(idleSeconds * 1000);
  const mib = residentMib(child.pid);
  child.kill("SIGTERM");
  await ended(child);
  return { ms, mib };
}

/** Puts finished jobs and their events into a store that no daemon has open. */
function fill(state: string, count: number): void {
  const database = new Sqlite(join(state, "otagate.db"));
  const job = database.prepare(
    "INSERT INTO job (id, target, state, lane, origin_face, work, request, origin, attempts, not_before, valid_until, created_at, ended_at) VALUES (?, 't', 'done', 'normal', 'api', '{\"kind\":\"script\",\"tar\":\"000001\",\"apdus\":[]}', '{}', '{\"face\":\"api\"}', 1, 0, 0, 0, 1)",
  );
  const event = database.prepare(
    "INSERT INTO event (at, type, target, job, data) VALUES (0, 'job.done', 't', ?, '{}')",
  );
  database.transaction(() => {
    for (let i = 0; i < count; i++) {
      job.run(`filler_${i}`);
      event.run(`filler_${i}`);
    }
  })();
  database.close();
}

const folder = mkdtempSync(join(tmpdir(), "otagate-bench-start-"));
try {
  const state = join(folder, "state");
  await daemon(state);
  const bare: number[] = [];
  const empty: number[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push(await bareNode());
    empty.push((await daemon(state)).ms);
  }
  const memory = await bareMemory();
  const idleEmpty = (await daemon(state, Number(values.idle))).mib;
  fill(state, Number(values.finished));
  const full: number[] = [];
  for (let round = 0; round < rounds; round++) full.push((await daemon(state)).ms);
  const idleFull = (await daemon(state, Number(values.idle))).mib;
  const base = median(bare);
  const line = (name: string, ms: number, mib: number) =>
    `${name.padEnd(34)} ${ms.toFixed(0).padStart(5)} ms (${(ms / base).toFixed(1)} x)   ${mib.toFixed(0).padStart(4)} MiB (${(mib / memory).toFixed(1)} x)\n`;
  process.stdout.write("start until ready, and resident memory when idle (baseline: bare node in the same run)\n");
  process.stdout.write(line("bare node", base, memory));
  process.stdout.write(line("daemon, empty store", median(empty), idleEmpty));
  process.stdout.write(line(`daemon, ${values.finished} finished jobs`, median(full), idleFull));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
