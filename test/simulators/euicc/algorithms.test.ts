import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { keccakPermutation } from "../../../simulators/euicc/algorithms/keccak.ts";
import { milenage } from "../../../simulators/euicc/algorithms/milenage.ts";
import { tuak } from "../../../simulators/euicc/algorithms/tuak.ts";
import { authenticate } from "../../../simulators/euicc/domains/authentication.ts";
import type { AuthenticationState } from "../../../simulators/euicc/installed-state.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";

describe("Keccak-f[1600]", () => {
  it("is what SHA3-256 has inside", () => {
    const message = new TextEncoder().encode("one block");
    const state = new Uint8Array(200);
    state.set(message);
    state[message.length] = 0x06;
    state[135] = 0x80;
    const digest = createHash("sha3-256").update(message).digest("hex").toUpperCase();
    expect(toHex(keccakPermutation(state).subarray(0, 32))).toBe(digest);
  });
});

describe("TUAK", () => {
  it("follows test set 1 of TS 35.233 §6.3", () => {
    const k = fromHex("AB".repeat(16));
    const topc = fromHex("BD04D9530E87513C5D837AC2AD954623A8E2330C115305A73EB45D1F40CCCBFF");
    const made = tuak(k, topc, fromHex("42".repeat(16)), fromHex("11".repeat(6)), fromHex("FFFF"), { resLength: 4 });
    const hex = Object.fromEntries(Object.entries(made).map(([name, octets]) => [name, toHex(octets)]));
    expect(hex).toEqual({
      macA: "F9A54E6AEAA8618D",
      macS: "E94B4DC6C7297DF3",
      res: "657ACD64",
      ck: "D71A1E5C6CAFFE986A26F783E5C78BE1",
      ik: "BE849FA2564F869AECEE6F62D4337E72",
      ak: "719F1E9B9054",
      akStar: "E7AF6B3D0E38",
    });
  });
});

describe("Milenage with an operator's constants", () => {
  it("moves and adds what they state, and is the standard one with the standard's", () => {
    const [k, opc, rand] = ["11", "22", "33"].map((octet) => fromHex(octet.repeat(16)));
    if (!k || !opc || !rand) throw new Error("three values");
    const run = (rotations: string, constants: string) =>
      milenage(k, opc, rand, new Uint8Array(6), new Uint8Array(2), {
        rotations: fromHex(rotations),
        constants: fromHex(constants),
      });
    const standard = ["00", "01", "02", "04", "08"].map((last) => last.padStart(32, "0")).join("");
    expect(run("4000204060", standard)).toEqual(milenage(k, opc, rand, new Uint8Array(6), new Uint8Array(2)));
    expect(run("4000204060", standard.replace(/8$/, "9")).akStar).not.toEqual(run("4000204060", standard).akStar);
    expect(run("4000214060", standard).ck).not.toEqual(run("4000204060", standard).ck);
  });
});

/** AUTHENTICATE data of a network that knows K and OPc, for a sequence number of 48 bits. */
function challenge(state: AuthenticationState, sqn: number, rand = fromHex("5A".repeat(16))): Uint8Array {
  const octets = fromHex(sqn.toString(16).padStart(12, "0"));
  const amf = fromHex("8000");
  const { ak, macA } = milenage(fromHex(state.ki), fromHex(state.opc), rand, octets, amf);
  const autn = concatBytes(
    octets.map((octet, i) => octet ^ (ak[i] ?? 0)),
    amf,
    macA,
  );
  return concatBytes(Uint8Array.of(16), rand, Uint8Array.of(16), autn);
}

describe("sequence numbers by index", () => {
  const fresh = (): AuthenticationState => ({
    algorithm: "milenage",
    ki: "01".repeat(16),
    opc: "02".repeat(16),
    sqn: "000000000000",
    sqnByIndex: Array.from({ length: 32 }, () => "000000000000"),
    sqnDelta: "000000000100",
    sqnAgeLimit: "000000000010",
  });
  const tag = (state: AuthenticationState, sqn: number) => authenticate(state, 0x81, challenge(state, sqn))[0];
  const sqn = (sequence: number, index: number) => sequence * 32 + index;

  it("accepts each index in its own order, and nothing twice", () => {
    const state = fresh();
    expect(tag(state, sqn(5, 1))).toBe(0xdb);
    expect(tag(state, sqn(3, 2))).toBe(0xdb);
    expect(tag(state, sqn(5, 1))).toBe(0xdc);
    expect(tag(state, sqn(6, 1))).toBe(0xdb);
    expect(state.sqn).toBe(sqn(6, 1).toString(16).toUpperCase().padStart(12, "0"));
  });

  it("refuses a step that is too long and a number that is too old, with AUTS of the highest one", () => {
    const state = fresh();
    expect(tag(state, sqn(0x101, 0))).toBe(0xdc);
    expect(tag(state, sqn(0x100, 0))).toBe(0xdb);
    expect(tag(state, sqn(0xe0, 7))).toBe(0xdc);
    expect(tag(state, sqn(0xf0, 7))).toBe(0xdb);
    const rand = fromHex("77".repeat(16));
    const auts = authenticate(state, 0x81, challenge(state, sqn(1, 0), rand));
    const { akStar } = milenage(fromHex(state.ki), fromHex(state.opc), rand, new Uint8Array(6), new Uint8Array(2));
    expect(toHex(auts.slice(2, 8).map((octet, i) => octet ^ (akStar[i] ?? 0)))).toBe(state.sqn);
    expect(() => authenticate(state, 0x81, new Uint8Array(34).fill(16))).toThrow("9862");
  });
});
