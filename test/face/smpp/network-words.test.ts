import { describe, expect, it } from "vitest";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { textUserData } from "../../../src/codec/sms/user-data.ts";
import { textsOf } from "../../../src/gateway/smsc/message-text.ts";
import { packet, until } from "../../drivers/smpp/account.ts";
import { cstring, message, type RawConnection, type RawPdu, raw } from "../../link/smpp/raw-peer.ts";
import { msisdn, readMessage, WholeWay } from "./whole-way.ts";

const submit = (fields: Parameters<typeof message>[1] = {}, registered = 1): Buffer => {
  const body = message(packet, { from: "12345", to: msisdn, ...fields });
  // registered_delivery follows the addresses, esm_class, protocol_id, priority_flag and two empty times.
  const at = 1 + 2 + 6 + 2 + ((fields.to ?? msisdn).length + 1) + 3 + 2;
  body[at] = registered;
  return body;
};

const text = (stat: string, err: string, id: string) =>
  Buffer.from(`id:${id} sub:001 dlvrd:000 submit date:2611301200 done date:2611301201 stat:${stat} err:${err} text:`);

const tlv = (tag: number, value: Buffer | string): Buffer => {
  const octets = typeof value === "string" ? Buffer.from(value, "hex") : value;
  const head = Buffer.alloc(4);
  head.writeUInt16BE(tag, 0);
  head.writeUInt16BE(octets.length, 2);
  return Buffer.concat([head, octets]);
};

const idOf = ({ body }: RawPdu) => body.toString("latin1", 0, body.indexOf(0));

/** The SMSC below takes each submit under an id that counts. */
function takes(way: WholeWay): void {
  let last = 0;
  way.smsc.onPdu = ({ id, sequence }, peer) => {
    if (id === 4) peer.send(raw(0x80000004, sequence, cstring(`net-${++last}`)));
  };
}

describe("what the network below says reaches the client as it was said", () => {
  it.each([
    ["EXPIRED", "0A4", 3, "03002a", 3],
    ["DELETED", "001", 4, "030001", 4],
    ["UNDELIV", "1056", 5, "0803ff", 5],
    ["REJECTD", "069", 8, "010045", 8],
    ["SKIPPED", "000", 9, undefined, 9],
    ["DELIVRD", "000", 2, undefined, 2],
    ["UNDELIV", "021", 0, "030015", 5],
  ])("a receipt %s err:%s with state %i and error code %s", async (stat, err, state, code, wanted) => {
    await using way = await WholeWay.open();
    takes(way);
    const answer = await way.ask(4, 2, submit());
    expect(answer.status).toBe(0);
    await until(() => way.below.length === 1);
    const tlvs = [tlv(0x0427, Buffer.of(state)), ...(code === undefined ? [] : [tlv(0x0423, code)])];
    const receipt = message(text(stat, err, "net-1"), { from: msisdn, esmClass: 4, tlvs: Buffer.concat(tlvs) });
    way.smsc.peer.send(raw(5, 50, receipt));
    await until(() => way.delivered.length === 1);
    const [delivered] = way.delivered;
    expect(delivered?.text).toContain(`id:${idOf(answer)} `);
    expect(delivered?.text).toContain(` stat:${stat} err:${err} `);
    expect(delivered?.tlvs.get(0x0427)).toEqual(Buffer.of(wanted));
    expect(delivered?.tlvs.get(0x0423)).toEqual(code === undefined ? undefined : Buffer.from(code, "hex"));
    expect((await way.query(idOf(answer), 3)).state).toBe(wanted);
  });

  it("a receipt that comes before the answer to the submit", async () => {
    await using way = await WholeWay.open();
    way.smsc.onPdu = ({ id, sequence }, peer) => {
      if (id !== 4) return;
      const tlvs = tlv(0x0423, "030016");
      peer.send(raw(5, 50, message(text("REJECTD", "077", "net-1"), { from: msisdn, esmClass: 4, tlvs })));
      setTimeout(() => peer.send(raw(0x80000004, sequence, cstring("net-1"))), 100);
    };
    const answer = await way.ask(4, 2, submit());
    await until(() => way.delivered.length === 1);
    expect(way.delivered[0]?.text).toContain(" stat:REJECTD err:077 ");
    expect(way.delivered[0]?.tlvs.get(0x0423)?.toString("hex")).toBe("030016");
    expect(await way.query(idOf(answer), 3)).toMatchObject({ state: 8, error: 0x16 });
  });

  it("states on the way, for a client that asked for them", async () => {
    await using way = await WholeWay.open();
    takes(way);
    const answer = await way.ask(4, 2, submit({}, 0x11));
    await until(() => way.below.length === 1);
    way.smsc.peer.send(raw(5, 50, message(text("ACCEPTD", "000", "net-1"), { from: msisdn, esmClass: 4 })));
    await until(() => way.delivered.some((one) => one.text.includes("stat:ACCEPTD")));
    expect((await way.query(idOf(answer), 3)).state).toBe(6);
    way.smsc.peer.send(raw(5, 51, message(text("DELIVRD", "000", "net-1"), { from: msisdn, esmClass: 4 })));
    await until(() => way.delivered.some((one) => one.text.includes("stat:DELIVRD")));
    expect((await way.query(idOf(answer), 4)).state).toBe(2);
  });

  it.each([
    [0x0b, 8, "011"],
    [0x66, 8, "102"],
    [0x0a, 8, "010"],
  ])("a submit that the network refuses with %i", async (status, state, err) => {
    await using way = await WholeWay.open();
    way.smsc.onPdu = ({ id, sequence }, peer) => id === 4 && peer.send(raw(0x80000004, sequence, "", status));
    const answer = await way.ask(4, 2, submit());
    expect(answer.status).toBe(0);
    await until(() => way.delivered.length === 1);
    expect(way.delivered[0]?.text).toContain(` err:${err} `);
    expect(way.delivered[0]?.tlvs.get(0x0427)).toEqual(Buffer.of(state));
    expect(await way.query(idOf(answer), 3)).toMatchObject({ state, error: status });
    const now = await way.ask(4, 5, submit({ esmClass: 0x42 }));
    expect(now.status).toBe(status);
  });
});

