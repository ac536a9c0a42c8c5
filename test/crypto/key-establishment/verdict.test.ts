import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { Secret } from "../../../src/base/secret.ts";
import { p256 } from "../../../src/codec/euicc/ec-curve.ts";
import { keyControl } from "../../../src/codec/euicc/key-establishment.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { parseScriptResponse } from "../../../src/codec/ota/script-response.ts";
import { ecPrivateKey } from "../../../src/crypto/certificates/ec-key.ts";
import { deriveKeySet, type Establishment } from "../../../src/crypto/key-establishment/establish.ts";
import {
  type EstablishmentAnswer,
  type EstablishmentStep,
  judgeEstablishment,
} from "../../../src/crypto/key-establishment/verdict.ts";
import { es8Vector, es8Vectors } from "../../es8-vectors.ts";

const plain = es8Vector("key-establishment", "isdp-plain");
const establishment = (order: Partial<Parameters<typeof keyControl>[0]> = {}): Establishment => ({
  control: keyControl({ kvn: 0x30, ...order }),
  ephemeral: ecPrivateKey(p256, new Secret(plain.ephemeral_private)),
  card: { curve: p256, point: plain.ecasd_public },
});
const keys: EstablishmentStep = { at: "keys", establishment: establishment() };

/** The last R-APDU of a script's answer. */
function lastOf(body: Uint8Array): EstablishmentAnswer {
  const response = parseScriptResponse(body);
  const last = response.format === "compact" ? response.last : response.answers.at(-1);
  return last === undefined ? { kind: "malformed" } : { kind: "answer", ...last };
}

const answer = (data: Uint8Array | string, sw = 0x9000): EstablishmentAnswer => ({
  kind: "answer",
  data: typeof data === "string" ? fromHex(data) : data,
  sw,
});

describe("recorded and changed answers", () => {
  it.each(es8Vectors("key-establishment"))("$id is established", (vector) => {
    const certificate = judgeEstablishment({ at: "certificate" }, lastOf(vector.answer_1));
    expect(certificate).toEqual({ kind: "challenge", randomChallenge: vector.rc });
    const { dr, curve, key_set, delete_others } = vector;
    const order = { kvn: key_set.kvn, deleteKeys: delete_others, derivationRandom: dr !== undefined };
    const step: EstablishmentStep = {
      at: "keys",
      establishment: {
        control: keyControl(order),
        ephemeral: ecPrivateKey(curve, new Secret(vector.ephemeral_private)),
        card: { curve, point: vector.ecasd_public },
      },
    };
    const verdict = judgeEstablishment(step, lastOf(vector.answer_2));
    if (verdict.kind !== "established") throw new Error(verdict.kind);
    expect(verdict.keySet.keys.map((key) => toHex(key.reveal()))).toEqual(vector.keys);
  });

  const expected: Readonly<Record<string, object>> = {
    receipt: { kind: "failed", fault: "receipt", next: "give-up" },
    format: { kind: "failed", fault: "format", next: "give-up" },
    "card 6982": { kind: "failed", fault: "certificate", sw: 0x6982, next: "give-up" },
    "card 6985": { kind: "failed", fault: "no-certificate", sw: 0x6985, next: "repeat" },
  };
  const negative = es8Vectors("key-establishment-negative").filter(({ expect: word }) => word !== undefined);
  const ofCertificate = new Set(["card-6982-on-certificate", "rc-cut"]);

  it.each(negative)("$id is refused", ({ id, answer: body, expect: word = "" }) => {
    const step: EstablishmentStep = ofCertificate.has(id) ? { at: "certificate" } : keys;
    const verdict = judgeEstablishment(step, lastOf(body ?? new Uint8Array()));
    expect(verdict).toEqual(expected[word]);
  });
});

describe("the table of verdicts", () => {
  const cases: readonly (readonly [string, EstablishmentStep, EstablishmentAnswer, object])[] = [
    ["INSTALL accepted", { at: "install" }, answer("00"), { kind: "continue" }],
    ["no such ISD-P", { at: "install" }, answer("", 0x6a88), { kind: "failed", fault: "domain", next: "give-up" }],
    ["certificate: no challenge", { at: "certificate" }, answer(""), { kind: "failed", fault: "format" }],
    ["certificate: 6A80", { at: "certificate" }, answer("", 0x6a80), { fault: "certificate-form", next: "give-up" }],
    ["certificate: another word", { at: "certificate" }, answer("", 0x6f00), { fault: "refused", sw: 0x6f00 }],
    ["certificate: lost", { at: "certificate" }, { kind: "lost" }, { kind: "unknown", next: "repeat" }],
    ["keys: signature", keys, answer("", 0x6982), { fault: "signature", next: "give-up" }],
    ["keys: without a known cause", keys, answer("", 0x6a80), { fault: "refused", next: "repeat-once" }],
    ["keys: not an answer", keys, { kind: "malformed" }, { fault: "format" }],
    ["keys: short receipt", keys, answer(`8608${plain.receipt.slice(0, 16)}`), { fault: "receipt" }],
    ["keys: DR that was not asked for", keys, answer(`8502AABB8610${plain.receipt}`), { fault: "format" }],
    [
      "keys: lost, with DR",
      { at: "keys", establishment: establishment({ derivationRandom: true }) },
      { kind: "lost" },
      { kind: "unknown", next: "repeat" },
    ],
  ];

  it.each(cases)("%s", (_, step, given, verdict) => {
    expect(judgeEstablishment(step, given)).toMatchObject(verdict);
  });

  it("gives the keys that the card has if its receipt was lost", () => {
    const verdict = judgeEstablishment(keys, { kind: "lost" });
    if (verdict.kind !== "unknown") throw new Error(verdict.kind);
    expect(verdict.next).toBe("try-keys");
    expect(verdict.expected?.keys.map((key) => toHex(key.reveal()))).toEqual(plain.keys);
  });

  it.each([16, 24, 32])("takes a DR of %i octets from the answer", (octets) => {
    const withRandom = establishment({ derivationRandom: true });
    const random = new Uint8Array(octets).fill(0xd7);
    const { receipt } = deriveKeySet(withRandom, random);
    const data = concatBytes(tlvBytes(0x85, random), tlvBytes(0x86, receipt));
    const step: EstablishmentStep = { at: "keys", establishment: withRandom };
    expect(judgeEstablishment(step, answer(data)).kind).toBe("established");
    expect(judgeEstablishment(step, answer(tlvBytes(0x86, receipt)))).toMatchObject({ fault: "format" });
  });

  it("does not mistake another card for this one", () => {
    const other = { ...establishment(), card: { curve: p256, point: establishment().ephemeral.point } };
    const verdict = judgeEstablishment({ at: "keys", establishment: other }, answer(`8610${plain.receipt}`));
    expect(verdict).toEqual({ kind: "failed", fault: "receipt", next: "give-up" });
  });
});
