import { describe, expect, it } from "vitest";
import { benchWith } from "../bench.ts";

const cli = { face: "cli" } as const;

describe("ES5 over ENVELOPE to a simulated eUICC", () => {
  it("audits the card", async () => {
    await using ready = await benchWith();
    const { bench, card } = ready;
    const job = await bench.run({
      target: card.state.eid,
      work: { kind: "es5", function: "auditStatus" },
      origin: cli,
    });
    expect(job).toMatchObject({ state: "done", result: { por: { status: 0, authenticated: true } } });
    const [packet] = await bench.store.read((r) => r.packets.ofJob(job.id));
    const { createdAt, sentAt = 0, answeredAt = 0 } = packet ?? { createdAt: 0 };
    // The answer follows at once and is stored with the time of sending.
    expect([createdAt <= sentAt, sentAt <= answeredAt, answeredAt <= (job.endedAt ?? 0)]).toEqual([true, true, true]);
    expect(sentAt).toBeGreaterThan(0);
  });

  it("enables a profile, follows the switch and confirms the notification", async () => {
    await using ready = await benchWith();
    const { bench, card, link } = ready;
    const before = link.card?.iccid;
    const second = card.state.profiles[1];
    const job = await bench.run({
      target: card.state.eid,
      work: { kind: "es5", function: "enableProfile", params: { aid: second?.aid } },
      origin: cli,
    });
    expect(job).toMatchObject({ state: "done" });
    const procedure = await bench.until(async () => {
      const found = await bench.store.read((r) => r.profileSwitches.ofJob(job.id));
      return found?.at === "confirmed" ? found : undefined;
    });
    expect(procedure.aid).toBe(second?.aid);
    expect(link.card?.iccid).not.toBe(before);
    const { target } = await bench.targets.show(card.state.eid);
    expect(target.esimProfiles.find((profile) => profile.state === "enabled")?.aid).toBe(second?.aid);
  });
});
