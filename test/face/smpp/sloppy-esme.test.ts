import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { SmscFace, smscFaceOptions } from "../../../src/face/smpp/server.ts";
import { packet, until } from "../../drivers/smpp/account.ts";
import { bindBody, cstring, message, type RawConnection, type RawPdu, raw, rawEsme } from "../../link/smpp/raw-peer.ts";
import { accounts, MemoryPort } from "./memory-port.ts";

let face: SmscFace;
let port: MemoryPort;
let peer: RawConnection;
let sequence = 10;

beforeAll(async () => {
  port = new MemoryPort();
  face = await SmscFace.open(
    { ...smscFaceOptions, port: 0, maxFaults: 10_000, times: { unbindMs: 100 } },
    { port, authenticate: accounts(), clock: systemClock, log: silentLog },
  );
  peer = await rawEsme(face.port);
  peer.send(raw(9, 1, bindBody()));
  await peer.take(0x80000009);
});
afterAll(async () => {
  peer.socket.destroy();
  await face[Symbol.asyncDispose]();
});

/** One request of the sloppy client, and its one answer. */
async function ask(id: number, body: Buffer, status = 0): Promise<RawPdu> {
  sequence += 1;
  const mine = sequence;
  peer.send(raw(id, mine, body, status));
  const answers = () => peer.received.filter((pdu) => pdu.id >= 0x80000000 && pdu.sequence === mine);
  await until(() => answers().length > 0);
  expect(answers()).toHaveLength(1);
  return answers()[0] ?? { id: 0, status: -1, sequence: mine, body: Buffer.alloc(0) };
}

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const nothing = new Uint8Array(0);
/** A submit_sm with times in it. */
function timed(schedule: string, validity: string): Buffer {
  const body = message(packet);
  const at = 1 + 2 + 13 + 2 + 6 + 3;
  return Buffer.concat([body.subarray(0, at), cstring(schedule), cstring(validity), body.subarray(at + 2)]);
}
/** A submit_multi to these destinations, each with its flag. */
function multi(count: number, destinations: Buffer): Buffer {
  const body = message(packet);
  const source = body.subarray(0, 1 + 2 + 13);
  return Buffer.concat([source, Buffer.of(count), destinations, body.subarray(1 + 2 + 13 + 2 + 6)]);
}
const one = Buffer.concat([Buffer.of(1, 1, 1), cstring("491701")]);
const list = Buffer.concat([Buffer.of(2), cstring("all")]);

