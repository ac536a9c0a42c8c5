import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { driver } from "../../../drivers/pcsc/driver.ts";
import { readerEvents } from "../../../drivers/pcsc/reader-events.ts";
import { SocketPcscClient } from "../../../drivers/pcsc/socket-client.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import type { ReaderEvent } from "../../../src/link/card-reader.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { FakePcscd, slot, states, withResult, words } from "./fake-pcscd.ts";

const deps = { clock: systemClock, random: () => 0, log: silentLog };
const status = fromHex("80F2000C00");
const quick = { timeoutMs: 2_000 };

let fake: FakePcscd;
let client: SocketPcscClient;

beforeEach(async () => {
  fake = await FakePcscd.start();
  client = new SocketPcscClient(fake.path);
});

afterEach(async () => {
  await fake[Symbol.asyncDispose]();
});

async function collect(count: number, act?: (seen: readonly ReaderEvent[]) => void): Promise<readonly ReaderEvent[]> {
  const stop = new AbortController();
  const seen: ReaderEvent[] = [];
  for await (const event of readerEvents(client, deps, stop.signal)) {
    seen.push(event);
    act?.(seen);
    if (seen.length >= count) stop.abort();
  }
  return seen;
}

describe("the octets on pcscd's socket", () => {
  it("are those of protocol 4.4", async () => {
    {
      await using connection = await client.connect("Reader A", quick);
      expect(toHex(await connection.transmit(status, quick))).toBe("9000");
      await connection.reset("warm", quick);
      await connection.reset("cold", quick);
    }
    const name = Buffer.from("Reader A").toString("hex").toUpperCase().padEnd(256, "0");
    expect(fake.requests.map(({ command, body, extra }) => [command, toHex(body), toHex(extra)])).toEqual([
      [0x11, "040000000600000000000000", ""],
      [0x11, "040000000400000000000000", ""],
      [0x01, "020000000000000000000000", ""],
      [0x04, `34120000${name}0100000003000000000000000000000000000000`, ""],
      [0x12, "", ""],
      [0x09, "770000000100000010000000050000000100000010000000020100000000 0000".replace(" ", ""), "80F2000C00"],
      [0x05, "770000000100000003000000010000000000000000000000", ""],
      [0x12, "", ""],
      [0x05, "770000000100000003000000020000000000000000000000", ""],
      [0x12, "", ""],
      [0x06, "770000000200000000000000", ""],
      [0x02, "3412000000000000", ""],
    ]);
  });

  it("may come in any pieces", async () => {
    fake.chunk = 1;
    fake.reply = Buffer.alloc(258, 0x5a);
    await using connection = await client.connect("Reader A", quick);
    expect((await connection.transmit(status, quick)).length).toBe(258);
  });
});

describe("the protocol version", () => {
  const asked = () => fake.requests.filter(({ command }) => command === 0x11).map(({ body }) => body.readUInt32LE(4));

  it.each([4, 5, 9])("4.%i is spoken when the server names it, and asked for at once the next time", async (minor) => {
    fake.minor = minor;
    {
      await using connection = await client.connect("Reader A", quick);
      expect(toHex(connection.atr)).toBe("3B00");
      expect(asked()).toEqual([6, minor]);
    }
    await client.connect("Reader A", quick).catch(() => undefined);
    expect(asked()).toEqual([6, minor, ...(minor > 6 ? [6, minor] : [minor])]);
  });

  it("4.6 is asked for first", async () => {
    fake.minor = 6;
    await using connection = await client.connect("Reader A", quick);
    expect(toHex(connection.atr)).toBe("3B00");
    expect(asked()).toEqual([6]);
    expect(fake.requests.some(({ command }) => command === 0x12)).toBe(false);
  });

  it("a server that takes what it does not know is spoken to in its own version", async () => {
    fake.minor = 5;
    fake.lenient = true;
    await using connection = await client.connect("Reader A", quick);
    expect(toHex(connection.atr)).toBe("3B00");
    expect(asked()).toEqual([6]);
    expect(fake.requests.some(({ command }) => command === 0x16)).toBe(false);
  });

  it("a server that is renewed is spoken to in its new version", async () => {
    await (await client.connect("Reader A", quick))[Symbol.asyncDispose]();
    fake.minor = 6;
    fake.lenient = true;
    await (await client.connect("Reader A", quick))[Symbol.asyncDispose]();
    await (await client.connect("Reader A", quick))[Symbol.asyncDispose]();
    expect(asked()).toEqual([6, 4, 4, 6]);
  });

  it.each([
    ["another major version", words(5, 0, 0x8010001e)],
    ["an older minor version", words(4, 2, 0x8010001e)],
    ["a refusal of our own numbers", words(4, 4, 0x8010001e)],
    ["another refusal", words(4, 5, 0x80100001)],
  ])("%s is refused", async (_name, answer) => {
    fake.override = ({ command }) => (command === 0x11 ? answer : "default");
    await expect(client.connect("Reader A", quick)).rejects.toMatchObject({ code: "link.driver" });
  });

  it("a server that takes back its own numbers is refused", async () => {
    fake.override = ({ command }) => (command === 0x11 ? words(4, 5, 0x8010001e) : "default");
    await expect(client.connect("Reader A", quick)).rejects.toMatchObject({ code: "link.driver" });
  });
});

