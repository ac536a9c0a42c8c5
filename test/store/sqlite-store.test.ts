import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { newId, type TargetId } from "../../src/base/id.ts";
import { Secret } from "../../src/base/secret.ts";
import { isdRTar, parseAid } from "../../src/codec/euicc/aid.ts";
import { parseEid } from "../../src/codec/euicc/eid.ts";
import { parseIccid } from "../../src/codec/euicc/iccid.ts";
import type { Job } from "../../src/gateway/model/job.ts";
import type { KeySet } from "../../src/gateway/model/key-set.ts";
import type { Seal } from "../../src/gateway/model/store.ts";
import type { Target } from "../../src/gateway/model/target.ts";
import { LogFile } from "../../src/store/log-file.ts";
import { readWork } from "../../src/store/octet-rows.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";

const flip: Seal = {
  seal: (clear) => clear.map((octet) => octet ^ 0x5a),
  open: (sealed) => sealed.map((octet) => octet ^ 0x5a),
};
let folder: string;
let store: SqliteStore;

const target = (over: Partial<Target> = {}): Target => ({
  id: newId("tgt"),
  kind: "euicc",
  eid: parseEid("89001012012341234012345678901224"),
  tags: ["rack-1"],
  esimProfiles: [
    {
      aid: parseAid("A0000005591010FFFFFFFF8900001000"),
      iccid: parseIccid("8901000000000000001"),
      state: "enabled",
      fallback: true,
    },
  ],
  reach: {},
  settings: {},
  version: 1,
  createdAt: 1,
  updatedAt: 1,
  ...over,
});

const keySet = (owner: TargetId, cntr = 7): KeySet => ({
  id: newId("key"),
  target: owner,
  type: "SCP80",
  kvn: 1,
  tars: [],
  algorithm: "AES",
  ccLength: 8,
  cntr,
  keys: new Map([
    [1, new Secret(Buffer.from("MARKEDKEYKIC0001"))],
    [2, new Secret(Buffer.from("MARKEDKEYKID0001"))],
  ]),
});

const job = (owner: TargetId, over: Partial<Job> = {}): Omit<Job, "seq"> => ({
  id: newId("job"),
  target: owner,
  state: "queued",
  lane: "normal",
  work: readWork({ kind: "script", tar: isdRTar, apdus: ["80F24002024F0000"] }),
  request: { bearer: "auto", maxPackets: 3 },
  origin: { face: "cli" },
  attempts: 0,
  notBefore: 0,
  validUntil: 1e15,
  createdAt: 1,
  ...over,
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "otagate-store-"));
  store = await SqliteStore.open(folder, flip);
});

afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

