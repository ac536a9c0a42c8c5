import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { recoverStore } from "../../src/app/recover-store.ts";
import { masterSeal } from "../../src/app/secrets.ts";
import { Secret } from "../../src/base/secret.ts";
import { parseEid } from "../../src/codec/euicc/eid.ts";
import { sealWith } from "../../src/crypto/seal.ts";
import { checkStore } from "../../src/store/check-store.ts";
import { MarkFile } from "../../src/store/mark-file.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";
import { target as targetRecord } from "../gateway/records.ts";
import { putJob } from "./retention-bench.ts";

const seal = sealWith(new Secret(Buffer.alloc(32, 7)));
const target = targetRecord({ eid: parseEid("89001012012341234012345678901224"), createdAt: 1, updatedAt: 1 });
const keySet = (cntr: number) => ({
  id: "key_1",
  target: target.id,
  type: "SCP80" as const,
  kvn: 1,
  tars: [],
  algorithm: "AES" as const,
  ccLength: 8,
  cntr,
  keys: new Map([[1, new Secret(Buffer.alloc(16, 1))]]),
});

let folder: string;
/** What a crash leaves: a copy of the files of a store that is in use. */
let crashed: string;

const file = (name = "", at = crashed) => join(at, `otagate.db${name}`);
const counter = async (store: SqliteStore) => (await store.read((r) => r.keySets.list(target.id)))[0]?.cntr;
const next = (store: SqliteStore) => store.write((r) => r.keySets.nextCounter("key_1"));
const open = (at = crashed) => SqliteStore.open(at, seal);

