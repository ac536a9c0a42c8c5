import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { ApduChannel, type ApduChannelDeps } from "../../../src/link/card/channel.ts";
import type { CardConnection } from "../../../src/link/card-reader.ts";
import { type Frame, onFrame } from "../../../src/link/trace.ts";

/** A connection that expects exactly the commands of a transcript and gives its answers. */
function scripted(lines: readonly (readonly [c: string, r: string])[], level: "tpdu" | "apdu" = "tpdu") {
  const left = [...lines];
  const sent: string[] = [];
  const connection: CardConnection = {
    atr: fromHex("3B00"),
    level,
    maxResponse: 258,
    transmit: async (command) => {
      const next = left.shift();
      sent.push(toHex(command));
      if (next === undefined) throw new Error(`the card did not expect ${toHex(command)}`);
      await Promise.resolve();
      expect(toHex(command)).toBe(next[0]);
      return fromHex(next[1]);
    },
    reset: async () => fromHex("3B01AA"),
    [Symbol.asyncDispose]: async () => {},
  };
  return { connection, sent, left };
}

function channelOver(connection: CardConnection, more: Partial<ApduChannelDeps> = {}) {
  return new ApduChannel({ connection, link: "test reader", clock: systemClock, ...more });
}

async function run(level: "tpdu" | "apdu", apdu: string, lines: readonly (readonly [string, string])[]) {
  const { connection, left } = scripted(lines, level);
  const { data, sw, warning } = await channelOver(connection).transmit(fromHex(apdu));
  expect(left).toEqual([]);
  return {
    data: toHex(data),
    sw: sw.toString(16),
    ...withoutUndefined({ warning: warning?.toString(16) }),
  };
}

const select = "00A4040C07A000000087100200";
const selectTpdu = select.slice(0, -2);

