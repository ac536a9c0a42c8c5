import { describe, expect, it } from "vitest";
import { reachesCard } from "../../../src/codec/smpp/data-coding.ts";
import { describePdu, withoutPassword } from "../../../src/codec/smpp/describe.ts";
import { messageKind } from "../../../src/codec/smpp/esm-class.ts";
import { canonicalId, formOf, responseSpellings } from "../../../src/codec/smpp/message-id.ts";
import { encodePdu } from "../../../src/codec/smpp/pdu.ts";
import { formatReceiptText, parseReceiptText, readReceipt } from "../../../src/codec/smpp/receipt.ts";
import { statusClass, statusName } from "../../../src/codec/smpp/status.ts";
import { absoluteTime, parseTime, receiptDate, relativeTime } from "../../../src/codec/smpp/time.ts";
import { delivery } from "./delivery.ts";

const octets = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));

describe("receipt texts", () => {
  it.each([
    [
      "id:0123456789 sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:DELIVRD err:000 text:hi",
      "0123456789",
      "delivered",
    ],
    ["id:1A2b submit date:260102030405 done date:260102030506 stat:EXPIRED err:020", "1A2b", "expired"],
    ["ID:77 STAT:undeliv ERR:1", "77", "undeliverable"],
    ["id:5 stat:DELIVERED", "5", "delivered"],
    ["id: 5 stat: REJECTED err: 99", "5", "rejected"],
    [
      "id:00000000 sub:001 dlvrd:001 submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DELIVRD err:000 text:none",
      "00000000",
      "delivered",
    ],
    ["id:f47ac10b-58cc-4372-a567-0e02b2c3d479 stat:ACCEPTD", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "accepted"],
    ["message_id:12 status:FAILED", "12", "undeliverable"],
    ["stat:BUFFERD id:8", "8", "enroute"],
    ["00,0210021543,0210021540,4711", "4711", "delivered"],
    ["id:9 stat:NEVERHEARD", "9", "unknown"],
    ["id:9 stat:DELIVRD text:id:10 stat:EXPIRED", "9", "delivered"],
  ])("%s", (text, id, state) => {
    expect(parseReceiptText(text)).toMatchObject({ id, state });
  });

  it.each(["hello", "", "kid:1", "the id is fine", "1,2", "a,b,c"])("are not seen in %j", (text) => {
    expect(parseReceiptText(text)).toBeUndefined();
  });

  it("are written as the appendix lays them out and read back", () => {
    const facts = { id: "42", state: "delivered", submitDate: "2601020304", doneDate: "2601020305" } as const;
    expect(parseReceiptText(formatReceiptText(facts))).toMatchObject({ id: "42", state: "delivered", stat: "DELIVRD" });
  });

  it("yield to the parameters, which may lack a text at all", () => {
    const tlvs = {
      receiptedMessageId: "7",
      messageState: 8,
      networkErrorCode: Uint8Array.of(3, 1, 2),
      userMessageReference: 5,
    };
    expect(readReceipt({ ...delivery, shortMessage: octets("id:9 stat:DELIVRD"), tlvs })).toMatchObject({
      id: "7",
      state: "rejected",
      networkError: { network: 3, code: 0x102 },
      userMessageReference: 5,
    });
    expect(readReceipt({ ...delivery, tlvs })).toMatchObject({ id: "7", state: "rejected" });
  });

  it("count without their bit when they look like it, and never inside a message with a header", () => {
    const text = octets("id:9 stat:DELIVRD");
    expect(readReceipt({ ...delivery, esmClass: 0, shortMessage: text })).toMatchObject({ id: "9" });
    expect(readReceipt({ ...delivery, esmClass: 0x40, shortMessage: text })).toBeUndefined();
    expect(readReceipt({ ...delivery, esmClass: 0, shortMessage: octets("Your id: 9") })).toBeUndefined();
    expect(readReceipt({ ...delivery, esmClass: 0x24, shortMessage: text })).toBeUndefined();
    expect(readReceipt({ ...delivery, esmClass: 0x20, shortMessage: text })).toMatchObject({ intermediate: true });
  });
});

