import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import type { JobId } from "../../../src/base/id.ts";
import { parseAid } from "../../../src/codec/euicc/aid.ts";
import type { OutboundSms, SubmitOutcome } from "../../../src/link/sms-bearer.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { Bench, type BenchLink, benchWith, euicc, plainEis, StillClock } from "../bench.ts";
import { ScriptedAccount } from "../smsc/smsc-network.ts";

const cli = { face: "cli" } as const;
const audit = { kind: "es5", function: "auditEid" } as const;
const msisdn = "447700900123";

/** Makes the reader lose short messages before the card has them, as often as the test says. */
function losing(link: BenchLink, lose: (count: number) => SubmitOutcome | "deliver" | GatewayError) {
  const submit = link.submit.bind(link);
  let count = 0;
  link.submit = async (sms: OutboundSms, signal: AbortSignal) => {
    const fate = lose(++count);
    if (fate === "deliver") return submit(sms, signal);
    link.submitted.push(sms);
    if (fate instanceof GatewayError) throw fate;
    return fate;
  };
}

async function countersOf(bench: Bench, job: JobId): Promise<(number | undefined)[]> {
  return (await bench.store.read((r) => r.packets.ofJob(job))).map(({ cntr }) => cntr);
}

const octets = (sms: OutboundSms | undefined) => Buffer.from(sms?.userData ?? []).toString("hex");

