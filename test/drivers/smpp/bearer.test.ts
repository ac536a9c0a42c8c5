import { afterEach, describe, expect, it } from "vitest";
import type { SmppAccount } from "../../../drivers/smpp/account.ts";
import type { SmscBehaviour } from "../../../simulators/smsc/behaviour.ts";
import { type SimulatedSms, SmscStore } from "../../../simulators/smsc/message-store.ts";
import { SimulatedSmsc } from "../../../simulators/smsc/smsc.ts";
import type { InboundItem, SmsBearer } from "../../../src/link/sms-bearer.ts";
import { commandSms, never, openBearer, packet, until } from "./account.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function bench(behaviour: Partial<SmscBehaviour> = {}, settings: Partial<SmppAccount> = {}) {
  const store = new SmscStore();
  const arrived: SimulatedSms[] = [];
  store.attach("*", async (sms) => {
    arrived.push(sms);
    return { ack: true };
  });
  const smsc = await SimulatedSmsc.open({ behaviour, store });
  open.push(smsc);
  const bearer = await openBearer(smsc.port, settings);
  open.push(bearer);
  const items: InboundItem[] = [];
  bearer.onInbound(async (item) => void items.push(item));
  return { store, smsc, bearer, arrived, items };
}

function receipts(items: readonly InboundItem[]) {
  return items.filter((item) => item.kind === "receipt");
}

