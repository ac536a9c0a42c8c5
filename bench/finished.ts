/**
 * What finished jobs in the store cost new ones: the statements of a job's life (accept, reserve, answer, end, look for the
 * next), in slices on an empty store and on one with `--finished` finished jobs over `--targets` targets, in turns. The
 * baseline is the empty store. CPU time, so that what else the machine does counts little; medians.
 *
 *   npx tsx bench/finished.ts [--finished 1000000] [--targets 1000] [--slices 40]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import Sqlite from "better-sqlite3";
import { newId } from "../src/base/id.ts";
import { isdRTar } from "../src/codec/euicc/aid.ts";
import type { Job } from "../src/gateway/model/job.ts";
import type { Repositories } from "../src/gateway/model/store.ts";
import { readResult, readWork } from "../src/store/octet-rows.ts";
import { SqliteStore } from "../src/store/sqlite-store.ts";

const { values } = parseArgs({
  options: {
    finished: { type: "string", default: "1000000" },
    targets: { type: "string", default: "1000" },
    slices: { type: "string", default: "40" },
  },
});
const [finished, targets, slices] = [Number(values.finished), Number(values.targets), Number(values.slices)];
const sliceJobs = 200;
const seal = { seal: (clear: Uint8Array) => clear, open: (sealed: Uint8Array) => sealed };
const work = { kind: "script", tar: isdRTar, apdus: ["80F24002024F0000"] } as const;
const result = { commands: [{ data: "E3164F10A0000005591010FFFFFFFF89000012009F70013F", sw: "9000" }] };

/** Finished jobs with a packet and two events each, while no store has the file open. */
function fill(folder: string): void {
  const database = new Sqlite(join(folder, "otagate.db"));
  for (const pragma of ["synchronous = OFF", "cache_size = -200000"]) database.pragma(pragma);
  const job = database.prepare(
    `INSERT INTO job (id, target, state, lane, origin_face, work, request, origin, attempts, not_before, valid_until, result,
      created_at, ended_at) VALUES (?, ?, 'done', 'normal', 'api', ?, '{}', '{"face":"api"}', 1, 0, 0, ?, 0, 1)`,
  );
  const packet = database.prepare(
    `INSERT INTO packet (id, job, target, key_set, cntr, user_data, state, transmissions, created_at)
      VALUES (?, ?, ?, 'filler', ?, '[]', 'answered', 1, 0)`,
  );
  const event = database.prepare("INSERT INTO event (at, type, target, job, data) VALUES (0, 'job.done', ?, ?, '{}')");
  const texts = [JSON.stringify(work), JSON.stringify(result)] as const;
  for (let from = 0; from < finished; from += 100_000)
    database.transaction(() => {
      for (let index = from; index < Math.min(from + 100_000, finished); index++) {
        const [id, target] = [newId("job", 1 + index), `tgt_${index % targets}`];
        job.run(id, target, ...texts);
        packet.run(newId("pkt", 1 + index), id, target, index);
        for (let count = 0; count < 2; count++) event.run(target, id);
      }
    })();
  database.close();
}

let number = 0;

async function life(r: Repositories): Promise<void> {
  const at = Date.now();
  const target = `tgt_${(number++ * 7919) % targets}` as const;
  const order: Omit<Job, "seq"> = {
    id: newId("job", at),
    target,
    state: "queued",
    lane: "normal",
    work: readWork(work),
    request: { bearer: "auto", maxPackets: 4 },
    origin: { face: "api" },
    attempts: 0,
    notBefore: at,
    validUntil: at + 1000,
    createdAt: at,
  };
  await r.jobs.hasOpen(target);
  await r.jobs.insert(order);
  await r.jobs.next(target, at, ["system", "normal"]);
  await r.packets.inPlace(target);
  await r.jobs.patch(order.id, { state: "running", attempts: 1, startedAt: at });
  const packet = newId("pkt", at);
  const facts = {
    id: packet,
    job: order.id,
    target,
    userData: [Uint8Array.of(2, 0x70, 0)],
    transmissions: 1,
    createdAt: at,
  };
  await r.packets.insert({ ...facts, keySet: "key", cntr: number, state: "reserved" });
  await r.packets.patch(packet, { state: "answered", answeredAt: at });
  await r.jobs.patch(order.id, { state: "done", result: readResult(result), endedAt: at });
  await r.jobs.letGo(target, "none", at);
  for (let count = 0; count < 3; count++) await r.events.append({ at, type: "target.removed", target, data: {} });
}

/** CPU microseconds for each job of a slice. */
async function slice(store: SqliteStore): Promise<number> {
  const before = process.cpuUsage();
  for (let group = 0; group < sliceJobs; group += 20)
    await Promise.all(Array.from({ length: 20 }, () => store.write(life)));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / sliceJobs;
}

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

const folder = mkdtempSync(join(tmpdir(), "otagate-bench-finished-"));
try {
  const [emptyFolder, fullFolder] = [join(folder, "empty"), join(folder, "full")];
  await (await SqliteStore.open(fullFolder, seal))[Symbol.asyncDispose]();
  fill(fullFolder);
  await using empty = await SqliteStore.open(emptyFolder, seal);
  await using full = await SqliteStore.open(fullFolder, seal);
  const [ofEmpty, ofFull]: [number[], number[]] = [[], []];
  for (let turn = -5; turn < slices; turn++) {
    const [one, other] = [await slice(empty), await slice(full)];
    if (turn < 0) continue;
    ofEmpty.push(one);
    ofFull.push(other);
  }
  const [base, loaded] = [median(ofEmpty), median(ofFull)];
  console.log(
    `a job in the empty store ${base.toFixed(0)} µs, with ${finished} finished jobs over ${targets} targets ` +
      `${loaded.toFixed(0)} µs of CPU: ${(loaded / base).toFixed(2)} of the empty store`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