describe("a packet that has left with a counter", () => {
  it("keeps its place: the next job of its target waits until its octets went again", async () => {
    await using ready = await benchWith();
    const { bench, card, link } = ready;
    losing(link, (count) => (count === 1 ? { at: "delivered" } : "deliver"));
    const order = { target: card.state.eid, work: audit, request: { answerTimeoutMs: 300 }, origin: cli };
    const [first, second] = [await bench.gateway.jobs.submit(order), await bench.gateway.jobs.submit(order)];
    expect(await bench.ended(first.job.id)).toMatchObject({ state: "done", attempts: 2 });
    expect(await bench.ended(second.job.id)).toMatchObject({ state: "done" });
    expect(octets(link.submitted[0])).toBe(octets(link.submitted[1]));
    expect(link.submitted).toHaveLength(3);
  });

  it("keeps it over a restart, in another link, and when its fate at the first link is unknown", async () => {
    const folder = mkdtempSync(join(tmpdir(), "otagate-order-"));
    try {
      const before = await Bench.open(folder);
      await before.gateway.start();
      const card = euicc();
      await before.targets.import(plainEis(card));
      await before.targets.change(card.state.eid, { msisdn });
      const account = new ScriptedAccount();
      account.answer = async () => {
        throw new GatewayError("link.lost", "the bind broke", { fate: "unknown" });
      };
      before.gateway.attach(account.link);
      const order = { target: card.state.eid, work: audit, request: { answerTimeoutMs: 60_000 }, origin: cli };
      const first = (await before.gateway.jobs.submit(order)).job.id;
      await before.until(async () => account.submitted[0]);
      const second = (await before.gateway.jobs.submit(order)).job.id;
      await before.close();
      await using after = await Bench.open(folder);
      // The other job would be first if only its lane and time counted.
      await after.store.write((r) => r.jobs.patch(first, { notBefore: Date.now() + 1500 }));
      const link = await after.add(card, "reader B");
      await after.gateway.start();
      expect(await after.ended(first)).toMatchObject({ state: "done" });
      expect(await after.ended(second)).toMatchObject({ state: "done" });
      expect(octets(link.submitted[0])).toBe(octets(account.submitted[0]));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("lets others go once it is given up", async () => {
    await using ready = await benchWith();
    const { bench, card, link } = ready;
    losing(link, (count) => (count === 1 ? { at: "delivered" } : "deliver"));
    const order = { target: card.state.eid, work: audit, origin: cli };
    const first = await bench.gateway.jobs.submit({ ...order, request: { answerTimeoutMs: 60_000 } });
    await bench.until(async () => link.submitted[0]);
    const second = await bench.gateway.jobs.submit(order);
    await bench.gateway.jobs.cancel(first.job.id);
    expect(await bench.ended(second.job.id, 3000)).toMatchObject({ state: "done" });
  });

  it("lets others go at once when its job is cancelled while it is put off", async () => {
    await using ready = await benchWith(euicc(), new StillClock());
    const { bench, card, link } = ready;
    losing(link, (count) => (count === 1 ? new GatewayError("link.lost", "pulled", { fate: "unknown" }) : "deliver"));
    const order = { target: card.state.eid, work: audit, request: { spi: Uint8Array.of(0x16, 0x00) }, origin: cli };
    const first = await bench.gateway.jobs.submit(order);
    await bench.until(async () => link.submitted[0]);
    const second = await bench.gateway.jobs.submit({ ...order, request: {} });
    await bench.until(async () =>
      (await bench.gateway.jobs.get(second.job.id)).note?.includes(first.job.id) ? true : undefined,
    );
    await bench.gateway.jobs.cancel(first.job.id);
    expect(await bench.ended(second.job.id, 3000)).toMatchObject({ state: "done" });
  });

  it("goes first, also while a switch holds the queue: a confirmation waits for it and has it tried at once", async () => {
    await using ready = await benchWith(euicc(), new StillClock());
    const { bench, card, link } = ready;
    losing(link, (count) => (count === 1 ? new GatewayError("link.lost", "pulled", { fate: "unknown" }) : "deliver"));
    const order = { target: card.state.eid, work: audit, request: { spi: Uint8Array.of(0x16, 0x00) }, origin: cli };
    const { job: first } = await bench.gateway.jobs.submit(order);
    await bench.until(async () => link.submitted[0]);
    await bench.until(async () => ((await bench.gateway.jobs.get(first.id)).state === "queued" ? true : undefined));
    const now = bench.useCaseDeps.clock.now();
    await bench.store.write(async (r) => {
      await r.profileSwitches.put({
        id: "prc_held",
        target: first.target,
        job: first.id,
        kind: "enable",
        aid: parseAid(card.state.profiles[1]?.aid ?? ""),
        at: "accepted",
        acceptedAt: now,
        holdUntil: now + 60_000,
      });
    });
    const { seq: _, note: __, chosen: ___, ...like } = await bench.gateway.jobs.get(first.id);
    const system = { ...like, id: "job_confirmation", lane: "system", state: "queued", attempts: 0 } as const;
    await bench.store.write((r) =>
      r.jobs.insert({
        ...system,
        request: { bearer: "auto", maxPackets: 4 },
        origin: { face: "system" },
        notBefore: now,
      }),
    );
    bench.gateway.jobs.kick(first.target);
    expect(await bench.ended("job_confirmation", 5000)).toMatchObject({ state: "done" });
    expect((await bench.gateway.jobs.get(first.id)).state).toBe("done");
    expect(octets(link.submitted[1])).toBe(octets(link.submitted[0]));
    expect(link.submitted).toHaveLength(3);
  });

  it("keeps others of the same keys back that a client secured itself, and not those of other keys", async () => {
    await using bench = await Bench.open(undefined, new StillClock());
    await bench.gateway.start();
    const card = euicc();
    await bench.targets.import(plainEis(card));
    await bench.targets.change(card.state.eid, { msisdn });
    const account = new ScriptedAccount();
    account.answer = async (_, count) => {
      if (count === 1) throw new GatewayError("link.lost", "the bind broke", { fate: "unknown" });
      return { at: "accepted" };
    };
    bench.gateway.attach(account.link);
    const raw = (kic: string, tar: string) => {
      // CPL 0017, CHL 15, SPI 1600, KIc, KID, TAR, then what only the card can read.
      const userData = `0270000017151600${kic}${kic}${tar}`.padEnd((3 + 2 + 0x17) * 2, "A5");
      return readWork({ kind: "packet", userData: [userData], protocolId: 0x7f, dataCoding: 0xf6 });
    };
    const request = { fireAndForget: true } as const;
    const order = (kic: string, tar = "000001") => ({
      target: card.state.eid,
      work: raw(kic, tar),
      request,
      origin: cli,
    });
    const first = (await bench.gateway.jobs.submit(order("12"))).job.id;
    await bench.until(
      async () =>
        ((await bench.gateway.jobs.get(first)).state === "queued" && account.submitted.length === 1) || undefined,
    );
    const same = (await bench.gateway.jobs.submit(order("15"))).job.id;
    const other = (await bench.gateway.jobs.submit(order("32"))).job.id;
    const elsewhere = (await bench.gateway.jobs.submit(order("12", "B00010"))).job.id;
    expect(await bench.ended(other)).toMatchObject({ state: "done" });
    expect(await bench.ended(elsewhere)).toMatchObject({ state: "done" });
    expect((await bench.gateway.jobs.get(same)).note).toContain(first);
    await bench.gateway.jobs.cancel(first);
    expect(await bench.ended(same, 3000)).toMatchObject({ state: "done" });
  });
});

describe("a packet that never left", () => {
  it("is overtaken, and made anew under a later counter", async () => {
    const clock = new StillClock();
    await using ready = await benchWith(euicc(), clock);
    const { bench, card, link } = ready;
    losing(link, (count) => (count === 1 ? new GatewayError("link.lost", "busy", { fate: "not-sent" }) : "deliver"));
    const order = { target: card.state.eid, work: audit, origin: cli };
    const { job: first } = await bench.gateway.jobs.submit(order);
    await bench.until(async () => ((await bench.gateway.jobs.get(first.id)).note?.includes("busy") ? true : undefined));
    const second = (await bench.gateway.jobs.submit(order)).job.id;
    expect(await bench.ended(second)).toMatchObject({ state: "done" });
    expect((await bench.gateway.jobs.get(first.id)).state).toBe("queued");
    clock.advance(60_000);
    bench.gateway.jobs.kick(first.target);
    expect(await bench.ended(first.id)).toMatchObject({ state: "done" });
    const [overtaking = 0] = await countersOf(bench, second);
    const [abandoned = 0, sent = 0] = await countersOf(bench, first.id);
    expect(abandoned).toBeLessThan(overtaking);
    expect(sent).toBeGreaterThan(overtaking);
  });
});
