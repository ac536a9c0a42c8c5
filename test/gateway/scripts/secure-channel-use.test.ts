import { describe, expect, it } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import { isdRTar, parseAid, parseTar } from "../../../src/codec/euicc/aid.ts";
import { channelUse, targetedApplication } from "../../../src/gateway/scripts/secure-channel-use.ts";

const script = (...apdus: string[]) => ({ kind: "script", tar: isdRTar, apdus: apdus.map(fromHex) }) as const;
const body = (octets: string) => ({ kind: "body", tar: isdRTar, body: fromHex(octets) }) as const;

describe("what a script does to a secure channel", () => {
  it.each([
    ["nothing: GET DATA", script("80CA005A00"), "none"],
    ["nothing: an interindustry VERIFY", script("0020000100"), "none"],
    ["begins it: INITIALIZE UPDATE", script("8050000008AABBCCDDAABBCCDD00"), "begins"],
    ["begins it, though other commands go before", script("80CA005A00", "8050000008AABBCCDDAABBCCDD00"), "begins"],
    ["continues it: EXTERNAL AUTHENTICATE", script("848201000811223344556677880011223344556677"), "continues"],
    ["continues it: a class byte with secure messaging", script("84E2000000"), "continues"],
    ["begins it: SCP03t INITIALIZE UPDATE, tag 84", body("AE8084020011" + "0000"), "begins"],
    ["continues it: SCP03t data, tag 86", body("AE8086020011" + "0000"), "continues"],
    ["nothing that can be read", body("FFFF"), "none"],
  ] as const)("%s", (_, work, expected) => expect(channelUse(work)).toBe(expected));
});

describe("the application of a script", () => {
  it.each([
    ["its AID", { ...script(), aid: parseAid("A000000559AA") }, "A000000559AA"],
    ["the ISD-R, without an AID", script(), undefined],
    ["the ISD-P of its TAR", { ...script(), tar: parseTar("000012") }, "A0000005591010FFFFFFFF8900001200"],
  ] as const)("is %s", (_, work, expected) => expect(targetedApplication(work)).toBe(expected));
});
