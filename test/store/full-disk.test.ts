import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { masterSeal } from "../../src/app/secrets.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";
import { noSeal, putJob } from "./retention-bench.ts";
import { noDiskReason, SmallDisk } from "./small-disk.ts";

const reason = noDiskReason();
if (reason !== undefined) console.warn(`tests with a full disk are left out: ${reason}`);

const full = { code: "store.full", message: expect.stringMatching(/^the disk of .* is full/) };

describe.skipIf(reason !== undefined)("a store on a disk that is full", () => {
  it("refuses by name, loses nothing that it said it has, and goes on once there is room", async () => {
    using disk = new SmallDisk(6000);
    const state = join(disk.folder, "state");
    const store = await SqliteStore.open(state, noSeal);
    const kept: string[] = [];
    const put = async () => {
      kept.push(await store.write((r) => putJob(r, 1, { note: "x".repeat(20_000) })));
    };
    await put();
    await expect(store.check()).resolves.toBeUndefined();
    disk.fill();
    let thrown: unknown;
    // The log has room that it made before.
    for (let i = 0; i < 500 && thrown === undefined; i++) await put().catch((error: unknown) => (thrown = error));
    expect(thrown).toMatchObject(full);
    expect(store.trouble).toMatchObject(full);
    const many = await Promise.allSettled(Array.from({ length: 20 }, put));
    expect(new Set(many.map(({ status }) => status))).toEqual(new Set(["rejected"]));
    for (const one of many) expect(one).toMatchObject({ reason: full });
    // What is there can be read.
    expect((await store.read((r) => r.jobs.list({}, undefined, 1000))).length).toBe(kept.length);
    disk.free();
    await put();
    expect(store.trouble).toBeUndefined();
    await store[Symbol.asyncDispose]();
    const again = await SqliteStore.open(state, noSeal);
    const there = await again.read((r) => r.jobs.list({}, undefined, 1000));
    expect(there.map(({ id }) => id).sort()).toEqual([...kept].sort());
    await again[Symbol.asyncDispose]();
    const database = new Sqlite(join(state, "otagate.db"), { readonly: true });
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    database.close();
  });

  it("says so at the start, and not that another otagate uses it: a new one, one that was ended, one that crashed", async () => {
    using disk = new SmallDisk(6000);
    disk.fill();
    const fresh = join(disk.folder, "fresh");
    await expect(SqliteStore.open(fresh, masterSeal(undefined, fresh, {}))).rejects.toMatchObject(full);
    disk.free();
    const state = join(disk.folder, "state");
    const store = await SqliteStore.open(state, masterSeal(undefined, state, {}));
    await store.write((r) => putJob(r, 1));
    await store[Symbol.asyncDispose]();
    disk.fill();
    await expect(SqliteStore.open(state, masterSeal(undefined, state, {}))).rejects.toMatchObject(full);
    disk.free();
    const again = await SqliteStore.open(state, masterSeal(undefined, state, {}));
    expect((await again.read((r) => r.jobs.list({}, undefined, 10))).length).toBe(1);
    await again[Symbol.asyncDispose]();
  });
});
