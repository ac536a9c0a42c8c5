import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { systemClock } from "../src/base/clock.ts";
import { fromHex } from "../src/base/hex.ts";
import { newId } from "../src/base/id.ts";
import { isdRTar } from "../src/codec/euicc/aid.ts";
import type { Repositories, Store } from "../src/gateway/model/store.ts";
import { Pruner } from "../src/gateway/retention/pruner.ts";
import { silentLog } from "../src/link/driver.ts";
import { readWork } from "../src/store/octet-rows.ts";
import { SqliteStore } from "../src/store/sqlite-store.ts";

/**
 * How fast old records go, and what others notice of it: how long one unit holds the store, how long the event loop
 * stands still, and how long a small write takes beside it, compared with the same write when nothing else is done.
 */
const { values } = parseArgs({
  options: { jobs: { type: "string", default: "100000" }, unit: { type: "string", default: "200" } },
});
const jobs = Number(values.jobs);
const dayMs = 86_400_000;
const old = Date.now() - 100 * dayMs;
const seal = { seal: (clear: Uint8Array) => clear, open: (sealed: Uint8Array) => sealed };

async function finished(r: Repositories, at: number): Promise<void> {
  const target = `tgt_${at % 100}` as const;
  const { job } = await r.jobs.insert({
    id: newId("job", at),
    target,
    state: "queued",
    lane: "normal",
    work: readWork({ kind: "script", tar: isdRTar, apdus: ["80F24002024F0000"] }),
    request: { bearer: "auto", maxPackets: 3 },
    origin: { face: "api", client: "smsr" },
    attempts: 1,
    notBefore: at,
    validUntil: at,
    createdAt: at,
  });
  const packet = newId("pkt", at);
  const userData = [Uint8Array.of(2, 0x70, 0, ...new Uint8Array(100).fill(0x5a))];
  const facts = { id: packet, job: job.id, target, userData, transmissions: 1, createdAt: at };
  await r.packets.insert({ ...facts, keySet: "key_1", cntr: at, state: "sent" });
  await r.packets.putPart({ packet, position: 0, transmission: 1, link: "m", state: "taken", at });
  await r.packets.patch(packet, { state: "answered", answeredAt: at });
  const commands = [{ data: fromHex("E3164F10A0000005591010FFFFFFFF89000012009F70013F"), sw: "9000" }];
  await r.jobs.patch(job.id, { state: "done", endedAt: at, result: { commands } });
  const about = { at, target, job: job.id };
  const origin = { face: "cli" } as const;
  await r.events.append({ ...about, type: "job.queued", data: { origin } });
  await r.events.append({ ...about, type: "job.sending", data: { bearer: "sms", link: "m" } });
  await r.events.append({ ...about, type: "job.answered", data: { link: "m", status: "ok" } });
  await r.events.append({ ...about, type: "job.done", data: { origin, commands: 1 } });
}

/** Latencies of small writes, one after the other, while `during` is under way; milliseconds, sorted. */
async function writes(store: Store, during: Promise<void>): Promise<number[]> {
  const took: number[] = [];
  let over = false;
  const end = during.finally(() => {
    over = true;
  });
  while (!over) {
    const began = performance.now();
    await store.write((r) => r.events.append({ at: Date.now(), type: "session.triggered", data: {} }));
    took.push(performance.now() - began);
    await systemClock.sleep(1);
  }
  await end;
  return took.sort((a, b) => a - b);
}

const quantile = (sorted: readonly number[], q: number) =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0).toFixed(1);
const told = (sorted: readonly number[]) =>
  `median ${quantile(sorted, 0.5)} ms, 99 % ${quantile(sorted, 0.99)} ms, longest ${quantile(sorted, 1)} ms`;

const folder = mkdtempSync(join(tmpdir(), "otagate-bench-"));
try {
  await using store = await SqliteStore.open(folder, seal);
  for (let at = 0; at < jobs; at += 500)
    await store.write(async (r) => {
      for (let one = at; one < Math.min(jobs, at + 500); one++) await finished(r, old + one);
    });
  console.log(`small writes alone:     ${told(await writes(store, systemClock.sleep(5000)))}`);
  const held: number[] = [];
  const watched: Store = {
    check: () => store.check(),
    trouble: undefined,
    read: (unit) => store.read(unit),
    onEvents: (listener) => store.onEvents(listener),
    writeWithNext: (unit) => store.writeWithNext(unit),
    write: (unit) =>
      store.write(async (r) => {
        const began = performance.now();
        const value = await unit(r);
        held.push(performance.now() - began);
        return value;
      }),
    [Symbol.asyncDispose]: async () => {},
  };
  const retention = { jobsMs: 90 * dayMs, eventsMs: 90 * dayMs };
  const deps = { store: watched, clock: systemClock, log: silentLog, retention, upstreams: [] };
  const pruner = new Pruner({ ...deps, unit: Number(values.unit) });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const began = performance.now();
  delay.enable();
  pruner.begin();
  const beside = await writes(store, pruner.idle());
  delay.disable();
  const seconds = (performance.now() - began) / 1000;
  const rows = Object.values(pruner.total).reduce((sum, count) => sum + count, 0);
  console.log(`small writes beside it: ${told(beside)}`);
  console.log(`one unit holds the store: ${told(held.sort((a, b) => a - b))}`);
  console.log(`event loop: longest standstill ${(delay.max / 1e6).toFixed(1)} ms`);
  console.log(`${rows} rows of ${jobs} jobs in ${seconds.toFixed(1)} s: ${Math.round(rows / seconds)} rows/s`);
  console.log(JSON.stringify(await store.read((r) => r.retention.size())));
  await pruner.stop();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