describe("more than 16 readers, protocol 4.6", () => {
  const many = (count: number, atr = "3B00") =>
    Buffer.concat(Array.from({ length: count }, (_, n) => slot(`Reader ${n}`, { state: 0x34, atr })));

  beforeEach(() => {
    fake.minor = 6;
  });

  it.each([0, 1, 16, 17, 20, 256])("%i are shown", async (count) => {
    fake.readers = many(count);
    const stop = new AbortController();
    for await (const snapshot of client.watch(stop.signal)) {
      expect(snapshot.map(({ name }) => name)).toEqual(Array.from({ length: count }, (_, n) => `Reader ${n}`));
      stop.abort();
    }
  });

  it("a card in the last of them is taken", async () => {
    fake.readers = many(40);
    await using connection = await client.connect("Reader 39", quick);
    expect(toHex(await connection.transmit(status, quick))).toBe("9000");
  });

  it("more than there are names for is no pcscd", async () => {
    fake.override = ({ command }) => (command === 0x16 ? words(70_000) : "default");
    await expect(client.connect("Reader A", quick)).rejects.toMatchObject({ code: "link.service" });
  });

  it("comes and goes are told, also a change between the order to wait and the question behind it", async () => {
    fake.readers = many(2);
    let early = true;
    fake.override = ({ command }, socket) => {
      if (command === 0x13 && early) {
        early = false;
        fake.readers = many(18);
        socket.write(words(0, 0));
      }
      return "default";
    };
    const seen = await collect(19, (events) => {
      if (events.length !== 18) return;
      fake.readers = many(19);
      fake.signalChange();
    });
    expect(seen.map(({ kind }) => kind)).toEqual(Array.from({ length: 19 }, () => "reader-added"));
  });
});

