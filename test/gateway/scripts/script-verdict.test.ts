import { describe, expect, it } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import { isdRTar, parseTar } from "../../../src/codec/euicc/aid.ts";
import { answeredScript, askedByBody, askedByWork, swSucceeds } from "../../../src/gateway/scripts/script-verdict.ts";

const answer = (body: string, response: string) => answeredScript(askedByBody(fromHex(body)), fromHex(response));
const begin = "AE80840A3000001122334455667785113300112233445566778899AABBCCDDEEFF0000";
const block = "AE80861000112233445566778899AABBCCDDEEFF0000";
const updated = `8420${"00".repeat(10)}300370${"A1".repeat(19)}`;

describe("an SCP03t script", () => {
  it.each([
    ["84 refused", begin, "AF809F4401030000", "SCP03t INITIALIZE UPDATE error: referenced data not found", 1],
    [
      "85 refused",
      begin,
      `AF80${updated}9F4501020000`,
      "SCP03t EXTERNAL AUTHENTICATE error: security",
      2,
      { executed: "partly", executedCommands: 1 },
    ],
    ["86 refused", block, "AF809F4601020000", "SCP03t protected data error: security", 1],
    ["86 refused for its length", block, "AF809F4601010000", "SCP03t protected data error: length or structure", 1],
    ["86 refused without a reason", block, "AF809F46000000", "SCP03t protected data error: no reason given", 1],
    ["the same in a definite template", block, "AF049F460102", "SCP03t protected data error: security", 1],
    ["the same in AB", block, "AB049F460102", "SCP03t protected data error: security", 1],
    ["the same in AB with a count", block, "AB078001019F460102", "SCP03t protected data error: security", 1],
    ["the same in AB 80", block, "AB809F4601020000", "SCP03t protected data error: security", 1],
    ["87 refused", "AE80870100 0000".replace(" ", ""), "AF809F4701010000", "SCP03t session keys error", 1],
    ["an error of another command", block, "AF809F4401020000", "SCP03t INITIALIZE UPDATE error: security", 1],
    ["a status word in place of an answer", block, "AF80230269820000", "6982: security status not satisfied", 1],
    ["9000 in place of an answer", block, "AF80230290000000", "a status word is not an answer to SCP03t protected", 1],
    ["an object of another kind", block, "AF8085000000", "not an answer to SCP03t protected data", 1],
  ])(
    "%s: failed, in the card's words",
    (_, body, response, words, command, facts: object = { executed: expect.anything() }) => {
      expect(answer(body, response).failure).toMatchObject({
        code: "job.script",
        message: expect.stringContaining(words),
        ...facts,
        detail: { command },
      });
    },
  );

  it.each([
    ["nothing answered", begin, "AF800000", "the card executed 0 of 2 commands", { executed: "unknown" }],
    [
      "the first answered only",
      begin,
      `AF80${updated}0000`,
      "the card executed 1 of 2 commands",
      { executed: "partly", executedCommands: 1 },
    ],
    ["bad format", begin, "AF809001010000", "the card could not read the script: unknown tag", { executed: false }],
    ["bad format behind an answer", begin, `AF80${updated}9001020000`, "wrong length", { executed: "partly" }],
    ["bad format with the other tag", begin, "AF801001030000", "length not found", {}],
    ["script chaining refused", block, "AF808301010000", "script chaining: no previous script", {}],
    ["immediate action refused", block, "AF808101010000", "immediate action failed: suspension error", {}],
    ["no script answer", block, "AF80", "not an answer to a script", { executed: "unknown" }],
    ["a cut script answer", block, "AF80861000", "not an answer to a script", { executed: "unknown" }],
    ["octets of something else", block, "6985", "not an answer to a script", { executed: "unknown" }],
  ])("%s: failed", (_, body, response, words, facts) => {
    expect(answer(body, response).failure).toMatchObject({ message: expect.stringContaining(words), ...facts });
  });

  it.each([
    ["84 and 85 answered", begin, `AF80${updated}85000000`, 2],
    ["86 answered without content", block, "AF8086000000", 1],
    [
      "86 answered with ciphered content",
      block,
      "AF808618303132333435363738393A3B3C3D3E3F404142434445464700 00".replace(" ", ""),
      1,
    ],
    ["the profile is installed", block, "AF8086093007A00530038001000000", 1],
    ["installed after a skipped element", block, "AF80860E300CA00A300380010130038001000000", 1],
  ])("%s: done", (_, body, response, executed) => {
    expect(answer(body, response)).toMatchObject({ result: { executed } });
    expect(answer(body, response).failure).toBeUndefined();
  });

  it.each([
    ["a refused package", "3007A005300380010A", "PEStatus 10: feature not supported"],
    ["no memory at a place", "300EA00C300A80010481020520830100", "PEStatus 4: not enough memory"],
    ["an aborted installation", "3009A00530038001008100", "installation aborted"],
    ["a status word as status", "3008A0063004800269 82".replace(" ", ""), "security status not satisfied"],
    ["only a skipped element", "3007A0053003800101", "PEStatus 1: element not supported"],
  ])("%s in clear: failed", (_, response, words) => {
    const length = (response.length / 2).toString(16).padStart(2, "0");
    const { failure } = answer(block, `AF8086${length}${response}0000`);
    expect(failure).toMatchObject({
      message: expect.stringMatching(/refuses the profile package/),
      executed: "unknown",
      detail: { command: 1 },
    });
    expect(failure?.message).toContain(words);
  });
});

