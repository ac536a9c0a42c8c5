import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Bench, euicc } from "../bench.ts";

it("a confirmation whose answer was lost is one: repeated, the card does not know the notification any more", async () => {
  const folder = mkdtempSync(join(tmpdir(), "otagate-confirmation-"));
  try {
    const before = await Bench.open(folder);
    await before.gateway.start();
    const card = euicc();
    await before.add(card);
    before.store.onEvents((events) => {
      if (events.some(({ type }) => type === "notification.received")) card.misbehaviour.dropPor = true;
    });
    const params = { aid: card.state.profiles[1]?.aid };
    const work = { kind: "es5", function: "enableProfile", params } as const;
    const job = await before.run({ target: card.state.eid, work, origin: { face: "cli" } });
    await before.until(async () => (card.misbehaviour.dropPor && card.state.notification === undefined) || undefined);
    // The gateway falls before the answer is there, and repeats at once when it is back.
    await before.close();
    card.misbehaviour.dropPor = false;
    await using after = await Bench.open(folder);
    await after.gateway.start();
    await after.add(card);
    const procedure = await after.until(async () => {
      const found = await after.store.read((r) => r.profileSwitches.ofJob(job.id));
      return found?.endedAt === undefined ? undefined : found;
    });
    expect(procedure.at).toBe("confirmed");
    const [notification] = await after.store.read((r) => r.notifications.list(job.target, undefined, 1));
    expect(notification).toMatchObject({ type: 2, confirmation: "confirmed" });
    const [confirming] = await after.store.read((r) => r.jobs.list({ origin: "system" }, undefined, 1));
    expect(confirming?.result?.commands).toMatchObject([{ sw: "6A88" }]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 30_000);