describe("a pcscd that polkit guards", () => {
  const rule = /polkit\.addRule\(.*access_pcsc.*access_card.*subject\.user == "/;

  it("and that hangs up at once is denied, with the rule that mends it", async () => {
    fake.override = (_request, socket) => {
      socket.destroy();
      return undefined;
    };
    const denied = { code: "link.denied", message: expect.stringMatching(rule), detail: { rule: expect.any(String) } };
    await expect(client.connect("Reader A", quick)).rejects.toMatchObject(denied);
    const [event] = await collect(1);
    expect(event).toMatchObject({ kind: "service-down", error: denied });
    await expect(driver.listReaders?.({ socket: fake.path, client: "socket" }, deps)).rejects.toMatchObject(denied);
  });

  it.each([0x8010001d, 0x8010006a])("and that says so on the greeting (%i) is denied too", async (rv) => {
    fake.override = ({ command, body }) => (command === 0x11 ? withResult(body, rv) : "default");
    await expect(client.connect("Reader A", quick)).rejects.toMatchObject({
      code: "link.denied",
      message: expect.stringMatching(rule),
    });
  });

  it("and that refuses the card is denied with the same rule", async () => {
    fake.override = ({ command, body }) => (command === 0x04 ? withResult(body, 0x8010006a) : "default");
    await expect(client.connect("Reader A", quick)).rejects.toMatchObject({
      code: "link.denied",
      message: expect.stringMatching(rule),
    });
  });

  it("is not meant when it ends in that moment", async () => {
    fake.override = (_request, socket) => {
      void fake[Symbol.asyncDispose]();
      socket.destroy();
      return undefined;
    };
    await expect(client.connect("Reader A", quick)).rejects.toMatchObject({ code: "link.service" });
  });

  it("is not meant when it answered before it went away", async () => {
    fake.override = ({ command }, socket) => {
      if (command !== 0x01) return "default";
      socket.destroy();
      return undefined;
    };
    await expect(client.connect("Reader A", quick)).rejects.toMatchObject({ code: "link.service" });
  });
});

describe("result codes of pcscd", () => {
  it.each([
    [0x80100009, "link.unknown"],
    [0x8010000b, "link.busy"],
    [0x8010000c, "card.absent"],
    [0x80100069, "card.absent"],
    [0x80100066, "card.unresponsive"],
    [0x80100067, "card.unresponsive"],
    [0x80100016, "card.unresponsive"],
    [0x80100017, "link.unavailable"],
    [0x8010001d, "link.service"],
    [0x8010006a, "link.denied"],
    [0x80109999, "card.protocol"],
  ])("on taking a card: %i is %s", async (rv, code) => {
    fake.override = ({ command, body }) => (command === 0x04 ? withResult(body, rv) : "default");
    await expect(client.connect("Reader A", quick)).rejects.toMatchObject({ code, detail: { rv } });
  });

  it.each([
    [0x80100068, "card.reset"],
    [0x80100067, "card.reset"],
    [0x80100069, "card.removed"],
    [0x8010000c, "card.removed"],
    [0x80100016, "card.mute"],
    [0x80100009, "link.lost"],
    [0x80100017, "link.lost"],
    [0x80100003, "link.lost"],
    [0x8010001d, "link.service"],
    [0x80100008, "card.protocol"],
  ])("on an exchange: %i is %s", async (rv, code) => {
    fake.override = ({ command, body }) => (command === 0x09 ? withResult(body, rv) : "default");
    await using connection = await client.connect("Reader A", quick);
    await expect(connection.transmit(status, quick)).rejects.toMatchObject({ code, detail: { rv } });
  });

  it.each([
    ["the card left", states(slot("Reader A")), "card.removed"],
    ["the reader left", states(slot("Reader B")), "link.lost"],
  ])('"not transacted" is looked into: %s', async (_name, after, code) => {
    await using connection = await client.connect("Reader A", quick);
    fake.override = ({ command, body }) => (command === 0x09 ? withResult(body, 0x80100016) : "default");
    fake.readers = after;
    await expect(connection.transmit(status, quick)).rejects.toMatchObject({ code });
  });

  it.each(["", "90"])("success with too few octets (%s) is a card that left", async (reply) => {
    fake.reply = fromHex(reply);
    await using connection = await client.connect("Reader A", quick);
    await expect(connection.transmit(status, quick)).rejects.toMatchObject({ code: "card.removed" });
  });

  it("a card that changes its protocol over a reset is refused", async () => {
    fake.override = ({ command, body }) => {
      if (command !== 0x05) return "default";
      const answer = withResult(body, 0);
      answer.writeUInt32LE(2, 16);
      return answer;
    };
    await using connection = await client.connect("Reader A", quick);
    await expect(connection.reset("warm", quick)).rejects.toMatchObject({ code: "card.protocol" });
  });
});

describe("answers that are wrong or do not come", () => {
  it.each([
    // As polkit's refusal looks.
    [0x11, "link.denied"],
    [0x01, "link.service"],
    [0x04, "link.service"],
    [0x12, "link.service"],
    [0x09, "link.service"],
  ])("the socket closes on command %i", async (closing, code) => {
    fake.override = ({ command }, socket) => {
      if (command !== closing) return "default";
      socket.destroy();
      return undefined;
    };
    const work = async () => {
      await using connection = await client.connect("Reader A", quick);
      await connection.transmit(status, quick);
    };
    await expect(work()).rejects.toMatchObject({ code });
  });

  it.each([
    [0x11, "link.service"],
    [0x01, "card.unresponsive"],
    [0x04, "card.unresponsive"],
    [0x12, "card.unresponsive"],
    [0x09, "card.mute"],
  ])("silence on command %i ends in time with %s", async (silent, code) => {
    fake.override = ({ command }) => (command === silent ? undefined : "default");
    const work = async () => {
      await using connection = await client.connect("Reader A", { timeoutMs: 200 });
      await connection.transmit(status, { timeoutMs: 200 });
    };
    const started = performance.now();
    await expect(work()).rejects.toMatchObject({ code });
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  it("a response longer than any card's is refused at once", async () => {
    fake.override = ({ command, body }) => {
      if (command !== 0x09) return "default";
      const answer = withResult(body, 0);
      answer.writeUInt32LE(0xffffffff, 24);
      return answer;
    };
    await using connection = await client.connect("Reader A", quick);
    await expect(connection.transmit(status, quick)).rejects.toMatchObject({ code: "link.service" });
  });

  it("a reader's name without end and an ATR without bounds are refused", async () => {
    fake.readers = states(Buffer.alloc(184, 0x41));
    await expect(client.connect("Reader A", quick)).rejects.toMatchObject({ code: "link.service" });
    const tooLong = slot("Reader A", { state: 0x34 });
    tooLong.writeUInt32LE(34, 176);
    fake.readers = states(tooLong);
    await expect(client.connect("Reader A", quick)).rejects.toMatchObject({ code: "link.service" });
  });

  it("a name that is too long for pcscd is no reader", async () => {
    await expect(client.connect("x".repeat(128), quick)).rejects.toMatchObject({ code: "link.unknown" });
  });

  it("a command too long for T=0 is refused before it is sent", async () => {
    await using connection = await client.connect("Reader A", quick);
    await expect(connection.transmit(new Uint8Array(262), quick)).rejects.toMatchObject({ code: "codec.length" });
    expect(toHex(await connection.transmit(status, quick))).toBe("9000");
  });

  it("nobody listens at the path", async () => {
    const nobody = new SocketPcscClient(`${fake.path}.other`);
    await expect(nobody.connect("Reader A", quick)).rejects.toMatchObject({ code: "link.service" });
  });
});

describe("reader events", () => {
  it("starts with all 16 readers", async () => {
    fake.readers = states(...Array.from({ length: 16 }, (_, i) => slot(`Reader ${i}`, { state: 0x34, atr: "3B00" })));
    const events = await collect(16);
    expect(events.map((event) => (event.kind === "reader-added" ? event.reader.address : event.kind))).toEqual(
      Array.from({ length: 16 }, (_, i) => `pcsc:Reader ${i}`),
    );
    expect(events[0]).toMatchObject({ state: { at: "present", inUse: false } });
  });

  it("distinguishes empty, mute and used readers", async () => {
    fake.readers = states(
      slot("Empty"),
      slot("Mute", { state: 0x0c }),
      slot("Used", { state: 0x34, sharing: -1, atr: "3B00" }),
    );
    const events = await collect(3);
    expect(events.map((event) => (event.kind === "reader-added" ? event.state : undefined))).toEqual([
      { at: "empty" },
      { at: "mute" },
      { at: "present", atr: fromHex("3B00"), inUse: true },
    ]);
  });

  it("tells readers and cards that come and go, and a card that was exchanged quickly", async () => {
    const script = [
      states(slot("A", { events: 1, state: 0x34, atr: "3B01AA" }), slot("B")),
      states(slot("A", { events: 3, state: 0x34, atr: "3B01AA" }), slot("B")),
      states(slot("A", { events: 4 }), slot("B")),
      states(slot("B")),
    ];
    fake.readers = states(slot("A"));
    const events = await collect(7, (seen) => {
      const told = seen.length;
      if (![1, 3, 5, 6].includes(told)) return;
      fake.readers = script.shift() ?? fake.readers;
      fake.signalChange();
    });
    expect(
      events.map((event) => [
        event.kind,
        event.kind === "reader-added" ? event.reader.name : "reader" in event ? event.reader : "",
      ]),
    ).toEqual([
      ["reader-added", "A"],
      ["card-inserted", "A"],
      ["reader-added", "B"],
      ["card-removed", "A"],
      ["card-inserted", "A"],
      ["card-removed", "A"],
      ["reader-removed", "A"],
    ]);
  });

  it("are not confused by a change told before the first answer", async () => {
    let early = true;
    fake.override = ({ command }) => {
      if (command !== 0x13 || !early) return "default";
      early = false;
      return Buffer.concat([words(0, 0), fake.readers]);
    };
    const [first] = await collect(1);
    expect(first).toMatchObject({ kind: "reader-added", reader: { name: "Reader A" } });
  });

  it("tells a service that went away, and that it is back", async () => {
    const events = await collect(5, (seen) => {
      if (seen.length === 1) fake.dropAll();
    });
    expect(events.map(({ kind }) => kind)).toEqual([
      "reader-added",
      "reader-removed",
      "service-down",
      "service-up",
      "reader-added",
    ]);
  });

  it("end when no longer used", async () => {
    const stop = new AbortController();
    const ended = (async () => {
      for await (const _ of readerEvents(client, deps, stop.signal)) stop.abort();
    })();
    await ended;
  });
});

describe("the driver", () => {
  it("lists the readers with their state, at the socket of its options", async () => {
    const options = driver.options.parse({ socket: fake.path });
    const listed = await driver.listReaders?.(options, deps);
    expect(listed?.map(({ reader, state }) => [reader.name, state.at])).toEqual([["Reader A", "present"]]);
  });

  it("takes the socket of the environment", async () => {
    const before = process.env.PCSCLITE_CSOCK_NAME;
    process.env.PCSCLITE_CSOCK_NAME = fake.path;
    try {
      const listed = await driver.listReaders?.(driver.options.parse({}), deps);
      expect(listed?.length).toBe(1);
    } finally {
      if (before === undefined) delete process.env.PCSCLITE_CSOCK_NAME;
      else process.env.PCSCLITE_CSOCK_NAME = before;
    }
  });

  it("refuses unknown options", () => {
    expect(driver.options.safeParse({ sockt: "x" }).success).toBe(false);
  });
});
