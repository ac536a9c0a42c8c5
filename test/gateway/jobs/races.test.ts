import { expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { parseAid } from "../../../src/codec/euicc/aid.ts";
import { feedJob } from "../../../src/gateway/job-effects.ts";
import { reservePacket } from "../../../src/gateway/scp80/reserve-packet.ts";
import { Bench, benchWith, euicc } from "../bench.ts";

const cli = { face: "cli" } as const;
/** No such link: the job is accepted and stays queued. */
const elsewhere = { link: "reader B" };
const audit = { kind: "es5", function: "auditEid" } as const;

it("a job that is canceled while it is sent reports whether it was executed", async () => {
  await using ready = await benchWith();
  const { bench, card, link } = ready;
  const left = new Set<string>();
  const submit = link.submit.bind(link);
  link.submit = (sms, signal) => {
    left.add(sms.reference.split("/")[0] ?? "");
    return submit(sms, signal);
  };
  const outcomes: { readonly executed: unknown; readonly left: boolean }[] = [];
  for (let round = 0; round < 60; round++) {
    const { job } = await bench.gateway.jobs.submit({ target: card.state.eid, work: audit, origin: cli });
    for (let turns = round % 12; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    await bench.gateway.jobs.cancel(job.id).catch(() => undefined);
    const ended = await bench.ended(job.id);
    const packets = await bench.store.read((r) => r.packets.ofJob(job.id));
    const gone = packets.some(({ id }) => left.has(id));
    if (ended.state === "cancelled") outcomes.push({ executed: ended.error?.executed, left: gone });
  }
  expect(outcomes.filter(({ executed, left: gone }) => executed === false && gone)).toEqual([]);
  expect(outcomes.length).toBeGreaterThan(0);
});

it("a job does not leave when a switch was accepted, or its order cancelled, since it was chosen", async () => {
  await using bench = await Bench.open();
  const card = euicc();
  await bench.add(card);
  const { job } = await bench.gateway.jobs.submit({
    target: card.state.eid,
    work: audit,
    origin: cli,
    request: elsewhere,
  });
  const target = await bench.store.read((r) => r.targets.get(job.target));
  if (target === undefined) throw new Error("no target");
  const deps = { store: bench.store, clock: systemClock, feed: feedJob };
  const route = { at: "found", bearer: "envelope", link: "reader A", why: "test" } as const;
  const now = Date.now();
  const aid = parseAid("A0000005591010FFFFFFFF8900001100");
  const open = { id: "prc_1", target: target.id, job: "job_x", kind: "enable", aid, at: "accepted" } as const;
  await bench.store.write((r) => r.profileSwitches.put({ ...open, acceptedAt: now, holdUntil: now + 60_000 }));
  expect(await reservePacket(deps, job, target, route)).toBeUndefined();
  expect(await bench.gateway.jobs.get(job.id)).toMatchObject({ state: "queued", attempts: 0 });
  await bench.store.write((r) =>
    r.profileSwitches.put({ ...open, at: "confirmed", acceptedAt: now, holdUntil: now, endedAt: now }),
  );
  expect(await reservePacket(deps, job, target, route)).toMatchObject({ packet: { transmissions: 1 } });
  await bench.gateway.jobs.cancel(job.id);
  expect(await reservePacket(deps, job, target, route)).toBeUndefined();
  expect(await bench.store.read((r) => r.packets.ofJob(job.id))).toMatchObject([{ transmissions: 1 }]);
});

it("a job whose validity ended since it was chosen, or that a rule forbids now, does not leave", async () => {
  await using bench = await Bench.open();
  const card = euicc();
  await bench.add(card);
  const aid = card.state.profiles[1]?.aid ?? "";
  const enable = { kind: "es5", function: "enableProfile", params: { aid } } as const;
  const { job } = await bench.gateway.jobs.submit({
    target: card.state.eid,
    work: enable,
    origin: cli,
    request: elsewhere,
  });
  const target = await bench.store.read((r) => r.targets.get(job.target));
  if (target === undefined) throw new Error("no target");
  const deps = { store: bench.store, clock: systemClock, feed: feedJob };
  const route = { at: "found", bearer: "envelope", link: "reader A", why: "test" } as const;
  const pol2 = [{ action: "ENABLE", qualification: "Not-Allowed" }] as const;
  const esimProfiles = target.esimProfiles.map((one) => (one.aid === aid ? { ...one, pol2 } : one));
  await bench.store.write((r) => r.targets.update({ ...target, esimProfiles, version: target.version + 1 }));
  expect(await reservePacket(deps, job, target, route)).toBeUndefined();
  expect(await bench.gateway.jobs.get(job.id)).toMatchObject({
    error: { code: "target.policy", executed: false },
  });
  const late = (
    await bench.gateway.jobs.submit({
      target: card.state.eid,
      work: audit,
      origin: cli,
      request: elsewhere,
      validityMs: 1,
    })
  ).job;
  await systemClock.sleep(2);
  expect(await reservePacket(deps, late, target, route)).toBeUndefined();
  expect(await bench.gateway.jobs.get(late.id)).toMatchObject({ state: "expired", error: { executed: false } });
});
