import { describe, expect, test } from "vitest";
import { withoutUndefined } from "../../../../src/base/defined.ts";
import { fromHex, toHex } from "../../../../src/base/hex.ts";
import { catObject } from "../../../../src/codec/cat/object.ts";
import {
  ProactiveCommand as Proactive,
  type ProactiveCommand,
  proactiveCommand,
} from "../../../../src/codec/cat/proactive.ts";
import { dnsQuery } from "../../../../src/codec/dns/message.ts";
import { encode } from "../../../../src/codec/kit/codec.ts";
import { BipService } from "../../../../src/link/card/bip/bip-service.ts";
import { type BipRules, type Destination, defaultRules } from "../../../../src/link/card/bip/rules.ts";
import type { BipConnector, BipSocket, SocketEvents } from "../../../../src/link/card/bip/sockets.ts";
import type { ManualClock } from "../manual-clock.ts";
import { bench } from "../terminal-bench.ts";

/** Sockets that a test holds the other end of. */
class FakeNetwork implements BipConnector {
  readonly asked: Destination[] = [];
  readonly sent: string[] = [];
  readonly fate: string[] = [];
  refuse = false;
  silent = false;
  /** While set, what is written is not taken. */
  stuck = false;
  paused = false;
  #events: SocketEvents | undefined;
  readonly #waiting: (() => void)[] = [];

  connect(to: Destination, events: SocketEvents, signal: AbortSignal): Promise<BipSocket> {
    this.asked.push(to);
    if (this.refuse) return Promise.reject(new Error("connection refused"));
    if (this.silent) {
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
    }
    this.#events = events;
    return Promise.resolve({
      write: (octets) => {
        this.sent.push(toHex(octets));
        return this.stuck ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
      },
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
      },
      end: () => void this.fate.push("end"),
      destroy: () => void this.fate.push("destroy"),
    });
  }

  release(): void {
    this.stuck = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  arrive(hex: string): void {
    this.#events?.onData(fromHex(hex));
  }

  hangUp(error?: Error): void {
    this.#events?.onEnd(error);
  }
}

const open = "D02781030140018202818235010339" + "0205DC470908696E7465726E65743C030220FB3E0521C000020A";
const close = "D009810301410082028121";
const receive = (count: string) => `D00C8103014200820281213701${count}`;
const status = "D009810301440082028182";
const events = "D00D8103010500820281829902090A";
const opened = "81030140018202828183010038028100350103390205DC";

const hex = (command: ProactiveCommand) => toHex(encode(Proactive, command));
const send = (data: string, now: boolean, channel = 1) =>
  hex(
    proactiveCommand({ name: "sendData", qualifier: now ? 1 : 0, destination: 0x20 + channel }, [
      catObject("channelData", fromHex(data)),
    ]),
  );
const openWith = (options: {
  qualifier?: number;
  protocol?: number;
  port?: number;
  buffer?: number;
  bearer?: number;
}) =>
  hex(
    proactiveCommand({ name: "openChannel", qualifier: options.qualifier ?? 1 }, [
      catObject("bearerDescription", { type: options.bearer ?? 3, parameters: new Uint8Array(0) }),
      catObject("bufferSize", options.buffer ?? 1500),
      catObject("transportLevel", { protocol: options.protocol ?? 2, port: options.port ?? 443 }),
      catObject("otherAddress", { kind: "ipv4", host: "192.0.2.10" }),
    ]),
  );

async function started(options: { rules?: BipRules; maxBuffer?: number; channels?: number; events?: boolean } = {}) {
  const network = new FakeNetwork();
  const rules = options.rules ?? defaultRules({ host: "127.0.0.1", port: 9443 });
  const kit = bench({
    card: (card) => {
      if (options.events !== false) card.start.push(events);
    },
    channels: (clock: ManualClock) =>
      new BipService({
        connector: network,
        clock,
        rules: () => rules,
        link: "test",
        ...withoutUndefined({ maxBuffer: options.maxBuffer, channels: options.channels }),
      }),
  });
  await kit.terminal.activate();
  kit.card.responses.length = 0;
  return { ...kit, network };
}

