import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { checkFile } from "../../../src/face/cli/commands/hardware-profile.ts";
import { formatTranscript, parseTranscript } from "../../../src/link/modem/at/transcript.ts";
import { probeModem } from "../../../src/link/modem/probe.ts";
import { checkProfile } from "../../../src/link/modem/profile/profile.ts";
import { FakeModem, profiles } from "./fake-modem.ts";
import { playTranscript } from "./transcript-player.ts";

function unknownModem(): FakeModem {
  return new FakeModem()
    .on("AT+CGMI", ["Acme Radio", "OK"])
    .on("AT+CGMM", ["AX7-G", "OK"])
    .on("AT+CGMR", ["Revision: AX7-1.02", "OK"])
    .on("AT+CGSN", ["867698041234567", "OK"])
    .on("AT+CIMI", ["001010123456789", "OK"])
    .on("AT+CRSM=176,12258,0,0,10", ['+CRSM: 144,0,"98001032547698103214"', "OK"])
    .on("AT+CPIN?", ["+CPIN: READY", "OK"])
    .on("AT+CNMI=?", ["+CNMI: (0,1,2),(0,1),(0,2),(0,2),(1)", "OK"])
    .on("AT+CMGF=?", ["+CMGF: (0,1)", "OK"])
    .on("AT+CCHO=?", "ERROR")
    .on(/^AT\+CSIM=\d/, "+CME ERROR: 3");
}

describe("probing a modem that nobody described", () => {
  test("identifies it, sums up what it can do and drafts a valid profile", async () => {
    const report = await probeModem({ port: unknownModem(), profiles, clock: systemClock, usb: "dead:beef" });
    expect(report).toMatchObject({
      identity: { maker: "Acme Radio", model: "AX7-G", revision: "AX7-1.02" },
      profile: "generic-3gpp",
      draft: {
        name: "acme-ax7-g",
        match: { usb: ["dead:beef"], model: "^AX7" },
        sms: { indications: ["2,1,0,2,1", "2,1,0,0,1"] },
        verified: [],
      },
    });
    const verdicts = Object.fromEntries(report.capabilities.map(({ name, verdict }) => [name, verdict]));
    expect(verdicts).toMatchObject({
      "sms-pdu-mode": "yes",
      "sms-direct": "no",
      "status-reports": "yes",
      "logical-channels": "unknown",
      iccid: "yes",
      eid: "unknown",
    });
    expect(checkProfile(report.draft).problems).toEqual([]);
  });

  test("its transcript replays byte-exact and holds no identifier", async () => {
    const { transcript } = await probeModem({ port: unknownModem(), profiles, clock: systemClock });
    const text = formatTranscript(transcript);
    expect(text).not.toMatch(/867698041234567|001010123456789|98001032547698103214/);
    const { differences } = await playTranscript(parseTranscript(text), profiles.get("generic-3gpp"));
    expect(differences).toEqual([]);
  });

  test("changes nothing: only questions and the engine's own settings are sent", async () => {
    const modem = unknownModem();
    await probeModem({ port: modem, profiles, clock: systemClock });
    const changing = modem.heard.filter((line) => /=(?!\?)/.test(line) && !/\+CRSM=176|\+CSIM=\d+,|\+CCHO=/.test(line));
    expect(changing).toEqual(["AT+CMEE=1", "AT+CGSN=1"].filter((line) => modem.heard.includes(line)));
  });
});

describe("checking a profile file", () => {
  const folder = mkdtempSync(join(tmpdir(), "profile-"));
  const write = (content: object) => {
    const path = join(folder, "mine.json");
    writeFileSync(path, JSON.stringify(content));
    return path;
  };
  const good = {
    name: "acme-ax7",
    title: "Acme AX7",
    extends: "3gpp",
    vendor: "Acme",
    models: ["AX7-G"],
    match: { model: "^AX7" },
    sources: [{ id: "manual", kind: "manual", title: "AX7 AT commands" }],
    verified: [],
  };

  test("takes a new modem in one JSON file, with everything it inherits", () => {
    const profile = checkFile(write(good), []);
    expect(profile.urcs.find("RDY")?.event).toBe("boot");
    expect(profile.file.sms?.storages).toEqual(["ME", "SM"]);
  });

  test("names every problem", () => {
    const path = write({ ...good, quirks: ["x"], init: ["CFUN=1"] });
    expect(() => checkFile(path, [])).toThrow(/\/init\/0[\s\S]*\/quirks\/0/);
  });

  test("finds a model that another profile claims already", () => {
    const path = write({ ...good, models: ["EC25-AX7"], match: { model: "^EC25" }, vendor: "Quectel" });
    expect(() => checkFile(path, [])).toThrow(expect.objectContaining({ code: "profile.invalid" }));
  });

  test.each([
    ["a clash with a shipped profile", { match: { model: "^(MyM1|EC25)" } }, /EC25 also matches quectel-ec25/],
    ["the whole of a shipped family", { match: { model: "^(MyM1|.*7600)" } }, /SIM7600\S* also matches simcom-sim7600/],
    [
      "its own example claimed by a shipped profile",
      { models: ["EG25-G"], match: { model: "^EG25" } },
      /also matches quectel-ec25/,
    ],
    [
      "a pattern without a group",
      { identity: { iccid: [{ command: "AT+X", pattern: "^\\+X: ?\\d+$" }] } },
      /\/identity\/iccid\/0\/pattern: needs a group/,
    ],
    [
      "a pattern whose parentheses are no group",
      { identity: { imei: [{ command: "AT+X", pattern: "^(?:\\+X: ?)\\d+\\($" }] } },
      /\/identity\/imei\/0\/pattern: needs a group/,
    ],
    [
      "a toolkit query without a group",
      { toolkit: { query: { command: "AT+S?", pattern: "^\\+S: ?1$" } } },
      /\/toolkit\/query\/pattern/,
    ],
    [
      "a notice that swallows final results",
      { urcs: [{ pattern: "^O", event: "noise" }] },
      /\/urcs\/0\/pattern: matches the final result OK/,
    ],
  ])("finds %s", (_, change, message) => {
    const content = { ...good, models: ["MyM1"], match: { model: "^MyM1" }, ...change };
    expect(() => checkFile(write(content), [])).toThrow(message);
  });

  test("finds keys that stand twice in one object, however they are written", () => {
    const text = JSON.stringify({ ...good, models: ["MyM1"], match: { model: "^MyM1" } });
    for (const [from, to] of [
      ['"title":', '"title": "x", "title":'],
      ['"model":', '"model": "^a", "mod\\u0065l":'],
      ['"sources":', '"sources" : [{"a:": "{,"}, "a"],\n"sources"\n:'],
    ] as const) {
      const path = join(folder, "double.json");
      writeFileSync(path, text.replace(from, to));
      expect(() => checkFile(path, []), to).toThrow(/duplicate key/);
    }
  });
});
