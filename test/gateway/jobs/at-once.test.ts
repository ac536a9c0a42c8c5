import { expect, it } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import { isdRTar } from "../../../src/codec/euicc/aid.ts";
import type { Repositories } from "../../../src/gateway/model/store.ts";
import { benchWith } from "../bench.ts";

const cli = { face: "cli" } as const;
const audit = { kind: "es5", function: "auditEid" } as const;

it("an order for an idle card in a reader is stored with its packet: two commits until its end", async () => {
  await using ready = await benchWith();
  const { bench, card } = ready;
  const { eid: target } = card.state;
  await bench.run({ target, work: audit, origin: cli });
  let commits = 0;
  const write = bench.store.write.bind(bench.store);
  bench.store.write = <T>(unit: (r: Repositories) => Promise<T>, committed?: () => void) => {
    commits++;
    return write(unit, committed);
  };
  const { job } = await bench.gateway.jobs.submit({ target, work: audit, origin: cli });
  expect(job).toMatchObject({ state: "running", attempts: 1, chosen: { bearer: "envelope", link: "reader A" } });
  expect(await bench.ended(job.id)).toMatchObject({ state: "done", attempts: 1 });
  expect(commits).toBe(2);
  const events = await bench.store.read((r) => r.events.after(0, 1000));
  const ofJob = events.filter((event) => event.job === job.id).map(({ type }) => type);
  expect(ofJob).toEqual(["job.queued", "job.sending", "job.answered", "job.done"]);
});

it("orders behind it wait for their turn, and run in order", async () => {
  await using ready = await benchWith();
  const { bench, card } = ready;
  const order = { target: card.state.eid, work: audit, origin: cli };
  const jobs = await Promise.all([1, 2, 3].map(() => bench.gateway.jobs.submit(order)));
  expect(jobs.map(({ job }) => job.state)).toEqual(["running", "queued", "queued"]);
  const ended = await Promise.all(jobs.map(({ job }) => bench.ended(job.id)));
  expect(ended.map(({ state }) => state)).toEqual(["done", "done", "done"]);
  const counters = await bench.store.read((r) => Promise.all(ended.map(({ id }) => r.packets.ofJob(id))));
  const used = counters.flat().map(({ cntr = 0 }) => cntr);
  expect(used).toEqual([...used].sort((a, b) => a - b));
});

it("an order that repeats an idempotency key gets the job of the first one", async () => {
  await using ready = await benchWith();
  const { bench, card } = ready;
  const order = { target: card.state.eid, work: audit, origin: cli, idempotencyKey: "k", idempotencyDigest: "d" };
  const first = await bench.gateway.jobs.submit(order);
  expect(first.created).toBe(true);
  await bench.ended(first.job.id);
  expect(await bench.gateway.jobs.submit(order)).toMatchObject({ created: false, job: { id: first.job.id } });
  const other = bench.gateway.jobs.submit({ ...order, idempotencyDigest: "e" });
  await expect(other).rejects.toMatchObject({ code: "api.idempotency" });
});

it("an order whose packet cannot be secured is accepted, uses no counter, and fails", async () => {
  await using ready = await benchWith();
  const { bench, card } = ready;
  const apdus = Array.from({ length: 160 }, () => fromHex(`80E28800FA${"00".repeat(250)}`));
  const work = { kind: "script", tar: isdRTar, apdus } as const;
  const counter = async () => {
    const target = await bench.store.read((r) => r.targets.holding("eid", card.state.eid));
    const sets = await bench.store.read((r) => r.keySets.list(target?.id ?? "tgt_"));
    return sets.map(({ cntr }) => cntr);
  };
  const before = await counter();
  const { job } = await bench.gateway.jobs.submit({ target: card.state.eid, work, origin: cli });
  expect(job.state).toBe("queued");
  expect(await bench.ended(job.id)).toMatchObject({ state: "failed", error: { code: "job.too-large" } });
  expect(await counter()).toEqual(before);
  expect(await bench.run({ target: card.state.eid, work: audit, origin: cli })).toMatchObject({ state: "done" });
});