describe("transaction mode", () => {
  const transaction = () => submit({ esmClass: 0x42 });

  async function idOfMessage(way: WholeWay): Promise<string> {
    const events = await way.bench.store.read((r) => r.events.after(0, 1000));
    const queued = events.find(({ type }) => type === "job.queued");
    const job = await way.bench.gateway.jobs.get(queued?.job ?? "job_");
    return job.origin.reference ?? "";
  }

  it("answers ESME_RDELIVERYFAILURE when nothing left in time, and nothing leaves later", async () => {
    await using way = await WholeWay.open({ account: { bindMs: 200 }, desk: { transactionMs: 300 } });
    way.smsc.grants = false;
    way.bearer.reconnect();
    await until(() => !way.bearer.state.up);
    const answer = await way.ask(4, 2, transaction());
    expect(answer.status).toBe(0xfe);
    const id = await idOfMessage(way);
    expect(await way.query(id, 3)).toMatchObject({ status: 0, state: 3 });
    way.smsc.grants = true;
    way.bearer.reconnect();
    await until(() => way.bearer.state.up);
    takes(way);
    expect((await way.ask(4, 4, submit({}, 0))).status).toBe(0);
    await until(() => way.below.length >= 1);
    await way.bench.gateway.inbound.idle();
    expect(way.below).toHaveLength(1);
    expect(await way.query(id, 5)).toMatchObject({ state: 3 });
  });

  it("answers ESME_RDELIVERYFAILURE when the network does not answer in time, and the state is unknown", async () => {
    await using way = await WholeWay.open({ desk: { transactionMs: 300 } });
    const answer = await way.ask(4, 2, transaction());
    expect(answer.status).toBe(0xfe);
    expect(await way.query(await idOfMessage(way), 3)).toMatchObject({ status: 0, state: 7 });
  });

  it("answers 0 with a good receipt, and when the network has the message and says nothing", async () => {
    await using way = await WholeWay.open({ desk: { transactionMs: 400 } });
    takes(way);
    const first = await way.ask(4, 2, transaction());
    expect(first.status).toBe(0);
    expect(await way.query(idOf(first), 3)).toMatchObject({ state: 1 });
    way.client.send(raw(4, 4, transaction()));
    await until(() => way.below.length === 2);
    way.smsc.peer.send(raw(5, 50, message(text("DELIVRD", "000", "net-2"), { from: msisdn, esmClass: 4 })));
    await until(() => way.client.received.some(({ sequence, id }) => sequence === 4 && id === 0x80000004));
    const second = way.client.received.find(({ sequence, id }) => sequence === 4 && id === 0x80000004);
    expect(second?.status).toBe(0);
    expect(await way.query(second === undefined ? "" : idOf(second), 5)).toMatchObject({ state: 2 });
  });

  it("does not wait for a time that lies ahead", async () => {
    await using way = await WholeWay.open();
    const body = submit({ esmClass: 0x42 });
    const at = 1 + 2 + 6 + 2 + (msisdn.length + 1) + 3;
    const later = Buffer.concat([body.subarray(0, at), cstring("000000010000000R"), body.subarray(at + 1)]);
    expect((await way.ask(4, 2, later)).status).toBe(0x61);
  });
});

