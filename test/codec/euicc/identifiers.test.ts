import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import {
  aidName,
  aidNotation,
  ecasdAid,
  euiccAid,
  isdRAid,
  isIsdPAid,
  parseAid,
  parseTar,
  tarOfAid,
} from "../../../src/codec/euicc/aid.ts";
import { eidCheckDigits, eidCheckDigitsOk, eidFromOctets, eidOctets, parseEid } from "../../../src/codec/euicc/eid.ts";
import {
  iccidCheckDigitOk,
  iccidFromOctets,
  iccidOctets,
  imsiFromOctets,
  imsiOctets,
  parseIccid,
  parseImsi,
} from "../../../src/codec/euicc/iccid.ts";
import { keyRole, keySetUse } from "../../../src/codec/euicc/key-set.ts";
import { parseImei, parseMsisdn } from "../../../src/codec/euicc/subscriber.ts";
import { errorCode } from "../mutated.ts";

describe("EID", () => {
  // GSMA sample and EIDs of public captures.
  test.each([
    "89001012012341234012345678901224",
    "89049032123451234512345678901235",
    "89086030202200000025000015085962",
    "89033023010000000000000000000050",
  ])("%s has right check digits", (text) => {
    const eid = parseEid(text);
    expect(eidCheckDigitsOk(eid)).toBe(true);
    expect(eidCheckDigits(text.slice(0, 30))).toBe(text.slice(30));
    expect(eidFromOctets(eidOctets(eid))).toBe(eid);
  });

  test("is plain BCD on the card, and may come as ASCII digits", () => {
    expect(toHex(eidOctets(parseEid("89001012012341234012345678901224")))).toBe("89001012012341234012345678901224");
    expect(eidFromOctets(Buffer.from("89001012012341234012345678901224"))).toBe("89001012012341234012345678901224");
  });

  test("wrong check digits parse, wrong length and letters do not", () => {
    expect(eidCheckDigitsOk(parseEid("89001012012341234012345678901225"))).toBe(false);
    expect(errorCode(() => parseEid("8900101201234123401234567890122"))).toBe("codec.text");
    expect(errorCode(() => parseEid("8900101201234123401234567890122A"))).toBe("codec.text");
    expect(errorCode(() => eidFromOctets(fromHex("89001012")))).toBe("codec.length");
    expect(errorCode(() => eidFromOctets(fromHex("8900101201234123401234567890122F")))).toBe("codec.value");
  });
});

describe("AID and TAR", () => {
  test("the fixed AIDs of SGP.02", () => {
    expect(isdRAid).toBe("A0000005591010FFFFFFFF8900000100");
    expect(ecasdAid).toBe("A0000005591010FFFFFFFF8900000200");
    expect(tarOfAid(isdRAid)).toBe("000001");
    expect(aidName(euiccAid(parseTar("000013")))).toBe("ISD-P 000013");
    expect(isIsdPAid(isdRAid)).toBe(false);
  });

  test("notation of HTTP headers, both ways", () => {
    expect(aidNotation(isdRAid)).toBe("A000000559/1010FFFFFFFF8900000100");
    expect(parseAid("//aid/A000000559/1010FFFFFFFF8900000100")).toBe(isdRAid);
    expect(parseAid("a000000559/1010ffffffff8900000100")).toBe(isdRAid);
    expect(errorCode(() => parseAid("A0000005/591010"))).toBe("codec.text");
    expect(errorCode(() => parseAid("A00000"))).toBe("codec.text");
  });

  test("an AID of someone else implies no TAR", () => {
    expect(tarOfAid(parseAid("A0000000871002FF49FF0589"))).toBeUndefined();
  });
});

describe("ICCID and IMSI", () => {
  test("files and text, odd and even lengths", () => {
    const iccid = parseIccid("8988211000000000015F");
    expect(iccid).toBe("8988211000000000015");
    expect(toHex(iccidOctets(iccid))).toBe("988812010000000010F5");
    expect(iccidFromOctets(iccidOctets(iccid))).toBe(iccid);
    const imsi = parseImsi("001010123456789");
    expect(toHex(imsiOctets(imsi))).toBe("080910101032547698");
    expect(imsiFromOctets(imsiOctets(imsi))).toBe(imsi);
    expect(imsiFromOctets(imsiOctets(parseImsi("00101012345678")))).toBe("00101012345678");
    expect(imsiFromOctets(fromHex("FFFFFFFFFFFFFFFFFF"))).toBeUndefined();
  });

  test("Luhn check digit", () => {
    expect(iccidCheckDigitOk(parseIccid("89490200001240111109"))).toBe(false);
    expect(iccidCheckDigitOk(parseIccid("79927398713"))).toBe(true);
    expect(iccidCheckDigitOk(parseIccid("898600B5000000000017"))).toBeUndefined();
  });

  // EF ICCID of China Mobile cards: hexadecimal digits are numbers too. TS 102 221 §13.2
  test.each([
    ["898600B5000000000017", "9868005B000000000071"],
    ["898602A0001122334E", "9868200A00112233E4FF"],
    ["8986003D000000000", "986800D300000000F0FF"],
  ])("hexadecimal digits: %s", (text, file) => {
    const iccid = parseIccid(text);
    expect(iccid).toBe(text);
    expect(parseIccid(text.toLowerCase())).toBe(text);
    expect(parseIccid(`${text}FF`)).toBe(text);
    expect(parseIccid(`${text}f`)).toBe(text);
    expect(toHex(iccidOctets(iccid))).toBe(file);
    expect(iccidFromOctets(fromHex(file))).toBe(text);
  });

  test.each([
    "89860FB5000000000017",
    "ABCDEF0123456789ABCD",
    "8986000",
    "898600000000000000171",
    "89 86 x0 00 00 00 00",
    "",
  ])("%s is not an ICCID, and the refusal does not quote it", (text) => {
    expect(errorCode(() => parseIccid(text))).toBe("codec.text");
    if (text.length > 3) expect(() => parseIccid(text)).not.toThrow(text);
  });

  test("a file with fillers inside is not an ICCID", () => {
    expect(errorCode(() => iccidFromOctets(fromHex("98680FB5000000000071")))).toBe("codec.value");
    expect(errorCode(() => iccidFromOctets(new Uint8Array(10).fill(0xff)))).toBe("codec.value");
  });
});

describe("MSISDN and IMEI", () => {
  test("come with separators and are written as digits", () => {
    expect(parseMsisdn("+44 7700 900-123")).toBe("447700900123");
    expect(parseMsisdn("(0049) 170/123")).toBe("0049170123");
    expect(parseImei("35-000000-000000-6")).toBe("350000000000006");
    expect(parseImei("3500000000000012")).toBe("3500000000000012");
  });

  test.each(["+", "44x", "1".repeat(16), "12", "++447700900123"])("%s is not an MSISDN", (text) => {
    expect(errorCode(() => parseMsisdn(text))).toBe("codec.text");
  });

  test.each(["3500000000000", "35000000000000123", "35000000000000A"])("%s is not an IMEI", (text) => {
    expect(errorCode(() => parseImei(text))).toBe("codec.text");
  });
});

test("key sets by number", () => {
  expect([0x01, 0x30, 0x40, 0x70, 0x71].map(keySetUse)).toEqual(["SCP80", "SCP03", "SCP81", "token", "receipt"]);
  expect(keyRole(0x02, 2)).toBe("KID");
  expect(keyRole(0x40, 1)).toBe("PSK");
});
