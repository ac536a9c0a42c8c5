import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { decode, encode } from "../../../src/codec/kit/codec.ts";
import { gsm7Septets, gsm7Text, packSeptets, unpackSeptets } from "../../../src/codec/kit/gsm7.ts";
import {
  bcdAddressBytes,
  parseAddress,
  readBcdAddress,
  showAddress,
  TpAddress,
} from "../../../src/codec/sms/address.ts";
import {
  assemble,
  forgetOlder,
  type Pending,
  readSegment,
  segmentCount,
  segmentPacket,
} from "../../../src/codec/sms/concatenation.ts";
import { countsSeptets, dataCoding, showDataCoding } from "../../../src/codec/sms/data-coding.ts";
import { smsFailureName, smsOutcome, smsStatusName } from "../../../src/codec/sms/status-names.ts";
import { Timestamp } from "../../../src/codec/sms/timestamp.ts";
import { guessTpdu, parseTpdu, tpduBytes } from "../../../src/codec/sms/tpdu.ts";
import { textUserData, userDataText } from "../../../src/codec/sms/user-data.ts";
import { concatenationOf, readUserDataHeader } from "../../../src/codec/sms/user-data-header.ts";
import { enhancedMinutes, relativeMinutes, relativeValidity } from "../../../src/codec/sms/validity.ts";
import * as fc from "../../fast-check.ts";

describe("GSM 7-bit alphabet", () => {
  /** 3GPP TS 23.038: "hellohello" is the packing example known from every handset manual. */
  it("packs and unpacks as the standard's example", () => {
    expect(toHex(packSeptets(gsm7Septets("hellohello")))).toBe("E8329BFD4697D9EC37");
    expect(gsm7Text(unpackSeptets(fromHex("E8329BFD4697D9EC37"), 10))).toBe("hellohello");
  });

  it("reaches the extension table by the escape", () => {
    expect(gsm7Septets("€[")).toEqual([0x1b, 0x65, 0x1b, 0x3c]);
    expect(gsm7Text([0x1b, 0x65, 0x1b, 0x41, 0x1b])).toBe("€A ");
    expect(() => gsm7Septets("漢")).toThrow(expect.objectContaining({ code: "codec.text" }));
  });

  it("round-trips after any number of fill bits", () => {
    const text = fc.string({ unit: fc.constantFrom(..."@£é ABCxyz{}€^123äöüß\n") });
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 6 }), (value, fill) => {
        const septets = gsm7Septets(value);
        expect(gsm7Text(unpackSeptets(packSeptets(septets, fill), septets.length, fill))).toBe(value);
      }),
    );
  });
});

describe("addresses", () => {
  it.each([
    ["0B911326880736F4", 0x91, "31628870634"],
    ["038121F3", 0x81, "123"],
    ["09D04F6AF07805", 0xd0, "OTAGW"],
    ["0081", 0x81, ""],
    ["0481A10B", 0x81, "1*#0"],
  ] as const)("reads and writes %s", (octets, toa, number) => {
    const address = decode(TpAddress, fromHex(octets));
    expect(address).toEqual({ toa, number });
    expect(toHex(encode(TpAddress, address))).toBe(octets);
  });

  it.each(["15811111", "0311", "03012143F5", "038121", "0381214F"])("refuses %s", (octets) => {
    expect(() => decode(TpAddress, fromHex(octets))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^codec\./) }),
    );
  });

  it("are written as people write them", () => {
    expect(showAddress(parseAddress("+447700900123"))).toBe("+447700900123");
    expect(parseAddress("1234")).toEqual({ toa: 0x81, number: "1234" });
    expect(parseAddress("OTAGW").toa).toBe(0xd0);
    expect(toHex(bcdAddressBytes(parseAddress("+447700011")))).toBe("9144770010F1");
    expect(readBcdAddress(fromHex("9144770010F1")).number).toBe("447700011");
  });
});