describe("data_coding of a client", () => {
  const answerOf = (sender: RawConnection, dataCoding: number) =>
    sender.send(
      raw(5, 60, message(Buffer.from("0271000016120002b0fe0000", "hex"), { from: msisdn, to: "12345", dataCoding })),
    );

  it.each([
    [0x02, 0xf6],
    [0x04, 0xf6],
    [0x00, 0xf6],
    [0x01, 0xf6],
    [0xf6, 0xf6],
    [0x16, 0xf6],
    [0xf5, 0xf5],
  ])("%i becomes what a card takes, and comes back", async (dataCoding, onAir) => {
    await using way = await WholeWay.open();
    takes(way);
    expect((await way.ask(4, 2, submit({ dataCoding }))).status).toBe(0);
    await until(() => way.below.length === 1);
    expect(way.below[0]?.message).toMatchObject({ dataCoding: onAir, protocolId: 0x7f, esmClass: 0x40 });
    expect(way.below[0]?.message.octets.equals(packet)).toBe(true);
    answerOf(way.smsc.peer, 0xf6);
    await until(() => way.delivered.length === 1);
    expect(way.delivered[0]).toMatchObject({ dataCoding, esmClass: 0x40 });
    expect(way.delivered[0]?.octets.toString("hex")).toBe("0271000016120002b0fe0000");
    // A text of the card keeps its own coding.
    way.smsc.peer.send(
      raw(5, 61, message(Buffer.from("hello"), { from: msisdn, to: "12345", esmClass: 0, dataCoding: 8 })),
    );
    await until(() => way.delivered.length === 2);
    expect(way.delivered[1]).toMatchObject({ dataCoding: 8, text: "hello" });
  });
});

describe("a submit to an EID", () => {
  it("has a way back for its receipt and for the answers of the card", async () => {
    await using way = await WholeWay.open();
    takes(way);
    const answer = await way.ask(4, 2, submit({ to: way.eid }));
    expect(answer.status).toBe(0);
    await until(() => way.below.length === 1);
    expect(way.below[0]?.message.destination.addr).toBe(msisdn);
    way.smsc.peer.send(raw(5, 50, message(text("DELIVRD", "000", "net-1"), { from: msisdn, esmClass: 4 })));
    way.smsc.peer.send(raw(5, 51, message(Buffer.from("0271000016120002b0fe0000", "hex"), { from: msisdn })));
    await until(() => way.delivered.length === 2);
    expect(way.delivered.map(({ source }) => source.addr)).toEqual([way.eid, way.eid]);
    expect(way.delivered.map(({ destination }) => destination.addr)).toEqual(["12345", "12345"]);
  });
});

