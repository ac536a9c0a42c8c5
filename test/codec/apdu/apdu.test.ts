import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { parseAtr } from "../../../src/codec/apdu/atr.ts";
import { onChannel, parseClassByte } from "../../../src/codec/apdu/class-byte.ts";
import { buildCommand, commandCase, commandOf, parseCommand } from "../../../src/codec/apdu/command-apdu.ts";
import { parseResponse } from "../../../src/codec/apdu/response-apdu.ts";
import { isSuccess, statusClass, statusWordName } from "../../../src/codec/apdu/status-word.ts";
import * as fc from "../../fast-check.ts";

describe("C-APDU", () => {
  /** ISO/IEC 7816-3 §12.1: octets, case, Lc, Le. */
  it.each([
    ["00A40000", 1, 0, undefined],
    ["00B0000000", 2, 0, 256],
    ["00B000000A", 2, 0, 10],
    ["00A40004023F00", 3, 2, undefined],
    ["00A40004023F0000", 4, 2, 256],
    ["00CB00000000FF", 2, 0, 255],
    ["00B00000000000", 2, 0, 65536],
    ["00D60000000002ABCD", 3, 2, undefined],
    ["00D60000000002ABCD0000", 4, 2, 65536],
  ] as const)("reads and writes %s as case %d", (text, kind, lc, le) => {
    const command = parseCommand(fromHex(text));
    expect(commandCase(command)).toBe(kind);
    expect(command.data.length).toBe(lc);
    expect(command.le).toBe(le);
    expect(toHex(buildCommand(command))).toBe(text);
  });

  it.each(["00", "00A40004", "00A4000403", "00A40004033F00", "00A40004013F00AABB", "00A4000000AABB00"])(
    "takes %s apart or says what is wrong with it",
    (text) => {
      try {
        expect(toHex(buildCommand(parseCommand(fromHex(text))))).toBe(text);
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^codec\./) });
      }
    },
  );

  it("round-trips whatever data and Le", () => {
    const le = fc.option(fc.integer({ min: 1, max: 65536 }), { nil: undefined });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), le, (data, wanted) => {
        const command = commandOf([0x80, 0xe2, 0x91, 0x00], data, wanted);
        expect(parseCommand(buildCommand(command))).toEqual(command);
      }),
    );
  });
});

describe("class octet", () => {
  it.each([
    [0x00, 1, 0x01],
    [0x80, 3, 0x83],
    [0x00, 4, 0x40],
    [0x80, 19, 0xcf],
    [0x84, 2, 0x86],
    [0x8c, 5, 0xe1],
    [0x10, 2, 0x12],
  ])("moves %i to channel %i", (cla, channel, expected) => {
    expect(onChannel(cla, channel)).toBe(expected);
    expect(parseClassByte(expected).channel).toBe(channel);
  });

  it("keeps a 2G class on the basic channel", () => {
    expect(onChannel(0xa0, 0)).toBe(0xa0);
    expect(() => onChannel(0xa0, 1)).toThrow(expect.objectContaining({ code: "codec.value" }));
  });
});

describe("status words", () => {
  it.each([
    [0x9000, "ok"],
    [0x9110, "proactive"],
    [0x6121, "more"],
    [0x9f21, "more"],
    [0x6c21, "wrong-le"],
    [0x6282, "warning"],
    [0x63c2, "error"],
    [0x9300, "busy"],
    [0x69e1, "error"],
    [0x9240, "error"],
    [0x9201, "ok"],
  ])("%i is %s", (sw, kind) => {
    expect(statusClass(sw)).toBe(kind);
  });

  it.each([
    [0x69e1, "POL1"],
    [0x6a88, "referenced data not found"],
    [0x63c2, "2 tries left"],
    [0x910b, "proactive command of 11 octets"],
    [0x62f1, "more data available"],
    [0x9485, "key check value"],
  ])("%i is named", (sw, part) => {
    expect(statusWordName(sw)).toContain(part);
    expect(isSuccess(sw)).toBe(sw === 0x910b);
  });

  it("are the last two octets of a R-APDU", () => {
    expect(parseResponse(fromHex("019000"))).toEqual({ data: fromHex("01"), sw: 0x9000 });
    expect(() => parseResponse(fromHex("90"))).toThrow(expect.objectContaining({ code: "codec.truncated" }));
  });
});

describe("ATR", () => {
  /** The test ATR of 3GPP TS 51.010 style USIMs: T=0, T=15 with UICC bytes, card capabilities in the history. */
  it("reads a UICC's with T=15 and TCK", () => {
    const atr = parseAtr(fromHex("3B9F96801FC78031A073BE21136743200718000001A5"));
    expect(atr.convention).toBe("direct");
    expect(atr.protocols).toEqual([0]);
    expect(atr.fi).toBe(512);
    expect(atr.di).toBe(32);
    expect(atr.global.clockStop).toBe("any");
    expect(atr.global.voltages).toEqual(["A", "B", "C"]);
    expect(atr.historical?.objects.map((object) => object.tag)).toEqual([3, 7, 6]);
    expect(atr.tck).toEqual({ value: 0xa5, correct: true });
  });

  it("reads one without TCK and says T=0", () => {
    const atr = parseAtr(fromHex("3B020000"));
    expect(atr.protocols).toEqual([0]);
    expect(atr.tck).toBeUndefined();
  });

  it("reports a wrong TCK and refuses what is no ATR", () => {
    expect(parseAtr(fromHex("3B9F96801FC78031A073BE21136743200718000001A4")).tck?.correct).toBe(false);
    expect(() => parseAtr(fromHex("4B02"))).toThrow(expect.objectContaining({ code: "codec.value" }));
    expect(() => parseAtr(fromHex("3B9F96"))).toThrow(expect.objectContaining({ code: "codec.truncated" }));
  });
});
