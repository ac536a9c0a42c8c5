import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type JobId, newId } from "../../src/base/id.ts";
import { isdRTar } from "../../src/codec/euicc/aid.ts";
import { parseEid } from "../../src/codec/euicc/eid.ts";
import { target } from "../gateway/records.ts";
import { dayMs, eid, everything, now, old, RetentionBench, young } from "./retention-bench.ts";

let bench: RetentionBench;

beforeEach(async () => {
  bench = await RetentionBench.open();
});

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

const jobsLeft = async () => (await bench.read((r) => r.jobs.list({}, undefined, 1000))).map((job) => job.id).reverse();
const eventsLeft = async () => (await bench.read((r) => r.events.after(0, 1000))).map((event) => event.seq);
const notificationsLeft = async () =>
  (await bench.read((r) => r.notifications.list(undefined, undefined, 1000))).map((one) => one.id).reverse();
const proceduresLeft = async () =>
  (await bench.read((r) => r.profileSwitches.list(undefined, undefined, 1000))).map((one) => one.id).reverse();

describe("what is past its retention", () => {
  it("goes with all that belongs to it; what is younger stays whole", async () => {
    const gone = await bench.job(old);
    const kept = await bench.job(young);
    const message = await bench.message(old, { job: gone });
    const [packet] = await bench.read((r) => r.packets.ofJob(gone));
    const { removed } = await bench.prune();
    expect(removed).toEqual({ jobs: 1, packets: 1, packetParts: 1, messages: 1 });
    expect(await jobsLeft()).toEqual([kept]);
    expect(await bench.read((r) => r.packets.ofJob(gone))).toEqual([]);
    expect(await bench.read((r) => r.packets.parts(packet?.id ?? "pkt_"))).toEqual([]);
    expect(await bench.read((r) => r.smsc.message(message))).toBeUndefined();
    const [other] = await bench.read((r) => r.packets.ofJob(kept));
    expect(await bench.read((r) => r.packets.parts(other?.id ?? "pkt_"))).toHaveLength(1);
  });

  it("is each kind by its own period; a kind without one is kept for ever", async () => {
    await bench.job(old);
    await bench.event(old);
    await bench.write((r) => r.audit.append({ at: old, operation: "x", method: "POST", path: "/" }));
    expect((await bench.prune({ retention: { eventsMs: 90 * dayMs } })).removed).toEqual({ events: 1 });
    expect((await bench.prune({ retention: { auditMs: 90 * dayMs } })).removed).toEqual({ audit: 1 });
    expect((await bench.prune({ retention: { jobsMs: 101 * dayMs } })).removed).toEqual({});
    expect((await bench.prune({ retention: { jobsMs: 99 * dayMs } })).removed).toMatchObject({ jobs: 1 });
  });

  it("leaves the numbers of jobs by state right", async () => {
    for (const state of ["done", "failed", "expired", "cancelled"] as const) {
      await bench.job(old, { state });
      await bench.job(young, { state });
    }
    await bench.job(old, { state: "queued" });
    await bench.prune();
    const counts = await bench.read((r) => r.jobs.counts());
    expect(counts).toEqual({ queued: 1, running: 0, waiting: 0, done: 1, failed: 1, expired: 1, cancelled: 1 });
  });

  it("is only counted by a dry run, with the same numbers", async () => {
    await bench.job(old);
    await bench.procedure(old);
    await bench.procedure(old + 1);
    await bench.event(old);
    const dry = await bench.prune({}, { dryRun: true });
    expect(await jobsLeft()).toHaveLength(1);
    expect(await eventsLeft()).toHaveLength(1);
    const wet = await bench.prune();
    expect(wet.removed).toEqual(dry.removed);
    expect(wet.removed).toEqual({ procedures: 1, jobs: 1, packets: 1, packetParts: 1, events: 1 });
  });

  it("is found behind what has to stay, over many units", async () => {
    for (let at = 0; at < 25; at++) await bench.job(old + at, at % 5 === 0 ? { state: "queued" } : {});
    expect((await bench.prune({ unit: 3 })).removed.jobs).toBe(20);
    expect(await jobsLeft()).toHaveLength(5);
  });
});