describe("a whole session", () => {
  test("open, store, send, data available, receive, link dropped, close", async () => {
    const { card, clock, network, say } = await started();
    expect(card.log.find((apdu) => apdu.startsWith("8010"))).toBe(
      "80100000223301E842110C000788" + "00001FE2600000434000000001" + "0000000000000000000000" + "20",
    );
    await say(open);
    expect(network.asked).toEqual([{ protocol: "tcp", host: "127.0.0.1", port: 9443 }]);
    await say(
      "D02381030143008202812136 18000102030405060708090A0B0C0D0E0F1011121314151617",
      "D01B810301430182028121361018191A1B1C1D1E1F2021222324252627",
    );
    expect(network.sent).toEqual(["000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F2021222324252627"]);
    network.arrive("C0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDD");
    await clock.advance(0);
    expect(card.envelopes).toEqual(["D60E99010982028281B8028100B7011E"]);
    await say(receive("1E"));
    network.hangUp();
    await clock.advance(0);
    expect(card.envelopes.slice(1)).toEqual(["D60B99010A82028281B8020105"]);
    await say(close, close, receive("01"), close.replace("8121", "8123"));
    expect(card.responses).toEqual([
      opened,
      "810301430082028281830100B701FF",
      "810301430182028281830100B701FF",
      "810301420082028281830100B61EC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDB70100",
      "810301410082028281830100",
      "81030141008202828183023A02",
      "81030142008202828183023A02",
      "81030141008202828183023A03",
    ]);
    expect(card.faults).toEqual([]);
  });

  test("the other end is told when the card closes, and its late words are dropped", async () => {
    const { card, clock, network, say } = await started();
    await say(open, close);
    expect(network.fate).toEqual(["end"]);
    network.arrive("00");
    network.hangUp();
    await clock.advance(0);
    expect(card.envelopes).toEqual([]);
  });
});

describe("OPEN CHANNEL", () => {
  const echo = "35010339";
  test.each([
    ["no bearer", "D00D810301400182028182390205DC", "830136"],
    ["a local bearer", openWith({ bearer: 5 }), "830130"],
    ["server mode", openWith({ protocol: 3 }), `83023A06${echo}0205DC`],
    ["UDP that no rule allows", openWith({ protocol: 1, port: 123 }), `83023A07${echo}0205DC`],
    ["no transport level", "D010810301400182028182350103390205DC", `83023A06${echo}0205DC`],
    ["a malformed address", open.replace("3E0521C000020A", "3E0557C000020A"), "830132"],
  ])("with %s is refused", async (_, command, result) => {
    const { card, network, say, terminal } = await started();
    await say(`${command.slice(0, 2)}${(command.length / 2 - 2).toString(16).padStart(2, "0")}${command.slice(4)}`);
    expect(card.responses).toEqual([`810301400182028281${result}`]);
    expect(network.asked).toEqual([]);
    expect(terminal.describe().channels).toEqual([]);
  });

  test("a refused connection, and one that never comes, are answered", async () => {
    const { card, clock, network, say } = await started();
    network.refuse = true;
    await say(open);
    network.refuse = false;
    network.silent = true;
    await say(open);
    expect(card.responses).toHaveLength(1);
    await clock.advance(29_999);
    expect(card.responses).toHaveLength(1);
    await clock.advance(1);
    expect(card.responses).toEqual(new Array(2).fill("81030140018202828183023A07350103390205DC"));
  });

  test("a smaller buffer is granted with result 07", async () => {
    const { card, say } = await started({ maxBuffer: 1024 });
    await say(open);
    expect(card.responses).toEqual(["8103014001820282818301073802810035010339020400"]);
  });

  test("seven channels at most, the lowest free first, a dropped one at last", async () => {
    const { card, clock, network, say } = await started();
    await say(...new Array<string>(8).fill(open));
    expect(card.responses.map((body) => body.slice(18))).toEqual([
      ...[1, 2, 3, 4, 5, 6, 7].map((id) => `83010038028${id}00350103390205DC`),
      "83023A01350103390205DC",
    ]);
    network.hangUp();
    await clock.advance(0);
    await say(close.replace("8121", "8123"), open, open);
    expect(card.responses.slice(-2).map((body) => body.slice(24, 32))).toEqual(["38028300", "38028700"]);
  });

  test("on demand comes up with the first octets, in the background by itself with an event", async () => {
    const { card, clock, network, say } = await started();
    await say(openWith({ qualifier: 0 }));
    expect(network.asked).toEqual([]);
    await say(send("AA", false), send("BB", true), openWith({ qualifier: 4 }));
    await clock.advance(0);
    expect(network.asked).toHaveLength(2);
    expect(network.sent).toEqual(["AABB"]);
    expect([card.responses[0], card.responses[3]].map((body) => body?.slice(24, 32))).toEqual(["38020100", "38020200"]);
    expect(card.envelopes).toEqual(["D60E99010A82028281B8028200B50103"]);
  });

  test("on demand that cannot come up fails when octets are sent", async () => {
    const { card, network, say } = await started();
    network.refuse = true;
    await say(openWith({ qualifier: 0 }), send("AA", true));
    expect(card.responses.at(-1)).toBe("81030143018202828183023A07");
  });
});