async function crashAfter(work: (store: SqliteStore) => Promise<unknown>): Promise<void> {
  const at = mkdtempSync(join(folder, "live-"));
  const store = await SqliteStore.open(at, seal);
  await store.write(async (r) => {
    await r.targets.insert(target);
    await r.keySets.put(keySet(10));
  });
  await work(store);
  crashed = join(folder, "crashed");
  cpSync(at, crashed, { recursive: true });
  rmSync(join(crashed, "otagate.lock"));
  await store[Symbol.asyncDispose]();
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otagate-damage-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("a store that was damaged", () => {
  it("goes on after a crash with nothing lost, and after each of many", async () => {
    await crashAfter(next);
    for (let round = 0; round < 3; round++) {
      const store = await open();
      expect(await counter(store)).toBe(11 + round);
      expect(await next(store)).toBe(12 + round);
      const copy = join(folder, `round-${round}`);
      cpSync(crashed, copy, { recursive: true });
      rmSync(join(copy, "otagate.lock"));
      await store[Symbol.asyncDispose]();
      crashed = copy;
    }
  });

  it("starts again also when somebody else read it at its start, and kept the log from being applied", async () => {
    await crashAfter(next);
    const reader = new Sqlite(file());
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM target").get();
    const store = await open();
    expect(await next(store)).toBe(12);
    const copy = join(folder, "copy");
    cpSync(crashed, copy, { recursive: true });
    rmSync(join(copy, "otagate.lock"));
    reader.close();
    await store[Symbol.asyncDispose]();
    const again = await open(copy);
    expect(await next(again)).toBe(13);
    await again[Symbol.asyncDispose]();
  });

  const losses: Record<string, () => void> = {
    "its log is gone": () => {
      rmSync(file("-wal"));
      rmSync(file("-shm"), { force: true });
    },
    "its log is empty": () => truncateSync(file("-wal"), 0),
    "its log lacks the last octets": () => truncateSync(file("-wal"), statSync(file("-wal")).size - 1),
    "its log lacks its second half": () => truncateSync(file("-wal"), Math.floor(statSync(file("-wal")).size / 2)),
    "its log is damaged in the last commit": () => {
      const at = openSync(file("-wal"), "r+");
      writeSync(at, Buffer.from("damaged"), 0, 7, statSync(file("-wal")).size - 5000);
    },
    "the beginning of its log is damaged": () => {
      const at = openSync(file("-wal"), "r+");
      writeSync(at, Buffer.from("damaged"), 0, 7, 0);
    },
  };
  for (const [name, lose] of Object.entries(losses)) {
    it(`does not start when ${name}, and is recovered with counters that were never used`, async () => {
      await crashAfter(async (store) => {
        await next(store);
        await store.write((r) => putJob(r, 1, { state: "queued" }));
        await next(store);
      });
      lose();
      await expect(open()).rejects.toMatchObject({
        code: "store.rewound",
        message: expect.stringMatching(/otagate\.db-wal .*otagate store recover/),
      });
      // Nothing was touched: it can still be mended by hand.
      await expect(open()).rejects.toMatchObject({ code: "store.rewound" });
      const { missing } = await recoverStore(crashed, seal, 0);
      expect(missing).toBeGreaterThan(0);
      const store = await open();
      const cntr = await counter(store);
      // With the log the whole key set may be gone; what is left never goes back.
      if (cntr !== undefined) expect(await next(store)).toBe(13);
      await store[Symbol.asyncDispose]();
    });
  }

  it("does not start with an older copy of its file, with or without the log of today", async () => {
    const live = mkdtempSync(join(folder, "live-"));
    const first = await SqliteStore.open(live, seal);
    await first.write(async (r) => {
      await r.targets.insert(target);
      await r.keySets.put(keySet(10));
    });
    await first[Symbol.asyncDispose]();
    copyFileSync(file("", live), join(folder, "old.db"));
    const second = await SqliteStore.open(live, seal);
    for (let i = 0; i < 5; i++) await next(second);
    crashed = join(folder, "crashed");
    cpSync(live, crashed, { recursive: true });
    rmSync(join(crashed, "otagate.lock"));
    await second[Symbol.asyncDispose]();
    copyFileSync(join(folder, "old.db"), file());
    await expect(open()).rejects.toMatchObject({
      code: "store.rewound",
      message: expect.stringContaining("older copy"),
    });
    rmSync(file("-wal"));
    rmSync(file("-shm"), { force: true });
    await expect(open()).rejects.toMatchObject({ code: "store.rewound" });
    // After a clean end, too.
    copyFileSync(join(folder, "old.db"), file("", live));
    await expect(open(live)).rejects.toMatchObject({ code: "store.rewound" });
    await recoverStore(crashed, seal, 100);
    const store = await open();
    expect(await next(store)).toBe(116);
    await store[Symbol.asyncDispose]();
  });

  it("does not apply the log of another database, and puts it aside to be recovered", async () => {
    await crashAfter(next);
    const other = mkdtempSync(join(folder, "other-"));
    const foreign = await SqliteStore.open(other, seal);
    await foreign.write((r) => r.targets.insert({ ...target, id: "tgt_2" }));
    copyFileSync(file("-wal", other), file("-wal"));
    await foreign[Symbol.asyncDispose]();
    rmSync(file("-shm"), { force: true });
    const before = readFileSync(file());
    await expect(open()).rejects.toMatchObject({
      code: "store.rewound",
      message: expect.stringContaining("otagate.db-wal is not the log that belongs to otagate.db"),
    });
    expect(readFileSync(file()).equals(before)).toBe(true);
    const { notes } = await recoverStore(crashed, seal, 0);
    expect(notes).toContain("a write-ahead log of another store was renamed");
    await (await open())[Symbol.asyncDispose]();
  });

  it("says that its file is gone, empty, no database, or damaged inside", async () => {
    await crashAfter(next);
    const store = await open();
    for (let i = 0; i < 200; i++) await store.write((r) => putJob(r, i));
    await store[Symbol.asyncDispose]();
    const sound = readFileSync(file());
    const told = async (octets: Buffer | undefined) => {
      if (octets === undefined) rmSync(file());
      else writeFileSync(file(), octets);
      const error = await open().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Error);
      return error;
    };
    expect(await told(undefined)).toMatchObject({
      code: "store.rewound",
      message: expect.stringContaining("is missing"),
    });
    expect(await told(Buffer.alloc(0))).toMatchObject({ code: "store.rewound" });
    for (const octets of [Buffer.alloc(8192), sound.subarray(0, 50), Buffer.from("not a database".repeat(1000))])
      expect(await told(octets)).toMatchObject({ code: "store.corrupt", message: expect.stringContaining(".recover") });
    const holed = Buffer.from(sound);
    holed.fill(0x5a, 8192, holed.length);
    expect(await told(holed)).toMatchObject({ code: "store.corrupt", message: expect.stringContaining(crashed) });
    expect(await told(sound.subarray(0, 3 * 8192))).toMatchObject({ code: "store.corrupt" });
    writeFileSync(file(), sound);
    await (await open())[Symbol.asyncDispose]();
  });

  it("reports a damaged page that is read later, and answers what it can", async () => {
    await crashAfter(next);
    const store = await open();
    for (let i = 0; i < 400; i++) await store.write((r) => putJob(r, i));
    await store[Symbol.asyncDispose]();
    const database = new Sqlite(file(), { readonly: true });
    const page = database
      .prepare<[], { pageno: number }>(
        "SELECT max(pageno) AS pageno FROM dbstat WHERE name = 'job' AND pagetype = 'leaf'",
      )
      .get()?.pageno;
    database.close();
    const at = openSync(file(), "r+");
    writeSync(at, Buffer.alloc(8192, 0x5a), 0, 8192, ((page ?? 0) - 1) * 8192);
    const holed = await open();
    await expect(holed.read((r) => r.jobs.inState(["done"], 1000))).rejects.toMatchObject({ code: "store.corrupt" });
    expect(holed.trouble).toMatchObject({ code: "store.corrupt" });
    expect(await next(holed)).toBe(12);
    await holed[Symbol.asyncDispose]();
  });

  it.each([
    ["gone", (marks: string) => rmSync(marks)],
    ["empty", (marks: string) => truncateSync(marks)],
    ["garbage", (marks: string) => writeFileSync(marks, "x".repeat(1000))],
  ])("does not start when its marks are %s, after a crash or not, until it is recovered", async (_name, harm) => {
    await crashAfter(next);
    const marks = join(crashed, "otagate.marks");
    harm(marks);
    const refusal = { code: "store.rewound", message: expect.stringMatching(/otagate\.marks .*otagate store recover/) };
    await expect(open()).rejects.toMatchObject(refusal);
    await expect(checkStore(crashed, seal, false)).rejects.toMatchObject(refusal);
    const { notes } = await recoverStore(crashed, seal, 1000);
    expect(notes).toEqual([expect.stringContaining("otagate.marks is missing")]);
    const store = await open();
    expect(await next(store)).toBe(1012);
    await store[Symbol.asyncDispose]();
    harm(marks);
    await expect(open()).rejects.toMatchObject(refusal);
  });

  it("starts without marks when a version before there were marks wrote it", async () => {
    await crashAfter(next);
    await (await open())[Symbol.asyncDispose]();
    const database = new Sqlite(file());
    database.exec(
      "DROP TABLE ledger; DELETE FROM migration WHERE name = '0014-ledger'; UPDATE key_set SET cntr = 40; PRAGMA user_version = 0",
    );
    database.close();
    rmSync(join(crashed, "otagate.marks"));
    const store = await open();
    expect(await next(store)).toBe(41);
    await store[Symbol.asyncDispose]();
    expect(existsSync(join(crashed, "otagate.marks"))).toBe(true);
  });

  it("starts again when it died in the middle of its first start, and has marks before it says that it was opened", async () => {
    const at = join(folder, "first");
    const stop = new Error("killed");
    let calls = 0;
    const make = MarkFile.create.bind(MarkFile);
    const spy = vi.spyOn(MarkFile, "create").mockImplementation((path, marks) => {
      calls += 1;
      if (calls === 2) throw stop;
      return make(path, marks);
    });
    await expect(open(at)).rejects.toBe(stop);
    spy.mockRestore();
    expect(existsSync(join(at, "otagate.marks"))).toBe(true);
    await (await open(at))[Symbol.asyncDispose]();
  });

  it("does not start with the marks of another store", async () => {
    await crashAfter(next);
    const other = mkdtempSync(join(folder, "other-"));
    await (await SqliteStore.open(other, seal))[Symbol.asyncDispose]();
    copyFileSync(join(other, "otagate.marks"), join(crashed, "otagate.marks"));
    await expect(open()).rejects.toMatchObject({ message: expect.stringContaining("belongs to another store") });
  });

  it("raises a counter that is behind its mark", async () => {
    await crashAfter(async (store) => {
      await next(store);
      await next(store);
    });
    await (await open())[Symbol.asyncDispose]();
    const database = new Sqlite(file());
    database.exec("UPDATE key_set SET cntr = 3");
    database.close();
    const store = await open();
    expect(await next(store)).toBe(13);
    await store[Symbol.asyncDispose]();
  });

  it("ends open jobs as unknown when it is recovered, and notifies upstreams under a new name", async () => {
    let name = "";
    await crashAfter(async (store) => {
      name = await store.read((r) => r.outbox.instance());
      await store.write((r) => putJob(r, 1, { state: "waiting" }));
    });
    const { endedJobs } = await recoverStore(crashed, seal, 0);
    expect(endedJobs).toHaveLength(1);
    const store = await open();
    const job = await store.read((r) => r.jobs.get(endedJobs[0] ?? "job_"));
    expect(job).toMatchObject({ state: "failed", error: { code: "job.interrupted", executed: "unknown" } });
    expect(await store.read((r) => r.outbox.instance())).not.toBe(name);
    await store[Symbol.asyncDispose]();
  });
});