describe("what is open", () => {
  it.each(["queued", "running", "waiting"] as const)("is not touched: a %s job, however old", async (state) => {
    const id = await bench.job(old, { state });
    await bench.prune();
    expect(await jobsLeft()).toEqual([id]);
    expect(await bench.read((r) => r.packets.ofJob(id))).toHaveLength(1);
  });

  it("is not touched: a job that ended lately, however long ago it was accepted", async () => {
    const id = await bench.job(old, { endedAt: young });
    await bench.prune();
    expect(await jobsLeft()).toEqual([id]);
  });

  it("is not touched: a job whose card answered lately, after its end", async () => {
    const id = await bench.job(old, {}, young);
    await bench.prune();
    expect(await jobsLeft()).toEqual([id]);
  });

  it.each([
    ["without a final state", { state: "enroute" }],
    ["settled lately", { finalAt: young }],
  ] as const)("is not touched: a job with a short message %s, and its other messages", async (_, fate) => {
    const job = await bench.job(old, { origin: { face: "smpp", client: "esme" } });
    const settled = await bench.message(old, { job });
    const id = newId("m", old);
    const { finalAt: __, ...open } = (await bench.read((r) => r.smsc.message(settled))) ?? fail();
    await bench.write((r) => r.smsc.insertMessage({ ...open, id, position: 1, ...fate }));
    await bench.prune();
    expect(await jobsLeft()).toEqual([job]);
    expect((await bench.read((r) => r.smsc.messagesOfJob(job))).map((one) => one.id)).toEqual([settled, id]);
  });

  it("is not touched: a short message that waits for its other segments; one that was given up goes", async () => {
    const given = await bench.message(old, { state: "deleted" });
    const { finalAt: _, ...open } = (await bench.read((r) => r.smsc.message(given))) ?? fail();
    const id = newId("m", old);
    await bench.write(async (r) => {
      await r.smsc.insertMessage({ ...open, id, state: "enroute" });
      const body = { userData: Uint8Array.of(0), protocolId: 0, dataCoding: 0, notBefore: old };
      for (const message of [id, given])
        await r.smsc.hold({ message, messageOf: "k", sequence: 1, total: 2, body, dueAt: old });
    });
    const { removed } = await bench.prune();
    expect(removed).toEqual({ messages: 1, segments: 1 });
    expect((await bench.read((r) => r.smsc.held("k"))).map((one) => one.message)).toEqual([id]);
    expect(await bench.read((r) => r.smsc.message(id))).toBeDefined();
  });

  it("is not touched: what waits in the outbox of a client", async () => {
    const job = await bench.job(old, { origin: { face: "smpp", client: "esme" } });
    const messageId = await bench.message(old, { job });
    const { source, destination } = (await bench.read((r) => r.smsc.message(messageId))) ?? fail();
    const facts = { messageId, state: "delivered", intermediate: false, submittedAt: old, doneAt: old } as const;
    const item = { id: newId("out", old), kind: "receipt" as const, source, destination, ...facts };
    await bench.write((r) => r.smsc.post("esme", item, old));
    await bench.prune();
    expect(await bench.read((r) => r.smsc.pull("esme", 10))).toEqual([item]);
  });

  it.each(["accepted", "switched"] as const)("is not touched: a profile switch that is %s, and its job", async (at) => {
    const job = await bench.job(old);
    const open = await bench.procedure(old, { job, at });
    // Not the latest of its target, so that only its state keeps it.
    const later = await bench.procedure(old + 1);
    await bench.prune();
    expect(await proceduresLeft()).toEqual([open, later]);
    expect(await jobsLeft()).toEqual([job]);
  });

  it("is not touched: a profile switch that ended lately, and its job", async () => {
    const job = await bench.job(old);
    const lately = await bench.procedure(old, { job, endedAt: young });
    const later = await bench.procedure(old + 1);
    await bench.prune();
    expect(await proceduresLeft()).toEqual([lately, later]);
    expect(await jobsLeft()).toEqual([job]);
  });

  it.each(["pending", "upstream"] as const)(
    "is not touched: a notification that waits to be confirmed (%s)",
    async (confirmation) => {
      const waits = await bench.notification(old, { confirmation });
      const newest = await bench.notification(old + 1);
      await bench.prune();
      expect(await notificationsLeft()).toEqual([waits, newest]);
    },
  );

  it("is not touched: inbox items that nobody has acted upon", async () => {
    const kept = [await bench.inbox(old, "new"), await bench.inbox(old, "held"), await bench.inbox(young)];
    await bench.inbox(old);
    expect((await bench.prune()).removed).toEqual({ inbox: 1 });
    const left = await bench.read((r) => r.inbox.list(undefined, 10));
    expect(left.map((one) => one.id).reverse()).toEqual(kept);
  });

  it.each(["running", "paused", "stopped", "cancelled"] as const)(
    "is not touched: the jobs of a campaign that is %s",
    async (state) => {
      const reference = await bench.campaign({ state });
      const job = await bench.job(old, { origin: { face: "campaign", reference } });
      await bench.prune();
      expect(await jobsLeft()).toEqual([job]);
    },
  );

  it.each([
    { state: "done", endedAt: old },
    { state: "cancelled", endedAt: old },
  ] as const)("does not include the jobs of a campaign that is over ($state)", async (over) => {
    const reference = await bench.campaign(over);
    await bench.campaign({});
    await bench.job(old, { origin: { face: "campaign", reference } });
    await bench.prune();
    expect(await jobsLeft()).toEqual([]);
  });

  it("does not include counters: they stay where they are", async () => {
    const common = { target: "tgt_1" as const, type: "SCP80" as const, kvn: 1, tars: [], algorithm: "AES" as const };
    await bench.write(async (r) => {
      await r.targets.insert(target({ eid, createdAt: old, updatedAt: old }));
      await r.keySets.put({ id: "key_1", ...common, ccLength: 8, cntr: 41, keys: new Map() });
      await r.keySets.nextCounter("key_1");
    });
    await bench.job(old);
    await bench.prune();
    expect((await bench.read((r) => r.keySets.list("tgt_1")))[0]?.cntr).toBe(42);
  });
});

