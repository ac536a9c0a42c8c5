import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import Sqlite from "better-sqlite3";
import { exportEis } from "../simulators/euicc/eis.ts";
import { SimulatedEuicc } from "../simulators/euicc/euicc.ts";
import { createEuiccState } from "../simulators/euicc/fixture.ts";
import { parseConfig } from "../src/app/config.ts";
import { Daemon } from "../src/app/daemon.ts";
import { silentLog } from "../src/link/driver.ts";

/**
 * Jobs per second end to end: accepted durably, secured, run by simulated cards, answered durably. Measured on an
 * empty store and on one that holds many finished jobs, in the same run; and what of it the cards alone would do.
 */
const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "400" },
    cards: { type: "string", default: "8" },
    finished: { type: "string", default: "100000" },
  },
});
const jobs = Number(values.jobs);
const cards = Number(values.cards);
const finished = Number(values.finished);

/** Puts finished jobs with their packets and events into a store that no daemon has open. */
function fill(folder: string, count: number): void {
  const database = new Sqlite(join(folder, "otagate.db"));
  database.pragma("journal_mode = WAL");
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
  database.transaction(() => {
    for (let i = 0; i < count; i++) {
      const target = targets[i % Math.max(1, targets.length)]?.id ?? "t";
      job.run(`filler_${i}`, target, work, result);
      packet.run(`filler_${i}`, `filler_${i}`, target, "filler", i);
      event.run(target, `filler_${i}`);
    }
  })();
  database.close();
}

async function measure(
  folder: string,
  softCards: readonly SimulatedEuicc[],
): Promise<{ perSecond: number; medianMs: number }> {
  const config = parseConfig({ readers: { enabled: false }, scp81: { enabled: false } });
  await using daemon = await Daemon.start({ config, state: folder, env: process.env, log: silentLog });
  for (const [index, card] of softCards.entries()) daemon.simulate(`bench ${index}`, card);
  const ready = () =>
    daemon.gateway.links.list().filter((link) => link.state.up && link.card !== undefined).length === softCards.length;
  while (!ready()) await new Promise((resolve) => setTimeout(resolve, 10));
  const eids = softCards.map((card) => card.state.eid);
  const order = (index: number) => ({
    target: eids[index % eids.length] ?? "",
    work: { kind: "es5" as const, function: "auditResources" },
    origin: { face: "api" as const },
  });
  const ended = new Map<string, number>();
  daemon.store.onEvents((events) => {
    for (const event of events)
      if (/^job\.(done|failed|expired)$/.test(event.type)) ended.set(event.job ?? "", performance.now());
  });
  const start = performance.now();
  const accepted = await Promise.all(
    Array.from({ length: jobs }, async (_, index) => ({
      id: (await daemon.gateway.jobs.submit(order(index))).job.id,
      at: performance.now(),
    })),
  );
  while (ended.size < jobs) await new Promise((resolve) => setTimeout(resolve, 2));
  const seconds = (performance.now() - start) / 1000;
  const failed = (await daemon.store.read((r) => r.jobs.list({ state: ["failed", "expired"] }, undefined, 10))).length;
  if (failed > 0) throw new Error(`${failed} jobs failed`);
  const single: number[] = [];
  for (let i = 0; i < 40; i++) {
    const from = performance.now();
    const { job } = await daemon.gateway.jobs.submit(order(i));
    while (!ended.has(job.id)) await new Promise((resolve) => setImmediate(resolve));
    single.push(performance.now() - from);
  }
  single.sort((a, b) => a - b);
  return { perSecond: accepted.length / seconds, medianMs: single[20] ?? 0 };
}

/** What the simulated cards do without any gateway: the same APDUs, back to back. */
async function cardsAlone(softCards: readonly SimulatedEuicc[]): Promise<number> {
  const status = Uint8Array.of(0x80, 0xf2, 0x00, 0x0c, 0x00);
  const start = performance.now();
  await Promise.all(
    softCards.map(async (card) => {
      await card.powerOn();
      for (let i = 0; i < 500; i++) await card.transmit(status);
      await card.powerOff();
    }),
  );
  return (softCards.length * 500) / ((performance.now() - start) / 1000);
}

const folder = mkdtempSync(join(tmpdir(), "otagate-bench-"));
try {
  const softCards = Array.from(
    { length: cards },
    (_, index) => new SimulatedEuicc({ state: createEuiccState({ seed: `bench ${index}` }) }),
  );
  const prepare = await Daemon.start({
    config: parseConfig({ readers: { enabled: false }, scp81: { enabled: false } }),
    state: folder,
    env: process.env,
    log: silentLog,
  });
  for (const card of softCards) await prepare.gateway.targets.import(exportEis(card.state));
  await prepare[Symbol.asyncDispose]();
  const empty = await measure(folder, softCards);
  fill(folder, finished);
  const full = await measure(folder, softCards);
  const apdus = await cardsAlone(softCards);
  const line = (name: string, { perSecond, medianMs }: typeof empty) =>
    `${name.padEnd(34)} ${perSecond.toFixed(0).padStart(6)} jobs/s   one alone ${medianMs.toFixed(1)} ms\n`;
  process.stdout.write(`${jobs} jobs over ${cards} simulated cards in process, durable (baseline: the empty store)\n`);
  process.stdout.write(line("empty store", empty));
  process.stdout.write(line(`${finished} finished jobs in the store`, full));
  process.stdout.write(`ratio full / empty: ${(full.perSecond / empty.perSecond).toFixed(2)}\n`);
  process.stdout.write(`the cards alone: ${apdus.toFixed(0)} APDUs/s\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
