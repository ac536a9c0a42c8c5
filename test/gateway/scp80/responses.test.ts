import { describe, expect, it } from "vitest";
import type { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { octetText } from "../../../src/base/octet-text.ts";
import { parseSpi } from "../../../src/codec/ota/spi.ts";
import { parseAddress } from "../../../src/codec/sms/address.ts";
import { segmentPacket } from "../../../src/codec/sms/concatenation.ts";
import { timestampOf } from "../../../src/codec/sms/timestamp.ts";
import { tpduBytes } from "../../../src/codec/sms/tpdu.ts";
import { wrapCommand } from "../../../src/crypto/command-packet.ts";
import { PacketKeys } from "../../../src/crypto/packet-keys.ts";
import { wrapResponse } from "../../../src/crypto/response-packet.ts";
import { feedJob } from "../../../src/gateway/job-effects.ts";
import { expireJob } from "../../../src/gateway/jobs/stop-job.ts";
import type { Job } from "../../../src/gateway/model/job.ts";
import { SmscConversations } from "../../../src/gateway/smsc/conversations.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { Bench, benchWith, euicc, plainEis } from "../bench.ts";
import { order, ScriptedAccount } from "../smsc/smsc-network.ts";

const msisdn = "447700900123";
const tar = fromHex("000001");
const cli = { face: "cli" } as const;
const audit = { kind: "es5", function: "auditEid" } as const;

function keysOf(card: SimulatedEuicc): PacketKeys {
  const set = card.state.isdR.keySets.find((one) => one.type === "SCP80");
  const key = (id: number) => fromHex(set?.keys.find((one) => one.id === id)?.value ?? "");
  return new PacketKeys({ kic: key(1), kid: key(2) });
}

function command(card: SimulatedEuicc, cntr: number, spi = "1639"): Uint8Array {
  const input = {
    spi: parseSpi(fromHex(spi)),
    kic: 0x12,
    kid: 0x12,
    tar,
    cntr,
    data: fromHex("AA0222 00".replace(/ /g, "")),
  };
  return concatBytes(Uint8Array.of(2, 0x70, 0), wrapCommand(input, keysOf(card)).packet);
}

function por(
  card: SimulatedEuicc,
  cntr: number,
  { status = 0, spi = "1639", kid = 0x12, data = "AF80230290000000" } = {},
): Uint8Array {
  const input = { spi: parseSpi(fromHex(spi)), kic: 0x12, kid, tar, cntr, status, data: fromHex(data) };
  return concatBytes(Uint8Array.of(2, 0x71, 0), wrapResponse(input, keysOf(card)).packet);
}

/** A short message from the card, as a modem hands it over; `at` is when its service centre had it. */
function message(userData: Uint8Array, { at, from = msisdn }: { at?: number; from?: string } = {}) {
  const tpdu =
    at === undefined
      ? undefined
      : tpduBytes({
          type: "SMS-DELIVER",
          noMoreMessages: true,
          loopPrevention: false,
          statusReport: false,
          userDataHeader: true,
          replyPath: false,
          originator: parseAddress(`+${from}`),
          pid: 0x7f,
          dcs: 0xf6,
          scts: timestampOf(at),
          userData: { length: userData.length, octets: userData },
        });
  const item = { kind: "message" as const, from, userData, userDataHeader: true, protocolId: 0x7f, dataCoding: 0xf6 };
  return { ...item, ...withoutUndefined({ tpdu }) };
}

/** The card behind a network, without a reader. */
async function behindNetwork(bench: Bench) {
  await bench.gateway.start();
  const card = euicc();
  await bench.targets.import(plainEis(card));
  await bench.targets.change(card.state.eid, { msisdn });
  const account = new ScriptedAccount();
  bench.gateway.attach(account.link);
  const leftAs = (count: number) => bench.until(async () => account.submitted[count - 1]);
  return { card, account, leftAs };
}

const raw = (userData: Uint8Array) =>
  ({ kind: "packet", userData: [userData], protocolId: 0x7f, dataCoding: 0xf6 }) as const;

async function cntrOf(bench: Bench, job: Job): Promise<number> {
  const [packet] = await bench.store.read((r) => r.packets.ofJob(job.id));
  return packet?.cntr ?? 0;
}

describe("a response without its proof", () => {
  it.each(["bad CC", "no CC"])("decides nothing (%s): it is recorded, and the proven one still counts", async (how) => {
    await using bench = await Bench.open();
    const { card, account, leftAs } = await behindNetwork(bench);
    const { job } = await bench.gateway.jobs.submit({ target: card.state.eid, work: audit, origin: cli });
    await leftAs(1);
    const cntr = await cntrOf(bench, job);
    const forged =
      how === "bad CC"
        ? por(euicc({ seed: "somebody" }), cntr, { status: 2 })
        : por(card, cntr, { status: 2, spi: "1621" });
    await account.hand(message(forged));
    await bench.until(async () => ((await bench.events()).includes("job.unproven-answer") ? true : undefined));
    expect(await bench.gateway.jobs.get(job.id)).toMatchObject({
      state: "waiting",
      note: expect.stringContaining("unproven response"),
    });
    const [packet] = await bench.store.read((r) => r.packets.ofJob(job.id));
    expect(octetText(packet)).toMatchObject({ state: "sent", response: [toHex(forged)] });
    await account.hand(message(por(card, cntr)));
    expect(await bench.ended(job.id)).toMatchObject({ state: "done", result: { por: { authenticated: true } } });
  });

  it("is told when nothing else came", async () => {
    await using bench = await Bench.open();
    const { card, account, leftAs } = await behindNetwork(bench);
    const request = { answerTimeoutMs: 150 };
    const { job } = await bench.gateway.jobs.submit({ target: card.state.eid, work: audit, request, origin: cli });
    await leftAs(1);
    await account.hand(message(por(card, await cntrOf(bench, job), { status: 9, spi: "1621" })));
    expect(await bench.ended(job.id)).toMatchObject({
      error: {
        code: "packet.no-answer",
        executed: "unknown",
        detail: { unproven: expect.stringContaining("TAR unknown") },
      },
    });
  });

  it.each(["1601", "1621", "0021", "1221", "1525"])(
    "in clear, where SPI %s asks for no more, counts from the card only",
    async (spi) => {
      await using bench = await Bench.open();
      const { card, account, leftAs } = await behindNetwork(bench);
      await bench.targets.change(card.state.eid, { settings: { spi: fromHex(spi) } });
      const { job } = await bench.gateway.jobs.submit({ target: card.state.eid, work: audit, origin: cli });
      await leftAs(1);
      const clear = por(card, await cntrOf(bench, job), { spi, kid: spi === "1525" ? 0x15 : 0x12 });
      await account.hand(message(clear, { from: "491709999999" }));
      await bench.until(async () => ((await bench.events()).includes("job.unproven-answer") ? true : undefined));
      expect(await bench.gateway.jobs.get(job.id)).toMatchObject({
        state: "waiting",
        note: expect.stringContaining("not known to be the card"),
      });
      await account.hand(message(clear));
      expect(await bench.ended(job.id)).toMatchObject({ state: "done", result: { por: { authenticated: false } } });
    },
  );

  it("and without data says nothing of a function", async () => {
    await using bench = await Bench.open();
    const { card, account, leftAs } = await behindNetwork(bench);
    const { job } = await bench.gateway.jobs.submit({ target: card.state.eid, work: audit, origin: cli });
    await leftAs(1);
    await account.hand(message(por(card, await cntrOf(bench, job), { data: "" })));
    expect(await bench.ended(job.id)).toMatchObject({
      state: "failed",
      error: { code: "job.script", message: expect.stringContaining("without an answer"), executed: "unknown" },
    });
  });

  it("in clear from a stranger is no answer when nothing else came", async () => {
    await using bench = await Bench.open();
    const { card, account, leftAs } = await behindNetwork(bench);
    await bench.targets.change(card.state.eid, { settings: { spi: Uint8Array.of(0x16, 0x21) } });
    const request = { answerTimeoutMs: 150 };
    const { job } = await bench.gateway.jobs.submit({ target: card.state.eid, work: audit, request, origin: cli });
    await leftAs(1);
    const clear = por(card, await cntrOf(bench, job), { spi: "1621" });
    await account.hand(message(clear, { from: "491709999999" }));
    expect(await bench.ended(job.id)).toMatchObject({
      state: "failed",
      error: { code: "packet.no-answer", detail: { unproven: expect.stringContaining("not known to be the card") } },
    });
  });

  it("in the answer of the card in a reader is done, and not called authenticated", async () => {
    await using ready = await benchWith();
    const { bench, card, link } = ready;
    await bench.targets.change(card.state.eid, { settings: { spi: Uint8Array.of(0x16, 0x21) } });
    link.submit = async () => ({ at: "delivered", report: por(card, 1, { spi: "1621" }) });
    const job = await bench.run({ target: card.state.eid, work: audit, origin: cli });
    expect(job).toMatchObject({ state: "done", result: { por: { authenticated: false } } });
  });

  it("ends a job when the card in a reader itself refuses in clear", async () => {
    await using ready = await benchWith();
    const { bench, card, link } = ready;
    link.submit = async () => ({ at: "delivered", report: por(card, 1, { status: 6, spi: "1621" }) });
    const job = await bench.run({ target: card.state.eid, work: audit, origin: cli });
    expect(job).toMatchObject({ state: "failed", error: { code: "packet.por", executed: false } });
  });
});

describe("the response to a packet that a client secured", () => {
  it("is not one with an older counter, where the keys are known", async () => {
    await using bench = await Bench.open();
    const { card, account, leftAs } = await behindNetwork(bench);
    const first = await bench.run({
      target: card.state.eid,
      work: raw(command(card, 1)),
      request: { answerTimeoutMs: 50 },
      origin: cli,
    });
    expect(first).toMatchObject({ state: "failed", error: { code: "packet.no-answer" } });
    const { job } = await bench.gateway.jobs.submit({
      target: card.state.eid,
      work: raw(command(card, 2)),
      origin: cli,
    });
    await leftAs(2);
    await account.hand(message(por(card, 1)));
    await bench.until(async () => ((await bench.events()).includes("job.late-answer") ? true : undefined));
    expect((await bench.gateway.jobs.get(job.id)).endedAt).toBeUndefined();
    await account.hand(message(por(card, 2)));
    expect(await bench.ended(job.id)).toMatchObject({ state: "done", result: { data: por(card, 2) } });
  });

  it("is not one with an older counter, where packet and response are in clear", async () => {
    await using bench = await Bench.open();
    const { card, account, leftAs } = await behindNetwork(bench);
    const stranger = euicc({ seed: "another card's keys" });
    const { job } = await bench.gateway.jobs.submit({
      target: card.state.eid,
      work: raw(command(stranger, 2, "1229")),
      origin: cli,
    });
    await leftAs(1);
    await account.hand(message(por(stranger, 1, { spi: "1229" })));
    await bench.until(async () => ((await bench.events()).includes("message.received") ? true : undefined));
    expect((await bench.gateway.jobs.get(job.id)).endedAt).toBeUndefined();
    await account.hand(message(por(stranger, 2, { spi: "1229" })));
    expect((await bench.ended(job.id)).state).toBe("done");
  });

  it("is not older than the packet, by its service centre's time or by its arrival", async () => {
    await using bench = await Bench.open();
    const { card, account, leftAs } = await behindNetwork(bench);
    const stranger = euicc({ seed: "another card's keys" });
    const { job } = await bench.gateway.jobs.submit({
      target: card.state.eid,
      work: raw(command(stranger, 2)),
      origin: cli,
    });
    await leftAs(1);
    await account.hand(message(por(stranger, 1), { at: Date.now() - 10 * 60_000 }));
    await bench.store.write((r) =>
      r.inbox.insert({
        id: "msg_early",
        link: "smsc:below",
        item: message(por(stranger, 1)),
        state: "new",
        receivedAt: Date.now() - 60_000,
      }),
    );
    bench.gateway.inbound.work();
    await bench.until(async () =>
      (await bench.events()).filter((one) => one === "message.received").length === 2 ? true : undefined,
    );
    expect((await bench.gateway.jobs.get(job.id)).endedAt).toBeUndefined();
    await account.hand(message(por(stranger, 2), { at: Date.now() }));
    expect((await bench.ended(job.id)).state).toBe("done");
  });

  it("is not one that announces another", async () => {
    await using bench = await Bench.open();
    const { card, account, leftAs } = await behindNetwork(bench);
    const { job } = await bench.gateway.jobs.submit({
      target: card.state.eid,
      work: raw(command(card, 2)),
      origin: cli,
    });
    await leftAs(1);
    await account.hand(message(por(card, 2, { status: 0x0b, data: "" })));
    await bench.until(async () =>
      (await bench.gateway.jobs.get(job.id)).note?.includes("follows") ? true : undefined,
    );
    expect((await bench.gateway.jobs.get(job.id)).endedAt).toBeUndefined();
    await account.hand(message(por(card, 2)));
    expect(await bench.ended(job.id)).toMatchObject({ state: "done", result: { data: por(card, 2) } });
  });

  it.each(["the gateway has the keys", "nobody here has the keys"])(
    "goes on to the client whose command it answers after one that announces it (%s)",
    async (whose) => {
      await using bench = await Bench.open();
      const { card, account, leftAs } = await behindNetwork(bench);
      await using desk = new SmscConversations(bench.useCaseDeps);
      desk.start();
      const keys = whose === "the gateway has the keys" ? card : euicc({ seed: "another card's keys" });
      const post = (client: string, userData: Uint8Array) =>
        desk.submit(order(msisdn, userData, { client, receipt: "never" }));
      await post("first", command(keys, 5));
      await leftAs(1);
      await account.hand(message(por(keys, 5, { status: 0x0c, data: "" })));
      await bench.until(async () => (await desk.outbox.pull("first", 10))[0]);
      // Another one writes to the card, and wants no answer.
      await post("second", command(keys, 6, "1600"));
      await leftAs(2);
      await account.hand(message(por(keys, 5)));
      await bench.until(async () => ((await desk.outbox.pull("first", 10)).length === 2 ? true : undefined));
      expect(await desk.outbox.pull("second", 10)).toEqual([]);
    },
  );

  it("goes to the oldest command that has none, however many follow", async () => {
    await using bench = await Bench.open();
    const { account } = await behindNetwork(bench);
    await using desk = new SmscConversations(bench.useCaseDeps);
    desk.start();
    const stranger = euicc({ seed: "another card's keys" });
    for (let cntr = 1; cntr <= 60; cntr++) {
      const client = cntr === 1 ? "first" : "later";
      await desk.submit(order(msisdn, command(stranger, cntr), { client, receipt: "never" }));
    }
    await bench.until(async () => (account.submitted.length === 60 ? true : undefined));
    await account.hand(message(por(stranger, 1)));
    await bench.until(async () => (await desk.outbox.pull("first", 10))[0]);
  });
});

describe("a response in several messages", () => {
  it("of which one never comes is told as such, and one that is whole counts", async () => {
    await using bench = await Bench.open();
    const { card, account, leftAs } = await behindNetwork(bench);
    const long = `AF80${"2302900023029000".repeat(20)}0000`;
    const segments = (cntr: number) => {
      const whole = por(card, cntr, { data: long });
      return segmentPacket(whole.subarray(3), "response", { reference: cntr, referenceBits: 8 });
    };
    const request = { answerTimeoutMs: 400 };
    const lost = await bench.gateway.jobs.submit({ target: card.state.eid, work: audit, request, origin: cli });
    await leftAs(1);
    const [first = new Uint8Array(0), ...others] = segments(await cntrOf(bench, lost.job));
    expect(others.length).toBeGreaterThan(0);
    await account.hand(message(first));
    expect(await bench.ended(lost.job.id)).toMatchObject({
      error: { code: "packet.no-answer", detail: { unproven: expect.stringMatching(/^1 of \d messages/) } },
    });
    const sent = account.submitted.length;
    const { job } = await bench.gateway.jobs.submit({ target: card.state.eid, work: audit, origin: cli });
    await leftAs(sent + 1);
    for (const one of segments(await cntrOf(bench, job)).reverse()) await account.hand(message(one));
    expect(await bench.ended(job.id)).toMatchObject({ state: "done", result: { commands: { length: 40 } } });
  });

  it.each(["cancelled", "expired"] as const)(
    "a packet of which the network lost a message has not run when its job is %s",
    async (how) => {
      await using bench = await Bench.open();
      const { card, account, leftAs } = await behindNetwork(bench);
      const input = { spi: parseSpi(fromHex("1639")), kic: 0x12, kid: 0x12, tar, cntr: 3, data: new Uint8Array(200) };
      const { packet } = wrapCommand(input, keysOf(card));
      const userData = segmentPacket(packet, "command", { reference: 3, referenceBits: 8 }).map(toHex);
      const work = readWork({ kind: "packet", userData, protocolId: 0x7f, dataCoding: 0xf6 });
      const { job } = await bench.gateway.jobs.submit({ target: card.state.eid, work, origin: cli });
      await leftAs(2);
      await account.receipt("id-2", "failed");
      await bench.until(async () => {
        const packets = await bench.store.read((r) => r.packets.ofJob(job.id));
        const parts = await bench.store.read((r) => r.packets.parts(packets[0]?.id ?? "pkt_"));
        return parts.some(({ state }) => state === "failed") ? true : undefined;
      });
      await expect(bench.gateway.jobs.cancel(job.id, { unsentOnly: true })).rejects.toMatchObject({
        code: "job.state",
      });
      if (how === "cancelled") await bench.gateway.jobs.cancel(job.id);
      else await expireJob(feedJob, bench.store, job.id, Date.now());
      expect(await bench.ended(job.id)).toMatchObject({
        state: how,
        error: { message: expect.stringContaining("the network lost a message"), executed: false },
      });
    },
  );

  it("says which message of the command the network did not deliver", async () => {
    await using bench = await Bench.open();
    const { card, account, leftAs } = await behindNetwork(bench);
    const input = { spi: parseSpi(fromHex("1639")), kic: 0x12, kid: 0x12, tar, cntr: 3, data: new Uint8Array(200) };
    const { packet } = wrapCommand(input, keysOf(card));
    const userData = segmentPacket(packet, "command", { reference: 3, referenceBits: 8 }).map(toHex);
    const { job } = await bench.gateway.jobs.submit({
      target: card.state.eid,
      work: readWork({ kind: "packet", userData, protocolId: 0x7f, dataCoding: 0xf6 }),
      request: { answerTimeoutMs: 2500 },
      origin: cli,
    });
    await leftAs(2);
    await account.receipt("id-1");
    await account.receipt("id-2", "failed");
    const ended = await bench.ended(job.id);
    expect(ended).toMatchObject({
      error: { code: "packet.no-answer", executed: false, detail: { undelivered: [2] } },
    });
  });
});
