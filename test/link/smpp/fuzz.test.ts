import { describe, expect, it } from "vitest";
import { readDelivery } from "../../../drivers/smpp/inbound.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { GatewayError, isGatewayError } from "../../../src/base/gateway-error.ts";
import { describePdu } from "../../../src/codec/smpp/describe.ts";
import { ClientSession } from "../../../src/face/smpp/client-session.ts";
import { SmscFace, smscFaceOptions } from "../../../src/face/smpp/server.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { SmppSession } from "../../../src/link/smpp/session.ts";
import type { RequestHandler } from "../../../src/link/smpp/session-contract.ts";
import type { SmppStream, StreamEvents } from "../../../src/link/smpp/stream.ts";
import { packet, until } from "../../drivers/smpp/account.ts";
import { accounts, MemoryPort } from "../../face/smpp/memory-port.ts";
import { testRandom } from "../../seed.ts";
import { bindBody, cstring, message, raw, rawEsme } from "./raw-peer.ts";

const streams = 110_000;
const deps = { clock: systemClock, log: silentLog };

function generator(salt: number): (below: number) => number {
  const random = testRandom(salt);
  return (below) => Math.floor(random() * below);
}

class MemoryStream implements SmppStream {
  readonly peer = "memory";
  out: Uint8Array[] = [];
  #events: StreamEvents | undefined;
  start(events: StreamEvents): void {
    this.#events = events;
  }
  feed(chunk: Uint8Array): void {
    this.#events?.data(chunk);
  }
  hangUp(): void {
    this.#events?.closed();
  }
  write(bytes: Uint8Array): boolean {
    this.out.push(bytes);
    return true;
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

const tlvs = Buffer.from("020400021234042700010204240003020100140000", "hex");
const samples: readonly Buffer[] = [
  raw(9, 1, bindBody()),
  raw(4, 2, message(packet)),
  raw(4, 2, message(packet, { tlvs })),
  raw(5, 3, message(packet, { tlvs })),
  raw(
    5,
    3,
    message(Buffer.from("id:1 stat:DELIVRD err:000"), {
      esmClass: 4,
      tlvs: Buffer.from("001e000231000427000102", "hex"),
    }),
  ),
  raw(
    4,
    3,
    message(Buffer.from("050003070201aabb", "hex"), { tlvs: Buffer.from("020c00020001020e000103020f000102", "hex") }),
  ),
  raw(
    0x21,
    4,
    Buffer.concat([
      cstring(""),
      Buffer.of(1, 1),
      cstring("1"),
      Buffer.of(2, 1, 1, 1),
      cstring("49"),
      Buffer.of(2),
      cstring("all"),
      message(packet).subarray(29),
    ]),
  ),
  raw(
    0x103,
    5,
    Buffer.concat([
      cstring(""),
      Buffer.of(1, 1),
      cstring("4917"),
      Buffer.of(1, 1),
      cstring("12345"),
      Buffer.of(0x40, 1, 0xf6),
      tlvs,
    ]),
  ),
  raw(3, 6, Buffer.concat([cstring("77"), Buffer.of(1, 1), cstring("12345")])),
  raw(
    8,
    7,
    Buffer.concat([cstring(""), cstring("77"), Buffer.of(1, 1), cstring("12345"), Buffer.of(1, 1), cstring("4917")]),
  ),
  raw(
    7,
    8,
    Buffer.concat([cstring("77"), Buffer.of(1, 1), cstring("1"), cstring(""), cstring(""), Buffer.of(0, 0, 2, 1, 2)]),
  ),
  raw(
    0x102,
    9,
    Buffer.concat([
      Buffer.of(1, 1),
      cstring("49"),
      Buffer.of(1, 1),
      cstring("12345"),
      Buffer.from("0422000100", "hex"),
    ]),
  ),
  raw(0x0b, 10, Buffer.concat([cstring("a"), cstring("b")])),
  raw(0x80000004, 11, cstring("1")),
  raw(0x80000000, 0, "", 3),
  raw(0x80000021, 12, Buffer.concat([cstring("1"), Buffer.of(1, 1, 1), cstring("49"), Buffer.of(0, 0, 0, 11)])),
  raw(0x15, 13),
];

/** A sample with something wrong inside; its length field stays right. */
function broken(any: (below: number) => number): Buffer {
  const sample = Buffer.from(samples[any(samples.length)] ?? []);
  const body = sample.length - 16;
  switch (any(5)) {
    case 0: {
      const cut = sample.subarray(0, 16 + any(body + 1));
      cut.writeUInt32BE(cut.length, 0);
      return cut;
    }
    case 1: {
      const junk = Buffer.from(Array.from({ length: any(40) }, () => any(256)));
      const longer = Buffer.concat([sample, junk]);
      longer.writeUInt32BE(longer.length, 0);
      return longer;
    }
    case 2:
      for (let i = any(4) + 1; i > 0 && body > 0; i--) sample[16 + any(body)] = any(256);
      return sample;
    case 3:
      for (let i = 0; i < body; i++) if (sample[16 + i] === 0) sample[16 + i] = 1 + any(255);
      return sample;
    default:
      sample.writeUInt32BE(any(2) === 0 ? any(0x200) : 0x80000000 + any(0x200), 4);
      return sample;
  }
}

/** A stream whose framing itself is wrong, or that ends in the middle. */
function torn(any: (below: number) => number): Buffer {
  const whole = Buffer.concat([broken(any), broken(any)]);
  switch (any(3)) {
    case 0:
      whole.writeUInt32BE([0, 1, 8, 15, 70_001, 0x7fffffff, 0xffffffff, any(0xffffffff)][any(8)] ?? 0, 0);
      return whole;
    case 1:
      return whole.subarray(0, 1 + any(whole.length));
    default:
      return Buffer.from(Array.from({ length: 1 + any(80) }, () => any(256)));
  }
}

function faceHandler(): RequestHandler {
  const port = new MemoryPort();
  const client = new ClientSession({
    ...deps,
    port,
    authenticate: accounts(),
    systemId: "fuzz",
    remoteAddress: "127.0.0.1",
    tls: false,
    gone: new AbortController().signal,
    maxBindTries: 5,
    claim: () => true,
    admit: () => () => undefined,
    nextReference: () => 1,
  });
  return (pdu) => client.handle(pdu);
}

const esmeHandler: RequestHandler = (pdu) => {
  if (pdu.command !== "deliver_sm" && pdu.command !== "data_sm") return { status: 3 };
  try {
    readDelivery(pdu.body, true);
    return { status: 0 };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { status: 0x65 };
  }
};

const options = { link: "fuzz", window: 10, inboundWindow: 100, responseMs: 10_000 };
const nap = () => new Promise((resolve) => setImmediate(resolve));
const enquire = raw(0x15, 0x0badcafe);
const enquired = raw(0x80000015, 0x0badcafe);

describe(`${streams.toLocaleString("en")} malformed streams`, () => {
  it("crash nothing, leave nothing behind and make no session deaf", { timeout: 120_000 }, async () => {
    const any = generator(20_260_125);
    const failures: unknown[] = [];
    const onFailure = (error: unknown) => void failures.push(error);
    process.on("unhandledRejection", onFailure);
    const traces = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    const heapBefore = process.memoryUsage().heapUsed;
    let deaf = 0;
    let unended = 0;
    for (let done = 0; done < streams; ) {
      const batch = Array.from({ length: 500 }, () => {
        const stream = new MemoryStream();
        const smsc = any(2) === 0;
        const role = smsc ? "smsc" : "esme";
        const session = new SmppSession(stream, smsc ? faceHandler() : esmeHandler, { ...options, role }, deps);
        session.granted("trx");
        const open = any(3) === 0 ? session.request("enquire_link", { tlvs: {} }).catch(() => undefined) : undefined;
        const framed = any(3) > 0;
        const octets = framed ? Buffer.concat([broken(any), broken(any)]) : torn(any);
        for (let at = 0; at < octets.length; ) {
          const size = 1 + any(octets.length);
          stream.feed(new Uint8Array(octets.subarray(at, at + size)));
          at += size;
        }
        if (framed) stream.feed(new Uint8Array(enquire));
        return { stream, session, framed, open };
      });
      await nap();
      for (const { stream, session, framed } of batch) {
        const unbound = session.state.at !== "bound";
        if (framed && !unbound && !Buffer.concat(stream.out).includes(enquired)) deaf += 1;
        stream.hangUp();
        if (session.inFlight !== 0) unended += 1;
      }
      await Promise.all(batch.map(({ session, open }) => Promise.all([session.ended, open])));
      done += batch.length;
    }
    process.off("unhandledRejection", onFailure);
    Error.stackTraceLimit = traces;
    expect(failures).toEqual([]);
    expect({ deaf, unended }).toEqual({ deaf: 0, unended: 0 });
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(150 << 20);
  });

  it("never keep a PDU from being described", () => {
    const any = generator(7);
    for (let i = 0; i < 20_000; i++) {
      const octets = any(2) === 0 ? broken(any) : torn(any);
      try {
        describePdu(new Uint8Array(octets));
      } catch (error) {
        expect(error).toBeInstanceOf(GatewayError);
      }
    }
  });

  it("over real connections leave the SMSC face as it was", { timeout: 60_000 }, async () => {
    const any = generator(99);
    const port = new MemoryPort();
    await using face = await SmscFace.open(
      { ...smscFaceOptions, port: 0, times: { unbindMs: 50 } },
      { port, authenticate: accounts(), ...deps },
    );
    for (let round = 0; round < 100; round++) {
      const peers = await Promise.all(Array.from({ length: 5 }, () => rawEsme(face.port)));
      for (const peer of peers) {
        peer.send(raw(9, 1, bindBody()), torn(any));
        if (any(2) === 0) peer.socket.end();
        else peer.socket.resetAndDestroy();
      }
      await nap();
      for (const { socket } of peers) socket.destroy();
    }
    await until(() => face.connections.length === 0);
    const peer = await rawEsme(face.port);
    peer.send(raw(9, 1, bindBody()));
    expect(await peer.take(0x80000009)).toMatchObject({ status: 0 });
    peer.send(raw(4, 2, message(packet)));
    expect(await peer.take(0x80000004)).toMatchObject({ status: 0 });
    peer.socket.destroy();
  });
});
