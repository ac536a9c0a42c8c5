import { describe, expect, it } from "vitest";
import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { Gateway } from "../../../src/gateway/gateway.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { testRandom } from "../../seed.ts";
import { dayMs, eid, now, old, putJob, RetentionBench, young } from "../../store/retention-bench.ts";
import { target } from "../records.ts";

const hourMs = 3_600_000;

/** A clock that stands still until somebody moves it: long sleeps end when they are told to. */
class HandClock implements Clock {
  readonly sleeping: { readonly ms: number; readonly wake: () => void }[] = [];
  #now = now;

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms < 10_000) return systemClock.sleep(ms, signal);
    return new Promise((resolve, reject) => {
      this.sleeping.push({ ms, wake: resolve });
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
  }

  /** Lets the sleep under way pass; how long it was. */
  async pass(): Promise<number> {
    while (this.sleeping.length === 0) await systemClock.sleep(1);
    const [{ ms, wake } = { ms: 0, wake: () => {} }] = this.sleeping.splice(0);
    this.#now += ms;
    wake();
    return ms;
  }
}

describe("the pruner", () => {
  it("runs a while after the start and then hourly, and stops with the daemon", async () => {
    await using bench = await RetentionBench.open();
    const clock = new HandClock();
    const pruner = bench.pruner({ clock });
    pruner.start();
    await bench.job(old);
    expect(await clock.pass()).toBe(5 * 60_000);
    const ended = async () => {
      while (clock.sleeping.length === 0) await systemClock.sleep(1);
      return pruner.latest;
    };
    expect(await ended()).toMatchObject({ state: "done", removed: { jobs: 1 } });
    await bench.job(old);
    expect(await clock.pass()).toBe(hourMs);
    expect(await ended()).toMatchObject({ state: "done", startedAt: now + 5 * 60_000 + hourMs, removed: { jobs: 1 } });
    expect(pruner.total).toMatchObject({ jobs: 2, packets: 2 });
    await pruner.stop();
  });

  it("does nothing by itself without a retention, and requires a period", async () => {
    await using bench = await RetentionBench.open();
    const clock = new HandClock();
    const pruner = bench.pruner({ clock, retention: {} });
    pruner.start();
    await systemClock.sleep(20);
    expect(clock.sleeping).toEqual([]);
    expect(() => pruner.begin()).toThrow(/no retention is configured/);
    expect(() => pruner.begin({ retention: { jobsMs: hourMs - 1 } })).toThrow(/must be at least 1 h/);
    await pruner.stop();
  });

  it("does one run at a time", async () => {
    await using bench = await RetentionBench.open();
    const pruner = bench.pruner();
    const { id } = pruner.begin();
    expect(() => pruner.begin()).toThrow(expect.objectContaining({ code: "store.busy", detail: { run: id } }));
    await pruner.idle();
    expect(pruner.begin().state).toBe("running");
    await pruner.stop();
  });

  it("stops between two units, and what it had done is done", async () => {
    await using bench = await RetentionBench.open();
    for (let at = 0; at < 50; at++) await bench.job(old + at);
    const pruner = bench.pruner({ unit: 2 });
    const { id } = pruner.begin();
    while ((pruner.run(id)?.removed.jobs ?? 0) < 4) await systemClock.sleep(1);
    await pruner.stop();
    const run = pruner.run(id);
    expect(run?.state).toBe("stopped");
    const left = (await bench.read((r) => r.jobs.list({}, undefined, 100))).length;
    expect(left).toBe(50 - (run?.removed.jobs ?? 0));
    expect(left).toBeGreaterThan(0);
  });

  it("says that it failed, and goes on the next time", async () => {
    await using bench = await RetentionBench.open();
    await bench.job(old);
    let broken = true;
    const { store } = bench;
    const failing = {
      read: store.read.bind(store),
      write: ((unit) => (broken ? Promise.reject(new Error("no disk")) : store.write(unit))) as typeof store.write,
      check: store.check.bind(store),
      trouble: undefined,
      onEvents: store.onEvents.bind(store),
      writeWithNext: store.writeWithNext.bind(store),
      [Symbol.asyncDispose]: async () => {},
    };
    const pruner = bench.pruner({ store: failing });
    const { id } = pruner.begin();
    await pruner.idle();
    expect(pruner.run(id)).toMatchObject({ state: "failed", removed: {} });
    broken = false;
    pruner.begin();
    await pruner.idle();
    expect(pruner.latest).toMatchObject({ state: "done", removed: { jobs: 1 } });
  });

  it("removes 20,000 jobs while new ones are accepted: none is lost, and their order stays", async () => {
    await using bench = await RetentionBench.open();
    await bench.write((r) => r.targets.insert(target({ eid, createdAt: old, updatedAt: old })));
    for (let at = 0; at < 20_000; at += 500)
      await bench.write(async (r) => {
        for (let one = 0; one < 500; one++) await putJob(r, old + at + one);
      });
    const kept = await bench.job(young);
    const clock = { ...systemClock, now: () => now };
    const sms = {
      originator: "1",
      serviceCentre: "2",
      answerTimeoutMs: 1000,
      envelopeAnswerTimeoutMs: 1000,
      retransmissions: 0,
    };
    const deps = { store: bench.store, clock, random: testRandom(), log: silentLog, sms };
    const gateway = new Gateway({ ...deps, notifications: "local" });
    const pruner = bench.pruner();
    const { id } = pruner.begin();
    const accepted: string[] = [];
    let maxMs = 0;
    while (pruner.run(id)?.state === "running") {
      const began = performance.now();
      const work = { kind: "es5" as const, function: "auditStatus" };
      const { job } = await gateway.jobs.submit({ target: eid, work, origin: { face: "cli" }, validityMs: dayMs });
      maxMs = Math.max(maxMs, performance.now() - began);
      accepted.push(job.id);
    }
    await gateway.stop();
    expect(pruner.run(id)).toMatchObject({
      state: "done",
      removed: { jobs: 20_000, packets: 20_000, packetParts: 20_000 },
    });
    expect(accepted.length).toBeGreaterThan(50);
    expect(maxMs).toBeLessThan(2000);
    const left: string[] = [];
    for (let before: number | undefined; ; ) {
      const page = await bench.read((r) => r.jobs.list({}, before, 1000));
      left.push(...page.map((job) => job.id));
      before = page.at(-1)?.seq;
      if (page.length < 1000) break;
    }
    expect(left.reverse()).toEqual([kept, ...accepted]);
    const counts = await bench.read((r) => r.jobs.counts());
    expect(counts).toMatchObject({ done: 1 });
    expect(counts.queued + counts.running + counts.waiting).toBe(accepted.length);
  });
});