describe("an SCP03 script of C-APDUs", () => {
  const update = "8050300008010203040506070800";
  const authenticate = `8482330010${"11".repeat(16)}`;
  const both = askedByWork({ kind: "script", tar: parseTar("000013"), apdus: [update, authenticate].map(fromHex) });
  const good = `231E${"00".repeat(28)}9000`;

  it.each([
    ["INITIALIZE UPDATE refused", "AF8023026A880000", 1, "6A88"],
    ["EXTERNAL AUTHENTICATE refused by a warning", `AF80${good}230263000000`, 2, "6300"],
    ["EXTERNAL AUTHENTICATE with the wrong security level", `AF80${good}23026A860000`, 2, "6A86"],
  ])("%s: failed", (_, response, command, sw) => {
    expect(answeredScript(both, fromHex(response)).failure?.detail).toMatchObject({ command, sw });
  });

  it("that stops behind INITIALIZE UPDATE: failed", () => {
    expect(answeredScript(both, fromHex(`AF80${good}0000`)).failure).toMatchObject({
      message: "the card executed 1 of 2 commands",
      executed: "partly",
      executedCommands: 1,
      detail: { commands: 2 },
    });
    expect(answeredScript(both, fromHex(`AB0380010${1}`)).failure?.executed).toBe("partly");
  });
});

describe("status words", () => {
  it.each([0x9000, 0x9100, 0x910b, 0x6110, 0x9f10, 0x9200, 0x6200, 0x6283, 0x6310, 0x63f1, 0x6300])(
    "%i succeeds",
    (sw) => expect(swSucceeds(sw)).toBe(true),
  );
  it.each([0x6985, 0x6a88, 0x63c2, 0x63c0, 0x9240, 0x9300, 0x6c10, 0x6f00, 0x6581, 0x9804, 0x6882])(
    "%i does not",
    (sw) => expect(swSucceeds(sw)).toBe(false),
  );
  it("of a refused EXTERNAL AUTHENTICATE are no warnings", () => {
    expect(swSucceeds(0x6300, fromHex("84823300"))).toBe(false);
    expect(swSucceeds(0x6310, fromHex("80F24002"))).toBe(true);
  });
});

describe("octets that nobody can read as a script", () => {
  it("are handed through, and so is what the card says to them", () => {
    expect(answer("0102", "CAFE")).toEqual({ result: { data: fromHex("CAFE"), commands: [] } });
    expect(answer("8100", "")).toEqual({ result: { commands: [] } });
  });

  it("may still be refused in words that a script answer has", () => {
    expect(answer("AE0102", "AF809001010000").failure?.message).toMatch(/could not read the script/);
  });
});

describe("a script that is answered by nothing, or by too much", () => {
  const three = {
    kind: "script",
    tar: isdRTar,
    apdus: Array.from({ length: 3 }, () => fromHex("80F28002024F0000")),
  } as const;
  const named = { ...three, function: { name: "enableProfile", params: {} } };
  const body = { kind: "body", tar: isdRTar, body: fromHex("80F28002024F00") } as const;
  const nothing = new Uint8Array(0);

  it.each([
    ["expanded", askedByWork(three)],
    ["an ES5 function", askedByWork(named)],
    ["an ES5 function, compact", askedByWork(named, true)],
    ["an expanded body", askedByBody(fromHex("AE80220880F28002024F00000000"))],
    ["a compact body of an ES5 function", askedByWork({ ...body, function: { name: "auditStatus", params: {} } })],
  ])("%s without an answer: failed, and nobody knows what ran", (_, asked) => {
    const { result, failure } = answeredScript(asked, nothing);
    expect(result).toEqual({ commands: [] });
    expect(failure).toMatchObject({
      code: "job.script",
      message: expect.stringMatching(/without an answer.*missing/),
      executed: "unknown",
    });
  });

  it("a later part without an answer: the parts before it ran", () => {
    expect(answeredScript(askedByWork(three), nothing, { before: 2, total: 5 }).failure).toMatchObject({
      executed: "partly",
      executedCommands: 2,
      detail: { commands: 5 },
    });
  });

  it.each([
    ["of APDUs", askedByWork(three, true)],
    ["ready made", askedByWork(body)],
  ])("a compact script %s without an answer: done, and told", (_, asked) => {
    const { result, failure } = answeredScript(asked, nothing);
    expect(failure).toBeUndefined();
    expect(result).toEqual({ commands: [], note: expect.stringContaining("without an answer") });
  });

  it.each([
    ["compact", "099000", 9],
    ["expanded", "AB0780010423029000", 4],
  ])("a count above the number of commands (%s): failed, and no more than all ran", (_, response, count) => {
    const { result, failure } = answeredScript(askedByWork(three), fromHex(response));
    expect(result.executed).toBe(3);
    expect(failure).toMatchObject({
      code: "job.script",
      message: expect.stringContaining(`counts ${count} commands, but 3`),
      executed: "unknown",
      detail: { commands: 3 },
    });
  });

  it("more answers than commands: no more than all ran", () => {
    const { result } = answeredScript(askedByWork(three), fromHex(`AF80${"23029000".repeat(4)}0000`));
    expect(result.executed).toBe(3);
  });
});
