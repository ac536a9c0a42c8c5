import { describe, expect, it } from "vitest";
import { parseAid } from "../../../src/codec/euicc/aid.ts";
import { es5Commands } from "../../../src/codec/euicc/es5/functions.ts";
import { capduObject } from "../../../src/codec/ota/script.ts";
import { readFailure, type StoredFailure } from "../../../src/gateway/model/failure.ts";
import { answeredScript } from "../../../src/gateway/scripts/script-verdict.ts";
import { evaluatePor } from "../../../src/gateway/scripts/verdict.ts";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const isdP = parseAid("A0000005591010FFFFFFFF8900001200");
const enable = es5Commands({ name: "enableProfile", isdP });
const audit = es5Commands({ name: "auditEid" });

const facts = { statusName: "", authenticated: true, byCard: false, data: new Uint8Array(0), transmissions: 1 };
const asked = (apdus: readonly Uint8Array[]) => ({ commands: apdus.map(capduObject), certain: true });
const judged = (response: string, commands: readonly Uint8Array[] = enable) =>
  evaluatePor({ ...facts, status: 0, data: bytes(response) }, (data) => answeredScript(asked(commands), data));

describe("the answer to a script", () => {
  it.each([
    // expanded, definite: number of commands, then R-APDUs
    [
      "one command refused",
      "AB07800101230269 85".replace(/ /g, ""),
      enable,
      { executed: false, detail: { command: 1, sw: "6985" } },
    ],
    ["indefinite, one refused", "AF80230269850000", enable, { executed: false, detail: { command: 1, sw: "6985" } }],
    ["bad format", "AF809001010000", enable, { executed: false }],
    [
      "second of two refused",
      "AF80230290002302 69820000".replace(/ /g, ""),
      [...audit, ...enable],
      { executed: "partly", executedCommands: 1, detail: { command: 2 } },
    ],
    [
      "compact, third refused",
      "036985",
      [...audit, ...audit, ...enable],
      { executed: "partly", executedCommands: 2, detail: { command: 3 } },
    ],
    ["compact, first refused", "016985", enable, { executed: false, detail: { command: 1 } }],
    ["memory failure of the only command", "016581", enable, { executed: "unknown", detail: { command: 1 } }],
    ["no precise diagnosis", "016F00", enable, { executed: "unknown", detail: { command: 1 } }],
    [
      "stopped after two of three",
      "029000",
      [...audit, ...audit, ...audit],
      { executed: "partly", executedCommands: 2, detail: { commands: 3 } },
    ],
    ["stopped before the first", "009000", audit, { executed: false, detail: { commands: 1 } }],
  ] as const)("%s", (_, response, commands, facts) => {
    expect(judged(response, commands)).toMatchObject({ at: "failed", error: { code: "job.script", ...facts } });
  });

  it("names the function and what its status word means", () => {
    expect(judged("AF80230269850000")).toMatchObject({
      error: {
        message: "command 1 (enableProfile) ended with 6985: the profile is not in state Disabled",
        detail: { function: "enableProfile", meaning: "the profile is not in state Disabled" },
      },
    });
    const select = bytes("00A40004023F00");
    expect(judged("016A82", [select])).toMatchObject({
      error: { detail: { function: "select", sw: "6A82", meaning: "file, application or referenced item not found" } },
    });
  });

  it("is a success when every command is", () => {
    expect(judged("AF802302910B0000").at).toBe("done");
    expect(judged("019000").at).toBe("done");
  });
});

describe("the status of a response packet", () => {
  const of = (status: number, more: Partial<typeof facts> = {}) =>
    evaluatePor({ ...facts, status, ...more }, (data) => answeredScript(asked(enable), data));

  it.each([0x01, 0x03, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0a, 0xc0])("%i with its proof: not executed", (status) => {
    expect(of(status)).toMatchObject({ at: "failed", error: { code: "packet.por", executed: false } });
  });

  it.each([0x00, 0x01, 0x02, 0x06, 0x09])("%i without its proof: decides nothing", (status) => {
    expect(of(status, { authenticated: false }).at).toBe("unproven");
  });

  it("without its proof from the card in a reader: a refusal counts, a success does not", () => {
    const byCard = { authenticated: false, byCard: true };
    expect(of(0x06, byCard)).toMatchObject({
      at: "failed",
      error: { code: "packet.por", executed: false },
    });
    expect(of(0x00, byCard).at).toBe("unproven");
  });

  it("counter low: the first time a new packet, later unknown", () => {
    expect(of(0x02).at).toBe("again");
    expect(of(0x02, { transmissions: 2 })).toMatchObject({
      error: { code: "packet.answer-lost", executed: "unknown" },
    });
  });

  it.each([0x08, 0x0b, 0x0c])("%i: the answer follows", (status) => expect(of(status).at).toBe("wait"));
});

describe("failures of earlier versions", () => {
  const read = (detail: object) =>
    readFailure(JSON.parse(JSON.stringify({ code: "job.script", message: "", detail })) as StoredFailure);

  it("are completed", () => {
    expect(read({}).executed).toBe("unknown");
    expect(read({ executed: 0 }).executed).toBe(false);
    expect(read({ executed: 2 })).toMatchObject({ executed: "partly", executedCommands: 2 });
    expect(read({ executed: true }).executed).toBe(true);
  });
});
