import { describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/hex.ts";
import { textSegments } from "../../../src/codec/sms/text-segments.ts";
import { parseTpdu, receivedTpdu, tpduBytes } from "../../../src/codec/sms/tpdu.ts";
import { userDataText } from "../../../src/codec/sms/user-data.ts";
import { readUserDataHeader } from "../../../src/codec/sms/user-data-header.ts";

const joined = (text: string) => {
  const { dcs, userDataHeader, segments } = textSegments(text, 0x42);
  return segments
    .map((segment) => {
      const skipped = userDataHeader ? readUserDataHeader(segment.octets).headerLength : 0;
      return userDataText(segment, dcs, skipped);
    })
    .join("");
};

describe("a text in messages", () => {
  test("hello in the GSM alphabet, as everybody packs it", () => {
    const { dcs, userDataHeader, segments } = textSegments("hellohello", 1);
    expect([dcs, userDataHeader, segments.length]).toEqual([0, false, 1]);
    expect(toHex(segments[0]?.octets ?? new Uint8Array())).toBe("E8329BFD4697D9EC37");
    expect(segments[0]?.length).toBe(10);
  });

  test.each([1, 7, 15, 23, 159, 160])("%d characters fill one message, and no @ is added behind 8n-1 of them", (n) => {
    const text = "x".repeat(n);
    const { segments } = textSegments(text, 1);
    expect(segments).toHaveLength(1);
    expect(segments[0]?.length).toBe(n);
    expect(joined(text)).toBe(text);
  });

  test.each([
    ["x".repeat(161), 2, 0x00],
    ["x".repeat(306), 2, 0x00],
    ["x".repeat(307), 3, 0x00],
    ["ж".repeat(70), 1, 0x08],
    ["ж".repeat(71), 2, 0x08],
    ["ж".repeat(134), 2, 0x08],
    ["ж".repeat(135), 3, 0x08],
    ["[".repeat(80), 1, 0x00],
    [`${"x".repeat(152)}${"[".repeat(10)}`, 2, 0x00],
    [`${"ж".repeat(66)}😀${"ж".repeat(10)}`, 2, 0x08],
  ])("%# takes %d messages", (text, parts, dcs) => {
    const made = textSegments(text, 0x42);
    expect(made.segments).toHaveLength(parts);
    expect(made.dcs).toBe(dcs);
    expect(joined(text)).toBe(text);
    for (const [index, { octets }] of made.segments.entries()) {
      expect(octets.length).toBeLessThanOrEqual(140);
      if (parts > 1) expect(toHex(octets.subarray(0, 6))).toBe(`05000342${toHex(Uint8Array.of(parts, index + 1))}`);
    }
  });

  test("no part ends inside an escape or a surrogate pair", () => {
    for (const text of [`${"x".repeat(152)}${"€".repeat(20)}`, `${"ж".repeat(66)}${"😀".repeat(9)}`]) {
      const { dcs, segments } = textSegments(text, 1);
      for (const segment of segments) {
        expect(userDataText(segment, dcs, 6)).not.toMatch(/\ufffd| $/);
      }
    }
  });

  test("that need more than 255 are refused", () => {
    expect(() => textSegments("x".repeat(153 * 255 + 1), 1)).toThrow(expect.objectContaining({ code: "codec.length" }));
  });
});

describe("a TPDU as a modem hands it over", () => {
  const deliver = tpduBytes({
    type: "SMS-DELIVER",
    noMoreMessages: true,
    loopPrevention: false,
    statusReport: false,
    userDataHeader: false,
    replyPath: false,
    originator: { toa: 0x91, number: "491700000000" },
    pid: 0,
    dcs: 0,
    scts: "2026-01-02T03:04:05+00:00",
    userData: textSegments("hellohe", 1).segments[0] ?? { octets: new Uint8Array() },
  });
  const behind = (...octets: number[]) => Uint8Array.of(...deliver, ...octets);

  test.each([
    ["as it is", deliver, deliver.length],
    ["with octets behind it, of the announced length", behind(0xff, 0xff, 0xff), deliver.length],
    ["with octets behind it, announced with them", behind(0x00, 0x00), deliver.length + 2],
    ["with octets behind it, nothing announced", behind(0x1a), undefined],
    ["announced shorter than it is", deliver, deliver.length - 3],
    ["announced longer than it is", deliver, deliver.length + 8],
  ])("%s", (_, bytes, announced) => {
    const { tpdu, octets } = receivedTpdu(bytes, "SMS-DELIVER", announced);
    expect(octets).toEqual(deliver);
    expect(tpdu).toEqual(parseTpdu(deliver, "SMS-DELIVER"));
    expect(userDataText(tpdu.userData ?? { octets }, 0)).toBe("hellohe");
  });

  test("cut short is no TPDU", () => {
    expect(() => receivedTpdu(deliver.subarray(0, -1), "SMS-DELIVER")).toThrow(
      expect.objectContaining({ code: "codec.truncated" }),
    );
  });
});