describe("the APDU mapping over T=0", () => {
  // Rows: name, APDU, exchanges, data, SW. The warning rows follow TS 102 221 §7.3.1.1.4.
  it.each([
    ["case 1 gets P3 = 00", "00A40000", [["00A4000000", "9000"]], "", "9000"],
    ["case 2 goes as it is", "00B0000002", [["00B0000002", "AABB9000"]], "AABB", "9000"],
    [
      "case 2 is repeated with the length of 6CXX",
      "00B0000000",
      [
        ["00B0000000", "6C04"],
        ["00B0000004", "010203049000"],
      ],
      "01020304",
      "9000",
    ],
    [
      "case 1 that turns out to have an answer",
      "80F2000C",
      [
        ["80F2000C00", "6C02"],
        ["80F2000C02", "00019000"],
      ],
      "0001",
      "9000",
    ],
    [
      "case 2 with 61XX",
      "80CA00FF00",
      [
        ["80CA00FF00", "6103"],
        ["00C0000003", "AABBCC9000"],
      ],
      "AABBCC",
      "9000",
    ],
    ["case 3 goes as it is", "0020000108313233343536FFFF", [["0020000108313233343536FFFF", "63C2"]], "", "63c2"],
    [
      "case 3 with 61XX brings its data",
      "80C2000001D1",
      [
        ["80C2000001D1", "6101"],
        ["00C0000001", "AA9000"],
      ],
      "AA",
      "9000",
    ],
    ["case 4 loses Le", select, [[selectTpdu, "9000"]], "", "9000"],
    [
      "case 4 with 61XX",
      select,
      [
        [selectTpdu, "6103"],
        ["00C0000003", "A1B2C39000"],
      ],
      "A1B2C3",
      "9000",
    ],
    [
      "61XX after data is followed",
      select,
      [
        [selectTpdu, "6102"],
        ["00C0000002", "AABB6102"],
        ["00C0000002", "CCDD9000"],
      ],
      "AABBCCDD",
      "9000",
    ],
    [
      "6100 means 256 octets",
      select,
      [
        [selectTpdu, "6100"],
        ["00C0000000", `${"5A".repeat(256)}9000`],
      ],
      "5A".repeat(256),
      "9000",
    ],
    [
      "6CXX to GET RESPONSE",
      select,
      [
        [selectTpdu, "6110"],
        ["00C0000010", "6C02"],
        ["00C0000002", "AABB9000"],
      ],
      "AABB",
      "9000",
    ],
    [
      "9FXX in the class of the SIM",
      "A0A40000023F00",
      [
        ["A0A40000023F00", "9F02"],
        ["A0C0000002", "AABB9000"],
      ],
      "AABB",
      "9000",
    ],
    [
      "91XX behind the data",
      "80C2000001D100",
      [
        ["80C2000001D1", "6101"],
        ["00C0000001", "AA913F"],
      ],
      "AA",
      "913f",
    ],
    ["91XX at once", "80C2000001D100", [["80C2000001D1", "9142"]], "", "9142"],
    ["an error ends it", select, [[selectTpdu, "6A82"]], "", "6a82"],
    [
      "a warning behind the data is final",
      select,
      [
        [selectTpdu, "6102"],
        ["00C0000002", "AABB6310"],
      ],
      "AABB",
      "6310",
    ],
    ["a warning with data at once is final", "00B0000004", [["00B0000004", "010203046282"]], "01020304", "6282"],
    [
      "a warning before the data",
      select,
      [
        [selectTpdu, "62F1"],
        ["00C0000000", "6C03"],
        ["00C0000003", "A1B2C39000"],
      ],
      "A1B2C3",
      "62f1",
    ],
    [
      "a warning before the data, then 61XX",
      select,
      [
        [selectTpdu, "6300"],
        ["00C0000000", "6103"],
        ["00C0000003", "A1B2C39000"],
      ],
      "A1B2C3",
      "6300",
    ],
    [
      "a warning without data behind it",
      select,
      [
        [selectTpdu, "6283"],
        ["00C0000000", "6F00"],
      ],
      "",
      "6283",
    ],
    [
      "a warning that repeats itself",
      select,
      [
        [selectTpdu, "6281"],
        ["00C0000000", "6281"],
      ],
      "",
      "6281",
    ],
    ["a warning to a command that wants no data is final", "80C2000001D1", [["80C2000001D1", "6200"]], "", "6200"],
    [
      "GET RESPONSE on logical channel 2",
      "82F24002024F0000",
      [
        ["82F24002024F00", "6102"],
        ["02C0000002", "AABB9000"],
      ],
      "AABB",
      "9000",
    ],
    [
      "GET RESPONSE on logical channel 5",
      "C1F24002024F0000",
      [
        ["C1F24002024F00", "6102"],
        ["41C0000002", "AABB9000"],
      ],
      "AABB",
      "9000",
    ],
    [
      "GET RESPONSE in the command's class where the card insists",
      "80F24002024F0000",
      [
        ["80F24002024F00", "6102"],
        ["00C0000002", "6E00"],
        ["80C0000002", "AABB9000"],
      ],
      "AABB",
      "9000",
    ],
  ] as const)("%s", async (_name, apdu, exchanges, data, sw) => {
    expect(await run("tpdu", apdu, exchanges)).toEqual({ data, sw });
  });

  it("reports both the warning before the data and the proactive command behind it", async () => {
    const answer = await run("tpdu", select, [
      [selectTpdu, "6200"],
      ["00C0000000", "6C01"],
      ["00C0000001", "AA9120"],
    ]);
    expect(answer).toEqual({ data: "AA", sw: "9120", warning: "6200" });
  });

  it.each([
    ["6CXX for ever", "00B0000000", "6C04", 4],
    ["61XX without data for ever", "00B0000000", "6104", 5],
  ])("ends %s", async (_name, apdu, answer, count) => {
    let exchanges = 0;
    const { connection } = scripted([]);
    const stubborn = {
      ...connection,
      transmit: async () => {
        exchanges++;
        return fromHex(answer);
      },
    };
    const response = await channelOver(stubborn).transmit(fromHex(apdu));
    expect(response.sw).toBe(Number.parseInt(answer, 16));
    expect(exchanges).toBe(count);
  });

  it("ends an answer that never ends", async () => {
    const { connection } = scripted([]);
    const endless = { ...connection, transmit: async () => fromHex(`${"00".repeat(256)}6100`) };
    await expect(channelOver(endless).transmit(fromHex("00B0000000"))).rejects.toMatchObject({ code: "card.protocol" });
  });

  it.each([
    ["", "codec.truncated"],
    ["00A400", "codec.truncated"],
    ["00A4000002", undefined],
    ["00A4000002AA", "codec.length"],
    ["00A4000002AABBCCDD", "codec.length"],
    ["00A40000000002AABB", "codec.length"],
    ["00A4000000FF", "codec.length"],
  ])("refuses %s before anything is sent", async (apdu, code) => {
    const { connection, sent } = scripted([["00A4000002", "6700"]]);
    const answer = channelOver(connection).transmit(fromHex(apdu));
    if (code === undefined) expect((await answer).sw).toBe(0x6700);
    else {
      await expect(answer).rejects.toMatchObject({ code });
      expect(sent).toEqual([]);
    }
  });
});