describe("references of messages", () => {
  it.each([
    ["gives no ids, and echoes modulo 256", "msg_id_not_implemented", "id:00000000 stat:DELIVRD err:000", 0xff],
    ["gives ids and leaves them out of receipts", "net", "stat:DELIVRD err:000", 0xffff],
  ])("find a message after a restart where the SMSC %s", async (_, id, words, mask) => {
    const first = await WholeWay.open();
    first.smsc.onPdu = ({ id: command, sequence }, peer) =>
      command === 4 && peer.send(raw(0x80000004, sequence, cstring(id === "net" ? `net-${sequence}` : id)));
    const answers = [await first.ask(4, 2, submit()), await first.ask(4, 3, submit())];
    await until(() => first.below.length === 2);
    const echoes = first.below.map(({ message: sent }) => sent.tlvs.get(0x0204)?.readUInt16BE(0) ?? 0);
    const { folder } = first.bench;
    await first.bench.until(async () => {
      const open = await first.bench.store.read((r) => r.jobs.inState(["queued", "running", "waiting"], 10));
      return open.length === 0 ? true : undefined;
    });
    first.client.socket.destroy();
    await first.desk[Symbol.asyncDispose]();
    await first.bearer[Symbol.asyncDispose]();
    await first.bench.close();
    await using way = await WholeWay.open({ folder });
    const sent = echoes[0] ?? 0;
    const echoed = Buffer.alloc(2);
    echoed.writeUInt16BE(sent & mask);
    const tlvs = tlv(0x0204, echoed);
    way.smsc.peer.send(raw(5, 50, message(Buffer.from(words), { from: msisdn, esmClass: 4, tlvs })));
    await until(() => way.delivered.length === 1);
    expect(way.delivered[0]?.text).toContain(
      `id:${idOf(answers[0] ?? { id: 0, status: 0, sequence: 0, body: Buffer.alloc(1) })} `,
    );
    expect(readMessage(way.client.received.find(({ id }) => id === 5)?.body ?? Buffer.alloc(0)).text).toContain(
      "DELIVRD",
    );
  });

  it("of the client come back in receipts and in messages that answer", async () => {
    await using way = await WholeWay.open();
    takes(way);
    await way.ask(4, 2, submit({ tlvs: tlv(0x0204, "abcd") }));
    await until(() => way.below.length === 1);
    way.smsc.peer.send(raw(5, 50, message(text("DELIVRD", "000", "net-1"), { from: msisdn, esmClass: 4 })));
    await until(() => way.delivered.length === 1);
    expect(way.delivered[0]?.tlvs.get(0x0204)?.toString("hex")).toBe("abcd");
  });
});

describe("texts", () => {
  it("pass from the client to an SMSC, and back, with one octet per character", async () => {
    await using way = await WholeWay.open();
    takes(way);
    const hello = message(Buffer.from("Hello @ card"), { from: "12345", to: msisdn, esmClass: 0, dataCoding: 0 });
    expect((await way.ask(4, 2, hello)).status).toBe(0);
    await until(() => way.below.length === 1);
    expect(way.below[0]?.message).toMatchObject({ dataCoding: 0, text: "Hello @ card", esmClass: 0 });
    way.smsc.peer.send(raw(5, 60, message(Buffer.from("Hi @ home"), { from: msisdn, esmClass: 0, dataCoding: 0 })));
    await until(() => way.delivered.length === 1);
    expect(way.delivered[0]).toMatchObject({ dataCoding: 0, text: "Hi @ home" });
  });

  it("of a modem's alphabet leave for an SMSC with one octet per character", async () => {
    await using way = await WholeWay.open();
    takes(way);
    const { dcs, userData } = textUserData("1234567");
    await way.bearer.submit(
      {
        reference: "x",
        to: msisdn,
        userData: userData.octets,
        ...withoutUndefined({ userDataLength: userData.length }),
        userDataHeader: false,
        protocolId: 0,
        dataCoding: dcs,
        moreToCome: false,
        receipt: false,
      },
      new AbortController().signal,
    );
    expect(way.below[0]?.message).toMatchObject({ dataCoding: 0, text: "1234567" });
  });

  it("of several messages are joined for people, by sar parameters, headers and payload", async () => {
    await using way = await WholeWay.open();
    const sar = (sequence: number) =>
      Buffer.concat([tlv(0x020c, "0142"), tlv(0x020e, "02"), tlv(0x020f, Buffer.of(sequence))]);
    const text = (part: string, tlvs: Buffer) =>
      message(Buffer.from(part), { from: msisdn, esmClass: 0, dataCoding: 0, tlvs });
    way.smsc.peer.send(raw(5, 60, text("world", sar(2))), raw(5, 61, text("Hello ", sar(1))));
    const payload = tlv(0x0424, Buffer.from("x".repeat(300)));
    way.smsc.peer.send(
      raw(5, 62, message(Buffer.alloc(0), { from: msisdn, esmClass: 0, dataCoding: 3, tlvs: payload })),
    );
    const entries = await way.bench.until(async () => {
      const found = await way.bench.store.read((r) => r.inbox.list(undefined, 10));
      return found.length === 3 ? found : undefined;
    });
    expect([...textsOf(entries).values()].sort()).toEqual(["Hello world", "Hello world", "x".repeat(300)]);
  });
});

