import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { device } from "../../../src/codec/cat/device.ts";
import {
  channelStatusEvent,
  dataAvailableEvent,
  Envelope,
  locationStatusEvent,
  smsPpDownload,
  smsPpParts,
  timerExpiration,
} from "../../../src/codec/cat/envelope.ts";
import { catObject, describeObjects, findObject } from "../../../src/codec/cat/object.ts";
import { ProactiveCommand, proactiveCommand } from "../../../src/codec/cat/proactive.ts";
import { TerminalResponse, terminalResponse } from "../../../src/codec/cat/terminal-response.ts";
import { textOf } from "../../../src/codec/cat/text.ts";
import { decode, encode } from "../../../src/codec/kit/codec.ts";
import {
  capturedCommands,
  capturedEnvelopes,
  conformanceCommands,
  conformanceEnvelopes,
  conformanceResponses,
  sessionCommands,
  sessionEnvelopes,
  sessionResponses,
} from "./vectors.ts";

const hexOf = (text: string) => toHex(fromHex(text));

describe("proactive commands of TS 31.124 and of a whole session", () => {
  test.each([...sessionCommands, ...conformanceCommands, ...capturedCommands])(
    "%s %s reads, every object decodes, and writes back",
    (name, hex) => {
      const command = decode(ProactiveCommand, fromHex(hex));
      expect(command.name).toBe(name);
      expect(describeObjects(command.objects).filter((object) => object.error !== undefined)).toEqual([]);
      expect(describeObjects(command.objects).filter((object) => object.name === "unknown")).toEqual([]);
      expect(toHex(encode(ProactiveCommand, command))).toBe(hexOf(hex));
    },
  );

  test("OPEN CHANNEL with login and access point name is built from its values", () => {
    const text = (value: string) => ({ dcs: 0xf4, octets: Buffer.from(value, "latin1") });
    const built = proactiveCommand({ name: "openChannel", qualifier: 1 }, [
      catObject("bearerDescription", { type: 2, parameters: fromHex("0304 0304 1F02") }),
      catObject("bufferSize", 1400),
      catObject("networkAccessName", "TestGp.rs"),
      catObject("textString", text("UserLog")),
      catObject("textString", text("UserPwd")),
      catObject("transportLevel", { protocol: 1, port: 44444 }),
      catObject("otherAddress", { kind: "ipv4", host: "1.1.1.1" }),
    ]);
    const expected = conformanceCommands[1]?.[1] ?? "";
    expect(toHex(encode(ProactiveCommand, built))).toBe(expected);
  });

  test("values of a whole session come out by name", () => {
    const open = decode(ProactiveCommand, fromHex(sessionCommands[6]?.[1] ?? ""));
    expect(open.details).toEqual({ number: 1, type: 0x40, qualifier: 3 });
    expect(findObject(open.objects, "networkAccessName")).toBe("internet");
    expect(findObject(open.objects, "transportLevel")).toEqual({ protocol: 2, port: 8443 });
    expect(findObject(open.objects, "otherAddress")).toEqual({ kind: "ipv6", host: "2001:db8::a" });
    const timer = decode(ProactiveCommand, fromHex(sessionCommands[11]?.[1] ?? ""));
    expect(findObject(timer.objects, "timerValue")).toBe(10);
    const display = decode(ProactiveCommand, fromHex(sessionCommands[18]?.[1] ?? ""));
    const shown = findObject(display.objects, "textString");
    expect(shown && textOf(shown)).toBe("Hi");
    expect(display.devices.destination).toBe(device.display);
  });
});