describe("time stamps", () => {
  it.each([
    ["72114271629541", "2027-11-24T17:26:59+03:30"],
    ["52205171103018", "2025-02-15T17:01:03-00:15"],
    ["62010100000000", "2026-10-10T00:00:00+00:00"],
    ["99211332959520", "1999-12-31T23:59:59+00:30"],
  ])("reads %s as %s", (octets, text) => {
    expect(decode(Timestamp, fromHex(octets))).toBe(text);
    expect(toHex(encode(Timestamp, decode(Timestamp, fromHex(octets))))).toBe(octets);
  });

  it("keeps octets that are no date as they are", () => {
    expect(decode(Timestamp, fromHex("00000000000000"))).toBe("00000000000000");
    expect(toHex(encode(Timestamp, "FF0000000000AA"))).toBe("FF0000000000AA");
  });

  it.each(["2027-11-24", "2027-11-24T17:26:59+03:20", "1970-01-01T00:00:00Z", "nonsense"])("refuses %s", (text) => {
    expect(() => encode(Timestamp, text)).toThrow(expect.objectContaining({ code: "codec.text" }));
  });

  it("round-trips any time", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 7, maxLength: 7 }), (octets) => {
        expect(toHex(encode(Timestamp, decode(Timestamp, octets)))).toBe(toHex(octets));
      }),
    );
  });
});

describe("validity", () => {
  it.each([
    [0, 5],
    [143, 720],
    [144, 750],
    [167, 1440],
    [168, 2880],
    [196, 43200],
    [197, 50400],
    [255, 635040],
  ])("relative %i is %i minutes", (value, minutes) => {
    expect(relativeMinutes(value)).toBe(minutes);
    expect(relativeValidity(minutes)).toBe(value);
  });

  it("reads the enhanced format", () => {
    expect(enhancedMinutes(fromHex("02780000000000"))).toBe(2);
    expect(enhancedMinutes(fromHex("03102100000000"))).toBe(72);
    expect(enhancedMinutes(fromHex("00000000000000"))).toBeUndefined();
    const tpdu = "0900038121F300000278000000000000";
    expect(toHex(tpduBytes(parseTpdu(fromHex(tpdu), "SMS-SUBMIT")))).toBe(tpdu);
  });
});

