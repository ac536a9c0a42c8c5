import { describe, expect, it } from "vitest";
import type { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { concatBytes, fromHex } from "../../../src/base/hex.ts";
import { parseAid } from "../../../src/codec/euicc/aid.ts";
import { parseSpi } from "../../../src/codec/ota/spi.ts";
import { wrapCommand } from "../../../src/crypto/command-packet.ts";
import { PacketKeys } from "../../../src/crypto/packet-keys.ts";
import { feedJob } from "../../../src/gateway/job-effects.ts";
import type { Target } from "../../../src/gateway/model/target.ts";
import { Scp81Store } from "../../../src/gateway/scp81/dialog-store.ts";
import { Bench, euicc, plainEis } from "../bench.ts";
import { ScriptedAccount } from "../smsc/smsc-network.ts";

const msisdn = "447700900123";
const tlv = (tag: string, value: string) => `${tag}${(value.length / 2).toString(16).padStart(2, "0")}${value}`;

/** E1 of SGP.02 §4.1.1.11. */
function notification(
  eid: string,
  type: number,
  aid: string,
  imei = "3A55440033221106",
  sequence = "0000",
): Uint8Array {
  const fields = [tlv("4C", eid), tlv("4D", `0${type}`), tlv("4E", sequence), tlv("4F", aid), tlv("14", imei)];
  return fromHex(tlv("E1", fields.join("")));
}

function keysOf(card: SimulatedEuicc): PacketKeys {
  const set = card.state.isdR.keySets.find((one) => one.type === "SCP80");
  const key = (id: number) => fromHex(set?.keys.find((one) => one.id === id)?.value ?? "");
  return new PacketKeys({ kic: key(1), kid: key(2) });
}

function secured(card: SimulatedEuicc, data: Uint8Array, spi = "0200", cntr = 0): Uint8Array {
  const input = { spi: parseSpi(fromHex(spi)), kic: 0x12, kid: 0x12, tar: fromHex("000001"), cntr, data };
  return concatBytes(Uint8Array.of(2, 0x70, 0), wrapCommand(input, keysOf(card)).packet);
}

const message = (userData: Uint8Array, from = "491700000000") => ({
  kind: "message" as const,
  from,
  userData,
  userDataHeader: userData[1] === 0x70,
  protocolId: 0x7f,
  dataCoding: 0xf6,
});

async function behindNetwork(bench: Bench) {
  await bench.gateway.start();
  const card = euicc();
  await bench.targets.import(plainEis(card));
  await bench.targets.change(card.state.eid, { msisdn });
  const account = new ScriptedAccount();
  bench.gateway.attach(account.link);
  const { eid, profiles } = card.state;
  const [now = "", next = ""] = [profiles[0]?.aid, profiles[1]?.aid];
  const enabled = async () => {
    const { target } = await bench.targets.show(eid);
    return target.esimProfiles.find((profile) => profile.state === "enabled")?.aid;
  };
  return { card, account, eid, now, next, enabled };
}

async function openSwitch(bench: Bench, { id }: Target, isdP: string): Promise<void> {
  const at = Date.now();
  const aid = parseAid(isdP);
  const open = { id: "prc_open", target: id, job: "job_x", kind: "enable", aid, at: "accepted" } as const;
  await bench.store.write((r) => r.profileSwitches.put({ ...open, acceptedAt: at, holdUntil: at + 60_000 }));
}

async function received(bench: Bench, count = 1) {
  return bench.until(async () => {
    const found = await bench.store.read((r) => r.notifications.list(undefined, undefined, 10));
    return found.length >= count ? found : undefined;
  });
}

describe("a notification that does not prove its card", () => {
  it.each([
    ["bare", (_: SimulatedEuicc, e1: Uint8Array) => e1],
    ["in a packet without CC", (card: SimulatedEuicc, e1: Uint8Array) => secured(card, e1, "0000")],
    ["in a packet whose CC fails", (_: SimulatedEuicc, e1: Uint8Array) => secured(euicc({ seed: "somebody" }), e1)],
  ])("is shown and moves nothing: %s", async (_, wrap) => {
    await using bench = await Bench.open();
    const { card, account, eid, now, next, enabled } = await behindNetwork(bench);
    const { target } = await bench.targets.show(eid);
    await openSwitch(bench, target, next);
    await account.hand(message(wrap(card, notification(eid, 2, next)), msisdn));
    const [seen] = await received(bench);
    expect(seen).toMatchObject({ eid, target: target.id, verified: false, confirmation: "none" });
    // A second one says that the card went back.
    await account.hand(message(wrap(card, notification(eid, 3, now))));
    await received(bench, 2);
    expect(await enabled()).toBe(now);
    expect((await bench.store.read((r) => r.profileSwitches.latest(target.id)))?.at).toBe("accepted");
    expect(await bench.store.read((r) => r.jobs.list({ target: target.id }, undefined, 10))).toEqual([]);
    expect((await bench.targets.show(eid)).target.version).toBe(target.version);
  });

  it("does not hide the proven one with the same octets that comes later", async () => {
    await using bench = await Bench.open();
    const { card, account, eid, next, enabled } = await behindNetwork(bench);
    await account.hand(message(notification(eid, 2, next)));
    await received(bench);
    await account.hand(message(secured(card, notification(eid, 2, next)), "491701111111"));
    expect(await received(bench, 2)).toMatchObject([{ verified: true, confirmation: "pending" }, { verified: false }]);
    expect(await enabled()).toBe(next);
  });

  it("counts by the target's setting, unless its CC fails", async () => {
    await using bench = await Bench.open();
    const { account, eid, now, next, enabled } = await behindNetwork(bench);
    await bench.targets.change(eid, { settings: { unsecuredNotifications: "accept" } });
    await account.hand(message(secured(euicc({ seed: "somebody" }), notification(eid, 2, next))));
    await received(bench);
    expect(await enabled()).toBe(now);
    await account.hand(message(notification(eid, 2, next)));
    expect((await received(bench, 2))[0]).toMatchObject({ verified: false, confirmation: "pending" });
    expect(await enabled()).toBe(next);
  });

  it("names another card than the one whose keys or reader bring it", async () => {
    await using bench = await Bench.open();
    const { account, eid, now, next, enabled } = await behindNetwork(bench);
    const other = euicc({ eid: "89049011122233344455566677788899", seed: "another card" });
    await bench.add(other, "reader B");
    // By the keys of the other one.
    await account.hand(message(secured(other, notification(eid, 2, next))));
    await received(bench);
    // By the reader that holds the other one.
    const { target } = await bench.targets.show(other.state.eid);
    await bench.gateway.inbound.accept("reader B", message(notification(eid, 2, next, "3A66550044332217")), target.id);
    expect(await received(bench, 2)).toMatchObject([{ verified: false }, { verified: false }]);
    expect(await enabled()).toBe(now);
  });
});

describe("a secured notification that comes again", () => {
  const imei = "3A55440033221106";

  it.each(["1200", "1A00", "0200", "0A00"])("by SPI %s moves nothing, an open switch neither", async (spi) => {
    await using bench = await Bench.open();
    const { card, account, eid, now, next, enabled } = await behindNetwork(bench);
    const first = secured(card, notification(eid, 2, next, imei, "0001"), spi, 7);
    await account.hand(message(first, msisdn));
    await received(bench);
    expect(await enabled()).toBe(next);
    await account.hand(message(secured(card, notification(eid, 2, now, imei, "0002"), spi, 8), msisdn));
    await received(bench, 2);
    expect(await enabled()).toBe(now);
    const { target } = await bench.targets.show(eid);
    const before = await bench.store.read((r) => r.jobs.list({ target: target.id }, undefined, 10));
    await bench.store.write(async (r) => {
      for (const { id } of await r.notifications.list(undefined, undefined, 10))
        await r.notifications.patch(id, { lastAt: Date.now() - 3_600_000 });
    });
    await openSwitch(bench, target, next);
    await account.hand(message(first, "491709999999"));
    const copied = await bench.until(async () => {
      const found = (await received(bench, 2)).filter(({ copies }) => copies === 2);
      return found.length > 0 ? found : undefined;
    });
    expect(copied).toMatchObject([{ sequence: "0001", verified: true }]);
    expect(await received(bench, 2)).toHaveLength(2);
    expect(await enabled()).toBe(now);
    expect((await bench.store.read((r) => r.profileSwitches.latest(target.id)))?.at).toBe("accepted");
    const after = await bench.store.read((r) => r.jobs.list({ target: target.id }, undefined, 10));
    expect(after).toHaveLength(before.length);
  });

  it("under a counter that was passed is shown and moves nothing", async () => {
    await using bench = await Bench.open();
    const { card, account, eid, now, next, enabled } = await behindNetwork(bench);
    await account.hand(message(secured(card, notification(eid, 2, now, imei, "0002"), "1200", 8)));
    await received(bench);
    await account.hand(message(secured(card, notification(eid, 2, next, imei, "0001"), "1200", 7)));
    expect((await received(bench, 2))[0]).toMatchObject({ sequence: "0001", verified: false, confirmation: "none" });
    expect(await enabled()).toBe(now);
  });
});

describe("a notification in an administration session", () => {
  it("counts for the card whose PSK opened it, and for no other", async () => {
    await using bench = await Bench.open();
    const { eid, now, next, enabled } = await behindNetwork(bench);
    const { target } = await bench.targets.import(plainEis(euicc({ seed: "another card" })));
    const { store, gateway } = bench;
    const sessions = new Scp81Store({
      store,
      clock: systemClock,
      notifications: gateway.notifications,
      feed: feedJob,
      holdOpenMs: 0,
      wake: () => {},
    });
    const step = { settled: [], notification: notification(eid, 2, next), next: { do: "stop" } } as const;
    await sessions.advance(target.id, step);
    expect(await received(bench)).toMatchObject([{ eid, verified: false, confirmation: "none", via: "https" }]);
    expect(await enabled()).toBe(now);
    await sessions.advance((await bench.targets.show(eid)).target.id, step);
    expect((await received(bench, 2))[0]).toMatchObject({ eid, verified: true, confirmation: "pending" });
    expect(await enabled()).toBe(next);
  });
});

describe("a notification with other content", () => {
  it("is not a copy: the card is in another device", async () => {
    await using bench = await Bench.open();
    const { card, account, eid, now } = await behindNetwork(bench);
    for (const imei of ["3A55440033221106", "3A66550044332217", "3A66550044332217"])
      await account.hand(message(secured(card, notification(eid, 1, now, imei))));
    const found = await bench.until(async () => {
      const all = await received(bench, 2);
      return all[0]?.copies === 2 ? all : undefined;
    });
    expect(found).toMatchObject([
      { verified: true, copies: 2, raw: notification(eid, 1, now, "3A66550044332217") },
      { verified: true, copies: 1, raw: notification(eid, 1, now, "3A55440033221106") },
    ]);
    expect(found[0]?.imei).not.toBe(found[1]?.imei);
  });
});
