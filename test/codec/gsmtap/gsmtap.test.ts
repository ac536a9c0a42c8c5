import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { gsmtapBytes } from "../../../src/codec/gsmtap/header.ts";
import { pcapHeader, pcapRecord } from "../../../src/codec/gsmtap/pcap.ts";
import { apduFrame, atrFrame } from "../../../src/codec/gsmtap/sim.ts";
import { smsFrame } from "../../../src/codec/gsmtap/sms.ts";
import { enableEnvelope } from "../../explain/worked.ts";

const deliver = fromHex(enableEnvelope.slice(42));
const submit = fromHex("410005A11032F47FF60802710000030001 02");
const report = fromHex("40077FF608027100000300 0102");
const refusal = fromHex("40D500");

describe("GSMTAP", () => {
  it("writes the header of version 2", () => {
    expect(toHex(gsmtapBytes(atrFrame(fromHex("3B00"))))).toBe("02040400000000000000000001000000" + "3B00");
  });

  it("marks what a mobile sends as uplink", () => {
    const frame = smsFrame(submit);
    expect(frame).toMatchObject({ uplink: true, type: 0x12 });
    expect(frame === undefined ? "" : toHex(gsmtapBytes(frame)).slice(8, 12)).toBe("4000");
    expect(smsFrame(deliver)).toMatchObject({ uplink: false });
  });

  it.each([
    ["00A40004023F00", "6120", "00A40004023F006120"],
    ["80F24002024F0000", "6A88", "80F24002024F006A88"],
    ["80CAFF2100", "FF2100" + "9000", "80CAFF2100FF21009000"],
    ["0070800100", "9000", "00708001009000"],
    ["00200001", "63C3", "002000010063C3"],
  ])("puts %s and %s together without the Le that its form has no place for", (command, answer, frame) => {
    expect(toHex(apduFrame(fromHex(command), fromHex(answer)).payload)).toBe(frame);
  });

  it("leaves out a TPDU that no short message transport carries", () => {
    expect(smsFrame(new Uint8Array(300))).toBeUndefined();
  });
});

describe("pcap", () => {
  it("starts with the magic number, version, snap length and raw IP", () => {
    expect(toHex(pcapHeader())).toBe("A1B2C3D40002000400000000000000000000FFFF00000065");
  });

  it("writes time, lengths, IPv4 with a right checksum, UDP to port 4729", () => {
    const record = pcapRecord(1_700_000_000_123, atrFrame(fromHex("3B00")), 7);
    const view = new DataView(record.buffer, record.byteOffset);
    expect([view.getUint32(0), view.getUint32(4)]).toEqual([1_700_000_000, 123_000]);
    expect(view.getUint32(8)).toBe(record.length - 16);
    let sum = 0;
    for (let at = 16; at < 36; at += 2) sum += view.getUint16(at);
    expect(((sum & 0xffff) + (sum >> 16)) & 0xffff).toBe(0xffff);
    expect(toHex(record.subarray(28, 32))).toBe("7F000007");
    expect(view.getUint16(38)).toBe(4729);
  });
});

function tsharkProblem(): string | undefined {
  try {
    execFileSync("tshark", ["--version"], { stdio: ["ignore", "pipe", "ignore"] });
    return undefined;
  } catch {
    return "tshark is not installed";
  }
}

const problem = tsharkProblem();
if (problem !== undefined) console.log(`skipped: ${problem}`);

describe.skipIf(problem !== undefined)("what Wireshark reads", () => {
  const dissect = (frames: readonly Parameters<typeof pcapRecord>[1][], fields: readonly string[]): string[][] => {
    const folder = mkdtempSync(join(tmpdir(), "otagate-pcap-"));
    try {
      const file = join(folder, "frames.pcap");
      writeFileSync(file, concatBytes(pcapHeader(), ...frames.map((frame, at) => pcapRecord(1000 * at, frame))));
      const args = ["-r", file, "-T", "fields", ...fields.flatMap((field) => ["-e", field])];
      const text = execFileSync("tshark", args, { stdio: ["ignore", "pipe", "ignore"] }).toString();
      return text
        .trimEnd()
        .split("\n")
        .map((line) => line.split("\t"));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };

  it("APDUs: instruction, status word, and the short message in an ENVELOPE", { timeout: 60_000 }, () => {
    const rows = dissect(
      [
        apduFrame(fromHex(enableEnvelope), fromHex("910B")),
        apduFrame(fromHex("801200000B"), fromHex("D0098103010104820281829000")),
        apduFrame(fromHex("00A40004023F00"), fromHex("6120")),
        apduFrame(fromHex("80F24002024F0000"), fromHex("6A88")),
      ],
      ["_ws.col.Protocol", "gsm_sim.apdu.ins", "gsm_sim.apdu.sw", "gsm_sms.tp-oa", "_ws.malformed"],
    );
    expect(rows.map((row) => row[1])).toEqual(["0xc2", "0x12", "0xa4", "0xf2"]);
    expect(rows.map((row) => row[2])).toEqual(["0x910b", "0x9000", "0x6120", "0x6a88"]);
    expect(rows[0]?.[3]).toBe("0123");
    expect(rows.map((row) => row[4] ?? "")).toEqual(["", "", "", ""]);
  });

  it("SMS TPDUs of each direction, and reports", { timeout: 60_000 }, () => {
    const frames = [deliver, submit, report, refusal].map(smsFrame).filter((frame) => frame !== undefined);
    const rows = dissect(frames, [
      "_ws.col.Protocol",
      "gsm_sms.tp-mti",
      "gsm_sms.tp-pid",
      "_ws.malformed",
      "gsm_a.rp.msg_type",
    ]);
    expect(rows.map((row) => row[0])).toEqual(["GSM SMS", "GSM SMS", "GSM SMS", "GSM SMS"]);
    expect(rows.map((row) => Number(row[1]))).toEqual([0, 1, 0, 0]);
    expect(rows.slice(0, 3).map((row) => row[2])).toEqual(["127", "127", "127"]);
    expect(rows.map((row) => row[3] ?? "")).toEqual(["", "", "", ""]);
    expect(rows.map((row) => Number(row[4]))).toEqual([1, 0, 2, 4]);
  });
});
