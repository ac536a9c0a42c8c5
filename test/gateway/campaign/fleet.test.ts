import { describe, expect, it } from "vitest";
import { csvPieces, reportPieces } from "../../../src/gateway/campaign/report.ts";
import { type Card, Fleet } from "./fleet.ts";

/** ICCIDs of the second profile differ per card; its ISD-P does not. */
const second = { aid: "A0000005591010FFFFFFFF8900001300" };
const first = { aid: "A0000005591010FFFFFFFF8900001200" };

const enabledOf = (card: Card) => card.state.profiles.find(({ state }) => state === "enabled")?.iccid;

describe("a campaign over a fleet of simulated cards", () => {
  it("switches 50 targets, 5 of them misbehaving, and is right about each", async () => {
    await using fleet = await Fleet.open();
    const good = [];
    for (let n = 0; n < 45; n++) good.push(await fleet.add(`good ${n}`));
    const noService = await fleet.add("no service", { misbehaviour: { refuseAttach: true } });
    const forbidden = await fleet.add("pol1");
    Object.assign(forbidden.state.profiles[0] ?? {}, { pol1: 0x01 });
    const silent = await fleet.add("swallows", { misbehaviour: { swallowNotification: true } });
    const forger = await fleet.add("bad checksum", { misbehaviour: { porMac: true } });
    const lossy = await fleet.add("answers lost", { misbehaviour: { dropPor: true } });
    const { campaign } = await fleet.desk.start({
      name: "to the second operator",
      targets: { kind: "all" },
      action: { kind: "move", from: first, to: second, old: "keep" },
      concurrency: 20,
      canary: 5,
      request: { answerTimeoutMs: 800 },
      switchTimeoutMs: 6000,
    });
    const { progress, campaign: ended } = await fleet.over(campaign.id, 90_000);
    expect(ended.state).toBe("done");
    expect(progress).toMatchObject({ total: 50, ended: 50, counts: { running: 0, pending: 0 } });
    for (const card of good) {
      expect(await fleet.item(campaign.id, card)).toMatchObject({ state: "succeeded" });
      expect(card.state.profiles[1]?.state).toBe("enabled");
      expect(card.state.notification).toBeUndefined();
    }
    expect(await fleet.item(campaign.id, noService)).toMatchObject({
      state: "failed",
      error: { code: "campaign.rolled-back" },
    });
    expect(noService.state.profiles[0]?.state).toBe("enabled");
    expect(await fleet.item(campaign.id, forbidden)).toMatchObject({
      state: "failed",
      error: { code: "job.script", detail: { sw: "69E1" } },
    });
    expect(await fleet.item(campaign.id, silent)).toMatchObject({
      state: "failed",
      error: { code: "campaign.no-switch" },
      note: expect.stringContaining("without a confirmation it will roll back"),
    });
    // Their answers prove nothing; what they report on their own, with a good checksum, does.
    for (const card of [forger, lossy])
      expect(await fleet.item(campaign.id, card)).toMatchObject({
        state: "failed",
        error: { code: "campaign.no-switch" },
        note: expect.stringContaining(`${card.state.profiles[1]?.iccid} enabled; it did not answer an audit`),
      });
    expect(progress.counts).toMatchObject({ succeeded: 45, failed: 5 });
    const report = await fleet.desk.report(campaign.id);
    const told = report.items.map(({ label, card }) => [label, card?.executed, card?.enabled?.iccid]);
    const really = fleet.cards.map((card) => [card.state.eid, fleet.switches(card) === 1, enabledOf(card)]);
    expect(told).toHaveLength(50);
    expect(told.sort()).toEqual(really.sort());
    for (const card of fleet.cards) expect(fleet.switches(card)).toBe(card === forbidden ? 0 : 1);
    expect([...csvPieces(report)].join("").trimEnd().split("\r\n")).toHaveLength(51);
    expect([...reportPieces(report)].join("")).toContain('tests="50" failures="5"');
  }, 120_000);
});
