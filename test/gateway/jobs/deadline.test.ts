import { afterEach, describe, expect, it } from "vitest";
import type { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { SoftReader } from "../../../simulators/reader.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { parseAid } from "../../../src/codec/euicc/aid.ts";
import type { Job } from "../../../src/gateway/model/job.ts";
import type { NewJob } from "../../../src/gateway/model/new-job.ts";
import { CardLink } from "../../../src/link/card/card-link.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { testRandom } from "../../seed.ts";
import { Bench, euicc, plainEis } from "../bench.ts";

const cli = { face: "cli" } as const;
const audit = { kind: "es5", function: "auditStatus" } as const;
/** How much later than its deadline a job may end. */
const graceMs = 1000;

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function started(): Promise<Bench> {
  const bench = await Bench.open();
  open.push(bench);
  await bench.gateway.start();
  return bench;
}

/** The card in a reader as the daemon holds it, hot plug and recovery included. */
async function hold(bench: Bench, card: SimulatedEuicc, apduTimeoutMs: number): Promise<CardLink> {
  await bench.targets.import(plainEis(card));
  const id = "sim:reader";
  const link: CardLink = new CardLink({
    id,
    clock: systemClock,
    random: testRandom(),
    log: silentLog,
    settings: { apduTimeoutMs },
    onChange: () => bench.gateway.links.changed(id),
  });
  open.unshift(link);
  link.attach(new SoftReader("reader", card), true);
  bench.gateway.attach({
    id,
    kind: "reader",
    bearer: link,
    describe: () => link.describe(),
    get state() {
      return link.state;
    },
    get card() {
      return link.card;
    },
  });
  await bench.until(async () => (link.state.up ? true : undefined));
  return link;
}

/**
 * A job that expired while the card had its packet; the card answers when `answer` is called. A job that expires before
 * its packet has left, as on a busy machine, is ordered again with more time.
 */
async function expiredAtCard(bench: Bench, card: SimulatedEuicc, order: NewJob) {
  const transmit = card.transmit.bind(card);
  let answer = () => {};
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let arrived = false;
  card.transmit = async (command) => {
    // Only an ENVELOPE carries the packet: what else the terminal asks is answered at once.
    if (command[1] !== 0xc2) return transmit(command);
    arrived = true;
    await held;
    return transmit(command);
  };
  for (let validityMs = 400; ; validityMs *= 2) {
    const slow = await bench.run({ ...order, validityMs });
    if (arrived) return { slow, answer };
  }
}

function lateness(job: Job): number {
  return (job.endedAt ?? Number.POSITIVE_INFINITY) - job.validUntil;
}

describe("a job whose validity ends", () => {
  it("ends in time while the card is mute, and says that the card may have run it", async () => {
    const bench = await started();
    const card = euicc();
    const link = await bench.add(card);
    card.misbehaviour.mute = true;
    const job = await bench.run({ target: card.state.eid, work: audit, origin: cli, validityMs: 500 });
    expect(job).toMatchObject({ state: "expired", error: { code: "job.expired", executed: "unknown" } });
    expect(job.error?.message).toMatch(/whether the card executed it is unknown/);
    expect(lateness(job)).toBeLessThan(graceMs);
    expect(link.submitted).toHaveLength(1);
    expect(await bench.store.read((r) => r.packets.ofJob(job.id))).toMatchObject([{ transmissions: 1 }]);
  });

  it("says that nothing was sent when the card was busy with something else", async () => {
    const bench = await started();
    const card = euicc();
    await bench.add(card);
    card.misbehaviour.mute = true;
    await bench.run({ target: card.state.eid, work: audit, origin: cli, validityMs: 300 });
    const job = await bench.run({ target: card.state.eid, work: audit, origin: cli, validityMs: 300 });
    expect(job).toMatchObject({ state: "expired", error: { code: "job.expired", executed: false } });
    expect(job.error?.message).toMatch(/nothing was sent/);
    expect(lateness(job)).toBeLessThan(graceMs);
  });

  it("ends in time behind one that has the card for long", async () => {
    const bench = await started();
    const card = euicc();
    await bench.add(card);
    card.misbehaviour.mute = true;
    const order = { target: card.state.eid, work: audit, origin: cli } as const;
    const { job: first } = await bench.gateway.jobs.submit(order);
    const { job: second } = await bench.gateway.jobs.submit({ ...order, validityMs: 2500 });
    await systemClock.sleep(1000);
    const { job: third } = await bench.gateway.jobs.submit({ ...order, validityMs: 500 });
    for (const { id } of [third, second]) {
      const job = await bench.ended(id);
      expect(job).toMatchObject({ state: "expired", attempts: 0, error: { executed: false } });
      expect(lateness(job)).toBeLessThan(graceMs);
    }
    expect((await bench.gateway.jobs.get(first.id)).state).toBe("running");
  });

  it("ends in time while a profile switch holds it", async () => {
    const bench = await started();
    const card = euicc();
    await bench.add(card);
    const { target } = await bench.targets.show(card.state.eid);
    const at = Date.now();
    const aid = parseAid(target.esimProfiles[1]?.aid ?? "");
    await bench.store.write((r) =>
      r.profileSwitches.put({
        id: "prc_held",
        target: target.id,
        job: "job_switch",
        kind: "enable",
        aid,
        at: "accepted",
        acceptedAt: at,
        holdUntil: at + 20_000,
      }),
    );
    const job = await bench.run({ target: card.state.eid, work: audit, origin: cli, validityMs: 600 });
    expect(job).toMatchObject({ state: "expired", error: { executed: false } });
    expect(lateness(job)).toBeLessThan(graceMs);
  });

  it("leaves the link to the next job once a mute card has been activated anew", async () => {
    const bench = await started();
    const card = euicc();
    const link = await hold(bench, card, 1500);
    card.misbehaviour.mute = true;
    const late = await bench.run({ target: card.state.eid, work: audit, origin: cli, validityMs: 300 });
    expect(late.state).toBe("expired");
    expect(lateness(late)).toBeLessThan(graceMs);
    card.misbehaviour.mute = false;
    expect(await bench.run({ target: card.state.eid, work: audit, origin: cli })).toMatchObject({ state: "done" });
    expect(link.state.up).toBe(true);
  });

  it("keeps the late answer of a card that was only slow, and goes on under the next counter", async () => {
    const bench = await started();
    const card = euicc();
    await hold(bench, card, 20_000);
    const { slow, answer } = await expiredAtCard(bench, card, { target: card.state.eid, work: audit, origin: cli });
    expect(slow).toMatchObject({ state: "expired", error: { executed: "unknown" } });
    answer();
    await bench.until(async () => ((await bench.events()).includes("job.late-answer") ? true : undefined));
    const next = await bench.run({ target: card.state.eid, work: audit, origin: cli });
    expect(next).toMatchObject({ state: "done" });
    const counters = await bench.store.read(async (r) =>
      [...(await r.packets.ofJob(slow.id)), ...(await r.packets.ofJob(next.id))].map(({ cntr }) => cntr ?? 0),
    );
    expect(counters).toHaveLength(2);
    expect(counters[1]).toBe((counters[0] ?? 0) + 1);
  });

  it("keeps a late answer that came in the delivery report, too", async () => {
    const bench = await started();
    const card = euicc();
    await hold(bench, card, 20_000);
    const order = {
      target: card.state.eid,
      work: audit,
      request: { spi: Uint8Array.of(0x16, 0x19) },
      origin: cli,
    } as const;
    const { slow, answer } = await expiredAtCard(bench, card, order);
    expect(slow).toMatchObject({ state: "expired", error: { executed: "unknown" } });
    answer();
    await bench.until(async () => ((await bench.events()).includes("job.late-answer") ? true : undefined));
    expect(await bench.store.read((r) => r.packets.ofJob(slow.id))).toMatchObject([{ state: "answered" }]);
    expect((await bench.gateway.jobs.get(slow.id)).state).toBe("expired");
  });

  it("lets the gateway stop while a card is mute, and the same octets go after the restart", async () => {
    const card = euicc();
    const first = await Bench.open();
    await first.gateway.start();
    const link = await first.add(card);
    card.misbehaviour.mute = true;
    const { job } = await first.gateway.jobs.submit({ target: card.state.eid, work: audit, origin: cli });
    await first.until(async () => (link.submitted.length > 0 ? true : undefined));
    const stopping = systemClock.monotonic();
    await first.close();
    expect(systemClock.monotonic() - stopping).toBeLessThan(2000);
    const second = await Bench.open(first.folder);
    open.push(second);
    card.misbehaviour.mute = false;
    await second.gateway.start();
    await second.add(card, "reader B");
    expect(await second.ended(job.id)).toMatchObject({ state: "done" });
    expect(await second.store.read((r) => r.packets.ofJob(job.id))).toMatchObject([{ transmissions: 2 }]);
  });
});