describe("what repetitions are recognised by", () => {
  it("stays: the latest profile switch of each target", async () => {
    await bench.procedure(old);
    const latest = await bench.procedure(old + 1);
    const other = await bench.procedure(old, { target: "tgt_2" });
    expect((await bench.prune()).removed).toEqual({ procedures: 1 });
    expect((await proceduresLeft()).sort()).toEqual([latest, other].sort());
    expect((await bench.read((r) => r.profileSwitches.latest("tgt_1")))?.id).toBe(latest);
  });

  it("stays: the notification of each card that was heard last", async () => {
    await bench.notification(old, { sequence: "0001" });
    const last = await bench.notification(old + 1, { sequence: "0002" });
    const other = await bench.notification(old, { eid: parseEid(eid.replace(/4$/, "5")) });
    expect((await bench.prune()).removed).toEqual({ notifications: 1 });
    expect((await notificationsLeft()).sort()).toEqual([last, other].sort());
    expect(
      (await bench.read((r) => r.notifications.copyOf(eid, Uint8Array.of(0xe1), { verified: true, counts: true }, 0)))
        ?.id,
    ).toBe(last);
  });

  it("stays: what a card reported since its open profile switch was accepted", async () => {
    await bench.procedure(old + 5, { at: "accepted" });
    const before = await bench.notification(old, { sequence: "0001" });
    const during = await bench.notification(old + 6, { sequence: "0002" });
    const newest = await bench.notification(old + 7, { sequence: "0003" });
    await bench.prune();
    expect(await notificationsLeft()).toEqual([during, newest]);
    expect(before).not.toBe(during);
  });

  it("stays: a notification that was heard again or confirmed lately", async () => {
    const again = await bench.notification(old, { sequence: "0001", lastAt: young });
    const confirmed = await bench.notification(old, { sequence: "0002" });
    await bench.write((r) => r.notifications.patch(confirmed, { confirmedAt: young }));
    const newest = await bench.notification(now, { sequence: "0003" });
    await bench.prune();
    expect(await notificationsLeft()).toEqual([again, confirmed, newest]);
  });

  it("goes with its job: an Idempotency-Key is free again", async () => {
    const job = (id: JobId, createdAt: number) => ({
      id,
      target: "tgt_1" as const,
      state: "queued" as const,
      lane: "normal" as const,
      work: { kind: "script" as const, tar: isdRTar, apdus: [] },
      request: { bearer: "auto" as const, maxPackets: 1 },
      origin: { face: "api" as const },
      attempts: 0,
      notBefore: 0,
      validUntil: createdAt,
      createdAt,
    });
    for (const [key, at] of [
      ["k-old", old],
      ["k-young", young],
    ] as const) {
      await bench.write((r) => r.jobs.insert(job(`job_${key}`, at), key));
      await bench.write((r) => r.jobs.patch(`job_${key}`, { state: "done", endedAt: at }));
    }
    await bench.prune();
    const again = (key: string) => bench.write((r) => r.jobs.insert(job(`job_again_${key}`, now), key));
    expect(await again("k-young")).toMatchObject({ created: false, job: { id: "job_k-young" } });
    expect(await again("k-old")).toMatchObject({ created: true });
  });
});