describe("SEND DATA", () => {
  test("tells the room that is left, refuses what does not fit and takes nothing of it", async () => {
    const { card, network, say } = await started();
    await say(
      openWith({ buffer: 300 }),
      send("11".repeat(200), false),
      send("22".repeat(101), false),
      send("33", true),
    );
    expect(card.responses.slice(1)).toEqual([
      "810301430082028281830100B70164",
      "81030143008202828183023A00",
      "810301430182028281830100B701FF",
    ]);
    expect(network.sent).toEqual([`${"11".repeat(200)}33`]);
    await say(send("00", true, 2));
    expect(card.responses.at(-1)).toBe("81030143018202828183023A03");
  });

  test("a slow network shows in the room, and holds the next octets until it has taken these", async () => {
    const { card, clock, network, say } = await started();
    await say(openWith({ buffer: 300 }));
    network.stuck = true;
    await say(send("11".repeat(200), true));
    await clock.advance(100);
    expect(card.responses.at(-1)).toBe("810301430182028281830100B70164");
    await say(send("22".repeat(200), true));
    await clock.advance(5_000);
    expect(card.responses).toHaveLength(2);
    network.release();
    await clock.advance(0);
    expect(card.responses).toHaveLength(3);
    expect(network.sent).toHaveLength(2);
  });

  test("after the link dropped", async () => {
    const { card, network, say } = await started();
    await say(open);
    network.hangUp(new Error("reset by peer"));
    expect(network.fate).toEqual(["destroy"]);
    await say(send("00", true), send("00", false));
    expect(card.responses.slice(-2)).toEqual(["81030143018202828183023A02", "81030143008202828183023A02"]);
  });
});