describe("an SMPP account against an SMSC of another make", () => {
  it("carries a command packet octet for octet, class 2 and PID 7F", async () => {
    const { bearer, arrived } = await bench();
    const outcome = await bearer.submit(commandSms(), never);
    expect(outcome).toEqual({ at: "accepted", networkReference: "1" });
    await until(() => arrived.length === 1);
    expect(arrived[0]).toEqual({
      from: "12345",
      to: "491701234567",
      userData: packet,
      userDataHeader: true,
      protocolId: 0x7f,
      dataCoding: 0xf6,
    });
  });

  it.each(["decimal", "hex", "resp-hex", "dlr-hex", "padded", "uuid", "constant", "empty"] as const)(
    "matches receipts when ids are %s",
    async (ids) => {
      const { bearer, items } = await bench({ ids });
      const sent = Array.from({ length: 20 }, (_, i) => commandSms({ to: `4917012345${i + 10}` }));
      await Promise.all(sent.map((sms) => bearer.submit(sms, never)));
      await until(() => items.length === sent.length);
      expect(
        receipts(items)
          .map(({ reference }) => reference)
          .sort(),
      ).toEqual(sent.map(({ reference }) => reference).sort());
      expect(receipts(items).every(({ state }) => state === "delivered")).toBe(true);
    },
  );

  it.each(["standard", "short", "columns", "letters"] as const)(
    "matches receipts written in the %s style without parameters",
    async (receiptStyle) => {
      const { bearer, items } = await bench({ receiptStyle, receiptTlvs: false });
      const sms = commandSms();
      await bearer.submit(sms, never);
      await until(() => items.length === 1);
      expect(items[0]).toMatchObject({ kind: "receipt", reference: sms.reference, state: "delivered" });
    },
  );

  it("takes receipts that overtake their response", async () => {
    const { bearer, items } = await bench({ receiptFirst: true, latencyMs: 60 });
    const sms = commandSms();
    await bearer.submit(sms, never);
    await until(() => items.length === 1);
    expect(items[0]).toMatchObject({ kind: "receipt", reference: sms.reference, state: "delivered" });
  });

  it("takes receipts and messages by data_sm", async () => {
    const { bearer, items, smsc } = await bench({ deliverAs: "data_sm" });
    await bearer.submit(commandSms(), never);
    const answer = Uint8Array.from([0x02, 0x71, 0x00, 0x00, 0x0b, 0xff]);
    await smsc.mobileOriginated(
      { from: "491701234567", to: "12345", userData: answer, userDataHeader: true, protocolId: 0, dataCoding: 4 },
      "tester",
    );
    await until(() => items.length === 2);
    expect(items.find(({ kind }) => kind === "message")).toMatchObject({ userData: answer, userDataHeader: true });
  });

  it.each([0, 1, 2, 8, 0xf6])(
    "takes a proof of receipt with data_coding %i, with and without UDHI",
    async (dataCoding) => {
      const { items, smsc } = await bench();
      const answer = Uint8Array.from([0x02, 0x71, 0x00, 0x00, 0x0e, 0x0a, 0x80, 0x81, 0xff, 0x00, 0x1b, 0x24]);
      for (const userDataHeader of [true, false]) {
        await smsc.mobileOriginated({
          from: "",
          to: "",
          userData: answer,
          userDataHeader,
          protocolId: 0x7f,
          dataCoding,
        });
      }
      expect(items).toEqual(
        [0, 1].map(() => ({ kind: "message", userData: answer, userDataHeader: true, protocolId: 0x7f, dataCoding })),
      );
    },
  );

  it("turns sar parameters of a message into the concatenation element", async () => {
    const { items, smsc } = await bench();
    const sms = {
      from: "1",
      to: "2",
      userData: Uint8Array.of(9, 8, 7),
      userDataHeader: false,
      protocolId: 0,
      dataCoding: 4,
    };
    await smsc.mobileOriginated(sms, "*", { sar_msg_ref_num: 0x1234, sar_total_segments: 2, sar_segment_seqnum: 1 });
    expect(items[0]).toMatchObject({
      userDataHeader: true,
      userData: Uint8Array.of(6, 8, 4, 0x12, 0x34, 2, 1, 9, 8, 7),
    });
  });

  it("acknowledges a message only after its handler is done, and asks for it again when that fails", async () => {
    const { store, smsc } = await bench();
    const bearer = await openBearer(smsc.port);
    open.push(bearer);
    let fails = 2;
    let calls = 0;
    bearer.onInbound(async () => {
      calls += 1;
      if (fails-- > 0) throw new Error("disk full");
    });
    await until(() => smsc.bound.length === 2);
    await open.splice(1, 1)[0]?.[Symbol.asyncDispose]();
    await smsc.mobileOriginated({
      from: "1",
      to: "2",
      userData: packet,
      userDataHeader: true,
      protocolId: 0,
      dataCoding: 4,
    });
    expect(calls).toBe(3);
    expect(store.deliveries).toHaveLength(0);
  });

  it.each([
    ["udh", "submit_sm"],
    ["sar", "submit_sm"],
    ["payload", "submit_sm"],
    ["udh", "data_sm"],
    ["sar", "data_sm"],
  ] as const)("carries segments as %s by %s", async (carriage, command) => {
    const { bearer, arrived } = await bench({}, { carriage, command });
    const first = Uint8Array.from([0x07, 0x00, 0x03, 0x2a, 2, 1, 0x70, 0x00, ...packet.subarray(3)]);
    const second = Uint8Array.from([0x05, 0x00, 0x03, 0x2a, 2, 2, ...packet.subarray(3)]);
    await bearer.submit(commandSms({ userData: first, moreToCome: true }), never);
    await bearer.submit(commandSms({ userData: second }), never);
    await until(() => arrived.length === 2);
    expect(arrived.map(({ userData }) => userData)).toEqual([first, second]);
    expect(arrived.every(({ protocolId, userDataHeader }) => protocolId === 0x7f && userDataHeader)).toBe(true);
  });

  it("honours throttling: everything arrives, once, and the rate comes down", async () => {
    const { bearer, arrived } = await bench({ throttleAbove: 20 }, { window: 5 });
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, () => bearer.submit(commandSms({ receipt: false }), never)),
    );
    expect(outcomes).toHaveLength(30);
    await until(() => arrived.length === 30);
    expect(bearer.load.rate).toBeLessThan(20);
  });

  it("gives a lost response the fate unknown and goes on", async () => {
    const { bearer } = await bench({ responseLoss: 1 }, { responseMs: 60 });
    await expect(bearer.submit(commandSms(), never)).rejects.toMatchObject({
      code: "link.timeout",
      fate: "unknown",
    });
  });

  it("maps refusals to their retry class", async () => {
    const { bearer } = await bench({ dataCodings: { "246": "refuse" } });
    await expect(bearer.submit(commandSms(), never)).rejects.toMatchObject({
      code: "smsc.configuration",
      retry: "never",
      fate: "not-sent",
      detail: { status: 0x104 },
    });
  });

  it("classifies overridden statuses as the account configures", async () => {
    const { bearer } = await bench({ dataCodings: { "246": "refuse" } }, { statusClasses: { "0x104": "temporary" } });
    await expect(bearer.submit(commandSms(), never)).rejects.toMatchObject({ code: "smsc.temporary", retry: "later" });
  });

  it("binds in pairs when the SMSC grants no transceivers", async () => {
    const { bearer, smsc, items } = await bench({}, { bindMode: "tx+rx", binds: 2 });
    await until(() => smsc.bound.length === 4);
    await bearer.submit(commandSms(), never);
    await until(() => items.length === 1);
    expect(bearer.binds.map(({ mode }) => mode)).toEqual(["tx", "rx", "tx", "rx"]);
  });

  it("survives a peer that sends one octet at a time", async () => {
    const { bearer, items } = await bench({ dribble: true });
    await Promise.all(Array.from({ length: 5 }, () => bearer.submit(commandSms(), never)));
    await until(() => items.length === 5);
  });

  it("comes back after an unbind and after a crash, and knows what it does not know", async () => {
    const { bearer, smsc, store } = await bench();
    await until(() => bearer.state.up);
    smsc.unbindAll();
    await until(() => !bearer.state.up);
    await until(() => bearer.state.up);
    const { port } = smsc;
    await smsc.close();
    await until(() => !bearer.state.up);
    const waiting = bearer.submit(commandSms(), never);
    const again = await SimulatedSmsc.open({ port, store });
    open.push(again);
    await expect(waiting).resolves.toMatchObject({ at: "accepted" });
  });

  it("reports not-sent for messages that were not sent", async () => {
    const { smsc, bearer } = await bench({}, { patienceMs: 50 });
    await smsc.close();
    await until(() => !bearer.state.up);
    await expect(bearer.submit(commandSms(), never)).rejects.toMatchObject({
      code: "link.unavailable",
      fate: "not-sent",
    });
    const giveUp = new AbortController();
    const given: Promise<unknown> = (bearer satisfies SmsBearer).submit(commandSms(), giveUp.signal);
    giveUp.abort();
    await expect(given).rejects.toMatchObject({ fate: "not-sent" });
  });

  it("does not hammer an SMSC that refuses its password", async () => {
    const { bearer, smsc } = await bench({ accounts: [{ systemId: "tester", password: "other" }] });
    await until(() => bearer.state.reason?.includes("ESME_RINVPASWD") ?? false);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(smsc.bound).toEqual([]);
    expect(bearer.binds[0]).toMatchObject({ up: false, reason: "the SMSC refused the bind: ESME_RINVPASWD" });
  });
});
