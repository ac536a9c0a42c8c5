import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { gprsBearer, ipOctets, ipv6Text } from "../../../src/codec/cat/bearer.ts";
import { commandText, commandTypes, qualifierText } from "../../../src/codec/cat/command-type.ts";
import { catTlvBytes, readCatTlvs } from "../../../src/codec/cat/comprehension.ts";
import { deviceChannel, deviceName } from "../../../src/codec/cat/device.ts";
import {
  callControl,
  cellBroadcastDownload,
  Envelope,
  eventDownload,
  menuSelection,
  moSmsControl,
  ussdDownload,
} from "../../../src/codec/cat/envelope.ts";
import { catEvent } from "../../../src/codec/cat/event.ts";
import { Imei, Imeisv, TimerValue } from "../../../src/codec/cat/local-info.ts";
import { catObject, describeObjects, findObject } from "../../../src/codec/cat/object.ts";
import { resultClass, resultText } from "../../../src/codec/cat/result.ts";
import {
  benchProfile,
  profileChannels,
  profileFacilities,
  profileHas,
  withChannels,
} from "../../../src/codec/cat/terminal-profile.ts";
import { alphaText, textOf, textString } from "../../../src/codec/cat/text.ts";
import { decode, encode } from "../../../src/codec/kit/codec.ts";
import { errorCode } from "../mutated.ts";

describe("COMPREHENSION-TLV", () => {
  test.each([
    "0101AA",
    "8101AA",
    `368180${"00".repeat(128)}`,
    `36820100${"AB".repeat(256)}`,
    "7F812301CC",
    "7F012300",
    // A length that is not the shortest form is written back as it came.
    "368102AABB",
    "36820002AABB",
  ])("%s is written back alike", (hex) => {
    expect(toHex(catTlvBytes(readCatTlvs(fromHex(hex))))).toBe(hex);
  });

  test("three-octet tags and comprehension flags", () => {
    expect(readCatTlvs(fromHex("7F8123008501007F012300"))).toMatchObject([
      { tag: 0x7f0123, cr: true },
      { tag: 0x05, cr: true },
      { tag: 0x7f0123, cr: false },
    ]);
  });

  test.each([
    ["00", "codec.tag"],
    ["80", "codec.tag"],
    ["FF00", "codec.tag"],
    ["7F01", "codec.truncated"],
    ["0102AA", "codec.truncated"],
    ["0180", "codec.length"],
  ])("%s is refused with %s", (hex, expected) => {
    expect(errorCode(() => readCatTlvs(fromHex(hex)))).toBe(expected);
  });

  test("an object that does not decode says so and does not hide its neighbours", () => {
    const described = describeObjects(readCatTlvs(fromHex("14021111 0402011E 4E0100"), 10));
    expect(described).toMatchObject([
      { name: "imei", offset: 10 },
      { name: "duration", value: { unit: "seconds", interval: 30 } },
      { name: "unknown", raw: "00" },
    ]);
    expect(described[0]?.error).toBeDefined();
  });
});

describe("commands and results in words", () => {
  test("qualifiers by value and by bit", () => {
    expect(commandText(0x01)).toBe("REFRESH");
    expect(qualifierText(0x01, 0x04)).toBe("UICC reset");
    expect(qualifierText(0x01, 0x09)).toBe("eUICC profile state change");
    expect(qualifierText(0x26, 0x01)).toBe("IMEI");
    expect(qualifierText(0x40, 0x03)).toBe("immediate link establishment, automatic reconnection");
    expect(qualifierText(0x43, 0x00)).toBe("store in the transmit buffer");
    expect(qualifierText(0x02, 0x00)).toBe("");
    expect(commandText(0x99)).toBe("command type 99");
  });

  test("no two commands share a type", () => {
    const types = Object.values(commandTypes).map(({ type }) => type);
    expect(new Set(types).size).toBe(types.length);
  });

  test("results with their additional information", () => {
    expect(resultText(0x3a, Uint8Array.of(0x03))).toBe(
      "bearer independent protocol error: channel identifier not valid",
    );
    expect(resultText(0x20, Uint8Array.of(0x04))).toMatch(/no service/);
    expect(resultText(0x35, Uint8Array.of(0x15))).toBe("SMS RP-ERROR (cause 15)");
    expect([0x07, 0x21, 0x3a].map(resultClass)).toEqual(["performed", "try-later", "failed"]);
  });

  test("devices", () => {
    expect(deviceName(0x81)).toBe("uicc");
    expect(deviceName(0x23)).toBe("channel 3");
    expect([deviceChannel(0x27), deviceChannel(0x28)]).toEqual([7, undefined]);
  });
});

describe("TERMINAL PROFILE", () => {
  test("the bench profile claims what the terminal answers, and seven channels", () => {
    const facilities = profileFacilities(benchProfile);
    for (const claimed of [
      "SMS-PP data download",
      "SEND SHORT MESSAGE",
      "SET UP EVENT LIST",
      "event: data available",
      "OPEN CHANNEL",
      "BIP: TCP client, remote",
      "REFRESH: eUICC profile state change",
      "no display",
      "no keypad",
    ]) {
      expect(facilities).toContain(claimed);
    }
    expect(facilities).not.toContain("DISPLAY TEXT");
    expect(profileChannels(benchProfile)).toBe(7);
    expect(toHex(benchProfile)).toBe("3301E842110C00078800001FE2600000434000000001000000000000000000000020");
    expect(profileHas(benchProfile, 34, 6)).toBe(true);
    expect(profileHas(benchProfile, 40, 1)).toBe(false);
  });

  test("without channels nothing of BIP is claimed", () => {
    const profile = withChannels(benchProfile, 0);
    expect(profileFacilities(profile).filter((name) => /BIP|CHANNEL|data available|channel status/.test(name))).toEqual(
      [],
    );
    expect(profileChannels(withChannels(benchProfile, 3))).toBe(3);
  });
});