describe("RECEIVE DATA", () => {
  test("less than wanted, more than fits, nothing yet", async () => {
    const { card, network, say } = await started();
    await say(open, receive("10"));
    network.arrive("AB".repeat(10));
    await say(receive("1E"));
    network.arrive("CD".repeat(600));
    await say(receive("FF"), receive("C8"), receive("FF"));
    expect(card.responses.slice(1)).toEqual([
      "810301420082028281830102B70100",
      `810301420082028281830102B60A${"AB".repeat(10)}B70100`,
      `810301420082028281830107B681ED${"CD".repeat(237)}B701FF`,
      `810301420082028281830100B681C8${"CD".repeat(200)}B701A3`,
      `810301420082028281830102B681A3${"CD".repeat(163)}B70100`,
    ]);
    expect(card.responses.every((body) => body.length / 2 <= 255)).toBe(true);
  });

  test("the event comes on the edge only: not while the card knows that octets wait", async () => {
    const { card, clock, network, say } = await started();
    await say(open);
    network.arrive("0000");
    await clock.advance(0);
    network.arrive("00");
    await clock.advance(0);
    await say(receive("01"));
    network.arrive("00");
    await clock.advance(0);
    expect(card.envelopes).toHaveLength(1);
    await say(receive("FF"));
    network.arrive("000000");
    await clock.advance(0);
    expect(card.envelopes.slice(1)).toEqual(["D60E99010982028281B8028100B70103"]);
  });

  test("a busy card is told again; one without the event in its list is not told, and served all the same", async () => {
    const told = await started();
    await told.say(open);
    told.card.envelopeAnswers.push("9300");
    told.network.arrive("00");
    await told.clock.advance(0);
    await told.say("D009810301020082028182");
    expect(told.card.envelopes).toHaveLength(2);
    const polling = await started({ events: false });
    await polling.say(open);
    polling.network.arrive("EE");
    await polling.clock.advance(0);
    await polling.say(receive("01"));
    expect(polling.card.envelopes).toEqual([]);
    expect(polling.card.responses.at(-1)).toContain("B601EE");
  });

  test("what came before the link dropped is delivered first, then the drop is told", async () => {
    const { card, clock, network, say } = await started();
    await say(open);
    network.arrive("AABB");
    network.hangUp();
    await clock.advance(0);
    expect(card.envelopes).toHaveLength(1);
    await say(status, receive("02"), status);
    await clock.advance(0);
    expect(card.envelopes.slice(1)).toEqual(["D60B99010A82028281B8020105"]);
    expect(card.responses.slice(1)).toEqual([
      "810301440082028281830100B8028100",
      "810301420082028281830100B602AABBB70100",
      "810301440082028281830100B8020105",
    ]);
  });

  test("a full buffer slows the other end down", async () => {
    const { network, say } = await started();
    await say(openWith({ buffer: 300 }));
    network.arrive("00".repeat(400));
    expect(network.paused).toBe(true);
    await say(receive("64"));
    expect(network.paused).toBe(true);
    await say(receive("64"));
    expect(network.paused).toBe(false);
  });
});

describe("UDP", () => {
  const rules = { ...defaultRules(), allow: [{ protocol: "udp" as const }] };

  test("datagrams are never joined", async () => {
    const { card, network, say } = await started({ rules });
    await say(openWith({ protocol: 1, port: 5000 }));
    network.arrive("A1A2A3");
    network.arrive("B1");
    await say(receive("02"), receive("FF"), receive("FF"));
    expect(card.responses.slice(1)).toEqual([
      "810301420082028281830100B602A1A2B70102",
      "810301420082028281830100B601A3B70101",
      "810301420082028281830102B601B1B70100",
    ]);
  });

  test("name questions are answered by the terminal", async () => {
    const { card, clock, network, say } = await started();
    await say(openWith({ protocol: 1, port: 53 }), send(toHex(dnsQuery(1, "smsr.example", 1)), true));
    await clock.advance(0);
    await say(receive("ED"));
    expect(network.asked).toEqual([]);
    expect(card.envelopes).toHaveLength(1);
    expect(card.responses.at(-1)).toMatch(/C0000201B70100$/);
  });
});

test("GET CHANNEL STATUS lists all, or none", async () => {
  const { card, network, say } = await started();
  await say(status, open, openWith({ qualifier: 0 }), status);
  expect([card.responses[0], card.responses[3]]).toEqual([
    "810301440082028281830100B8020000",
    "810301440082028281830100B8028100B8020200",
  ]);
  network.hangUp();
});

test("a reset of the card closes every socket and frees every channel", async () => {
  const { card, network, say, terminal } = await started();
  await say(open, "D009810301010482028182");
  await terminal.settled();
  expect(network.fate).toEqual(["destroy"]);
  expect(card.resets).toBe(1);
  expect(terminal.describe().channels).toEqual([]);
  await say(open);
  expect(card.responses.at(-1)).toBe(opened);
});