describe("the event log", () => {
  it("loses its beginning only: no hole where the clock went back", async () => {
    await bench.event(old);
    const ahead = await bench.event(young);
    const back = await bench.event(old);
    await bench.prune();
    expect(await eventsLeft()).toEqual([ahead, back]);
  });

  it("goes on counting when all of it is gone", async () => {
    for (let one = 0; one < 3; one++) await bench.event(old);
    await bench.prune();
    const [first, last] = await bench.read(async (r) => [await r.events.first(), await r.events.last()]);
    expect([first, last]).toEqual([4, 3]);
    expect(await bench.event(now)).toBe(4);
    expect(await bench.read((r) => r.events.first())).toBe(4);
  });

  it("keeps what an upstream has not taken yet, and the records that is about", async () => {
    const taken = await bench.event(old);
    const waiting = await bench.event(old + 3 * dayMs, "job.done");
    await bench.event(young);
    const before = await bench.job(old);
    const about = await bench.job(old + 3 * dayMs);
    const inbox = await bench.inbox(old + 3 * dayMs - 600_000);
    await bench.write((r) => r.outbox.moveCursor("smsr", taken));
    const run = await bench.prune({ upstreams: ["smsr"] });
    expect(run).toMatchObject({ heldSince: old + 3 * dayMs, removed: { events: 1, jobs: 1 } });
    expect(await eventsLeft()).toEqual([waiting, waiting + 1]);
    expect(await jobsLeft()).toEqual([about]);
    expect(before).not.toBe(about);
    expect(await bench.read((r) => r.inbox.get(inbox))).toBeDefined();
    await bench.write((r) => r.outbox.moveCursor("smsr", waiting));
    expect((await bench.prune({ upstreams: ["smsr"] })).removed).toMatchObject({ events: 1, jobs: 1, inbox: 1 });
  });

  it("keeps an event that is not taken, also where the clock went back before it", async () => {
    const taken = await bench.event(old);
    const waiting = await bench.event(old - 50 * dayMs);
    await bench.write((r) => r.outbox.moveCursor("smsr", taken));
    await bench.prune({ upstreams: ["smsr"] });
    expect((await eventsLeft()).at(-1)).toBe(waiting);
  });

  it("is not kept for an upstream that is configured no more; what waits in outboxes stays in any case", async () => {
    const seq = await bench.event(old);
    await bench.event(old);
    await bench.write(async (r) => {
      await r.outbox.moveCursor("gone", seq);
      const entry = { id: "evt_1", upstream: "gone", lane: "", type: "x", body: "{}" };
      await r.outbox.insert({ ...entry, notBefore: 0, createdAt: old });
    });
    await bench.prune({ upstreams: ["smsr"] });
    expect(await eventsLeft()).toEqual([]);
    expect(await bench.read((r) => r.outbox.queued("gone"))).toBe(1);
  });
});

it("says how much of the file is free", async () => {
  const data = { why: "x".repeat(200) };
  for (let one = 0; one < 200; one++)
    await bench.write((r) => r.events.append({ at: old, type: "job.unproven-answer", data }));
  const before = await bench.read((r) => r.retention.size());
  await bench.prune({ retention: everything });
  const after = await bench.read((r) => r.retention.size());
  expect(after.bytes).toBeGreaterThanOrEqual(before.bytes);
  expect(after.freeBytes).toBeGreaterThan(before.freeBytes + 20_000);
});

function fail(): never {
  throw new Error("it does not exist");
}
