import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CampaignId } from "../../../src/base/id.ts";
import { plainEis } from "../bench.ts";
import { Fleet } from "./fleet.ts";

const first = { aid: "A0000005591010FFFFFFFF8900001200" };
const second = { aid: "A0000005591010FFFFFFFF8900001300" };
const quick = { answerTimeoutMs: 300 };
const move = { kind: "move", from: first, to: second, old: "keep" } as const;

describe("a campaign", () => {
  it("that is cancelled or paused while a target is taken up orders nothing for it", async () => {
    for (const how of ["cancel", "pause"] as const) {
      await using fleet = await Fleet.open();
      const card = await fleet.add(`card ${how}`);
      const { gateway, store } = fleet.bench;
      let campaign: CampaignId | undefined;
      let stopped = false;
      const stop = async () => {
        if (stopped || campaign === undefined) return;
        stopped = true;
        await fleet.desk[how](campaign);
      };
      if (how === "cancel") {
        const submit = gateway.jobs.submit.bind(gateway.jobs);
        gateway.jobs.submit = async (order) => {
          await stop();
          return submit(order);
        };
      } else {
        // Between the look at the target and the step that takes it up.
        const write = store.write.bind(store);
        store.write = async (unit) => {
          await stop();
          return write(unit);
        };
      }
      const started = fleet.desk.start({ name: how, targets: { kind: "all" }, action: move, request: quick });
      campaign = (await started).campaign.id;
      const item = await fleet.bench.until(async () => {
        const one = await fleet.item(campaign, card);
        return stopped && one.state !== "running" ? one : undefined;
      });
      expect(item).toMatchObject({ state: how === "cancel" ? "cancelled" : "pending", jobs: [] });
      expect(await store.read((r) => r.jobs.list({}, undefined, 10))).toEqual([]);
    }
  });

  it("moves a fleet to another operator and deletes the old profile once the switch is confirmed", async () => {
    await using fleet = await Fleet.open();
    const cards = [];
    for (let n = 0; n < 4; n++) {
      const card = await fleet.add(`card ${n}`, { profiles: 3 });
      Object.assign(card.state.profiles[0] ?? {}, { fallback: false });
      Object.assign(card.state.profiles[2] ?? {}, { fallback: true });
      await fleet.bench.targets.import(plainEis(card));
      cards.push(card);
    }
    const moved = cards[3];
    if (moved === undefined) throw new Error("four cards were made");
    await fleet.bench.run({
      target: moved.state.eid,
      work: { kind: "es5", function: "enableProfile", params: { aid: moved.state.profiles[2]?.aid } },
      origin: { face: "cli" },
    });
    await fleet.bench.until(async () => ((await fleet.bench.events()).includes("switch.confirmed") ? true : undefined));
    const { campaign } = await fleet.desk.start({
      name: "insurance",
      targets: { kind: "all" },
      action: { ...move, old: "delete" },
      request: quick,
    });
    const { progress } = await fleet.over(campaign.id);
    expect(progress.counts).toMatchObject({ succeeded: 3, skipped: 1 });
    for (const card of cards.slice(0, 3)) {
      expect(card.state.profiles.map((profile) => profile.aid)).not.toContain(first.aid);
      expect(await fleet.item(campaign.id, card)).toMatchObject({ state: "succeeded", jobs: { length: 2 } });
    }
    expect(await fleet.item(campaign.id, moved)).toMatchObject({
      state: "skipped",
      note: expect.stringContaining("is enabled and not part of the move"),
    });
  });

  it("stops at failing canaries, goes on when told to, and touches nothing it did not start", async () => {
    await using fleet = await Fleet.open();
    for (let n = 0; n < 2; n++) await fleet.add(`bad ${n}`, { misbehaviour: { refuseAttach: true } });
    const good = await fleet.add("good");
    const { campaign } = await fleet.desk.start({
      name: "canaries",
      targets: { kind: "all" },
      action: move,
      canary: 2,
      stopAtFailureShare: 0.4,
      request: quick,
    });
    const stopped = await fleet.over(campaign.id);
    expect(stopped.campaign).toMatchObject({ state: "stopped", reason: expect.stringContaining("canary") });
    expect(await fleet.item(campaign.id, good)).toMatchObject({ state: "pending", jobs: [] });
    await fleet.desk.resume(campaign.id);
    const done = await fleet.over(campaign.id);
    expect(done).toMatchObject({ campaign: { state: "done" }, progress: { counts: { succeeded: 1, failed: 2 } } });
    await expect(fleet.desk.resume(campaign.id)).rejects.toMatchObject({ code: "campaign.state" });
  });

  it("can be paused and cancelled; what was not started is given up, what left is followed to its end", async () => {
    await using fleet = await Fleet.open();
    const slow = await fleet.add("slow", { misbehaviour: { dropPor: true } });
    const others = [await fleet.add("one"), await fleet.add("two")];
    const { campaign } = await fleet.desk.start({
      name: "paused",
      targets: { kind: "list", references: [slow, ...others].map((card) => card.state.eid) },
      action: { kind: "es5", function: "auditStatus" },
      concurrency: 1,
      request: { answerTimeoutMs: 200 },
    });
    await fleet.bench.until(async () => ((await fleet.item(campaign.id, slow)).state === "running" ? true : undefined));
    await fleet.desk.pause(campaign.id);
    const paused = await fleet.over(campaign.id);
    expect(paused.campaign.state).toBe("paused");
    expect(paused.progress.counts).toMatchObject({ failed: 1, pending: 2 });
    await fleet.desk.cancel(campaign.id);
    await fleet.bench.until(async () =>
      (await fleet.desk.show(campaign.id)).progress.counts.cancelled === 2 ? true : undefined,
    );
  });

  it("refuses what POL2 forbids, target by target", async () => {
    await using fleet = await Fleet.open();
    const card = await fleet.add("ruled");
    const eis = plainEis(card) as { profiles: Record<string, unknown>[] };
    Object.assign(eis.profiles[1] ?? {}, { pol2: [{ action: "ENABLE", qualification: "Not-Allowed" }] });
    await fleet.bench.targets.import(eis);
    const { campaign } = await fleet.desk.start({ name: "ruled", targets: { kind: "all" }, action: move });
    await fleet.over(campaign.id);
    expect(await fleet.item(campaign.id, card)).toMatchObject({
      state: "failed",
      error: { code: "target.policy", detail: { rule: { action: "ENABLE" } } },
      jobs: [],
    });
  });

  it("goes on after a restart without doing anything twice", async () => {
    const folder = mkdtempSync(join(tmpdir(), "otagate-campaign-"));
    try {
      const before = await Fleet.open(folder);
      const cards = [];
      // A notification that finds the gateway gone is repeated by the card; soon, for the test.
      const settings = { confirmationSeconds: 2 };
      for (let n = 0; n < 8; n++) cards.push(await before.add(`card ${n}`, { settings }));
      const { campaign } = await before.desk.start({
        name: "restart",
        targets: { kind: "all" },
        action: move,
        concurrency: 3,
        request: quick,
      });
      await before.bench.until(async () =>
        (await before.desk.show(campaign.id)).progress.counts.succeeded >= 2 ? true : undefined,
      );
      await before.runner.stop();
      await before.bench.close();
      await using after = await Fleet.open(folder);
      for (const [n, card] of cards.entries()) await after.bench.add(card, `reader card ${n}`);
      const { progress } = await after.over(campaign.id);
      expect(progress.counts).toMatchObject({ succeeded: 8 });
      const jobs = await after.bench.store.read((r) => r.jobs.list({ origin: "campaign" }, undefined, 100));
      expect(new Set(jobs.map((job) => job.target)).size).toBe(8);
      const enabling = jobs.filter((job) => job.work.kind !== "packet" && job.work.function?.name === "enableProfile");
      expect(enabling).toHaveLength(8);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