describe("objects", () => {
  test("IMEI and IMEISV both ways", () => {
    expect(toHex(encode(Imei, "123456789012345"))).toBe("1A32547698103254");
    expect(decode(Imei, fromHex("1A32547698103254"))).toBe("123456789012345");
    expect(decode(Imeisv, encode(Imeisv, "1234567890123456"))).toBe("1234567890123456");
    expect(toHex(encode(Imeisv, "1234567890123456"))).toBe("1332547698103254F6");
    expect(errorCode(() => decode(Imei, fromHex("1132547698103254")))).toBe("codec.value");
    expect(errorCode(() => encode(Imei, "12345"))).toBe("codec.text");
  });

  test("timer values: swapped digits, read leniently", () => {
    expect(decode(TimerValue, fromHex("005000"))).toBe(300);
    expect(decode(TimerValue, fromHex("329595"))).toBe(86_399);
    expect(decode(TimerValue, fromHex("00001E"))).toBe(30);
    expect(toHex(encode(TimerValue, 86_399))).toBe("329595");
  });

  test("IP addresses in their shortest text", () => {
    expect(ipv6Text(ipOctets("2001:db8::a"))).toBe("2001:db8::a");
    expect(ipv6Text(ipOctets("::"))).toBe("::");
    expect(ipv6Text(ipOctets("1:0:0:2:0:0:0:3"))).toBe("1:0:0:2::3");
    for (const bad of ["1.2.3", "1.2.3.256", "1::2::3", "1:2:3:4:5:6:7:8:9", "::g"]) {
      expect(errorCode(() => ipOctets(bad))).toBe("codec.text");
    }
  });

  test("GPRS parameters by name", () => {
    const bearer = findObject(readCatTlvs(fromHex("350702030403041F02")), "bearerDescription");
    expect(bearer && gprsBearer(bearer)).toEqual({
      precedence: 3,
      delay: 4,
      reliability: 3,
      peak: 4,
      mean: 0x1f,
      pdpType: 2,
    });
  });

  test("file lists by their paths", () => {
    expect(findObject(readCatTlvs(fromHex("920B023F002FE23F007FFF6F07")), "fileList")).toEqual({
      count: 2,
      paths: [fromHex("3F002FE2"), fromHex("3F007FFF6F07")],
    });
  });

  test("texts in the default alphabet, packed, UCS2, and alpha identifiers", () => {
    expect(textOf({ dcs: 0x00, octets: fromHex("E8329BFD06") })).toBe("hello");
    expect(textOf({ dcs: 0x08, octets: fromHex("041F0440") })).toBe("Пр");
    expect(textOf(textString("Hi é"))).toBe("Hi é");
    expect(alphaText(fromHex("800041"))).toBe("A");
    expect(alphaText(fromHex("810308809141"))).toBe("\u0400\u0411A");
    expect(alphaText(fromHex("4869FFFF"))).toBe("Hi");
  });
});

describe("envelopes", () => {
  const where = { mcc: "001", mnc: "01", area: 1, cell: fromHex("0001") };
  test.each([
    [menuSelection(3), "D30782020181900103"],
    [menuSelection(3, true), "D309820201819001031500"],
    [ussdDownload({ dcs: 0xf4, octets: fromHex("4142") }), "D909820283818A03F44142"],
    [callControl({ tonNpi: 0x81, digits: "112" }, where), "D41282028281860381 11F2930700F11000010001"],
    [
      moSmsControl({ tonNpi: 0x91, digits: "447700" }, { tonNpi: 0x81, digits: "12" }, where),
      "D517820282818604914477 008602812193 0700F11000010001",
    ],
  ])("%# is built, and read again", (built, hex) => {
    expect(toHex(encode(Envelope, built))).toBe(toHex(fromHex(hex)));
    expect(decode(Envelope, fromHex(hex)).name).toBe(built.name);
  });

  test("every event travels", () => {
    for (const event of Object.keys(catEvent)) {
      if (!isEvent(event)) continue;
      const octets = encode(Envelope, eventDownload(event, [catObject("itemIdentifier", 1)]));
      expect(decode(Envelope, octets).event).toBe(event);
    }
  });

  test("a cell broadcast page has 88 octets", () => {
    expect(encode(Envelope, cellBroadcastDownload(new Uint8Array(88)))).toHaveLength(96);
    expect(errorCode(() => cellBroadcastDownload(new Uint8Array(87)))).toBe("codec.length");
  });

  test("a template of no envelope is refused", () => {
    expect(errorCode(() => decode(Envelope, fromHex("D000")))).toBe("codec.tag");
  });
});

function isEvent(name: string): name is keyof typeof catEvent {
  return name in catEvent;
}
