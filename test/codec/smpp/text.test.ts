import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { smppOfTp, smppText, tpOfSmpp } from "../../../src/codec/smpp/text.ts";
import { textUserData, userDataText } from "../../../src/codec/sms/user-data.ts";
import * as fc from "../../fast-check.ts";

const latin = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));

describe("texts of SMPP messages", () => {
  it.each([
    [0x00, latin("Hello, world"), "Hello, world"],
    [0x00, latin("a@b.example [1]"), "a@b.example [1]"],
    [0x00, latin("Größe"), "Größe"],
    [0x00, Uint8Array.of(0x47, 0x72, 0x7c, 0x1e, 0x65), "Größe"],
    [0x00, Uint8Array.of(0x61, 0x00, 0x62), "a@b"],
    [0x00, Uint8Array.of(0x1b, 0x65), "€"],
    [0x01, latin("IA5 @ $ _"), "IA5 @ $ _"],
    [0x03, latin("für ½ €".replace("€", "¤")), "für ½ ¤"],
    [0x06, Uint8Array.of(0xbf, 0xe0), "Пр"],
    [0x08, fromHex("0041 20AC"), "A€"],
    [0xf0, Uint8Array.of(0x61, 0x00, 0x62), "a@b"],
    [0xf1, Uint8Array.of(0x02), "$"],
  ])("data_coding %i has one octet per character", (dataCoding, octets, text) => {
    expect(smppText(octets, dataCoding)).toBe(text);
  });

  it.each([0x02, 0x04, 0xf6, 0xf5, 0x16])("data_coding %i is no text", (dataCoding) => {
    expect(smppText(latin("octets"), dataCoding)).toBeUndefined();
  });

  it("come out of septets and go into them, with and without a header", () => {
    const text = "1234567";
    const { dcs, userData } = textUserData(text);
    const smpp = smppOfTp(userData.octets, false, dcs, userData.length);
    expect(smpp).toEqual({ dataCoding: 0, octets: latin(text) });
    expect(tpOfSmpp(latin(text), false, 0)).toEqual({ dcs: 0, octets: userData.octets, length: 7 });
    const header = fromHex("050003420201");
    const whole = new Uint8Array([...header, ...latin("Hello")]);
    const tp = tpOfSmpp(whole, true, 0);
    expect(tp).toMatchObject({ dcs: 0, length: 12 });
    expect(userDataText({ octets: tp?.octets ?? new Uint8Array(0), length: 12 }, 0, 6)).toBe("Hello");
    expect(toHex(smppOfTp(tp?.octets ?? new Uint8Array(0), true, 0, 12)?.octets ?? new Uint8Array(0))).toBe(
      toHex(whole),
    );
  });

  it("become UCS2 on the air where the GSM alphabet lacks a character", () => {
    expect(tpOfSmpp(latin("½"), false, 3)).toEqual({ dcs: 8, octets: fromHex("00BD"), length: 2 });
    expect(tpOfSmpp(latin("fast"), false, 1)?.dcs).toBe(0);
    expect(tpOfSmpp(fromHex("0041"), false, 8)).toEqual({ dcs: 8, octets: fromHex("0041"), length: 2 });
    expect(tpOfSmpp(latin("x"), false, 4)).toBeUndefined();
    expect(smppOfTp(latin("x"), false, 0xf6)).toBeUndefined();
  });

  it("survive both ways whatever the characters", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 127 }), { maxLength: 160 }), (septets) => {
        const octets = Uint8Array.from(septets);
        const tp = tpOfSmpp(octets, false, 0);
        expect(smppOfTp(tp?.octets ?? new Uint8Array(0), false, 0, tp?.length)?.octets).toEqual(octets);
      }),
    );
  });

  it("never throw for any octets", () => {
    const anything = fc.uint8Array({ maxLength: 200 });
    const coding = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(
        anything,
        coding,
        fc.boolean(),
        fc.option(coding, { nil: undefined }),
        (octets, dcs, header, length) => {
          smppText(octets, dcs);
          tpOfSmpp(octets, header, dcs);
          smppOfTp(octets, header, dcs, length);
        },
      ),
    );
  });
});