describe("data coding", () => {
  it.each([
    [0xf6, "8-bit, class 2"],
    [0x16, "8-bit, class 2"],
    [0x00, "GSM 7-bit"],
    [0x08, "UCS2"],
    [0xe0, "UCS2"],
    [0x3f, "reserved alphabet, compressed, class 3"],
  ])("%i is %s", (dcs, shown) => {
    expect(showDataCoding(dcs)).toBe(shown);
  });

  it("counts septets for plain GSM text only", () => {
    expect([0x00, 0x10, 0xf0, 0x20, 0x04, 0xf4, 0x08].map(countsSeptets)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(dataCoding(0xc8).alphabet).toBe("gsm7");
  });
});

describe("text messages", () => {
  it("are GSM 7-bit where possible and UCS2 elsewhere", () => {
    for (const text of ["Hello €", "héllo 漢字", ""]) {
      const { dcs, userData } = textUserData(text);
      expect(userDataText(userData, dcs)).toBe(text);
    }
  });

  it("start at the next septet after a header", () => {
    const header = fromHex("050003AA0201");
    const septets = gsm7Septets("part one");
    const octets = Uint8Array.from([...header, ...packSeptets(septets, 1)]);
    expect(userDataText({ length: 7 + septets.length, octets }, 0, header.length)).toBe("part one");
  });
});

describe("concatenation", () => {
  it.each([
    [137, 8, 1],
    [138, 8, 2],
    [266, 8, 2],
    [267, 8, 3],
    [400, 8, 3],
    [534, 8, 4],
    [668, 8, 5],
    [264, 16, 2],
    [265, 16, 3],
    [397, 16, 3],
    [663, 16, 5],
    [664, 16, 6],
  ] as const)("%i octets with a %i-bit reference take %i messages", (octets, bits, count) => {
    expect(segmentCount(octets, bits)).toBe(count);
    const segments = segmentPacket(new Uint8Array(octets), "command", { reference: 200, referenceBits: bits });
    expect(segments).toHaveLength(count);
    expect(segments.slice(0, -1).every((segment) => segment.length === 140)).toBe(true);
  });

  it("comes together in any order, duplicates or not, and keeps messages of others apart", () => {
    const packet = fc.uint8Array({ minLength: 138, maxLength: 900 });
    fc.assert(
      fc.property(packet, fc.infiniteStream(fc.nat()), fc.constantFrom(8, 16), (octets, stream, bits) => {
        const segments = segmentPacket(octets, "response", { reference: 7, referenceBits: bits === 16 ? 16 : 8 });
        const random = () => stream.next().value ?? 0;
        const order = segments.flatMap((_, index) => (random() % 2 ? [index, index] : [index]));
        order.sort(() => (random() % 2 ? 1 : -1));
        let pending: Pending = new Map();
        const complete: string[] = [];
        for (const index of order) {
          const segment = readSegment(segments[index] ?? octets);
          pending = assemble(pending, segment, "other").pending;
          const step = assemble(pending, segment, "card", index);
          pending = step.pending;
          if (step.complete !== undefined) complete.push(toHex(step.complete.body));
          if (step.complete !== undefined) expect(step.complete.security).toBe("response");
        }
        expect(complete[0]).toBe(toHex(octets));
      }),
    );
  });

  it("forgets what has waited too long", () => {
    const [first] = segmentPacket(new Uint8Array(200), "command");
    const { pending } = assemble(new Map(), readSegment(first ?? new Uint8Array(0)), "a", 1000);
    expect(forgetOlder(pending, 1000).size).toBe(1);
    expect(forgetOlder(pending, 1001).size).toBe(0);
  });

  it("looks for elements wherever they stand and ignores invalid ones", () => {
    const { elements } = readUserDataHeader(fromHex("0B2401057000080401020302AA"));
    expect(concatenationOf(elements)).toEqual({ reference: 0x0102, referenceBits: 16, total: 3, sequence: 2 });
    expect(concatenationOf(readUserDataHeader(fromHex("050003010200")).elements)).toBe("ignored");
    expect(concatenationOf(readUserDataHeader(fromHex("050003010203")).elements)).toBe("ignored");
    expect(concatenationOf(readUserDataHeader(fromHex("027000")).elements)).toBeUndefined();
  });

  it("refuses what does not fit", () => {
    expect(() => segmentPacket(new Uint8Array(40_000), "command")).toThrow(
      expect.objectContaining({ code: "codec.length" }),
    );
    expect(() => segmentPacket(new Uint8Array(1), "command", { reference: 256, referenceBits: 8 })).toThrow(
      expect.objectContaining({ code: "codec.value" }),
    );
  });
});

describe("TPDUs beyond the vectors", () => {
  it.each([
    ["SMS-COMMAND", "4205000207088121436587 03 027000".replaceAll(" ", "")],
    ["SMS-STATUS-REPORT", "22050881214365877210101221034172101012210341000700F602AABB"],
    ["SMS-SUBMIT-REPORT", "01D30072101012210341"],
    ["SMS-DELIVER", "04038121F300007210101221034105E8329BFD06"],
  ] as const)("%s survives a round trip", (type, octets) => {
    const rp = octets.startsWith("01D3") ? "ERROR" : "ACK";
    expect(toHex(tpduBytes(parseTpdu(fromHex(octets), type, rp)))).toBe(octets);
    expect(guessTpdu(fromHex(octets)).type).toBe(type);
  });

  it("refuse another type than asked for", () => {
    expect(() => parseTpdu(fromHex("0000"), "SMS-SUBMIT")).toThrow(expect.objectContaining({ code: "codec.value" }));
    expect(() => guessTpdu(fromHex("03"))).toThrow(expect.objectContaining({ code: "codec.value" }));
    expect(() => guessTpdu(new Uint8Array(0))).toThrow(expect.objectContaining({ code: "codec.truncated" }));
  });

  it("name status and failure cause", () => {
    expect(smsOutcome(0x63)).toBe("failed-temporary");
    expect(smsStatusName(0x46)).toBe("validity period expired");
    expect(smsStatusName(0x1f)).toBe("SC specific");
    expect(smsFailureName(0xd5)).toContain("data download error");
  });
});
