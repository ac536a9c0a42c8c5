import { expect, it } from "vitest";
import { newId } from "../../../src/base/id.ts";
import { parseAid } from "../../../src/codec/euicc/aid.ts";
import { parseEid } from "../../../src/codec/euicc/eid.ts";
import type { Job } from "../../../src/gateway/model/job.ts";
import type { Repositories } from "../../../src/gateway/model/store.ts";
import { recoverSwitch } from "../../../src/gateway/switches/recover-switch.ts";
import { Bench, euicc, plainEis } from "../bench.ts";

/** The switch that follows from a notification of the profile that a job was to enable, after `before` was done to it. */
async function recovered(before: (r: Repositories, job: Job) => Promise<unknown>) {
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
  const found = await bench.store.write(async (r) => {
    const target = await r.targets.get(job.target);
    if (target === undefined) throw new Error("no target");
    await before(r, job);
    const value = { eid: parseEid(target.eid ?? ""), type: 2, sequence: 1, isdP: parseAid(aid) };
    await recoverSwitch(r, target, value, job.createdAt + 1);
    return r.profileSwitches.ofJob(job.id);
  });
  return { aid, found };
}

it.each([
  { transmissions: 1, followed: "accepted" },
  { transmissions: 0, followed: undefined },
] as const)(
  "a job that is queued again was the cause of a notification if its packet had left ($transmissions)",
  async ({ transmissions, followed }) => {
    const { aid, found } = await recovered((r, job) =>
      r.packets.insert({
        id: newId("pkt"),
        job: job.id,
        target: job.target,
        userData: [Uint8Array.of(0)],
        state: "reserved",
        transmissions,
        createdAt: job.createdAt,
      }),
    );
    expect(found?.at).toBe(followed);
    if (followed !== undefined) expect(found).toMatchObject({ kind: "enable", aid });
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
    const error = { code, message: "test", executed, detail: {} };
    const { found } = await recovered((r, job) => r.jobs.patch(job.id, { state: "failed", error, endedAt: 1 }));
    expect(found?.at).toBe(followed);
  },
);
