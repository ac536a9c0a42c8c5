import { expect, it } from "vitest";
import { newId } from "../../../src/base/id.ts";
import { parseAid } from "../../../src/codec/euicc/aid.ts";
import { parseEid } from "../../../src/codec/euicc/eid.ts";
import { recoverSwitch } from "../../../src/gateway/switches/recover-switch.ts";
import { Bench, euicc, plainEis } from "../bench.ts";

it.each([
  { transmissions: 1, followed: "accepted" },
  { transmissions: 0, followed: undefined },
] as const)(
  "a job that is queued again was the cause of a notification if its packet had left ($transmissions)",
  async ({ transmissions, followed }) => {
    await using bench = await Bench.open();
    const card = euicc();
    await bench.targets.import(plainEis(card));
    const aid = card.state.profiles[1]?.aid ?? "";
    // No link has the card: the job stays in the queue, as after a crash.
    const { job } = await bench.gateway.jobs.submit({
      target: card.state.eid,
      work: { kind: "es5", function: "enableProfile", params: { aid } },
      origin: { face: "cli" },
    });
    const procedure = await bench.store.write(async (r) => {
      const target = await r.targets.get(job.target);
      if (target === undefined) throw new Error("no target");
      await r.packets.insert({
        id: newId("pkt"),
        job: job.id,
        target: target.id,
        userData: [Uint8Array.of(0)],
        state: "reserved",
        transmissions,
        createdAt: job.createdAt,
      });
      const value = { eid: parseEid(target.eid ?? ""), type: 2, sequence: 1, isdP: parseAid(aid) };
      await recoverSwitch(r, target, value, job.createdAt + 1);
      return r.profileSwitches.ofJob(job.id);
    });
    expect(procedure?.at).toBe(followed);
    if (followed !== undefined) expect(procedure).toMatchObject({ kind: "enable", aid });
  },
);

it.each([
  { code: "packet.no-answer", executed: "partly", followed: "accepted" },
  { code: "job.cancelled", executed: "unknown", followed: "accepted" },
  { code: "job.script", executed: "partly", followed: undefined },
  { code: "packet.por", executed: false, followed: undefined },
] as const)(
  "a job that ended ($code, $executed) was the cause of a notification or not",
  async ({ code, executed, followed }) => {
    await using bench = await Bench.open();
    const card = euicc();
    await bench.targets.import(plainEis(card));
    const aid = card.state.profiles[1]?.aid ?? "";
    const { job } = await bench.gateway.jobs.submit({
      target: card.state.eid,
      work: { kind: "es5", function: "enableProfile", params: { aid } },
      origin: { face: "cli" },
    });
    const procedure = await bench.store.write(async (r) => {
      const target = await r.targets.get(job.target);
      if (target === undefined) throw new Error("no target");
      await r.jobs.patch(job.id, {
        state: "failed",
        error: { code, message: "test", executed, detail: {} },
        endedAt: 1,
      });
      const value = { eid: parseEid(target.eid ?? ""), type: 2, sequence: 1, isdP: parseAid(aid) };
      await recoverSwitch(r, target, value, job.createdAt + 1);
      return r.profileSwitches.ofJob(job.id);
    });
    expect(procedure?.at).toBe(followed);
  },
);