describe("message ids", () => {
  it.each([
    ["003", "3", "same"],
    ["ABC", "abc", "same"],
    ["1A2B", "6699", "resp-hex"],
    ["6699", "1A2B", "dlr-hex"],
    ["{F47AC10B-58CC-4372-A567-0E02B2C3D479}", "f47ac10b58cc4372a5670e02b2c3d479", "same"],
    ["FFFFFFFFFFFFFFFF", "18446744073709551615", "resp-hex"],
  ] as const)("%s in the response is %s in the receipt: %s", (response, receipt, form) => {
    expect(formOf(response, receipt)).toBe(form);
    expect(responseSpellings(receipt, form)).toEqual([canonicalId(response)]);
    expect(responseSpellings(receipt, "auto")).toContain(canonicalId(response));
  });

  it("do not match when nothing explains it", () => {
    expect(formOf("12", "99")).toBeUndefined();
  });
});

describe("SMPP times", () => {
  it.each([
    [60, "000000010000000R"],
    [1, "000000000100000R"],
    [1440, "000001000000000R"],
    [45 * 1440 + 90, "000115013000000R"],
  ])("%i minutes are %s", (minutes, text) => {
    expect(relativeTime(minutes)).toBe(text);
    expect(parseTime(text)).toEqual({ at: "relative", ms: minutes * 60_000 });
  });

  it("keep a moment through any zone", () => {
    const moment = Date.UTC(2026, 10, 22, 8, 11, 58, 300);
    expect(absoluteTime(moment)).toBe("261122081158300+");
    for (const quarters of [-48, -5, 0, 4, 22, 48]) {
      expect(parseTime(absoluteTime(moment, quarters))).toEqual({ at: "absolute", epochMs: moment });
    }
  });

  it.each(["1", "261122081158000", "261322081158000+", "260230000000000+", "261122081158099+", "26112208115800xR"])(
    "%s is none",
    (text) => {
      expect(() => parseTime(text)).toThrow(
        expect.objectContaining({ detail: expect.objectContaining({ field: "validity_period" }) }),
      );
    },
  );

  it("in receipts are what they are, or nothing", () => {
    expect(receiptDate("2601020304", 4)).toBe(Date.UTC(2026, 0, 2, 2, 4));
    expect(receiptDate("260102030405")).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
    for (const text of ["YYMMDDhhmm", "0000000000", "2613020304", "", undefined])
      expect(receiptDate(text)).toBeUndefined();
  });
});

describe("the small facts of SMPP", () => {
  it("mode bits do not change what a message is", () => {
    expect([0x41, 0x05, 0x08, 0x18, 0x23, 0x10, 0x3c].map(messageKind)).toEqual([
      "message",
      "receipt",
      "delivery-ack",
      "conversation-abort",
      "intermediate",
      "user-ack",
      "reserved",
    ]);
  });

  it("only 8-bit class 2 reaches the card", () => {
    expect([0xf6, 0x16, 0xfe, 0x36].map(reachesCard)).toEqual([true, true, true, true]);
    expect([0x04, 0x00, 0xf5, 0xf2, 0x12, 0x14, 0x08, 0x1a].some(reachesCard)).toBe(false);
  });

  it("status codes have names and classes, which a link may change", () => {
    expect([0x58, 0x0b, 0x104, 0x64, 0x0e, 0x02, 0x400, 0].map((code) => statusClass(code))).toEqual([
      "throttle",
      "permanent",
      "configuration",
      "temporary",
      "session",
      "protocol",
      "temporary",
      "ok",
    ]);
    expect(statusClass(0x0b, new Map([[0x0b, "temporary"]]))).toBe("temporary");
    expect([statusName(0x45), statusName(0x401)]).toEqual(["ESME_RSUBMITFAIL", "0x00000401"]);
  });

  it("passwords are shown nowhere, not even in a malformed bind", () => {
    const body = {
      systemId: "user",
      password: "pa$$w0rd",
      systemType: "",
      interfaceVersion: 0x34,
      addrTon: 0,
      addrNpi: 0,
      addressRange: "",
      tlvs: {},
    };
    const whole = encodePdu({ command: "bind_transceiver", status: 0, sequence: 1, body });
    for (let end = 16; end <= whole.length; end++) {
      const shown = withoutPassword(whole.subarray(0, end));
      expect(Buffer.from(shown).includes("pa$")).toBe(false);
      expect(JSON.stringify(describePdu(whole.subarray(0, end)))).not.toContain("pa$");
    }
    expect(describePdu(withoutPassword(whole))).toMatchObject({
      command: "bind_transceiver",
      body: { system_id: "user", password: "********" },
    });
  });
});