describe("the APDU mapping of a link that does it itself", () => {
  it("sends the APDU untouched, extended lengths too", async () => {
    expect(await run("apdu", select, [[select, "A1B29000"]])).toEqual({ data: "A1B2", sw: "9000" });
    const extended = "00A40000000002AABB";
    expect(await run("apdu", extended, [[extended, "9000"]])).toEqual({ data: "", sw: "9000" });
  });

  it("still follows 61XX and 6CXX", async () => {
    const corrected = `${selectTpdu}02`;
    expect(
      await run("apdu", select, [
        [select, "6C02"],
        [corrected, "A1B29000"],
      ]),
    ).toEqual({ data: "A1B2", sw: "9000" });
    expect(
      await run("apdu", select, [
        [select, "6102"],
        ["00C0000002", "A1B29000"],
      ]),
    ).toEqual({ data: "A1B2", sw: "9000" });
  });
});

describe("logical channels", () => {
  it("opens, recodes the class byte, and closes", async () => {
    const { connection, left } = scripted([
      ["0070000001", "059000"],
      ["41A4040C02AABB", "6102"],
      ["41C0000002", "01029000"],
      ["C1F2000C00", "9000"],
      ["0070800500", "9000"],
    ]);
    const channel = channelOver(connection);
    {
      await using logical = await channel.openChannel();
      expect(logical.number).toBe(5);
      expect(toHex((await logical.transmit(fromHex("00A4040C02AABB00"))).data)).toBe("0102");
      await logical.transmit(fromHex("80F2000C"));
    }
    expect(left).toEqual([]);
  });

  it.each([
    [1, "00", "01"],
    [3, "80", "83"],
    [2, "0C", "0E"],
    [4, "00", "40"],
    [19, "80", "CF"],
    [6, "84", "E2"],
    [7, "43", "43"],
  ])("on channel %i codes class %s as %s", async (number, cla, coded) => {
    const { connection } = scripted([
      [`007000${number.toString(16).padStart(2, "0").toUpperCase()}00`, "9000"],
      [`${coded}F2000000`, "9000"],
    ]);
    const logical = await channelOver(connection).openChannel(number);
    expect((await logical.transmit(fromHex(`${cla}F2000000`))).sw).toBe(0x9000);
  });

  it("refuses a class that cannot carry the channel", async () => {
    const { connection } = scripted([["0070000100", "9000"]]);
    const logical = await channelOver(connection).openChannel(1);
    await expect(logical.transmit(fromHex("A0F2000000"))).rejects.toMatchObject({ code: "codec.value" });
    await expect(logical.transmit(fromHex("02F2000000"))).rejects.toMatchObject({ code: "codec.value" });
  });

  it("says so when the card has none left", async () => {
    const { connection } = scripted([["0070000001", "6881"]]);
    await expect(channelOver(connection).openChannel()).rejects.toMatchObject({
      code: "card.channel",
      detail: { sw: 0x6881 },
    });
  });

  it("are gone after a reset, and closing them then sends nothing", async () => {
    const { connection, left } = scripted([["0070000001", "019000"]]);
    const channel = channelOver(connection);
    const logical = await channel.openChannel();
    expect(toHex(await channel.reset("warm"))).toBe("3B01AA");
    await expect(logical.transmit(fromHex("00F2000000"))).rejects.toMatchObject({ code: "card.reset" });
    await logical.close();
    expect(left).toEqual([]);
  });

  it("left open at the end of a turn are closed, and the turn is over", async () => {
    const { connection, left } = scripted([
      ["0070000001", "019000"],
      ["0070800100", "9000"],
    ]);
    const channel = channelOver(connection);
    const turn = await channel.exclusive(async (card) => {
      await card.openChannel();
      return card;
    });
    expect(left).toEqual([]);
    await expect(turn.transmit(fromHex("00F2000000"))).rejects.toMatchObject({ code: "card.channel" });
  });
});

