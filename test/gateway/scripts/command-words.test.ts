import { describe, expect, it } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import { parseAid } from "../../../src/codec/euicc/aid.ts";
import { classifyCommand } from "../../../src/codec/euicc/es5/classify.ts";
import { es5Commands } from "../../../src/codec/euicc/es5/functions.ts";
import { commandWords, mayHaveActed, statusMeaning } from "../../../src/gateway/scripts/command-words.ts";

const isdP = parseAid("A0000005591010FFFFFFFF8900001200");
const [enable] = es5Commands({ name: "enableProfile", isdP });
const [remove] = es5Commands({ name: "deleteProfile", isdP });
const selectMf = fromHex("00A40004023F00");

describe("a failed command as text", () => {
  it.each([
    ["whose octets are not known", 3, undefined, "6700", {}, "command 3 ended with 6700: wrong length"],
    [
      "outside ES5",
      1,
      selectMf,
      "6882",
      { name: "select" },
      "command 1 (select) ended with 6882: secure messaging not supported",
    ],
    [
      "of an ES5 function, whose status words have a meaning of their own",
      2,
      enable,
      "6985",
      { name: "enableProfile" },
      "command 2 (enableProfile) ended with 6985: the profile is not in state Disabled",
    ],
  ])("%s", (_, number, apdu, sw, named, words) => {
    expect(commandWords(number, apdu, sw)).toEqual({ words, meaning: words.split(": ")[1], ...named });
  });
});

describe("the meaning of a status word", () => {
  it.each([
    // SGP.02 §4.1.1.2: 6985 = profile not in Disabled state; 69E1 = POL1 refuses
    ["enableProfile", "6985", "the profile is not in state Disabled"],
    ["deleteProfile", "69E1", "POL1 of the profile forbids its deletion"],
    // The functions share the general ones. GP Card Specification §11.1.3
    ["enableProfile", "6A80", "incorrect data"],
    // The card answers first and switches afterwards. SGP.02 §3.2
    ["enableProfile", "9000", "accepted: the card switches after its answer is out"],
    ["enableProfile", "910F", "done; a proactive command waits"],
    ["enableProfile", "6110", "done; data wait"],
  ] as const)("as the answer of %s: %s", (name, sw, text) => {
    const apdu = name === "enableProfile" ? enable : remove;
    expect(apdu).toBeDefined();
    expect(statusMeaning(apdu && classifyCommand(apdu).function, sw)).toBe(text);
  });

  it("as the answer of an unknown command", () => {
    expect(statusMeaning(undefined, "6882")).toBe("secure messaging not supported");
  });
});

describe("whether a card that refuses may have acted", () => {
  // ISO/IEC 7816-4 table 6: 64 = state unchanged, 65 = state may have changed, 66 to 6E = checking errors, 6F = no diagnosis.
  it.each([
    ["6581", true],
    ["6500", true],
    ["6F00", true],
    ["6f12", true],
    ["6400", false],
    ["6700", false],
    ["6882", false],
    ["6985", false],
    ["6A80", false],
    ["6D00", false],
    ["6E00", false],
  ])("%s: %s", (sw, acted) => {
    expect(mayHaveActed(sw)).toBe(acted);
  });
});
