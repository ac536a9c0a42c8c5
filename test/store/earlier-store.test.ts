import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fromHex } from "../../src/base/hex.ts";
import { Secret } from "../../src/base/secret.ts";
import { sealWith } from "../../src/crypto/seal.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";
import { unpackEarlierStore } from "./earlier-store.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otagate-migration-"));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** Everything of interest that a store contains. */
async function contents(state: string) {
  const key = new Secret(fromHex(readFileSync(join(state, "master.key"), "utf8").trim()));
  const store = await SqliteStore.open(state, sealWith(key));
  const found = await store.read(async (r) => {
    const jobs = await r.jobs.list({}, undefined, 100);
    const targets = await r.targets.list({}, undefined, 100);
    return {
      jobs,
      targets,
      packets: await Promise.all(jobs.map(({ id }) => r.packets.ofJob(id))),
      keySets: await Promise.all(targets.map(({ id }) => r.keySets.open(id, "SCP80"))),
      inbox: await r.inbox.list(undefined, 100),
      notifications: await r.notifications.list(undefined, undefined, 100),
      switches: await r.profileSwitches.list(undefined, undefined, 100),
      campaigns: await r.campaigns.list(undefined, 100),
      events: await r.events.after(0, 1000),
      lanes: await r.outbox.lanes("smsr"),
      counts: await r.jobs.counts(),
    };
  });
  await store[Symbol.asyncDispose]();
  return found;
}

/**
 * Calls `act` before each statement that runs. What the files contain at that moment is what a process killed there
 * leaves.
 */
function beforeEachStatement(act: () => void): void {
  const database = new Sqlite(":memory:");
  const statement = Object.getPrototypeOf(database.prepare("SELECT 1"));
  database.close();
  for (const [owner, names] of [
    [Sqlite.prototype, ["exec", "pragma", "prepare"]],
    [statement, ["run"]],
  ] as const)
    for (const name of names) {
      const real = owner[name];
      vi.spyOn(owner, name).mockImplementation(function (this: unknown, ...args: unknown[]) {
        act();
        return real.apply(this, args);
      });
    }
}

it("is the same whenever the migration was killed and started again", async () => {
  unpackEarlierStore(join(folder, "whole"));
  cpSync(join(folder, "whole"), join(folder, "killed"), { recursive: true });
  const wanted = await contents(join(folder, "whole"));
  expect(wanted).toMatchObject({ jobs: { length: 15 }, targets: { length: 4 }, switches: [{ at: "switched" }] });
  let copies = 0;
  beforeEachStatement(() => {
    cpSync(join(folder, "killed"), join(folder, `copy-${copies++}`), { recursive: true });
  });
  await contents(join(folder, "killed"));
  vi.restoreAllMocks();
  expect(copies).toBeGreaterThan(20);
  for (let copy = 0; copy < copies; copy++) {
    expect(await contents(join(folder, `copy-${copy}`)), `killed before statement ${copy}`).toEqual(wanted);
    rmSync(join(folder, `copy-${copy}`), { recursive: true });
  }
}, 300_000);
