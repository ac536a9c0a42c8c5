import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import type { Log } from "../../../src/base/log.ts";
import { BindGate } from "../../../src/face/smpp/bind-gate.ts";
import { SmscFace, type SmscFaceOptions, smscFaceOptions } from "../../../src/face/smpp/server.ts";
import { onFrame } from "../../../src/link/trace.ts";
import { packet, until } from "../../drivers/smpp/account.ts";
import { bindBody, message, type RawConnection, raw, rawEsme } from "../../link/smpp/raw-peer.ts";
import { MemoryPort } from "./memory-port.ts";

const open: AsyncDisposable[] = [];
const peers: RawConnection[] = [];
afterEach(async () => {
  for (const { socket } of peers.splice(0)) socket.destroy();
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

/** A face whose password checks end when the test says, and whose log is kept. */
async function bench(options: Partial<SmscFaceOptions> = {}, holdMs = 1) {
  const port = new MemoryPort();
  const lines: { facts: Record<string, unknown>; message: string }[] = [];
  const write = (facts: object, text: string) => void lines.push({ facts: { ...facts }, message: text });
  const log: Log = { debug() {}, info: write, warn: write, error: write };
  const checks = { started: 0, running: 0, most: 0, hold: false, release: () => {} };
  const released = new Promise<void>((resolve) => {
    checks.release = resolve;
  });
  const verify = async (password: string) => {
    checks.started += 1;
    checks.running += 1;
    checks.most = Math.max(checks.most, checks.running);
    if (checks.hold && password !== "secret") await released;
    checks.running -= 1;
    return password === "secret";
  };
  const account = { systemId: "esme", maxBinds: 4, window: 50, deliverAs: "deliver_sm", passwordHash: "" } as const;
  const limits = { maxVerifications: 1, maxVerificationQueue: 4, failureDelayMs: holdMs, maxFailureDelayMs: holdMs };
  const gate = new BindGate([account], limits, { clock: systemClock, verify });
  const face = await SmscFace.open(
    { ...smscFaceOptions, port: 0, ...options, times: { bindMs: 60_000, unbindMs: 100, ...options.times } },
    { port, authenticate: (request, gone) => gate.decide(request, gone), clock: systemClock, log },
  );
  open.push(face);
  return { port, face, lines, checks };
}

async function connect(face: SmscFace): Promise<RawConnection> {
  const peer = await rawEsme(face.port);
  peers.push(peer);
  return peer;
}

async function bound(face: SmscFace): Promise<RawConnection> {
  const peer = await connect(face);
  peer.send(raw(9, 1, bindBody()));
  expect((await peer.take(0x80000009)).status).toBe(0);
  return peer;
}

describe("strangers at the SMSC face", () => {
  it("cost a bound client nothing with a flood of wrong binds: few checks run, none is in its way", async () => {
    const { face, port, checks } = await bench({
      maxUnbound: 500,
      maxUnboundPerAddress: 500,
      maxConnectionsPerAddress: 500,
    });
    const client = await bound(face);
    checks.hold = true;
    const flood = await Promise.all(Array.from({ length: 200 }, () => connect(face)));
    for (const [i, peer] of flood.entries()) peer.send(raw(9, 1, bindBody("esme", `wrong-${i}`)));
    await until(() => flood.filter(({ received }) => received.length > 0).length >= 190);
    client.send(...Array.from({ length: 40 }, (_, i) => raw(4, 100 + i, message(packet))));
    await until(() => client.received.filter(({ id, status }) => id === 0x80000004 && status === 0).length === 40);
    expect(port.submissions).toHaveLength(40);
    // One address has one check; the flood's others were refused without any.
    expect(checks).toMatchObject({ started: 2, running: 1, most: 1 });
    // A client that was verified before binds again while the check of a stranger still runs.
    await bound(face);
    expect(checks.started).toBe(2);
    checks.release();
  });

  it("are dropped from the checks when they leave", async () => {
    const { face, checks } = await bench({}, 150);
    const first = await connect(face);
    first.send(raw(9, 1, bindBody("esme", "wrong")));
    await first.take(0x80000009);
    const second = await connect(face);
    second.send(raw(9, 1, bindBody("esme", "wrong again")));
    await until(() => face.connections.length === 2);
    second.socket.destroy();
    await until(() => face.connections.length === 1);
    const before = checks.started;
    await bound(face);
    // The one that left was never checked: only the client that bound after it.
    expect(checks.started).toBe(before + 1);
  });

  it("lose their connection after some refused binds", async () => {
    const { face } = await bench({ maxBindTries: 3 });
    const peer = await connect(face);
    for (let i = 1; i <= 3; i++) {
      peer.send(raw(9, i, bindBody("nobody")));
      expect((await peer.take(0x80000009, i - 1)).status).toBe(0x0f);
    }
    await until(() => peer.ended);
  });

  it("do not hold places: the oldest one makes room, and bound clients stay", async () => {
    const { face } = await bench({ maxUnbound: 3, maxUnboundPerAddress: 3, maxConnectionsPerAddress: 100 });
    const client = await bound(face);
    const idle = [await connect(face), await connect(face), await connect(face)];
    await until(() => face.connections.length === 4);
    const newcomer = await bound(face);
    await until(() => idle[0]?.ended === true && face.connections.length === 4);
    expect([idle[1]?.ended, idle[2]?.ended, newcomer.ended]).toEqual([false, false, false]);
    expect(client.ended).toBe(false);
  });

  it("must bind in time, whatever they send meanwhile", async () => {
    const { face } = await bench({ times: { bindMs: 300 } });
    const peer = await connect(face);
    const beat = setInterval(() => peer.send(raw(0x15, 7)), 40);
    try {
      await until(() => peer.ended);
    } finally {
      clearInterval(beat);
    }
    expect(peer.received.length).toBeGreaterThan(0);
  });

  it.each([
    ["malformed PDUs", (i: number) => raw(4, i, "00")],
    ["unknown commands", (i: number) => raw(0x77, i)],
    ["submits without a bind", (i: number) => raw(4, i, message(packet))],
    ["enquire_links without a bind", (i: number) => raw(0x15, i)],
    ["answers to nothing", (i: number) => raw(0x80000004, i, "00")],
    ["binds that cannot be read", (i: number) => raw(9, i, "41")],
  ])("are cut off for a flood of %s, and write a few lines", async (_, pdu) => {
    const { face, lines } = await bench();
    const peer = await connect(face);
    peer.send(...Array.from({ length: 5_000 }, (_, i) => pdu(i)));
    await until(() => peer.ended && face.connections.length === 0);
    expect(peer.received.length).toBeLessThanOrEqual(101);
    expect(lines.length).toBeLessThan(40);
  });

  it("write a bounded number of lines over many connections, and the rest is counted", async () => {
    const { face, lines } = await bench({ maxFaults: 1 });
    for (let i = 0; i < 60; i++) {
      const peer = await connect(face);
      peer.send(raw(4, 1, "00"), raw(4, 2, "00"));
      await until(() => peer.ended);
    }
    await until(() => face.connections.length === 0);
    expect(lines.filter(({ message: text }) => text === "malformed SMPP PDU refused")).toHaveLength(20);
    await open.pop()?.[Symbol.asyncDispose]();
    const told = lines.filter(({ facts }) => facts.line === "malformed SMPP PDU refused");
    expect(told).toEqual([
      { facts: { line: "malformed SMPP PDU refused", leftOut: 100 }, message: "log lines were left out" },
    ]);
  });

  it("are another matter than a client, which is only cut off for many malformed PDUs in a short time", async () => {
    const { face, port } = await bench({ maxFaults: 3 });
    const client = await bound(face);
    client.send(raw(4, 2, "00"), raw(4, 3, "00"), raw(4, 4, "00"));
    client.send(...Array.from({ length: 300 }, (_, i) => raw(0x15, 1_000 + i)), raw(4, 5, message(packet)));
    await until(() => port.submissions.length === 1);
    client.send(raw(4, 6, "00"));
    await until(() => client.ended);
  });

  it("are cut off for a PDU that is longer than a bind can be", async () => {
    const { face } = await bench();
    const peer = await connect(face);
    peer.send(raw(4, 1, Buffer.alloc(2_000)));
    expect(await peer.take(0x80000000)).toMatchObject({ status: 2 });
    await until(() => peer.ended);
    const client = await bound(face);
    client.send(
      raw(
        4,
        2,
        message(Buffer.alloc(0), { tlvs: Buffer.concat([Buffer.from("04240fa0", "hex"), Buffer.alloc(4_000)]) }),
      ),
    );
    expect((await client.take(0x80000004)).status).toBe(0);
  });

  it("push nobody else out of the trace", async () => {
    const seen: number[] = [];
    const off = onFrame(({ kind, bytes }) => kind === "smpp" && bytes !== undefined && seen.push(bytes[7] ?? 0));
    try {
      const { face } = await bench();
      const client = await bound(face);
      for (let i = 0; i < 30; i++) {
        const peer = await connect(face);
        peer.send(...Array.from({ length: 200 }, (_, at) => raw(0x15, at)));
        await until(() => peer.ended);
      }
      const before = seen.filter((id) => id === 4).length;
      client.send(...Array.from({ length: 40 }, (_, i) => raw(4, 100 + i, message(packet))));
      await until(() => client.received.length === 41);
      expect(seen.filter((id) => id === 4).length - before).toBe(80);
      // 50 a second at most, in and out, for as long as it took.
      expect(seen.filter((id) => id === 0x15).length).toBeLessThan(2_000);
    } finally {
      off();
    }
  });
});