describe("receipts that come in odd ways", () => {
  const receipt = (way: WholeWay, sequence: number, stat: string, id: string, esmClass = 4) =>
    way.smsc.peer.send(raw(5, sequence, message(text(stat, "000", id), { from: msisdn, esmClass })));
  const stats = (way: WholeWay) => way.delivered.map((one) => /stat:(\w+)/.exec(one.text)?.[1]);
  /** Everything the SMSC below delivered so far has been understood. */
  async function understood(way: WholeWay, sequence: number): Promise<void> {
    await until(() => way.smsc.peer.received.some((pdu) => pdu.id === 0x80000005 && pdu.sequence === sequence));
    await way.bench.gateway.inbound.idle();
  }

  it("twice, are told once, and a later word does not undo a final one", async () => {
    await using way = await WholeWay.open();
    takes(way);
    const answer = await way.ask(4, 2, submit({}, 0x11));
    await until(() => way.below.length === 1);
    receipt(way, 50, "DELIVRD", "net-1");
    await understood(way, 50);
    for (const [at, stat] of [
      [51, "DELIVRD"],
      [52, "ENROUTE"],
      [53, "EXPIRED"],
      [54, "UNKNOWN"],
    ] as const) {
      receipt(way, at, stat, "net-1");
      await understood(way, at);
    }
    await until(() => way.delivered.length >= 1);
    expect(stats(way).filter((stat) => stat !== "ENROUTE")).toEqual(["DELIVRD"]);
    expect((await way.query(idOf(answer), 3)).state).toBe(2);
  });

  it("for two messages the other way round, settle each its own, under ids in another base", async () => {
    await using way = await WholeWay.open();
    const ids = ["00FA", "00FB"];
    way.smsc.onPdu = ({ id, sequence }, peer) =>
      id === 4 && peer.send(raw(0x80000004, sequence, cstring(ids.shift() ?? "")));
    const first = await way.ask(4, 2, submit());
    await until(() => way.below.length === 1);
    const second = await way.ask(4, 3, submit());
    await until(() => way.below.length === 2);
    receipt(way, 50, "EXPIRED", String(0xfb));
    receipt(way, 51, "DELIVRD", String(0xfa));
    await until(() => way.delivered.length === 2);
    expect((await way.query(idOf(first), 4)).state).toBe(2);
    expect((await way.query(idOf(second), 5)).state).toBe(3);
  });

  it("of nobody's message change nothing", async () => {
    await using way = await WholeWay.open();
    takes(way);
    const answer = await way.ask(4, 2, submit());
    await until(() => way.below.length === 1);
    receipt(way, 50, "UNDELIV", "somebody-else");
    await understood(way, 50);
    expect((await way.query(idOf(answer), 3)).state).toBe(1);
    const [entry] = await way.bench.store.read((r) => r.inbox.list(undefined, 1));
    expect(entry).toMatchObject({ verdict: "receipt of an unknown message: failed" });
    expect(entry?.item).toMatchObject({ networkReference: "somebody-else" });
  });

  it("show the id as the network spelt it", async () => {
    await using way = await WholeWay.open();
    way.smsc.onPdu = ({ id, sequence }, peer) => id === 4 && peer.send(raw(0x80000004, sequence, cstring("00aBc")));
    const answer = await way.ask(4, 2, submit());
    await until(() => way.below.length === 1);
    receipt(way, 50, "DELIVRD", "ABC");
    await until(() => way.delivered.length === 1);
    expect((await way.query(idOf(answer), 3)).state).toBe(2);
    const [entry] = await way.bench.store.read((r) => r.inbox.list(undefined, 1));
    expect(entry?.item).toMatchObject({ networkReference: "ABC" });
  });
});