describe("requests of sloppy and hostile ESMEs", () => {
  it.each<[string, number, Buffer, number]>([
    ["an empty source", 4, message(packet, { from: "" }), 0],
    ["an empty destination", 4, message(packet, { to: "" }), 0x0b],
    ["a destination of 21 digits", 4, message(packet, { to: "1".repeat(21) }), 0x0b],
    ["an EID as destination", 4, message(packet, { to: "89044000".padEnd(32, "0") }), 0],
    ["a source of 30 characters", 4, message(packet, { from: "x".repeat(30) }), 0x0a],
    ["a source of 100 characters", 4, message(packet, { from: "1".repeat(100) }), 0x0a],
    ["no message", 4, message(nothing), 0x01],
    ["two messages", 4, message(packet, { tlvs: hex("0424 0002 aabb") }), 0x01],
    ["a payload alone", 4, message(nothing, { tlvs: hex("0424 0005 027000aabb") }), 0],
    ["an empty payload", 4, message(nothing, { tlvs: hex("0424 0000") }), 0x01],
    ["254 octets", 4, message(Buffer.alloc(254, 1), { esmClass: 0 }), 0],
    ["255 octets", 4, message(Buffer.alloc(255, 1), { esmClass: 0 }), 0],
    ["sm_length beyond the PDU", 4, message(packet, { smLength: 250 }), 0x01],
    ["all bits of esm_class", 4, message(packet, { esmClass: 0xff }), 0],
    ["a header that is longer than the message", 4, message(Buffer.of(200, 1, 2)), 0],
    ["a segment 0 of 2", 4, message(packet, { tlvs: hex("020c00020001 020e000102 020f000100") }), 0xc0],
    ["a segment 3 of 2", 4, message(packet, { tlvs: hex("020c00020001 020e000102 020f000103") }), 0xc0],
    ["a segment 1 of 1", 4, message(packet, { tlvs: hex("020c00020001 020e000101 020f000101") }), 0],
    ["parameters of a wrong length", 4, message(packet, { tlvs: hex("0204000101 0427000400000002") }), 0],
    ["parameters of 5.0", 4, message(packet, { tlvs: hex("06130001aa 060d0003616263") }), 0],
    ["a status in the request", 4, message(packet), 0],
    ["a relative validity", 4, timed("", "000000010000000R"), 0],
    ["a validity that is over", 4, timed("", "200101000000000+"), 0x62],
    ["a validity of 12 characters", 4, timed("", "261130120000"), 0x62],
    ["a validity of letters", 4, timed("", "YYMMDDhhmmsstnnp"), 0x62],
    ["a schedule of letters", 4, timed("tomorrow", ""), 0x61],
    ["a date that is none", 4, timed("269931000000000+", ""), 0x61],
    [
      "data_sm without a payload",
      0x103,
      Buffer.concat([cstring(""), Buffer.of(1, 1), cstring("1"), Buffer.of(1, 1), cstring("2"), Buffer.of(0x40, 0, 4)]),
      0x01,
    ],
    ["submit_multi to nobody", 0x21, multi(0, Buffer.alloc(0)), 0x33],
    ["submit_multi to one", 0x21, multi(1, one), 0],
    ["submit_multi to a list", 0x21, multi(1, list), 0x34],
    ["submit_multi to one and a list", 0x21, multi(2, Buffer.concat([one, list])), 0],
    ["submit_multi with a wrong flag", 0x21, multi(1, Buffer.concat([Buffer.of(7), cstring("1")])), 0x40],
    ["submit_multi that announces 255", 0x21, multi(255, one), 0x40],
    ["query_sm of nothing", 3, Buffer.concat([cstring(""), Buffer.of(0, 0), cstring("")]), 0x0c],
    ["query_sm of another's", 3, Buffer.concat([cstring("999999"), Buffer.of(0, 0), cstring("")]), 0x0c],
    ["query_sm without a body", 3, Buffer.alloc(0), 0x0c],
    [
      "replace_sm",
      7,
      Buffer.concat([cstring("1"), Buffer.of(0, 0), cstring(""), cstring(""), cstring(""), Buffer.of(0, 0, 0)]),
      0x13,
    ],
    ["a second bind", 9, bindBody(), 0x05],
    ["a bind as a receiver", 1, bindBody(), 0x05],
    ["enquire_link with a body", 0x15, hex("00112233"), 0],
    ["deliver_sm", 5, message(packet), 0x03],
    ["a command of nobody", 0x0fff, hex("00"), 0x03],
    ["broadcast_sm", 0x0111, hex("00"), 0x03],
  ])("%s: command %i", async (_, id, body, status) => {
    const before = port.submissions.length;
    const answer = await ask(id, body);
    expect(answer.status).toBe(status);
    expect(answer.id).toBe(status === 3 && id > 0x103 ? 0x80000000 : 0x80000000 + id);
    const submits = id === 4 || id === 0x21 || id === 0x103;
    expect(port.submissions.length - before).toBe(submits && status === 0 ? 1 : 0);
    // The session goes on.
    expect((await ask(0x15, Buffer.alloc(0))).status).toBe(0);
  });

  it("are told nothing by responses that nobody asked for", async () => {
    const before = peer.received.length;
    peer.send(
      raw(0x80000005, 900, cstring("")),
      raw(0x80000004, 901),
      raw(0x80000000, 902, "", 1),
      raw(0x80000fff, 903),
    );
    expect((await ask(0x15, Buffer.alloc(0))).status).toBe(0);
    expect(peer.received.length).toBe(before + 1);
  });

  it("get a delivery again that they answer with something else, and no more once they answer it", async () => {
    port.queue("esme", {
      kind: "message",
      source: { ton: 1, npi: 1, addr: "4917" },
      destination: { ton: 0, npi: 1, addr: "12345" },
      userData: packet,
      userDataHeader: true,
      protocolId: 0x7f,
      dataCoding: 0xf6,
    });
    const first = await peer.take(5);
    peer.send(
      raw(0x80000015, first.sequence),
      raw(0x80000004, first.sequence, cstring("1")),
      raw(0x80000006, first.sequence),
    );
    expect((await ask(0x15, Buffer.alloc(0))).status).toBe(0);
    expect(port.waiting.get("esme")).toHaveLength(1);
    peer.send(raw(0x80000005, first.sequence, cstring("")));
    await until(() => port.waiting.get("esme")?.length === 0);
    expect(peer.received.filter(({ id }) => id === 5)).toHaveLength(1);
  });
});