describe("one command at a time", () => {
  it("keeps GET RESPONSE right behind its command", async () => {
    const { connection, left } = scripted([
      [selectTpdu, "6101"],
      ["00C0000001", "AA9000"],
      ["80F2000C00", "9000"],
    ]);
    const channel = channelOver(connection);
    const both = await Promise.all([channel.transmit(fromHex(select)), channel.transmit(fromHex("80F2000C"))]);
    expect(both.map(({ sw }) => sw)).toEqual([0x9000, 0x9000]);
    expect(left).toEqual([]);
  });

  it("lets nothing into a turn; what an answer's listener enqueues comes before the caller's next command", async () => {
    const { connection, sent } = scripted([
      ["80C2000001D1", "9142"],
      ["8012000042", "D0009000"],
      ["80F2000C00", "9000"],
      ["00A4000C00", "9000"],
    ]);
    const channel: ApduChannel = channelOver(connection, {
      onAnswer: ({ sw }) => {
        if (sw >> 8 === 0x91) void channel.transmit(Uint8Array.of(0x80, 0x12, 0, 0, sw & 0xff));
      },
    });
    const select3 = channel.exclusive(async (card) => {
      await card.transmit(fromHex("80C2000001D1"));
    });
    await select3;
    await channel.transmit(fromHex("80F2000C"));
    await channel.transmit(fromHex("00A4000C"));
    expect(sent).toEqual(["80C2000001D1", "8012000042", "80F2000C00", "00A4000C00"]);
  });

  it("an aborted wait for a turn ends at once and sends nothing", async () => {
    let release: (() => void) | undefined;
    const { connection, sent } = scripted([["80F2000C00", "9000"]]);
    const channel = channelOver(connection);
    const turn = channel.exclusive(() => new Promise<void>((resolve) => (release = resolve)));
    const abort = new AbortController();
    const waiting = channel.transmit(fromHex("80F2000C"), { signal: abort.signal });
    abort.abort(new Error("no longer wanted"));
    await expect(waiting).rejects.toThrow("no longer wanted");
    expect(sent).toEqual([]);
    release?.();
    await turn;
    expect((await channel.transmit(fromHex("80F2000C"))).sw).toBe(0x9000);
  });

  it("after a failed exchange nothing is sent any more and the failure is told once", async () => {
    const failures: unknown[] = [];
    const { connection } = scripted([]);
    let exchanges = 0;
    const dead: CardConnection = {
      ...connection,
      transmit: async () => {
        exchanges++;
        throw new GatewayError("card.removed", "gone");
      },
    };
    const channel = channelOver(dead, { onFailure: (error) => failures.push(error) });
    await expect(channel.transmit(fromHex("80F2000C"))).rejects.toMatchObject({ code: "card.removed" });
    await expect(channel.transmit(fromHex("80F2000C"))).rejects.toMatchObject({ code: "card.removed" });
    expect([exchanges, failures.length, channel.failed]).toEqual([1, 1, true]);
  });

  it("gives all exchanges of one APDU one deadline", async () => {
    const budgets: number[] = [];
    let now = 0;
    const clock = { ...systemClock, monotonic: () => now };
    const answers = ["6102", "AABB9000"];
    const { connection } = scripted([]);
    const slow: CardConnection = {
      ...connection,
      transmit: async (_command, { timeoutMs }) => {
        budgets.push(timeoutMs);
        now += 400;
        return fromHex(answers.shift() ?? "");
      },
    };
    await channelOver(slow, { clock }).transmit(fromHex(select), { timeoutMs: 1000 });
    expect(budgets).toEqual([1000, 600]);
  });
});

describe("frames", () => {
  async function framesOf(apdu: string, lines: readonly (readonly [string, string])[]): Promise<Frame[]> {
    const frames: Frame[] = [];
    const stop = onFrame((frame) => frames.push(frame));
    await channelOver(scripted(lines).connection).transmit(fromHex(apdu));
    stop();
    return frames;
  }

  it("shows every exchange once, with its direction and reader", async () => {
    const frames = await framesOf(select, [
      [selectTpdu, "6101"],
      ["00C0000001", "AA9000"],
    ]);
    expect(frames.map(({ kind, dir, link, bytes }) => [kind, dir, link, toHex(bytes ?? new Uint8Array())])).toEqual([
      ["apdu", "out", "test reader", selectTpdu],
      ["apdu", "in", "test reader", "6101"],
      ["apdu", "out", "test reader", "00C0000001"],
      ["apdu", "in", "test reader", "AA9000"],
    ]);
  });

  it("never shows a PIN, a key or a session key", async () => {
    const pin = await framesOf("0020000108313233343536FFFF", [["0020000108313233343536FFFF", "9000"]]);
    expect(toHex(pin[0]?.bytes ?? new Uint8Array())).toBe("00200001080000000000000000");
    expect(pin[0]?.facts).toEqual({ hidden: "pin" });
    const key = await framesOf("80D8000004AABBCCDD", [["80D8000004AABBCCDD", "9000"]]);
    expect(toHex(key[0]?.bytes ?? new Uint8Array())).toBe("80D800000400000000");
    const session = await framesOf("0088008101AA00", [
      ["0088008101AA", "6102"],
      ["00C0000002", "C0DE9000"],
    ]);
    expect(toHex(session[3]?.bytes ?? new Uint8Array())).toBe("00009000");
  });
});
