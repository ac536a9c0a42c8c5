import { afterEach, describe, expect, it } from "vitest";
import type { SmppAccount } from "../../../drivers/smpp/account.ts";
import type { SmppBearer } from "../../../drivers/smpp/bearer.ts";
import { assemble, type Pending, readSegment, segmentPacket } from "../../../src/codec/sms/concatenation.ts";
import type { InboundItem } from "../../../src/link/sms-bearer.ts";
import { commandSms, never, openBearer, packet, until } from "../../drivers/smpp/account.ts";
import { cstring, message, RawSmsc, raw } from "./raw-peer.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

const answer = Uint8Array.from([0x02, 0x71, 0x00, 0x00, 0x0b, 0x0a, 0xff, 0x80]);

async function bench(settings: Partial<SmppAccount> = {}) {
  const smsc = await RawSmsc.open();
  open.push(smsc);
  const bearer = await openBearer(smsc.port, settings);
  open.push(bearer);
  const items: InboundItem[] = [];
  bearer.onInbound(async (item) => void items.push(item));
  await until(() => bearer.state.up);
  return { smsc, bearer, items };
}

/** After whatever happened, a new message goes through. */
async function works(smsc: RawSmsc, bearer: SmppBearer): Promise<void> {
  smsc.onPdu = ({ id, sequence }, connection) => {
    if (id === 4) connection.send(raw(0x80000004, sequence, cstring("77")));
    if (id === 0x15) connection.send(raw(0x80000015, sequence));
  };
  await expect(bearer.submit(commandSms({ receipt: false }), never)).resolves.toMatchObject({ at: "accepted" });
}

