import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { SmscFace, type SmscFaceOptions, smscFaceOptions } from "../../../src/face/smpp/server.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { packet, until } from "../../drivers/smpp/account.ts";
import { bindBody, cstring, message, type RawConnection, raw, rawEsme } from "../../link/smpp/raw-peer.ts";
import { accounts, MemoryPort } from "./memory-port.ts";

const open: AsyncDisposable[] = [];
const peers: RawConnection[] = [];
afterEach(async () => {
  for (const { socket } of peers.splice(0)) socket.destroy();
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function bench(options: Partial<SmscFaceOptions> = {}) {
  const port = new MemoryPort();
  const face = await SmscFace.open(
    { ...smscFaceOptions, port: 0, times: { unbindMs: 100 }, ...options },
    { port, authenticate: accounts(), clock: systemClock, log: silentLog },
  );
  open.push(face);
  const peer = await bound(face);
  return { port, face, peer };
}

async function bound(face: SmscFace): Promise<RawConnection> {
  const peer = await rawEsme(face.port);
  peers.push(peer);
  peer.send(raw(9, 1, bindBody()));
  await peer.take(0x80000009);
  return peer;
}

/** The connection, or a new one, still takes messages. */
async function works(port: MemoryPort, peer: RawConnection): Promise<void> {
  const before = port.submissions.length;
  peer.send(raw(4, 1_000_000, message(packet)));
  await until(() => port.submissions.length === before + 1);
  await until(() => peer.received.some(({ id, sequence }) => id === 0x80000004 && sequence === 1_000_000));
}

const delivery = {
  kind: "message",
  source: { ton: 1, npi: 1, addr: "4917" },
  destination: { ton: 0, npi: 1, addr: "12345" },
  userData: packet,
  userDataHeader: true,
  protocolId: 0x7f,
  dataCoding: 0xf6,
} as const;

describe("the SMSC face against a hand-written ESME", () => {
  it.each([0, 0xffffffff])("echoes sequence %i", async (sequence) => {
    const { peer } = await bench();
    peer.send(raw(4, sequence, message(packet)));
    const { body, ...answer } = await peer.take(0x80000004);
    expect(answer).toMatchObject({ sequence, status: 0 });
    expect(body).toEqual(cstring("1"));
  });

  it.each([0, 8, 15, 70_001, 2 ** 31])("refuses command_length %i and closes; others go on", async (length) => {
    const { port, face, peer } = await bench();
    const other = await bound(face);
    peer.send(raw(4, 5, message(packet), 0, length));
    expect(await peer.take(0x80000000)).toMatchObject({ status: 2, sequence: 0 });
    await until(() => peer.ended);
    await works(port, other);
    await until(() => face.connections.length === 1);
  });

  it("answers unknown commands with generic_nack, and truncated bodies with the field's status", async () => {
    const { port, peer } = await bench();
    peer.send(raw(0x77, 2, "00"));
    expect(await peer.take(0x80000000)).toMatchObject({ status: 3, sequence: 2 });
    const whole = message(packet);
    for (const [at, status] of [
      [0, 0x15],
      [2, 0x49],
      [3, 0x0a],
      [20, 0x0b],
      [whole.length - 1, 0x01],
    ] as const) {
      peer.send(raw(4, 100 + at, whole.subarray(0, at)));
      await until(() => peer.received.some(({ sequence }) => sequence === 100 + at));
      expect(peer.received.find(({ sequence }) => sequence === 100 + at)).toMatchObject({ id: 0x80000004, status });
    }
    for (const [sequence, tlvs, status] of [
      [3, "0204ffff00", 0],
      [4, "00", 0],
      [5, "0204", 0],
      [6, "02040002000104240005aabb", 0xc0],
      [7, "020c00020001020e000102020f0001", 0xc0],
    ] as const) {
      peer.send(raw(4, sequence, message(packet, { tlvs: Buffer.from(tlvs, "hex") })));
      await until(() => peer.received.some((answer) => answer.sequence === sequence));
      expect(peer.received.find((answer) => answer.sequence === sequence)).toMatchObject({ status });
    }
    expect(port.submissions).toHaveLength(3);
    await works(port, peer);
  });

  it("understands one octet at a time, and several PDUs in one segment", async () => {
    const { port, peer } = await bench();
    for (const octet of raw(4, 2, message(packet))) {
      peer.send(Buffer.of(octet));
      await new Promise((resolve) => setImmediate(resolve));
    }
    peer.send(...[3, 4, 5].map((sequence) => raw(4, sequence, message(packet))));
    await until(() => port.submissions.length === 4);
    expect(port.submissions.every(({ userData }) => Buffer.from(userData[0] ?? []).equals(packet))).toBe(true);
  });

  it("delivers again after a generic_nack with sequence 0, a reset and an unbind", async () => {
    const { port, face, peer } = await bench();
    port.queue("esme", delivery);
    await peer.take(5);
    peer.send(raw(0x80000000, 0, "", 8));
    await peer.take(5, 1);
    peer.socket.resetAndDestroy();
    await until(() => face.connections.length === 0);
    const again = await bound(face);
    await again.take(5);
    again.send(raw(6, 9));
    expect(await again.take(0x80000006)).toMatchObject({ status: 0, sequence: 9 });
    await until(() => again.ended && face.connections.length === 0);
    const last = await bound(face);
    const { sequence } = await last.take(5);
    last.send(raw(0x80000005, sequence, cstring("")));
    await until(() => port.waiting.get("esme")?.length === 0);
  });

  it("sends one deliver_sm that nobody answers again, under a new sequence number", async () => {
    const { port, peer } = await bench({ responseMs: 80 });
    port.queue("esme", delivery);
    const first = await peer.take(5);
    const second = await peer.take(5, 1);
    expect(second.sequence).not.toBe(first.sequence);
    expect(second.body).toEqual(first.body);
  });

  it("does not pile up answers for a peer that does not read, and frees its place", async () => {
    const { port, face, peer } = await bench({ times: { enquireMs: 300, enquireAnswerMs: 100, unbindMs: 100 } });
    peer.socket.pause();
    const flood = Buffer.concat(Array.from({ length: 20_000 }, (_, i) => raw(0x15, i)));
    for (let i = 0; i < 40; i++) {
      if (!peer.socket.write(flood)) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until(() => face.connections.length === 0, 10_000);
    await works(port, await bound(face));
  });

  it("asks a silent client whether it lives, and lets it go", async () => {
    const { face, peer } = await bench({ times: { enquireMs: 60, enquireAnswerMs: 40 } });
    await peer.take(0x15, 1);
    await until(() => peer.ended && face.connections.length === 0);
  });

  it("drops half a PDU with its connection", async () => {
    const { port, face, peer } = await bench();
    peer.send(raw(4, 2, message(packet)).subarray(0, 40));
    peer.socket.end();
    await until(() => face.connections.length === 0);
    await works(port, await bound(face));
    expect(port.submissions).toHaveLength(1);
  });

  it("answers a deliver_sm from a client with an invalid command", async () => {
    const { peer } = await bench();
    peer.send(raw(5, 2, message(packet)));
    expect(await peer.take(0x80000005)).toMatchObject({ status: 3, sequence: 2 });
  });

  it("takes what a client sends behind its bind without waiting for the answer, and answers in order", async () => {
    const { port, face } = await bench();
    const peer = await rawEsme(face.port);
    peers.push(peer);
    peer.send(raw(9, 1, bindBody()), ...[2, 3, 4].map((sequence) => raw(4, sequence, message(packet))));
    await until(() => peer.received.length === 4);
    expect(peer.received.map(({ id, status }) => [id, status])).toEqual([
      [0x80000009, 0],
      [0x80000004, 0],
      [0x80000004, 0],
      [0x80000004, 0],
    ]);
    expect(port.submissions).toHaveLength(3);
  });

  it("refuses what stands behind a bind that is refused", async () => {
    const { port, face } = await bench();
    const peer = await rawEsme(face.port);
    peers.push(peer);
    peer.send(raw(9, 1, bindBody("esme", "wrong")), raw(4, 2, message(packet)));
    await until(() => peer.received.length === 2);
    expect(peer.received.map(({ status }) => status)).toEqual([0x0e, 0x04]);
    expect(port.submissions).toHaveLength(0);
  });

  it("answers the submits of a window before the unbind behind them", async () => {
    const { port, peer } = await bench();
    const gates: (() => void)[] = [];
    port.beforeDurable = () => new Promise<void>((resolve) => gates.push(resolve));
    peer.send(...[2, 3].map((sequence) => raw(4, sequence, message(packet))), raw(6, 9));
    await until(() => gates.length === 2);
    expect(peer.received.some(({ id }) => id === 0x80000006)).toBe(false);
    for (const gate of gates) gate();
    await until(() => peer.ended);
    expect(peer.received.slice(1).map(({ id, status }) => [id, status])).toEqual([
      [0x80000004, 0],
      [0x80000004, 0],
      [0x80000006, 0],
    ]);
  });
});
