import { describe, expect, it } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import { cardTpDcs, isOctets } from "../../../src/codec/smpp/data-coding.ts";
import { stateOfRefusal } from "../../../src/codec/smpp/message-state.ts";
import { readReceipt } from "../../../src/codec/smpp/receipt.ts";
import type { Tlvs } from "../../../src/codec/smpp/tlv.ts";
import { delivery } from "./delivery.ts";

function receipt(text: string | Uint8Array, tlvs: Tlvs = {}, esmClass = 4) {
  return readReceipt({
    ...delivery,
    esmClass,
    shortMessage: typeof text === "string" ? new Uint8Array(Buffer.from(text, "latin1")) : text,
    tlvs,
  });
}

const whole = "id:12aB sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:DELIVRD err:000 text:hi";
const ucs2 = (text: string) => Uint8Array.from([...text].flatMap((letter) => [0, letter.charCodeAt(0)]));

describe("receipts as they come", () => {
  it.each([
    ["a NUL before", `\0${whole}`],
    ["several NULs before and behind", `\0\0\0${whole}\0`],
    ["UCS2", ucs2(whole)],
    ["UCS2, little-endian", ucs2(whole).subarray(1)],
    ["NULs between the fields", whole.replaceAll(" ", "\0 ")],
  ])("are read with %s the text", (_, text) => {
    expect(receipt(text)).toMatchObject({ id: "12aB", state: "delivered", stat: "DELIVRD", error: "000" });
  });

  it.each([
    [0, "DELIVRD", "delivered"],
    [0, "UNDELIV", "undeliverable"],
    [1, "EXPIRED", "expired"],
    [6, "DELIVRD", "delivered"],
    [7, "REJECTD", "rejected"],
    [2, "ENROUTE", "delivered"],
    [5, "DELIVRD", "undeliverable"],
    [0, "ENROUTE", "scheduled"],
    [1, "ACCEPTD", "enroute"],
    [9, "DELIVRD", "skipped"],
    [77, "DELIVRD", "delivered"],
  ] as const)("with message_state %i beside stat:%s say %s", (messageState, stat, state) => {
    expect(receipt(`id:1 stat:${stat}`, { messageState })?.state).toBe(state);
    expect(receipt("", { messageState, receiptedMessageId: "1" })?.state).toBe(
      messageState === 77 ? "unknown" : receipt("", { messageState })?.state,
    );
  });

  it("keep the id as it came", () => {
    expect(receipt("id:000aBc stat:DELIVRD")?.id).toBe("000aBc");
    expect(receipt("", { receiptedMessageId: "0x00FF", messageState: 2 })?.id).toBe("0x00FF");
  });

  it("read an id and a payload that the PDU cuts short", () => {
    expect(receipt("", { messageState: 2, rest: fromHex("001e0005 31323334") })).toMatchObject({
      id: "1234",
      state: "delivered",
    });
    const text = Buffer.from("id:77 stat:EXPIRED err:011").toString("hex");
    expect(receipt("", { rest: fromHex(`0424 0100 ${text}`) })).toMatchObject({ id: "77", state: "expired" });
  });
});

describe("data_coding", () => {
  it.each([
    [0x02, false, 0xf6],
    [0x04, false, 0xf6],
    [0x00, true, 0xf6],
    [0x03, true, 0xf6],
    [0x08, true, 0xf6],
    [0x00, false, 0x00],
    [0x08, false, 0x08],
    [0xf6, true, 0xf6],
    [0xf5, true, 0xf5],
    [0x16, true, 0x16],
    [0x11, true, 0x11],
  ])("%i (for the card: %s) is TP-DCS %i", (dataCoding, forCard, dcs) => {
    expect(cardTpDcs(dataCoding, forCard)).toBe(dcs);
  });

  it("says which values stand for octets", () => {
    const all = Array.from({ length: 256 }, (_, value) => value).filter(isOctets);
    const general = [0x04, 0x05, 0x06, 0x07, 0x14, 0x15, 0x16, 0x17, 0x24, 0x25, 0x26, 0x27, 0x34, 0x35, 0x36, 0x37];
    expect(all).toEqual([0x02, ...general, 0xf4, 0xf5, 0xf6, 0xf7, 0xfc, 0xfd, 0xfe, 0xff]);
  });
});

it("tells rejected from undeliverable by the status of a refusal", () => {
  expect([0x0b, 0x66, 0x104, 0x45, 0xfe, 0x400].map(stateOfRefusal)).toEqual([
    "rejected",
    "rejected",
    "rejected",
    "undeliverable",
    "undeliverable",
    "undeliverable",
  ]);
});