describe("an ESME session against a hand-written SMSC", () => {
  it("binds with version 0x34 and without enquire_link before the answer", async () => {
    const { smsc } = await bench();
    const bind = smsc.peer.received[0];
    expect(bind?.id).toBe(9);
    expect(bind?.body).toEqual(
      Buffer.concat([cstring("tester"), cstring("secret"), cstring(""), Buffer.of(0x34, 0, 0), cstring("")]),
    );
    expect(smsc.peer.received).toHaveLength(1);
  });

  it("gives up a bind that is never answered and tries again", async () => {
    const smsc = await RawSmsc.open();
    smsc.grants = false;
    const bearer = await openBearer(smsc.port, { bindMs: 60 });
    open.push(smsc, bearer);
    await until(() => smsc.connections.length === 3);
    expect(bearer.state.up).toBe(false);
    smsc.grants = true;
    await works(smsc, bearer);
  });

  it("takes a bind_receiver answered as bind_transmitter", async () => {
    const smsc = await RawSmsc.open();
    smsc.grants = false;
    smsc.onPdu = ({ id, sequence }, peer) => {
      if (id === 1) peer.send(raw(0x80000002, sequence, cstring("")));
    };
    const bearer = await openBearer(smsc.port, { bindMode: "rx" });
    open.push(smsc, bearer);
    await until(() => bearer.binds[0]?.up === true);
  });

  it("takes a delivery in the same segment as the bind response", async () => {
    const smsc = await RawSmsc.open();
    smsc.grants = false;
    smsc.onPdu = ({ id, sequence }, peer) => {
      if (id === 9) peer.send(raw(0x80000009, sequence, cstring("")), raw(5, 0, message(answer)));
    };
    const bearer = await openBearer(smsc.port);
    open.push(smsc, bearer);
    const items: InboundItem[] = [];
    bearer.onInbound(async (item) => void items.push(item));
    await until(() => items.length === 1);
    expect(await smsc.peer.take(0x80000005)).toMatchObject({ status: 0, sequence: 0 });
  });

  it("takes a delivery before the submit response", async () => {
    const { smsc, bearer, items } = await bench();
    smsc.onPdu = ({ id, sequence }, peer) => {
      if (id === 4) peer.send(raw(5, 1, message(answer)), raw(0x80000004, sequence, cstring("")));
    };
    await expect(bearer.submit(commandSms(), never)).resolves.toEqual({ at: "accepted" });
    await until(() => items.length === 1);
    expect(items[0]).toMatchObject({ kind: "message", userData: answer, userDataHeader: true });
  });

  it("takes a receipt before the submit response", async () => {
    const { smsc, bearer, items } = await bench();
    const text = Buffer.from("id:77 stat:DELIVRD", "latin1");
    smsc.onPdu = ({ id, sequence }, peer) => {
      if (id !== 4) return;
      peer.send(raw(5, 1, message(text, { esmClass: 4 })));
      setTimeout(() => peer.send(raw(0x80000004, sequence, cstring("77"))), 30);
    };
    const sms = commandSms();
    await bearer.submit(sms, never);
    await until(() => items.length === 1);
    expect(items[0]).toMatchObject({ kind: "receipt", reference: sms.reference, state: "delivered" });
  });

  it.each([0, 0xfffffffe, 0xffffffff, 1_448_626_673])("echoes sequence %i of the peer", async (sequence) => {
    const { smsc } = await bench();
    smsc.peer.send(raw(5, sequence, message(answer)));
    expect((await smsc.peer.take(0x80000005)).sequence).toBe(sequence);
  });

  it("always gives deliver_sm_resp its empty id", async () => {
    const { smsc } = await bench();
    smsc.peer.send(raw(5, 1, message(answer)), raw(5, 2, message(answer, { smLength: 200 })));
    await smsc.peer.take(0x80000005, 1);
    const answers = smsc.peer.received.filter(({ id }) => id === 0x80000005).sort((a, b) => a.sequence - b.sequence);
    expect(answers.map(({ status, body }) => [status, body.toString("hex")])).toEqual([
      [0, "00"],
      [1, "00"],
    ]);
  });

  it("takes a message in message_payload and by data_sm", async () => {
    const { smsc, items } = await bench();
    const tlv = Buffer.concat([Buffer.of(0x04, 0x24, 0, answer.length), answer]);
    const data = Buffer.concat([cstring(""), Buffer.of(0, 0, 0, 0, 0, 0), Buffer.of(0x40, 0, 2), tlv]);
    smsc.peer.send(raw(5, 1, message(new Uint8Array(0), { tlvs: tlv })), raw(0x103, 2, data));
    await until(() => items.length === 2);
    for (const item of items) expect(item).toMatchObject({ kind: "message", userData: answer, userDataHeader: true });
    expect(items[1]).not.toHaveProperty("from");
    expect(await smsc.peer.take(0x80000103)).toMatchObject({ status: 0, sequence: 2 });
  });

  it("hands on segments reversed and doubled, so that they join; a missing one stays missing", async () => {
    const { smsc, items } = await bench();
    const whole = Uint8Array.from({ length: 300 }, (_, i) => i);
    const segments = segmentPacket(whole, "response", { reference: 9, referenceBits: 8 });
    const order = [...segments].reverse();
    order.splice(1, 0, ...order.slice(0, 1));
    smsc.peer.send(...order.slice(0, -1).map((octets, i) => raw(5, i, message(octets))));
    await until(() => items.length === order.length - 1);
    let pending: Pending = new Map();
    const joined = () => {
      let complete: Uint8Array | undefined;
      for (const item of items) {
        if (item.kind !== "message") continue;
        const next = assemble(pending, readSegment(item.userData), item.from);
        pending = next.pending;
        complete ??= next.complete?.body;
      }
      return complete;
    };
    expect(joined()).toBeUndefined();
    smsc.peer.send(raw(5, 99, message(order.at(-1) ?? new Uint8Array(0))));
    await until(() => items.length === order.length);
    expect(joined()).toEqual(whole);
  });

  it.each([0, 8, 15, 70_001, 2 ** 31, 2 ** 32 - 1])(
    "refuses command_length %i, drops the session and comes back",
    async (length) => {
      const { smsc, bearer } = await bench();
      const { peer } = smsc;
      peer.send(raw(0x15, 5, "", 0, length));
      expect(await peer.take(0x80000000)).toMatchObject({ status: 2, sequence: 0 });
      await until(() => peer.ended);
      await works(smsc, bearer);
    },
  );

  it("waits for the rest of a PDU of 65 535 octets, and takes it", async () => {
    const { smsc, bearer } = await bench();
    const { peer } = smsc;
    const filler = Buffer.alloc(65_535 - 16 - message(answer).length - 4);
    const tlv = Buffer.concat([Buffer.of(0x15, 0x01, filler.length >> 8, filler.length & 0xff), filler]);
    const whole = raw(5, 7, message(answer, { tlvs: tlv }));
    expect(whole).toHaveLength(65_535);
    peer.send(whole.subarray(0, 40_000));
    await new Promise((resolve) => setTimeout(resolve, 30));
    peer.send(whole.subarray(40_000));
    expect(await peer.take(0x80000005)).toMatchObject({ status: 0, sequence: 7 });
    await works(smsc, bearer);
  });

  it("answers an unknown command with generic_nack and goes on; unknown responses it ignores", async () => {
    const { smsc, bearer } = await bench();
    smsc.peer.send(raw(0x00010200, 42, "0102"), raw(0x80010200, 43));
    expect(await smsc.peer.take(0x80000000)).toMatchObject({ status: 3, sequence: 42 });
    await works(smsc, bearer);
    expect(smsc.connections).toHaveLength(1);
  });

  it("ignores parameters of a wrong length, and reads a PDU with a cut one, or with octets behind it, as far as it goes", async () => {
    const { smsc, bearer, items } = await bench();
    const short = Buffer.from("020400010704270000", "hex");
    smsc.peer.send(raw(5, 1, message(answer, { tlvs: short })));
    smsc.peer.send(raw(5, 2, message(answer, { tlvs: Buffer.from("0424ffff01", "hex") })));
    smsc.peer.send(raw(5, 3, message(answer, { tlvs: Buffer.from("0424", "hex") })));
    await smsc.peer.take(0x80000005, 2);
    const answers = smsc.peer.received.filter(({ id }) => id === 0x80000005).sort((a, b) => a.sequence - b.sequence);
    expect(answers.map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(items).toHaveLength(3);
    await works(smsc, bearer);
  });

  it("takes a receipted_message_id without NUL by its own length", async () => {
    const { smsc, bearer, items } = await bench();
    smsc.onPdu = ({ id, sequence }, peer) => id === 4 && peer.send(raw(0x80000004, sequence, cstring("12345")));
    const sms = commandSms();
    await bearer.submit(sms, never);
    const tlvs = Buffer.from(`001e0005${Buffer.from("12345").toString("hex")}0427000102`, "hex");
    smsc.peer.send(raw(5, 1, message(new Uint8Array(0), { esmClass: 4, tlvs })));
    await until(() => items.length === 1);
    expect(items[0]).toMatchObject({ reference: sms.reference, state: "delivered" });
  });

  it.each([0, 16])("lets a generic_nack with sequence %i fail the only request in flight", async (sequence) => {
    const { smsc, bearer } = await bench();
    smsc.onPdu = ({ id }, peer) => id === 4 && peer.send(raw(0x80000000, sequence, "", 3));
    await expect(bearer.submit(commandSms(), never)).rejects.toMatchObject({
      code: "smsc.protocol",
      fate: "not-sent",
      detail: { status: 3 },
    });
    await works(smsc, bearer);
  });

  it("sends a throttled message again, after a pause, once", async () => {
    const { smsc, bearer } = await bench();
    let throttled = 1;
    smsc.onPdu = ({ id, sequence }, peer) => {
      if (id !== 4) return;
      const status = throttled-- > 0 ? 0x58 : 0;
      peer.send(raw(0x80000004, sequence, status === 0 ? cstring("1") : "", status));
    };
    const started = Date.now();
    await bearer.submit(commandSms({ receipt: false }), never);
    expect(Date.now() - started).toBeGreaterThan(900);
    expect(smsc.peer.received.filter(({ id }) => id === 4)).toHaveLength(2);
  });

  it("answers the peer's unbind, closes and binds again", async () => {
    const { smsc, bearer } = await bench();
    const { peer } = smsc;
    peer.send(raw(6, 9));
    expect(await peer.take(0x80000006)).toMatchObject({ status: 0, sequence: 9 });
    await until(() => peer.ended);
    await works(smsc, bearer);
  });

  it("knows that it does not know what a reset in flight did", async () => {
    const { smsc, bearer } = await bench();
    smsc.onPdu = ({ id }, peer) => id === 4 && peer.socket.resetAndDestroy();
    await expect(bearer.submit(commandSms(), never)).rejects.toMatchObject({
      code: "link.lost",
      fate: "unknown",
    });
    await works(smsc, bearer);
  });

  it("does not pile up messages in front of a peer that stops reading, drops it and goes on", async () => {
    const { smsc, bearer } = await bench({ window: 1_000, enquireMs: 300, enquireAnswerMs: 700, patienceMs: 10_000 });
    smsc.peer.socket.pause();
    const large = new Uint8Array(60_000);
    const all = Array.from({ length: 1_000 }, () =>
      bearer
        .submit(commandSms({ userData: large, userDataHeader: false, receipt: false }), never)
        .catch((error) => error),
    );
    await until(() => !bearer.state.up);
    const sent = bearer.load.queued;
    expect(sent).toBeGreaterThan(100);
    await works(smsc, bearer);
    const outcomes = await Promise.all(all);
    expect(outcomes.filter((one) => one.fate === "unknown").length).toBeLessThan(900);
    expect(outcomes.every((one) => one.at === "accepted" || one.fate === "unknown")).toBe(true);
  });

  it("survives a flood of enquire_link from a peer that does not read the answers", async () => {
    const { smsc, bearer } = await bench({ enquireMs: 200, enquireAnswerMs: 100 });
    const { peer } = smsc;
    peer.socket.pause();
    const flood = Buffer.concat(Array.from({ length: 20_000 }, (_, i) => raw(0x15, i)));
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 40 && !peer.ended; i++) {
      if (!peer.socket.write(flood)) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until(() => smsc.connections.length > 1, 10_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
    await works(smsc, bearer);
  });

  it("answers a flood of enquire_link that is read", async () => {
    const { smsc } = await bench();
    smsc.peer.send(...Array.from({ length: 5_000 }, (_, i) => raw(0x15, i)));
    await until(() => smsc.peer.received.filter(({ id }) => id === 0x80000015).length === 5_000);
  });

  it("understands one octet at a time, and several PDUs in one segment", async () => {
    const { smsc, items } = await bench();
    for (const octet of raw(5, 1, message(answer))) {
      smsc.peer.send(Buffer.of(octet));
      await new Promise((resolve) => setImmediate(resolve));
    }
    smsc.peer.send(...[2, 3, 4, 5].map((sequence) => raw(5, sequence, message(answer))));
    await until(() => items.length === 5);
    expect(smsc.peer.received.filter(({ id }) => id === 0x80000005).map(({ sequence }) => sequence)).toEqual([
      1, 2, 3, 4, 5,
    ]);
  });

  it("asks a silent peer whether it lives, and leaves after two missed answers", async () => {
    const { smsc, bearer } = await bench({ enquireMs: 60, enquireAnswerMs: 40 });
    const { peer } = smsc;
    await peer.take(0x15);
    await until(() => peer.ended);
    expect(peer.received.filter(({ id }) => id === 0x15)).toHaveLength(2);
    await works(smsc, bearer);
  });

  it("takes alert_notification and outbind without an answer", async () => {
    const { smsc, bearer } = await bench();
    const alert = Buffer.concat([
      Buffer.of(1, 1),
      cstring("4917"),
      Buffer.of(1, 1),
      cstring("12345"),
      Buffer.from("0422000100", "hex"),
    ]);
    smsc.peer.send(raw(0x102, 1, alert), raw(0x0b, 2, Buffer.concat([cstring("a"), cstring("b")])));
    await works(smsc, bearer);
    expect(smsc.peer.received.some(({ id }) => id > 0x80000000)).toBe(false);
  });

  it("does not read a burst faster than it can take it, and refuses nothing of it", async () => {
    const smsc = await RawSmsc.open();
    const bearer = await openBearer(smsc.port, { inboundWindow: 3 });
    open.push(smsc, bearer);
    const counts = { open: 0, most: 0 };
    const gates: (() => void)[] = [];
    bearer.onInbound(async () => {
      counts.open += 1;
      counts.most = Math.max(counts.most, counts.open);
      await new Promise<void>((resolve) => gates.push(resolve));
      counts.open -= 1;
    });
    await until(() => bearer.state.up);
    const all = Array.from({ length: 2_000 }, (_, i) => i + 1);
    smsc.peer.send(...all.map((sequence) => raw(5, sequence, message(answer))));
    smsc.onPdu = ({ id, sequence }, peer) => id === 4 && peer.send(raw(0x80000004, sequence, cstring("1")));
    await until(() => gates.length === 3);
    const opening = setInterval(() => {
      for (const gate of gates.splice(0)) gate();
    }, 0);
    try {
      await until(() => smsc.peer.received.filter(({ id }) => id === 0x80000005).length === 2_000, 30_000);
    } finally {
      clearInterval(opening);
    }
    const answers = smsc.peer.received.filter(({ id }) => id === 0x80000005);
    expect(answers.every(({ status }) => status === 0)).toBe(true);
    expect(answers.map(({ sequence }) => sequence)).toEqual(all);
    expect(counts.most).toBe(3);
    await bearer.submit(commandSms({ receipt: false }), never);
  });

  it("sends the packet's octets and nothing else of its own", async () => {
    const { smsc, bearer } = await bench({
      source: { address: "12345", ton: 3, npi: 0 },
      serviceType: "OTA",
      validity: "relative",
    });
    void bearer.submit(commandSms({ receipt: false }), never).catch(() => undefined);
    const submit = await smsc.peer.take(4);
    expect(submit.body).toEqual(
      Buffer.concat([
        cstring("OTA"),
        Buffer.of(3, 0),
        cstring("12345"),
        Buffer.of(1, 1),
        cstring("491701234567"),
        Buffer.of(0x40, 0x7f, 0, 0),
        cstring("000000010000000R"),
        Buffer.of(0, 0, 0xf6, 0, packet.length),
        packet,
      ]),
    );
  });
});