describe("TERMINAL RESPONSE of TS 31.124 and of a whole session", () => {
  test.each([...sessionResponses, ...conformanceResponses])("%s reads and writes back", (hex) => {
    const response = decode(TerminalResponse, fromHex(hex));
    expect(describeObjects(response.objects).filter((object) => object.error !== undefined)).toEqual([]);
    expect(toHex(encode(TerminalResponse, response))).toBe(hexOf(hex));
  });

  const details = (type: number, qualifier: number) => ({ number: 1, type, qualifier });
  const timer = (seconds: number) => [catObject("timerIdentifier", 1, true), catObject("timerValue", seconds, true)];
  test.each([
    [
      terminalResponse(details(0x40, 1), "success", {
        objects: [
          catObject("channelStatus", { channel: 1, state: "established", info: 0 }),
          catObject("bearerDescription", { type: 2, parameters: fromHex("03040304 1F02") }),
          catObject("bufferSize", 1400),
        ],
      }),
      "81030140018202828183010038028100350702030403041F0239020578",
    ],
    [terminalResponse(details(0x41, 0), "bipError", { additional: [0x03] }), "81030141008202828183023A03"],
    [terminalResponse(details(0x01, 6), "terminalUnable", { additional: [0x02] }), "81030101068202828183022002"],
    [
      terminalResponse(details(0x44, 0), "success", {
        objects: [catObject("channelStatus", { channel: 1, state: "closed", info: 5 }, true)],
      }),
      "810301440082028281830100B8020105",
    ],
    [
      terminalResponse(details(0x26, 0), "success", {
        objects: [
          catObject("locationInformation", { mcc: "001", mnc: "01", area: 1, cell: Uint8Array.of(0, 1) }, true),
        ],
      }),
      "810301260082028281830100930700F11000010001",
    ],
    [
      terminalResponse(details(0x26, 1), "success", { objects: [catObject("imei", "123456789012345", true)] }),
      "81030126018202828183010094081A32547698103254",
    ],
    [
      terminalResponse(details(0x26, 3), "success", {
        objects: [catObject("dateTimeZone", { year: 2, month: 5, day: 7, hour: 14, minute: 8, second: 17 }, true)],
      }),
      "810301260382028281830100A607205070418071FF",
    ],
    [
      terminalResponse(details(0x27, 2), "success", { objects: timer(239) }),
      "810301270282028281830100A40101A503003095",
    ],
    [
      terminalResponse(details(0x27, 2), "timerContradiction", { objects: timer(0).slice(0, 1) }),
      "810301270282028281830124A40101",
    ],
    [
      terminalResponse(details(0x03, 0), "success", {
        objects: [catObject("duration", { unit: "minutes", interval: 1 }, true)],
      }),
      "81030103008202828183010084020001",
    ],
  ])("is built: case %#", (response, hex) => {
    expect(toHex(encode(TerminalResponse, response))).toBe(hex);
  });
});

describe("ENVELOPE of TS 31.124 and of a whole session", () => {
  test.each([...sessionEnvelopes, ...conformanceEnvelopes, ...capturedEnvelopes])(
    "%s %s reads and writes back",
    (name, hex) => {
      const envelope = decode(Envelope, fromHex(hex));
      expect(envelope.name).toBe(name);
      expect(describeObjects(envelope.objects).filter((object) => object.error !== undefined)).toEqual([]);
      expect(toHex(encode(Envelope, envelope))).toBe(hexOf(hex));
    },
  );

  test("data available and channel status are built", () => {
    const up = { channel: 1, state: "established", info: 0 } as const;
    expect(toHex(encode(Envelope, dataAvailableEvent(up, 400)))).toBe("D60E99010982028281B8028100B701FF");
    expect(toHex(encode(Envelope, channelStatusEvent({ channel: 1, state: "closed", info: 5 })))).toBe(
      "D60B99010A82028281B8020105",
    );
  });

  test("location status, timer expiration and SMS-PP download are built", () => {
    const where = { mcc: "001", mnc: "01", area: 1, cell: fromHex("ABCD") };
    expect(toHex(encode(Envelope, locationStatusEvent("normal", where)))).toBe(
      "D613990103820282811B0100130700F1100001ABCD",
    );
    expect(toHex(encode(Envelope, timerExpiration(1, 10)))).toBe("D70C82028281A40101A503000001");
    const vector = conformanceEnvelopes[2]?.[1] ?? "";
    const { tpdu, serviceCentre } = smsPpParts(decode(Envelope, fromHex(vector)));
    expect(serviceCentre).toEqual({ tonNpi: 0x91, digits: "112233445566778" });
    expect(toHex(encode(Envelope, smsPpDownload(tpdu, serviceCentre)))).toBe(vector);
  });
});
