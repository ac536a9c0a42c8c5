import { cmac } from "@noble/ciphers/aes.js";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/base/hex.ts";
import { blockCipher } from "../../src/crypto/block-cipher.ts";
import { crc16, crc32 } from "../../src/crypto/crc.ts";
import { aesCmac, equalSecret } from "../../src/crypto/mac.ts";
import * as fc from "../fast-check.ts";
import { scp80Vectors, textAt } from "../scp80-vectors.ts";

const message = fromHex(
  "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E5130C81C46A35CE411E5FBC1191A0A52EFF69F2445DF4F9B17AD2B417BE66C3710",
);

/** NIST SP 800-38B, appendix D: key, octets of the message, tag. */
const nist = [
  ["2B7E151628AED2A6ABF7158809CF4F3C", 0, "BB1D6929E95937287FA37D129B756746"],
  ["2B7E151628AED2A6ABF7158809CF4F3C", 16, "070A16B46B4D4144F79BDD9DD04A287C"],
  ["2B7E151628AED2A6ABF7158809CF4F3C", 40, "DFA66747DE9AE63030CA32611497C827"],
  ["2B7E151628AED2A6ABF7158809CF4F3C", 64, "51F0BEBF7E3B9D92FC49741779363CFE"],
  ["8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B", 0, "D17DDF46ADAACDE531CAC483DE7A9367"],
  ["8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B", 16, "9E99A7BF31E710900662F65E617C5184"],
  ["8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B", 40, "8A1DE5BE2EB31AAD089A82E6EE908B0E"],
  ["8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B", 64, "A1D5DF0EED790F794D77589659F39A11"],
  ["603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4", 0, "028962F61B7BF89EFC6B551F4667D983"],
  ["603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4", 16, "28A7023F452E8F82BD4BF28D8C37C35C"],
  ["603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4", 40, "AAF3D8F1DE5640C232F5B169B9C911E6"],
  ["603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4", 64, "E1992190549F6ED5696A2C056C315410"],
] as const;

describe("AES-CMAC", () => {
  it.each(nist)("gives the tag of NIST SP 800-38B for key %s over %d octets", (key, octets, tag) => {
    const mac = aesCmac(fromHex(key));
    expect(toHex(mac(message.subarray(0, octets)))).toBe(tag);
    expect(toHex(mac(message.subarray(0, octets)))).toBe(tag);
  });

  it("agrees with an independent implementation, message after message on one key", () => {
    const key = fromHex("000102030405060708090A0B0C0D0E0F");
    const mac = aesCmac(key);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        expect(toHex(mac(octets))).toBe(toHex(cmac(octets, key)));
      }),
    );
  });
});

describe("kept cipher contexts", () => {
  it.each([
    ["AES", 16],
    ["AES", 32],
    ["3DES-2", 16],
    ["3DES-3", 24],
    ["DES-CBC", 8],
    ["DES-ECB", 8],
  ] as const)("%s with %d octets of key forgets the message before", (algorithm, length) => {
    const key = Uint8Array.from({ length }, (_, i) => i * 7 + 1);
    const kept = blockCipher(algorithm, key);
    const blocks = fc.integer({ min: 0, max: 12 }).chain((count) => {
      const octets = count * kept.blockSize;
      return fc.uint8Array({ minLength: octets, maxLength: octets });
    });
    fc.assert(
      fc.property(blocks, (clear) => {
        const secret = kept.encrypt(clear);
        expect(toHex(secret)).toBe(toHex(blockCipher(algorithm, key).encrypt(clear)));
        expect(toHex(kept.decrypt(secret))).toBe(toHex(clear));
      }),
    );
  });

  it("refuses a key of another length", () => {
    expect(() => blockCipher("AES", new Uint8Array(8))).toThrow(expect.objectContaining({ code: "crypto.key" }));
  });
});

describe("CRC", () => {
  it.each(scp80Vectors("crc").map((vector) => [vector.id, vector] as const))("%s", (_, vector) => {
    const data = fromHex(textAt(vector, "data"));
    expect(toHex(crc16(data))).toBe(textAt(vector, "crc16"));
    expect(toHex(crc32(data))).toBe(textAt(vector, "crc32"));
  });
});

it("compares secrets of different lengths without throwing", () => {
  expect(equalSecret(Uint8Array.of(1), Uint8Array.of(1, 2))).toBe(false);
  expect(equalSecret(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
});
