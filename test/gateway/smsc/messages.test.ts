import { describe, expect, it } from "vitest";
import type { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { concatBytes, fromHex } from "../../../src/base/hex.ts";
import { capduObject, expandedScript } from "../../../src/codec/ota/script.ts";
import { parseSpi } from "../../../src/codec/ota/spi.ts";
import { readSegment, segmentPacket } from "../../../src/codec/sms/concatenation.ts";
import { wrapCommand } from "../../../src/crypto/command-packet.ts";
import { PacketKeys } from "../../../src/crypto/packet-keys.ts";
import { wrapResponse } from "../../../src/crypto/response-packet.ts";
import type { SmscOutboxItem } from "../../../src/gateway/model/smsc-message.ts";
import { SmscConversations, type SmscSettings } from "../../../src/gateway/smsc/conversations.ts";
import { findTarget } from "../../../src/gateway/targets/target-lookup.ts";
import { Bench, euicc, plainEis } from "../bench.ts";
import { order, ScriptedAccount } from "./smsc-network.ts";

const msisdn = "447700900123";
const tar = fromHex("000001");

function keysOf(card: SimulatedEuicc): PacketKeys {
  const set = card.state.isdR.keySets.find((one) => one.type === "SCP80");
  const key = (id: number) => fromHex(set?.keys.find((one) => one.id === id)?.value ?? "");
  return new PacketKeys({ kic: key(1), kid: key(2) });
}

/** A packet that asks for `commands` GET STATUS; PoR always, ciphered, CC, by SMS-SUBMIT unless told otherwise. */
function packetOf(card: SimulatedEuicc, cntr: number, commands = 1, spi = "1639"): Uint8Array {
  const one = capduObject(fromHex("80F24002024F0000"));
  const data = expandedScript(
    Array.from({ length: commands }, () => one),
    "expanded-definite",
  );
  return wrapCommand({ spi: parseSpi(fromHex(spi)), kic: 0x12, kid: 0x12, tar, cntr, data }, keysOf(card)).packet;
}

const single = (packet: Uint8Array) => concatBytes(Uint8Array.of(2, 0x70, 0), packet);

/** A PoR as a card behind a network sends it. */
function porOf(card: SimulatedEuicc, cntr: number): Uint8Array {
  const input = { spi: parseSpi(fromHex("1639")), kic: 0x12, kid: 0x12, tar, cntr, status: 0, data: fromHex("AF80") };
  return concatBytes(Uint8Array.of(2, 0x71, 0), wrapResponse(input, keysOf(card)).packet);
}

async function setUp(bench: Bench, settings: Partial<SmscSettings> = {}) {
  await bench.gateway.start();
  const card = euicc();
  const desk = new SmscConversations(bench.useCaseDeps, settings);
  desk.start();
  return { card, desk };
}

/** The card behind a network, without a reader. */
async function behindNetwork(bench: Bench, settings: Partial<SmscSettings> = {}) {
  const parts = await setUp(bench, settings);
  await bench.targets.import(plainEis(parts.card));
  await bench.targets.change(parts.card.state.eid, { msisdn });
  const account = new ScriptedAccount();
  bench.gateway.attach(account.link);
  return { ...parts, account };
}

async function inReader(bench: Bench, settings: Partial<SmscSettings> = {}) {
  const parts = await setUp(bench, settings);
  const link = await bench.add(parts.card);
  await bench.targets.change(parts.card.state.eid, { msisdn });
  return { ...parts, link };
}

const items = (bench: Bench, client = "smsr") => bench.store.read((r) => r.smsc.pull(client, 100));
const receiptsIn = (all: readonly SmscOutboxItem[]) =>
  all.filter((item): item is Extract<SmscOutboxItem, { kind: "receipt" }> => item.kind === "receipt");
const messagesIn = (all: readonly SmscOutboxItem[]) =>
  all.filter((item): item is Extract<SmscOutboxItem, { kind: "message" }> => item.kind === "message");

describe("segments that a client submits one by one", () => {
  it("reach the card together and in order, whatever their order; the PoR comes once, a receipt for each", async () => {
    await using bench = await Bench.open();
    const { card, desk, link } = await inReader(bench);
    await using _desk = desk;
    const segments = segmentPacket(packetOf(card, 0x100, 24), "command", { reference: 9, referenceBits: 8 });
    expect(segments.length).toBe(3);
    const submit = (sequence: number) =>
      desk.submit(
        order(msisdn, segments[sequence - 1] ?? new Uint8Array(0), {
          segment: { reference: 9, referenceBits: 8, total: 3, sequence },
        }),
      );
    const ids = [await submit(3), await submit(1)];
    await bench.run({
      target: card.state.eid,
      work: { kind: "es5", function: "auditResources" },
      origin: { face: "api" },
    });
    const between = link.submitted.length;
    ids.push(await submit(2));
    const all = await bench.until(async () => {
      const found = await items(bench);
      return receiptsIn(found).length === 3 && messagesIn(found).length > 1 ? found : undefined;
    });
    expect(link.submitted.slice(between, between + 3).map((sms) => sms.userData)).toEqual(segments);
    expect(new Set(receiptsIn(all).map((item) => item.messageId))).toEqual(new Set(ids.map((one) => one.messageId)));
    expect(receiptsIn(all).every((item) => item.state === "delivered")).toBe(true);
    const answers = messagesIn(all).filter((item) => (readSegment(item.userData).concatenation?.sequence ?? 1) === 1);
    // The direct report (0B) and the PoR, which both answer the whole command.
    expect(answers.length).toBe(2);
  });

  it("go as they are when the others do not come", async () => {
    await using bench = await Bench.open();
    const { desk, account, card } = await behindNetwork(bench, { segmentWaitMs: 50 });
    await using _desk = desk;
    const segments = segmentPacket(packetOf(card, 0x100, 16), "command", { reference: 9, referenceBits: 8 });
    const [, second = new Uint8Array(0)] = segments;
    await desk.submit(order(msisdn, second, { segment: { reference: 9, referenceBits: 8, total: 2, sequence: 2 } }));
    await bench.until(async () => (account.submitted.length === 1 ? true : undefined));
    expect(account.submitted[0]?.userData).toEqual(second);
  });

  it("are not held in transaction mode, and can be cancelled while they are held", async () => {
    await using bench = await Bench.open();
    const { desk, account, card } = await behindNetwork(bench, { transactionMs: 100 });
    await using _desk = desk;
    const [first = new Uint8Array(0)] = segmentPacket(packetOf(card, 1, 16), "command", {
      reference: 9,
      referenceBits: 8,
    });
    const segment = { reference: 9, referenceBits: 8 as const, total: 2, sequence: 1 };
    await desk.submit(order(msisdn, first, { segment, mode: "transaction" }));
    expect(account.submitted.length).toBe(1);
    const { messageId } = await desk.submit(order(msisdn, first, { segment }));
    expect(await desk.cancel("other", { messageId, source: "12345", destination: msisdn })).toBe(false);
    expect(await desk.cancel("smsr", { messageId, source: "12345", destination: msisdn })).toBe(true);
    expect(await desk.query("smsr", messageId)).toMatchObject({ state: "deleted" });
    expect(receiptsIn(await items(bench)).map((item) => item.state)).toEqual(["deleted"]);
  });

  it("and scheduled messages are cancelled by their addresses, those that were sent are not", async () => {
    await using bench = await Bench.open();
    const { desk, account, card } = await behindNetwork(bench);
    await using _desk = desk;
    const packet = packetOf(card, 1);
    const sent = await desk.submit(order(msisdn, single(packet)));
    await bench.until(async () => account.submitted.length === 1);
    const segment = { reference: 9, referenceBits: 8 as const, total: 2, sequence: 1 };
    const held = await desk.submit(order(msisdn, single(packet), { segment }));
    const scheduled = await desk.submit(order(msisdn, single(packet), { notBefore: Date.now() + 60_000 }));
    const addresses = { messageId: "", source: "12345", destination: msisdn };
    expect(await desk.cancel("other", addresses)).toBe(false);
    expect(await desk.cancel("smsr", addresses)).toBe(true);
    const states = [sent, held, scheduled].map(async ({ messageId }) => (await desk.query("smsr", messageId))?.state);
    expect(await Promise.all(states)).toEqual(["enroute", "deleted", "deleted"]);
    expect(await desk.cancel("smsr", addresses)).toBe(false);
  });
});

describe("the fate of a message behind a network", () => {
  it("is told by a receipt, also after a restart of the gateway", async () => {
    const first = await Bench.open();
    const { card, desk, account } = await behindNetwork(first);
    const { messageId } = await desk.submit(order(msisdn, single(packetOf(card, 1))));
    await first.until(async () => (await first.store.read((r) => r.packets.partNamed("smsc:below", ["id-1"]))) && true);
    expect(await desk.query("smsr", messageId)).toMatchObject({ state: "enroute" });
    expect(account.submitted.length).toBe(1);
    await desk[Symbol.asyncDispose]();
    await first.close();
    await using bench = await Bench.open(first.folder);
    await bench.gateway.start();
    const again = new ScriptedAccount();
    bench.gateway.attach(again.link);
    await again.receipt("id-1");
    const all = await bench.until(async () => {
      const found = await items(bench);
      return found.length > 0 ? found : undefined;
    });
    expect(receiptsIn(all)).toMatchObject([{ messageId, state: "delivered" }]);
    await again.receipt("id-1", "failed");
    await bench.gateway.inbound.idle();
    expect((await items(bench)).length).toBe(1);
  });

  it("is told by a receipt that was quicker than the answer to the submit, or that came although none did", async () => {
    await using bench = await Bench.open();
    const { card, desk, account } = await behindNetwork(bench);
    await using _desk = desk;
    account.answer = async (sms, count) => {
      await account.hand({ kind: "receipt", reference: sms.reference, state: "delivered" });
      await bench.gateway.inbound.idle();
      if (count === 1) return { at: "accepted", networkReference: "id-1" };
      throw new GatewayError("link.lost", "the session ended", { fate: "unknown" });
    };
    for (const cntr of [1, 2]) await desk.submit(order(msisdn, single(packetOf(card, cntr))));
    const all = await bench.until(async () => {
      const found = await items(bench);
      return found.length === 2 ? found : undefined;
    });
    expect(receiptsIn(all).map((item) => item.state)).toEqual(["delivered", "delivered"]);
  });

  it("is reported on the way, too, when that receipt was quicker than the answer to the submit", async () => {
    await using bench = await Bench.open();
    const { card, desk, account } = await behindNetwork(bench);
    await using _desk = desk;
    account.answer = async ({ reference }) => {
      await account.hand({ kind: "receipt", reference, state: "pending", verdict: { state: "accepted" } });
      return { at: "accepted", networkReference: "id-1" };
    };
    const { messageId } = await desk.submit(order(msisdn, single(packetOf(card, 1)), { intermediateReceipt: true }));
    const [first] = await bench.until(async () => {
      const receipts = receiptsIn(await items(bench));
      return receipts.length > 0 ? receipts : undefined;
    });
    expect(first).toMatchObject({ messageId, state: "accepted", intermediate: true });
    await account.receipt("id-1");
    const states = async () => receiptsIn(await items(bench)).map(({ state }) => state);
    await bench.until(async () => ((await states()).length === 2 ? true : undefined));
    expect(await states()).toEqual(["accepted", "delivered"]);
  });

  it("is unknown when no answer came: nothing is sent again, and a late answer or receipt still settles it", async () => {
    await using bench = await Bench.open();
    const { card, desk, account } = await behindNetwork(bench);
    await using _desk = desk;
    account.answer = async () => {
      throw new GatewayError("link.timeout", "submit_sm was not answered in time", { fate: "unknown" });
    };
    const { messageId } = await desk.submit(order(msisdn, single(packetOf(card, 1))));
    await bench.until(async () => ((await desk.query("smsr", messageId))?.state === "unknown" ? true : undefined));
    expect(account.submitted.length).toBe(1);
    expect(await items(bench)).toEqual([]);
    const [sms] = account.submitted;
    await account.hand({ kind: "receipt", reference: sms?.reference ?? "", networkReference: "77", state: "pending" });
    await bench.until(async () => ((await desk.query("smsr", messageId))?.state === "enroute" ? true : undefined));
    await account.receipt("77");
    await bench.until(async () => ((await desk.query("smsr", messageId))?.state === "delivered" ? true : undefined));
    expect(receiptsIn(await items(bench)).map((item) => item.state)).toEqual(["delivered"]);
  });

  it("stays unknown for good when its time is over, and the client is told", async () => {
    await using bench = await Bench.open();
    const { card, desk } = await behindNetwork(bench, { graceMs: 0 });
    const { messageId } = await desk.submit(order(msisdn, single(packetOf(card, 1)), { validUntil: Date.now() + 300 }));
    await bench.until(async () => ((await desk.query("smsr", messageId))?.state === "enroute" ? true : undefined));
    await desk[Symbol.asyncDispose]();
    await systemClock.sleep(350);
    await using later = new SmscConversations(bench.useCaseDeps, { graceMs: 0 });
    later.start();
    await bench.until(async () => ((await items(bench)).length > 0 ? true : undefined));
    expect(receiptsIn(await items(bench)).map((item) => item.state)).toEqual(["unknown"]);
  });

  it("goes on at once when its link comes up, but not before the time its client asked for", async () => {
    await using bench = await Bench.open();
    const { card, desk, account } = await behindNetwork(bench);
    await using _desk = desk;
    account.up = false;
    const soon = Date.now() + 1_500;
    const scheduled = await desk.submit(order(msisdn, single(packetOf(card, 2)), { notBefore: soon }));
    const { messageId } = await desk.submit(order(msisdn, single(packetOf(card, 1))));
    expect(await desk.query("smsr", scheduled.messageId)).toMatchObject({ state: "scheduled" });
    const { job = "job_" } = (await bench.store.read((r) => r.smsc.message(messageId))) ?? {};
    await bench.until(async () => ((await bench.gateway.jobs.get(job)).note === undefined ? undefined : true));
    account.up = true;
    bench.gateway.links.changed("smsc:below");
    await bench.until(async () => (account.submitted.length === 1 ? true : undefined), 1_000);
    expect(account.submitted[0]?.userData).toEqual(single(packetOf(card, 1)));
    await bench.until(async () => (account.submitted.length === 2 ? true : undefined));
    expect(Date.now()).toBeGreaterThanOrEqual(soon);
  });

  it("expires when nothing carries it in time, with a receipt", async () => {
    await using bench = await Bench.open();
    const { card, desk, account } = await behindNetwork(bench);
    await using _desk = desk;
    account.up = false;
    const submit = (validUntil: number, notBefore: number) =>
      desk.submit(order(msisdn, single(packetOf(card, 1)), { validUntil, notBefore, receipt: "on-failure" }));
    await expect(submit(Date.now() + 1_000, Date.now() + 2_000)).rejects.toMatchObject({ code: "codec.value" });
    await submit(Date.now() + 200, Date.now());
    await bench.until(async () => ((await items(bench)).length > 0 ? true : undefined));
    expect(receiptsIn(await items(bench)).map((item) => item.state)).toEqual(["expired"]);
  });

  it("is what transaction mode waits for", async () => {
    await using bench = await Bench.open();
    const { card, desk, account } = await behindNetwork(bench);
    await using _desk = desk;
    const fate = (state: "delivered" | "failed") => {
      account.answer = async (_, count) => {
        setTimeout(() => void account.receipt(`id-${count}`, state), 30);
        return { at: "accepted", networkReference: `id-${count}` };
      };
      return desk.submit(order(msisdn, single(packetOf(card, 1)), { mode: "transaction", receipt: "never" }));
    };
    await expect(fate("delivered")).resolves.toMatchObject({ messageId: expect.any(String) });
    await expect(fate("failed")).rejects.toMatchObject({ code: "smsc.status", detail: { status: 0xfe } });
  });
});

describe("what a card says", () => {
  const reply = (userData: Uint8Array, from: string, to?: string) => ({
    kind: "message" as const,
    from,
    ...withoutUndefined({ to }),
    userData,
    userDataHeader: true,
    protocolId: 0x7f,
    dataCoding: 0xf6,
  });

  it("goes to the client whose command it answers: by counter where keys are known", async () => {
    await using bench = await Bench.open();
    const { card, desk, account } = await behindNetwork(bench);
    await using _desk = desk;
    await desk.submit(order(msisdn, single(packetOf(card, 0x11)), { client: "first", receipt: "never" }));
    await desk.submit(order(msisdn, single(packetOf(card, 0x12)), { client: "second", receipt: "never" }));
    await bench.until(async () => (account.submitted.length === 2 ? true : undefined));
    for (const cntr of [0x11, 0x12, 0x11]) await account.hand(reply(porOf(card, cntr), msisdn));
    await bench.until(async () => ((await items(bench, "second")).length >= 2 ? true : undefined));
    expect((await items(bench, "first")).map((item) => "userData" in item && item.userData)).toEqual([
      porOf(card, 0x11),
    ]);
    // A second copy answers nothing open any more: it goes to whoever talks with the card.
    expect((await items(bench, "second")).length).toBe(2);
  });

  it("goes by TAR, number and time where keys are not known", async () => {
    await using bench = await Bench.open();
    const { card, desk, account } = await behindNetwork(bench);
    await using _desk = desk;
    const stranger = euicc({ seed: "another card's keys" });
    const submit = (client: string, number: string, cntr: number) =>
      desk.submit(order(msisdn, single(packetOf(stranger, cntr)), { client, number, receipt: "never" }));
    await submit("first", "111111", 1);
    await submit("second", "222222", 2);
    await bench.until(async () => (account.submitted.length === 2 ? true : undefined));
    await account.hand(reply(porOf(stranger, 2), msisdn, "222222"));
    await account.hand(reply(porOf(stranger, 1), msisdn, "111111"));
    await bench.until(async () => ((await items(bench, "first")).length > 0 ? true : undefined));
    expect((await items(bench, "second")).map((item) => "userData" in item && item.userData)).toEqual([
      porOf(stranger, 2),
    ]);
    expect(messagesIn(await items(bench, "first"))).toMatchObject([
      { source: { addr: msisdn }, destination: { addr: "111111" } },
    ]);
    expect(card.state.eid).not.toBe(stranger.state.eid);
  });

  it("carries the number the card has after a switch, and reaches it under the old one", async () => {
    await using bench = await Bench.open();
    const { card, desk, account } = await behindNetwork(bench);
    await using _desk = desk;
    await desk.submit(order(msisdn, single(packetOf(card, 1)), { receipt: "never" }));
    const target = await bench.store.read((r) => findTarget(r, card.state.eid));
    const profiles = target.esimProfiles.map((profile, index) => ({
      ...profile,
      msisdn: index === 0 ? msisdn : "447700900999",
      state: index === 1 ? ("enabled" as const) : ("disabled" as const),
    }));
    await bench.store.write((r) =>
      r.targets.update({ ...target, esimProfiles: profiles, msisdn: "447700900999", version: target.version + 1 }),
    );
    await desk.submit(order(msisdn, single(packetOf(card, 2)), { receipt: "never" }));
    await bench.until(async () => (account.submitted.length === 2 ? true : undefined));
    expect(account.submitted.map((sms) => sms.to)).toEqual([msisdn, "447700900999"]);
    expect(account.submitted[1]?.from).toBe("12345");
    const text = { ...reply(new TextEncoder().encode("hello"), "447700900999", "12345"), userDataHeader: false };
    await account.hand(text);
    await bench.until(async () => ((await items(bench)).length > 0 ? true : undefined));
    expect((await items(bench))[0]).toMatchObject({ source: { addr: "447700900999" }, destination: { addr: "12345" } });
  });
});
