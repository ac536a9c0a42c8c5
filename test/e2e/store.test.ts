import { statSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { masterSeal } from "../../src/app/secrets.ts";
import type { StoreSize } from "../../src/gateway/model/retention.ts";
import type { PruneRun } from "../../src/gateway/retention/pruner.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";
import { dayMs, putJob } from "../store/retention-bench.ts";
import { eventually, Product, usesProgram } from "./product.ts";

usesProgram();

type Pruned = PruneRun & { readonly store: StoreSize; readonly compacted?: { before: StoreSize; after: StoreSize } };

const offline = { readers: { enabled: false }, scp81: { enabled: false } };

/** Jobs that ended 100 days ago, and events as old; then one of each from now. */
async function fill(product: Product, jobs: number): Promise<void> {
  await using store = await SqliteStore.open(product.state, masterSeal(undefined, product.state, {}));
  const old = Date.now() - 100 * dayMs;
  for (let at = 0; at < jobs; at += 500)
    await store.write(async (r) => {
      for (let one = at; one < Math.min(at + 500, jobs); one++) {
        const job = await putJob(r, old + one);
        await r.events.append({ at: old + one, type: "job.done", job, data: { origin: { face: "cli" } } });
      }
    });
  await store.write(async (r) => {
    await putJob(r, Date.now());
    await r.events.append({ at: Date.now(), type: "job.done", data: { origin: { face: "cli" } } });
  });
}

/** What is in the file itself. */
function counts(product: Product) {
  const db = new Sqlite(join(product.state, "otagate.db"));
  const number = (sql: string) => db.prepare<[], { n: number }>(`SELECT (${sql}) AS n`).get()?.n;
  const found = {
    sound: db.pragma("integrity_check", { simple: true }),
    jobs: number("SELECT count(*) FROM job"),
    counted: number("SELECT sum(jobs) FROM job_count"),
    orphans: number("SELECT count(*) FROM packet WHERE job NOT IN (SELECT id FROM job)"),
    bare: number("SELECT count(*) FROM job WHERE id NOT IN (SELECT job FROM packet)"),
    parts: number("SELECT count(*) FROM packet_part WHERE packet NOT IN (SELECT id FROM packet)"),
  };
  db.close();
  return found;
}

describe("otagate store prune", () => {
  it("counts, removes and compacts without a daemon", async () => {
    await using product = new Product(offline);
    await fill(product, 2000);
    const dry = await product.run(["store", "prune", "--jobs", "90d", "--events", "90d", "--dry-run", "--json"]);
    const all = { jobs: 2000, packets: 2000, packetParts: 2000, events: 2000 };
    expect(dry.json<Pruned>()).toMatchObject({ state: "done", dryRun: true, removed: all });
    expect(counts(product).jobs).toBe(2001);
    const size = statSync(join(product.state, "otagate.db")).size;
    const wet = await product.run(["store", "prune", "--jobs", "90d", "--events", "90d", "--compact", "--json"]);
    const pruned = wet.json<Pruned>();
    expect(pruned).toMatchObject({ state: "done", dryRun: false, removed: all, store: { freeBytes: 0 } });
    expect(pruned.compacted?.before.freeBytes).toBeGreaterThan(500_000);
    expect(statSync(join(product.state, "otagate.db")).size).toBeLessThan(size / 2);
    expect(counts(product)).toEqual({ sound: "ok", jobs: 1, counted: 1, orphans: 0, bare: 0, parts: 0 });
    const again = await product.run(["store", "prune", "--jobs", "90d"]);
    expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/^no records are old enough\ndatabase /)]);
  });

  it("works through the daemon, by the periods of the configuration; compacting is refused there", async () => {
    await using product = new Product({ ...offline, retention: { jobs: "90d" } });
    await fill(product, 1000);
    const daemon = await product.daemon();
    const refused = await product.run(["store", "prune", "--compact", "--json"]);
    expect([refused.code, refused.stderr]).toEqual([7, expect.stringContaining("stop the daemon first")]);
    const people = await product.run(["store", "prune"]);
    expect(people).toMatchObject({ code: 0 });
    expect(people.stdout).toMatch(/^KIND +REMOVED\n/);
    expect(people.stdout).toMatch(/^ended jobs +1000$/m);
    expect(people.stdout).toMatch(/^database \d+\.\d MB \(\d+\.\d MB reusable; /m);
    const shown = await product.run(["store", "show"]);
    expect(shown.stdout).toMatch(/^jobs {4}kept 90d\nevents {2}kept indefinitely\n/);
    expect(shown.stdout).toMatch(/done: 1000 ended jobs, 1000 packets/);
    expect(daemon.log).toMatch(/"jobs":1000.*old records were removed/);
    expect(await daemon.stop()).toBe(0);
    expect(counts(product)).toMatchObject({ sound: "ok", jobs: 1, counted: 1 });
  });

  it("refuses what is no period, and a prune without periods", async () => {
    await using product = new Product(offline);
    expect((await product.run(["store", "prune", "--jobs", "soon"])).code).toBe(2);
    const [none, short] = [
      await product.run(["store", "prune"]),
      await product.run(["store", "prune", "--jobs", "1m"]),
    ];
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("give --jobs, --events or --audit")]);
    expect([short.code, short.stderr]).toEqual([2, expect.stringContaining("It must be at least 1h")]);
    const wrong = new Product({ ...offline, retention: { jobs: "90 days" } });
    await using _ = wrong;
    const bad = await wrong.run(["store", "show"]);
    expect([bad.code, bad.stderr]).toEqual([
      7,
      expect.stringContaining("retention.jobs: '90 days' must be a time such as 90d or 12h"),
    ]);
  });

  it("is harmless when the daemon is killed in the middle: what is left is whole and goes the next time", async () => {
    await using product = new Product(offline);
    await fill(product, 8000);
    const daemon = await product.daemon();
    const { id } = await product.api.post<PruneRun>("/v1/store/prunes", { jobsMs: 90 * dayMs });
    await eventually(async () => {
      const { removed } = await product.api.get<PruneRun>(`/v1/store/prunes/${id}`);
      return (removed.jobs ?? 0) > 500 || undefined;
    });
    expect(await daemon.stop("SIGKILL")).toBe("SIGKILL");
    const left = counts(product);
    expect(left).toMatchObject({ sound: "ok", counted: left.jobs, orphans: 0, bare: 0, parts: 0 });
    expect(left.jobs).toBeLessThan(7500);
    expect(left.jobs).toBeGreaterThan(1);
    const rest = await product.run(["store", "prune", "--jobs", "90d", "--json"]);
    expect(rest.json<Pruned>().removed.jobs).toBe((left.jobs ?? 0) - 1);
    expect(counts(product)).toEqual({ sound: "ok", jobs: 1, counted: 1, orphans: 0, bare: 0, parts: 0 });
  });
});