describe("the master key", () => {
  const withKeys = async (at: string) => {
    const store = await SqliteStore.open(at, masterSeal(undefined, at, {}));
    await store.write(async (r) => {
      await r.targets.insert(target);
      await r.keySets.put(keySet(1));
    });
    await store[Symbol.asyncDispose]();
  };
  const key = (at: string) => join(at, "master.key");

  it("is not made again while keys are sealed with it", async () => {
    await withKeys(folder);
    rmSync(key(folder));
    await expect(SqliteStore.open(folder, masterSeal(undefined, folder, {}))).rejects.toMatchObject({
      code: "crypto.master-key",
      message: expect.stringMatching(/master\.key is missing.*restore it/),
    });
    expect(existsSync(key(folder))).toBe(false);
  });

  it("is refused at once when it is another one, wherever it comes from", async () => {
    await withKeys(folder);
    const env = { OTHER: "ab".repeat(32) };
    const other = masterSeal("env:OTHER", folder, env);
    const refusal = { code: "crypto.master-key", message: expect.stringContaining("restore that key") };
    await expect(SqliteStore.open(folder, other)).rejects.toMatchObject(refusal);
    const saved = readFileSync(key(folder));
    writeFileSync(key(folder), `${"cd".repeat(32)}\n`);
    await expect(SqliteStore.open(folder, masterSeal(undefined, folder, {}))).rejects.toMatchObject(refusal);
    writeFileSync(key(folder), saved);
    await (await SqliteStore.open(folder, masterSeal(undefined, folder, {})))[Symbol.asyncDispose]();
  });

  it("is judged by a sealed key set in a store of before there was a probe, which gets the probe then", async () => {
    await withKeys(folder);
    const strip = () => {
      const database = new Sqlite(join(folder, "otagate.db"));
      database.exec("UPDATE ledger SET probe = NULL");
      database.close();
    };
    strip();
    await expect(SqliteStore.open(folder, seal)).rejects.toMatchObject({ code: "crypto.master-key" });
    await (await SqliteStore.open(folder, masterSeal(undefined, folder, {})))[Symbol.asyncDispose]();
    const database = new Sqlite(join(folder, "otagate.db"), { readonly: true });
    expect(database.prepare<[], { n: number }>("SELECT length(probe) AS n FROM ledger").get()?.n).toBeGreaterThan(20);
    database.close();
  });

  it("is made when there is none and nothing is sealed, also where there was one", async () => {
    for (let round = 0; round < 2; round++) {
      await (await SqliteStore.open(folder, masterSeal(undefined, folder, {})))[Symbol.asyncDispose]();
      expect(statSync(key(folder)).mode & 0o777).toBe(0o600);
      rmSync(key(folder));
    }
  });
});