describe("the embedded store", () => {
  it("calls back for a commit that another process already sees, before the flush of the disk", async () => {
    const flush = vi.spyOn(LogFile.prototype, "flush");
    let entries: unknown;
    let flushes: number | undefined;
    const entry = { at: 1, operation: "removeTarget", method: "DELETE", path: "/v1/targets/x" };
    await store.write(
      (r) => r.audit.append(entry),
      () => {
        flushes = flush.mock.calls.length;
        const other = new Database(join(folder, "otagate.db"), { readonly: true });
        entries = other.prepare("SELECT path FROM audit").all();
        other.close();
      },
    );
    expect(entries).toEqual([{ path: "/v1/targets/x" }]);
    expect([flushes, flush.mock.calls.length]).toEqual([0, 1]);
    flush.mockRestore();
  });

  it("finds a target by every one of its names, whatever the letter case", async () => {
    const one = target({ name: "Rack1", msisdn: "+4912345" });
    await store.write((r) => r.targets.insert(one));
    for (const name of [
      one.id,
      "89001012012341234012345678901224",
      "rack1",
      "4912345",
      "+4912345",
      "8901000000000000001",
    ]) {
      expect((await store.read((r) => r.targets.resolve(name)))?.id, name).toBe(one.id);
    }
    expect(await store.read((r) => r.targets.resolve("nobody"))).toBeUndefined();
    expect(await store.read((r) => r.targets.list({ tag: "rack-1" }, undefined, 10))).toHaveLength(1);
    expect(await store.read((r) => r.targets.list({ tag: "rack-2" }, undefined, 10))).toHaveLength(0);
  });

  it("refuses a second target with the same EID and a stale update", async () => {
    const one = target();
    await store.write((r) => r.targets.insert(one));
    await expect(store.write((r) => r.targets.insert(target()))).rejects.toMatchObject({ code: "target.exists" });
    await store.write((r) => r.targets.update({ ...one, name: "a", version: 2 }));
    await expect(store.write((r) => r.targets.update({ ...one, name: "b", version: 2 }))).rejects.toMatchObject({
      code: "store.conflict",
    });
  });

  it("hands out each counter once, also to units of the same commit, and never lowers it", async () => {
    const one = target();
    const set = keySet(one.id);
    await store.write(async (r) => {
      await r.targets.insert(one);
      await r.keySets.put(set);
    });
    const values = await Promise.all(
      Array.from({ length: 100 }, () => store.write((r) => r.keySets.nextCounter(set.id))),
    );
    expect(new Set(values).size).toBe(100);
    expect(Math.min(...values)).toBe(8);
    await store.write((r) => r.keySets.put({ ...set, cntr: 3 }));
    await store.write((r) => r.keySets.raiseCounter(set.id, 5));
    expect((await store.read((r) => r.keySets.list(one.id)))[0]?.cntr).toBe(107);
  });

  it("keeps key values sealed on disk and gives them back", async () => {
    const one = target();
    await store.write(async (r) => {
      await r.targets.insert(one);
      await r.keySets.put(keySet(one.id));
    });
    const [open] = await store.read((r) => r.keySets.open(one.id, "SCP80"));
    expect(Buffer.from(open?.keys.get(1)?.reveal() ?? []).toString()).toBe("MARKEDKEYKIC0001");
    expect(JSON.stringify(open)).not.toContain("MARKED");
    const disk = ["otagate.db", "otagate.db-wal"]
      .map((name) => readFileSync(join(folder, name)).toString("latin1"))
      .join();
    expect(disk).not.toContain("MARKEDKEY");
  });

  it("opens keys again after each change of them, and keeps counters as they were handed out", async () => {
    const one = target();
    const set = keySet(one.id);
    const opened = () => store.write((r) => r.keySets.open(one.id, "SCP80"));
    await store.write(async (r) => {
      await r.targets.insert(one);
      await r.keySets.put(set);
    });
    expect(await opened()).toMatchObject([{ cntr: 7 }]);
    expect(await store.write((r) => r.keySets.nextCounter(set.id))).toBe(8);
    expect(await opened()).toMatchObject([{ cntr: 8 }]);
    await store.write((r) => r.keySets.raiseCounter(set.id, 20));
    expect(await opened()).toMatchObject([{ cntr: 20 }]);
    const undone = store.write(async (r) => {
      await r.keySets.nextCounter(set.id);
      throw new Error("no");
    });
    await expect(undone).rejects.toThrow("no");
    expect(await opened()).toMatchObject([{ cntr: 20 }]);
    const other = new Map([[1, new Secret(Buffer.from("MARKEDKEYKIC0002"))]]);
    await store.write((r) => r.keySets.put({ ...set, keys: other }));
    const [changed] = await opened();
    expect(Buffer.from(changed?.keys.get(1)?.reveal() ?? []).toString()).toBe("MARKEDKEYKIC0002");
    await store.write((r) => r.targets.remove(one.id));
    expect(await opened()).toEqual([]);
  });

  it("undoes a failed unit and nothing else of its commit", async () => {
    const one = target();
    const results = await Promise.allSettled([
      store.write((r) => r.targets.insert(one)),
      store.write(async (r) => {
        await r.events.append({ at: 1, type: "target.removed", data: {} });
        throw new Error("no");
      }),
      store.write((r) => r.events.append({ at: 1, type: "session.triggered", data: {} })),
    ]);
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect((await store.read((r) => r.events.after(0, 10))).map((event) => event.type)).toEqual(["session.triggered"]);
  });

  it("notifies listeners of events only once they are durable", async () => {
    const heard: string[] = [];
    store.onEvents((events) => heard.push(...events.map((event) => `${event.seq}:${event.type}`)));
    await store.write(async (r) => {
      await r.events.append({ at: 1, type: "session.triggered", data: {} });
      expect(heard).toEqual([]);
    });
    expect(heard).toEqual(["1:session.triggered"]);
  });

  it("reads events that an earlier version stored under another name", async () => {
    const { default: Sqlite } = await import("better-sqlite3");
    await store[Symbol.asyncDispose]();
    const db = new Sqlite(join(folder, "otagate.db"));
    db.prepare("insert into event (at, type, data) values (1, 'procedure.confirmed', '{}')").run();
    db.close();
    store = await SqliteStore.open(folder, flip);
    expect((await store.read((r) => r.events.after(0, 10))).map(({ type }) => type)).toEqual(["switch.confirmed"]);
  });

  it("takes nothing more once a commit could not be flushed, since what is on the disk is unknown", async () => {
    const other = join(folder, "other");
    const torn = await SqliteStore.open(other, flip);
    rmSync(join(other, "otagate.db-wal"));
    await expect(torn.write((r) => r.targets.insert(target()))).rejects.toMatchObject({
      code: "store.unavailable",
      message: "the store could not commit",
    });
    await expect(torn.write(async () => 1)).rejects.toMatchObject({
      code: "store.unavailable",
      message: expect.stringContaining("start otagate again"),
    });
    await expect(torn.lost).resolves.toMatchObject({ code: "store.unavailable" });
    await torn[Symbol.asyncDispose]();
  });

  it("ends a job exactly once", async () => {
    const one = job("tgt_t");
    await store.write((r) => r.jobs.insert(one));
    const ends = await Promise.all([
      store.write((r) => r.jobs.patch(one.id, { state: "done", endedAt: 2 })),
      store.write((r) => r.jobs.patch(one.id, { state: "cancelled", endedAt: 2 })),
    ]);
    expect(ends).toEqual([true, false]);
    expect((await store.read((r) => r.jobs.get(one.id)))?.state).toBe("done");
  });

  it("gives the same job back for the same idempotency key", async () => {
    const first = await store.write((r) => r.jobs.insert(job("tgt_t"), "k1"));
    const again = await store.write((r) => r.jobs.insert(job("tgt_t"), "k1"));
    expect(again).toMatchObject({ created: false, job: { id: first.job.id } });
  });

  it("takes the system lane first, then order of acceptance, and respects the time", async () => {
    await store.write(async (r) => {
      await r.jobs.insert(job("tgt_t", { id: "job_a" }));
      await r.jobs.insert(job("tgt_t", { id: "job_b", lane: "system" }));
      await r.jobs.insert(job("tgt_t", { id: "job_c", lane: "system", notBefore: 100 }));
    });
    const next = (now: number, lanes: Job["lane"][]) =>
      store.read((r) => r.jobs.next("tgt_t", now, lanes)).then((found) => found?.id);
    expect(await next(10, ["system", "normal"])).toBe("job_b");
    expect(await next(10, ["normal"])).toBe("job_a");
    await store.write((r) => r.jobs.patch("job_b", { state: "done" }));
    expect(await next(10, ["system"])).toBeUndefined();
    expect(await next(100, ["system"])).toBe("job_c");
    expect(await store.read((r) => r.jobs.openTargets())).toEqual(["tgt_t"]);
  });

  it("keeps octets of inbox items over a restart, and refuses a second process meanwhile", async () => {
    const userData = Buffer.from("027100", "hex");
    await store.write((r) =>
      r.inbox.insert({
        id: "i",
        link: "l",
        state: "new",
        receivedAt: 1,
        item: { kind: "message", userData, userDataHeader: true, protocolId: 0x7f, dataCoding: 0xf6 },
      }),
    );
    await expect(SqliteStore.open(folder, flip)).rejects.toMatchObject({ code: "store.locked" });
    await store[Symbol.asyncDispose]();
    store = await SqliteStore.open(folder, flip);
    const [entry] = await store.read((r) => r.inbox.pending(10));
    expect(entry?.item).toMatchObject({ kind: "message", userData: new Uint8Array([2, 0x71, 0]) });
  });

  it("uses its partial indices for dispatch", async () => {
    const { default: Sqlite } = await import("better-sqlite3");
    const database = new Sqlite(join(folder, "otagate.db"), { readonly: true });
    const plan = (sql: string) =>
      database
        .prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map((row) => row.detail)
        .join();
    const open = "state in ('queued', 'running', 'waiting')";
    expect(
      plan(
        `SELECT * FROM job WHERE target = 't' AND ${open} AND state = 'queued' AND lane IN ('system','normal') ORDER BY lane DESC, seq LIMIT 1`,
      ),
    ).toContain("job_open");
    expect(plan(`SELECT seq FROM job WHERE target = 't' AND ${open} ORDER BY lane DESC, seq LIMIT 1`)).toContain(
      "job_open",
    );
    expect(plan(`SELECT state, count(*) FROM job WHERE ${open} GROUP BY state`)).toContain("SEARCH job USING COVERING");
    expect(plan(`SELECT DISTINCT target FROM job WHERE ${open}`)).not.toContain("SCAN job");
    database.close();
  });

  it("puts off the jobs that ask for the same as a blocked one, and no others", async () => {
    const sms = { bearer: "sms", maxPackets: 3 } as const;
    await store.write(async (r) => {
      await r.jobs.insert(job("tgt_t", { id: "job_a", request: sms }));
      await r.jobs.insert(job("tgt_t", { id: "job_b", request: sms, validUntil: 150 }));
      await r.jobs.insert(job("tgt_t", { id: "job_c" }));
      await r.jobs.insert(job("tgt_u", { id: "job_d", request: sms }));
      const a = await r.jobs.get("job_a");
      if (a === undefined) throw new Error("no job");
      await r.jobs.patch("job_a", { notBefore: 200, note: "no link" });
      await r.jobs.defer(a, 10, 200, "no link");
    });
    const due = async (target: TargetId, now: number) =>
      (await store.read((r) => r.jobs.next(target, now, ["system", "normal"])))?.id;
    expect([await due("tgt_t", 10), await due("tgt_u", 10)]).toEqual(["job_c", "job_d"]);
    await store.write((r) => r.jobs.patch("job_c", { state: "done" }));
    expect([await due("tgt_t", 149), await due("tgt_t", 150), await due("tgt_t", 200)]).toEqual([
      undefined,
      "job_b",
      "job_a",
    ]);
    expect(await store.read((r) => r.jobs.nextWake("tgt_t"))).toBe(150);
    await store.write((r) => r.jobs.resume("tgt_t", 20));
    expect(await due("tgt_t", 20)).toBe("job_a");
  });
});
