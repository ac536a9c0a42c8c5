import { afterEach, describe, expect, it } from "vitest";
import type { SmppAccount } from "../../../drivers/smpp/account.ts";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { isGatewayError } from "../../../src/base/gateway-error.ts";
import type { SubmitOutcome } from "../../../src/link/sms-bearer.ts";
import { commandSms, packet, until } from "../../drivers/smpp/account.ts";
import { type MemoryConnection, MemorySmsc } from "./memory-peer.ts";
import { cstring, message, type RawPdu, raw } from "./raw-peer.ts";

const open: MemorySmsc[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function bench(settings: Partial<SmppAccount> = {}, onBind?: MemorySmsc["onBind"]): Promise<MemorySmsc> {
  const smsc = new MemorySmsc(settings, onBind);
  open.push(smsc);
  await until(() => smsc.bearer.state.up);
  return smsc;
}

const resp = (sequence: number, id: string | Buffer = cstring("1"), status = 0) =>
  raw(0x80000004, sequence, typeof id === "string" ? Buffer.from(id) : id, status);
const never = new AbortController().signal;

/** What became of a submit: the id, or code, fate and status of the error. */
type Fate = { id?: string } | { code: string; fate: unknown; status?: unknown };
async function fateOf(outcome: Promise<SubmitOutcome>): Promise<Fate> {
  try {
    const done = await outcome;
    return done.at === "accepted" && done.networkReference !== undefined ? { id: done.networkReference } : {};
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    const { status } = error.detail;
    return { code: error.code, fate: error.fate, ...withoutUndefined({ status }) };
  }
}

const submit = (smsc: MemorySmsc) => fateOf(smsc.bearer.submit(commandSms({ receipt: false }), never));

/** The account still carries messages, perhaps over a new connection. */
async function works(smsc: MemorySmsc): Promise<void> {
  smsc.onPdu = ({ id, sequence }, peer) => id === 4 && peer.send(resp(sequence, cstring("works")));
  smsc.onBind = (pdu, peer) => peer.send(raw(0x80000000 + pdu.id, pdu.sequence, cstring("SMSC")));
  await until(() => smsc.bearer.state.up);
  expect(await submit(smsc)).toEqual({ id: "works" });
  const { items } = smsc;
  const before = items.length;
  smsc.peer.send(raw(5, 777_777, message(packet)));
  await until(() => items.length === before + 1);
}

describe("binds of sloppy SMSCs", () => {
  it.each<[string, (pdu: RawPdu, peer: MemoryConnection) => void]>([
    [
      "octet by octet",
      ({ id, sequence }, peer) => {
        for (const octet of raw(0x80000000 + id, sequence, cstring("SMSC"))) peer.send(Buffer.of(octet));
      },
    ],
    ["without a system_id", ({ id, sequence }, peer) => peer.send(raw(0x80000000 + id, sequence))],
    ["with the id of another bind", ({ sequence }, peer) => peer.send(raw(0x80000002, sequence, cstring("")))],
    [
      "twice",
      ({ id, sequence }, peer) => {
        const granted = raw(0x80000000 + id, sequence, cstring(""));
        peer.send(granted, granted);
      },
    ],
    [
      "with 5.0 parameters and octets behind them",
      ({ id, sequence }, peer) =>
        peer.send(
          raw(0x80000000 + id, sequence, Buffer.from("534d00 0210000150 042800010a ff".replaceAll(" ", ""), "hex")),
        ),
    ],
    [
      "after an enquire_link and a delivery",
      ({ id, sequence }, peer) => {
        peer.send(raw(0x15, 9), raw(5, 10, message(packet)), raw(0x80000000 + id, sequence, cstring("")));
      },
    ],
    [
      "with a system_id that is too long",
      ({ id, sequence }, peer) => peer.send(raw(0x80000000 + id, sequence, cstring("a".repeat(60)))),
    ],
    [
      "with a system_id without NUL",
      ({ id, sequence }, peer) => peer.send(raw(0x80000000 + id, sequence, Buffer.from("SMSC"))),
    ],
  ])("that are granted %s are up", async (_, onBind) => {
    await works(await bench({}, onBind));
  });

  it.each<[string, (pdu: RawPdu, peer: MemoryConnection) => void]>([
    ["refuse with ESME_RALYBND", ({ id, sequence }, peer) => peer.send(raw(0x80000000 + id, sequence, "", 5))],
    ["answer with generic_nack", ({ sequence }, peer) => peer.send(raw(0x80000000, sequence, "", 3))],
    ["answer with generic_nack of status 0", ({ sequence }, peer) => peer.send(raw(0x80000000, sequence))],
    ["answer with a wrong sequence number", ({ id, sequence }, peer) => peer.send(raw(0x80000000 + id, sequence + 7))],
    ["answer as if to a submit", ({ sequence }, peer) => peer.send(resp(sequence))],
    ["say nothing", () => {}],
    ["close", (_, peer) => peer.close()],
    ["unbind", (_, peer) => peer.send(raw(6, 3))],
    ["send octets that are no SMPP", (_, peer) => peer.send(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"))],
    ["send command_length 0", (_, peer) => peer.send(Buffer.alloc(16))],
    [
      "announce a PDU and close",
      (_, peer) => {
        peer.send(Buffer.from("0000ffff", "hex"));
        peer.close();
      },
    ],
  ])("that %s at first are tried again", async (_, first) => {
    let binds = 0;
    const smsc = new MemorySmsc({ bindMs: 1_000, enquireAnswerMs: 1_000 }, (pdu, peer) => {
      binds += 1;
      if (binds === 1) first(pdu, peer);
      else peer.send(raw(0x80000000 + pdu.id, pdu.sequence, cstring("SMSC")));
    });
    open.push(smsc);
    await until(() => smsc.bearer.state.up);
    expect(binds).toBe(2);
    expect(smsc.connections[0]?.closed).toBe(true);
    await works(smsc);
  });
});

describe("answers of sloppy SMSCs to submits", () => {
  it.each<[string, (pdu: RawPdu, peer: MemoryConnection) => void, Fate]>([
    [
      "in one octet after the other",
      ({ sequence }, peer) => {
        for (const octet of resp(sequence)) peer.send(Buffer.of(octet));
      },
      { id: "1" },
    ],
    [
      "with half a PDU of something else behind",
      ({ sequence }, peer) => {
        peer.send(resp(sequence), raw(0x15, 1).subarray(0, 9));
        peer.send(raw(0x15, 1).subarray(9));
      },
      { id: "1" },
    ],
    [
      "twice, with two ids",
      ({ sequence }, peer) => peer.send(resp(sequence, cstring("a")), resp(sequence, cstring("b"))),
      { id: "a" },
    ],
    [
      "taken first, refused then",
      ({ sequence }, peer) => peer.send(resp(sequence, cstring("a")), resp(sequence, "", 8)),
      { id: "a" },
    ],
    [
      "refused first, taken then",
      ({ sequence }, peer) => peer.send(resp(sequence, "", 0x0b), resp(sequence)),
      { code: "smsc.status", fate: "not-sent", status: 0x0b },
    ],
    ["with no body", ({ sequence }, peer) => peer.send(resp(sequence, "")), {}],
    ["with an empty id", ({ sequence }, peer) => peer.send(resp(sequence, cstring(""))), {}],
    ["with an id without NUL", ({ sequence }, peer) => peer.send(resp(sequence, "00aBc")), { id: "00aBc" }],
    [
      "with an id of 64 characters",
      ({ sequence }, peer) => peer.send(resp(sequence, cstring("x".repeat(64)))),
      { id: "x".repeat(64) },
    ],
    [
      "with an id of 200 characters",
      ({ sequence }, peer) => peer.send(resp(sequence, cstring("y".repeat(200)))),
      { id: "y".repeat(200) },
    ],
    [
      "with an id of 2 000 characters",
      ({ sequence }, peer) => peer.send(resp(sequence, cstring("z".repeat(2_000)))),
      {},
    ],
    [
      "with octets behind the id",
      ({ sequence }, peer) => peer.send(resp(sequence, Buffer.from("310000", "hex"))),
      { id: "1" },
    ],
    [
      "with a parameter that is cut",
      ({ sequence }, peer) => peer.send(resp(sequence, Buffer.from("310004280001", "hex"))),
      { id: "1" },
    ],
    [
      "with parameters of 5.0",
      ({ sequence }, peer) => peer.send(resp(sequence, Buffer.from("310004280001001381000100", "hex"))),
      { id: "1" },
    ],
    [
      "refused with a body and parameters",
      ({ sequence }, peer) => peer.send(resp(sequence, Buffer.from("00001d000362616400", "hex"), 0x45)),
      { code: "smsc.temporary", fate: "not-sent", status: 0x45 },
    ],
    [
      "refused with a status of a vendor",
      ({ sequence }, peer) => peer.send(resp(sequence, "", 0x4aa)),
      { code: "smsc.temporary", fate: "not-sent", status: 0x4aa },
    ],
    [
      "with a delivery failure",
      ({ sequence }, peer) => peer.send(resp(sequence, "", 0xfe)),
      { code: "smsc.temporary", fate: "unknown", status: 0xfe },
    ],
    ["as data_sm_resp", ({ sequence }, peer) => peer.send(raw(0x80000103, sequence, cstring("d"))), { id: "d" }],
    [
      "after an enquire_link_resp of the same number",
      ({ sequence }, peer) => peer.send(raw(0x80000015, sequence), resp(sequence)),
      { id: "1" },
    ],
    [
      "after a deliver_sm_resp of the same number",
      ({ sequence }, peer) => peer.send(raw(0x80000005, sequence, cstring("")), resp(sequence)),
      { id: "1" },
    ],
    [
      "after a bind response of the same number",
      ({ sequence }, peer) => peer.send(raw(0x80000009, sequence, cstring("")), resp(sequence)),
      { id: "1" },
    ],
    [
      "after an unbind response of the same number",
      ({ sequence }, peer) => peer.send(raw(0x80000006, sequence), resp(sequence)),
      { id: "1" },
    ],
    [
      "after an unknown response of the same number",
      ({ sequence }, peer) => peer.send(raw(0x80000777, sequence, "aabb"), resp(sequence)),
      { id: "1" },
    ],
    [
      "after answers to numbers nobody used",
      ({ sequence }, peer) => peer.send(resp(0), resp(0xffffffff), resp(sequence + 1), resp(sequence)),
      { id: "1" },
    ],
    [
      "with generic_nack",
      ({ sequence }, peer) => peer.send(raw(0x80000000, sequence, "", 2)),
      { code: "smsc.protocol", fate: "not-sent", status: 2 },
    ],
    [
      "with generic_nack of status 0",
      ({ sequence }, peer) => peer.send(raw(0x80000000, sequence)),
      { code: "smsc.temporary", fate: "not-sent", status: 0xff },
    ],
    [
      "with generic_nack of status 0 and no number",
      (_, peer) => peer.send(raw(0x80000000, 0)),
      { code: "smsc.temporary", fate: "not-sent", status: 0xff },
    ],
    [
      "with generic_nack that has a body",
      ({ sequence }, peer) => peer.send(raw(0x80000000, sequence, "00", 3)),
      { code: "smsc.protocol", fate: "not-sent", status: 3 },
    ],
    ["never", () => {}, { code: "link.timeout", fate: "unknown" }],
    ["with a reset", (_, peer) => peer.close(new Error("ECONNRESET")), { code: "link.lost", fate: "unknown" }],
    ["with an end of the connection", (_, peer) => peer.close(), { code: "link.lost", fate: "unknown" }],
    [
      "with half an answer and an end",
      ({ sequence }, peer) => {
        peer.send(resp(sequence).subarray(0, 17));
        peer.close();
      },
      { code: "link.lost", fate: "unknown" },
    ],
    [
      "with octets that are no SMPP",
      (_, peer) => peer.send(Buffer.from("<html>")),
      { code: "link.lost", fate: "unknown" },
    ],
    [
      "with command_length 15",
      ({ sequence }, peer) => peer.send(raw(0x80000004, sequence, "", 0, 15)),
      { code: "link.lost", fate: "unknown" },
    ],
    ["after an unbind", ({ sequence }, peer) => peer.send(raw(6, 5), resp(sequence)), { id: "1" }],
    ["never, but with an unbind", (_, peer) => peer.send(raw(6, 5)), { code: "link.lost", fate: "unknown" }],
  ])("%s", async (_, onSubmit, fate) => {
    const smsc = await bench();
    smsc.onPdu = (pdu, peer) => pdu.id === 4 && onSubmit(pdu, peer);
    expect(await submit(smsc)).toEqual(fate);
    await works(smsc);
  });

  it("in reverse order each settle their own", async () => {
    const smsc = await bench({ window: 5 });
    const fates = Array.from({ length: 5 }, () => submit(smsc));
    await until(() => smsc.submits.length === 5);
    for (const { sequence } of [...smsc.submits].reverse()) smsc.peer.send(resp(sequence, cstring(`id-${sequence}`)));
    expect(await Promise.all(fates)).toEqual(smsc.submits.map(({ sequence }) => ({ id: `id-${sequence}` })));
    await works(smsc);
  });

  it("that stop in the middle of a window with an unbind leave the rest unknown, and nothing is sent again", async () => {
    const smsc = await bench({ window: 5 });
    const fates = Array.from({ length: 5 }, () => submit(smsc));
    await until(() => smsc.submits.length === 5);
    const [first] = smsc.connections;
    const [a, b] = smsc.submits.map(({ sequence }) => sequence);
    smsc.peer.send(resp(a ?? 0, cstring("a")), raw(6, 70), resp(b ?? 0, cstring("b")));
    await until(() => first?.answers(70).length === 1);
    first?.close();
    const unknown = { code: "link.lost", fate: "unknown" };
    expect(await Promise.all(fates)).toEqual([{ id: "a" }, { id: "b" }, unknown, unknown, unknown]);
    await works(smsc);
    const sent = smsc.connections.flatMap(({ received }) => received.filter(({ id }) => id === 4));
    expect(sent).toHaveLength(6);
  });

  it("that throttle and say later that the queue is full get each message once in the end", async () => {
    const smsc = await bench({ window: 3 });
    const verdicts = [0x58, 0x58, 0x14];
    const taken: number[] = [];
    smsc.onPdu = ({ id, sequence }, peer) => {
      if (id !== 4) return;
      const status = verdicts.shift() ?? 0;
      if (status === 0) taken.push(sequence);
      peer.send(resp(sequence, status === 0 ? cstring(`t-${sequence}`) : "", status));
    };
    const fates = await Promise.all([submit(smsc), submit(smsc), submit(smsc)]);
    expect(fates.map((fate) => ("id" in fate ? fate.id : undefined)).sort()).toEqual(
      taken.map((one) => `t-${one}`).sort(),
    );
    expect(taken).toHaveLength(3);
  });

  it("that come after the time is up are handed on, and count once", async () => {
    const smsc = await bench({ responseMs: 1_000 });
    expect(await submit(smsc)).toEqual({ code: "link.timeout", fate: "unknown" });
    const [late] = smsc.submits;
    smsc.peer.send(resp(late?.sequence ?? 0, cstring("late")), resp(late?.sequence ?? 0, cstring("late")));
    await until(() => smsc.items.length === 1);
    expect(smsc.items[0]).toMatchObject({ kind: "receipt", state: "pending", networkReference: "late" });
    await works(smsc);
    expect(smsc.items.filter(({ kind }) => kind === "receipt")).toHaveLength(1);
  });
});

describe("requests of sloppy SMSCs", () => {
  const receiptText = "id:7 sub:001 dlvrd:001 submit date:2611301200 done date:2611301201 stat:DELIVRD err:000 text:";
  it.each<[string, Buffer, number, number | undefined]>([
    ["a delivery of sequence 0", raw(5, 0, message(packet)), 0x80000005, 0],
    ["a delivery of sequence 0xFFFFFFFF", raw(5, 0xffffffff, message(packet)), 0x80000005, 0],
    ["a delivery with a status", raw(5, 3, message(packet), 8), 0x80000005, 0],
    ["a delivery with sm_length beyond the PDU", raw(5, 3, message(packet, { smLength: 200 })), 0x80000005, 0x01],
    ["a delivery that ends inside an address", raw(5, 3, message(packet).subarray(0, 9)), 0x80000005, 0x0a],
    ["a delivery without a body", raw(5, 3), 0x80000005, 0x15],
    ["a delivery of no octets", raw(5, 3, message(new Uint8Array(0))), 0x80000005, 0],
    [
      "a delivery with both short_message and payload",
      raw(5, 3, message(packet, { tlvs: Buffer.from("0424000101", "hex") })),
      0x80000005,
      0,
    ],
    [
      "a delivery with octets behind it",
      raw(5, 3, message(packet, { tlvs: Buffer.from("000000", "hex") })),
      0x80000005,
      0,
    ],
    ["a delivery with an address of 40 digits", raw(5, 3, message(packet, { from: "1".repeat(40) })), 0x80000005, 0],
    [
      "a delivery with an address of 100 digits",
      raw(5, 3, message(packet, { from: "1".repeat(100) })),
      0x80000005,
      0x0a,
    ],
    ["a delivery with a header that lies", raw(5, 3, message(Uint8Array.of(200, 0, 3))), 0x80000005, 0],
    ["a receipt of an unknown message", raw(5, 3, message(Buffer.from(receiptText), { esmClass: 4 })), 0x80000005, 0],
    ["a receipt without a word", raw(5, 3, message(new Uint8Array(0), { esmClass: 4 })), 0x80000005, 0],
    ["a receipt of all types at once", raw(5, 3, message(Buffer.from(receiptText), { esmClass: 0x3c })), 0x80000005, 0],
    ["a delivery acknowledgement", raw(5, 3, message(Buffer.from("x"), { esmClass: 0x08 })), 0x80000005, 0],
    ["an unknown command", raw(0x0999, 3, "aabbcc"), 0x80000000, 3],
    ["a command of the vendor", raw(0x00010200, 3), 0x80000000, 3],
    ["a broadcast_sm of 5.0", raw(0x0111, 3, "00"), 0x80000000, 3],
    ["a submit_sm", raw(4, 3, message(packet)), 0x80000004, 3],
    ["a bind", raw(9, 3, Buffer.from("610062000034000000", "hex")), 0x80000009, 3],
    ["a query_sm", raw(3, 3, Buffer.concat([cstring("1"), Buffer.of(1, 1), cstring("2")])), 0x80000003, 3],
    ["an enquire_link with a body", raw(0x15, 3, "0011"), 0x80000015, 0],
    ["an enquire_link with a status", raw(0x15, 3, "", 8), 0x80000015, 0],
    ["an alert_notification that is cut", raw(0x102, 3, "01"), 0, undefined],
    ["an outbind that is cut", raw(0x0b, 3, "41"), 0, undefined],
    ["an enquire_link_resp nobody waits for", raw(0x80000015, 3), 0, undefined],
    ["a submit_sm_resp nobody waits for", resp(3), 0, undefined],
    ["a generic_nack nobody waits for", raw(0x80000000, 3, "", 1), 0, undefined],
    ["an unbind_resp nobody waits for", raw(0x80000006, 3), 0, undefined],
    ["an unknown response", raw(0x80000abc, 3, "00"), 0, undefined],
  ])("%s are answered as they should be, and the session goes on", async (_, octets, id, status) => {
    const smsc = await bench();
    const { peer } = smsc;
    const sequence = octets.readUInt32BE(12);
    peer.send(octets);
    if (status === undefined) {
      peer.send(raw(0x15, 4_444));
      await until(() => peer.answers(4_444).length === 1);
      expect(peer.answers(sequence)).toEqual([]);
    } else {
      await until(() => peer.answers(sequence).length === 1);
      expect(peer.answers(sequence)[0]).toMatchObject({ id, status });
    }
    await works(smsc);
    expect(smsc.connections).toHaveLength(1);
  });

  it("that repeat a sequence number are all answered, and so is every enquire_link of a flood", async () => {
    const smsc = await bench();
    const { peer } = smsc;
    peer.send(...Array.from({ length: 20 }, () => raw(5, 5, message(packet))));
    peer.send(...Array.from({ length: 5_000 }, (_, i) => raw(0x15, 10_000 + i)));
    await until(() => peer.answers(5).length === 20 && peer.received.length >= 5_021);
    expect(peer.received.filter(({ id }) => id === 0x80000015)).toHaveLength(5_000);
    await works(smsc);
  });

  it("that flood with unknown commands do not end an account's session", async () => {
    const smsc = await bench();
    smsc.peer.send(...Array.from({ length: 500 }, (_, i) => raw(0x999, i)));
    smsc.peer.send(...Array.from({ length: 500 }, (_, i) => raw(5, i, "00")));
    await until(() => smsc.peer.received.length >= 1_001);
    await works(smsc);
    expect(smsc.connections).toHaveLength(1);
  });

  it("that come in the middle of others, cut anywhere, are put together", async () => {
    const smsc = await bench();
    const { peer } = smsc;
    const stream = Buffer.concat([
      raw(5, 1, message(packet)),
      raw(0x15, 2),
      raw(5, 3, message(Buffer.from(receiptText), { esmClass: 4 })),
      raw(0x999, 4),
      raw(5, 5, message(packet, { tlvs: Buffer.from("0427000102", "hex") })),
    ]);
    for (let size = 1; size < 60; size += 7) {
      const before = peer.received.length;
      for (let at = 0; at < stream.length; at += size) peer.send(stream.subarray(at, at + size));
      await until(() => peer.received.length === before + 5);
    }
    expect(peer.received.slice(1).every(({ id, status }) => (id === 0x80000000 ? status === 3 : status === 0))).toBe(
      true,
    );
    await works(smsc);
  });

  it("are answered before the unbind that follows them", async () => {
    const smsc = await bench();
    const { peer } = smsc;
    peer.send(...[1, 2, 3].map((sequence) => raw(5, sequence, message(packet))), raw(6, 4));
    await until(() => peer.closed);
    expect(peer.received.slice(1).map(({ id, sequence, status }) => [id, sequence, status])).toEqual([
      [0x80000005, 1, 0],
      [0x80000005, 2, 0],
      [0x80000005, 3, 0],
      [0x80000006, 4, 0],
    ]);
    expect(smsc.items).toHaveLength(3);
    await works(smsc);
  });
});
