import { createCipheriv } from "node:crypto";
import { cmac } from "@noble/ciphers/aes.js";
import { describe, expect, it } from "vitest";
import { isGatewayError } from "../../src/base/gateway-error.ts";
import { toHex } from "../../src/base/hex.ts";
import { parseSpi } from "../../src/codec/ota/spi.ts";
import { openCommand, wrapCommand } from "../../src/crypto/command-packet.ts";
import { PacketKeys } from "../../src/crypto/packet-keys.ts";
import { openResponse, wrapResponse } from "../../src/crypto/response-packet.ts";
import * as fc from "../fast-check.ts";

/** KIc nibble and key octets, for every cipher. */
const ciphers = [
  [0x1, 8],
  [0xd, 8],
  [0x5, 16],
  [0x9, 24],
  [0x2, 16],
  [0x2, 24],
  [0x2, 32],
] as const;

/** KID nibble, key octets and CC octets, for every checksum. */
const checks = [
  [0x1, 8, 8],
  [0x5, 16, 8],
  [0x9, 24, 8],
  [0x2, 16, 8],
  [0x2, 16, 4],
  [0x2, 24, 8],
  [0x2, 32, 4],
] as const;

const combination = fc.record({
  cipher: fc.constantFrom(...ciphers),
  check: fc.constantFrom(...checks),
  counter: fc.constantFrom(0x00, 0x08, 0x10, 0x18),
  ciphered: fc.boolean(),
  integrity: fc.constantFrom(0, 2),
  cntr: fc.integer({ min: 0, max: 0xff_ff_ff_ff_ff }),
  tar: fc.uint8Array({ minLength: 3, maxLength: 3 }),
  data: fc.uint8Array({ maxLength: 400 }),
  status: fc.nat({ max: 255 }),
  material: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});

type Combination = typeof combination extends fc.Arbitrary<infer T> ? T : never;

function packetOf(one: Combination) {
  const [kic, kicOctets] = one.cipher;
  const [kid, kidOctets, ccLength] = one.check;
  const keys = new PacketKeys({
    kic: one.material.subarray(0, kicOctets),
    kid: Uint8Array.from(one.material.subarray(0, kidOctets), (octet) => octet ^ 0x5a),
  });
  const first = one.counter | (one.ciphered ? 0x04 : 0) | one.integrity;
  const second = 0x21 | (one.ciphered ? 0x10 : 0) | (one.integrity << 2);
  const spi = parseSpi(Uint8Array.of(first, second));
  const { tar, cntr, data } = one;
  return { input: { spi, kic: 0x30 | kic, kid: 0x30 | kid, tar, cntr, data, ccLength }, keys };
}

describe("every combination of algorithms", () => {
  it("opens what it wrapped, both ways", () => {
    fc.assert(
      fc.property(combination, (one) => {
        const { input, keys } = packetOf(one);
        const opened = openCommand(wrapCommand(input, keys).packet, keys, { ccLength: input.ccLength });
        expect(toHex(opened.data)).toBe(toHex(one.data));
        expect(opened.cntr).toBe(one.cntr);
        const answer = openResponse(wrapResponse({ ...input, status: one.status }, keys).packet, input, keys);
        expect(toHex(answer.data)).toBe(toHex(one.data));
        expect(answer.status).toBe(one.status);
      }),
      { numRuns: 400 },
    );
  });

  it("does not open a packet of which one bit was changed", () => {
    fc.assert(
      fc.property(combination, fc.nat(), (one, place) => {
        const { input, keys } = packetOf({ ...one, integrity: 2, check: [0x2, 16, 8] });
        const packet = wrapCommand(input, keys).packet;
        const bit = place % (packet.length * 8);
        packet[bit >> 3] = (packet[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        let refused = false;
        try {
          const opened = openCommand(packet, keys, { ccLength: 8 });
          // Turning the CC bits of SPI off makes another, weaker packet: the level check of the caller is for that.
          refused = opened.integrity !== "cc";
        } catch (error) {
          refused = isGatewayError(error);
        }
        expect(refused).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});

it("gives what the primitives give when they are put together by hand", () => {
  const zero = Buffer.alloc(16);
  fc.assert(
    fc.property(combination, (one) => {
      const { input, keys } = packetOf({
        ...one,
        cipher: [0x2, 16],
        check: [0x2, 16, 8],
        ciphered: true,
        integrity: 2,
      });
      const padding = (16 - ((14 + one.data.length) % 16)) % 16;
      const header = Buffer.alloc(16);
      header.writeUInt16BE(1 + 13 + 8 + one.data.length + padding);
      header[2] = 21;
      header[3] = one.counter | 0x06;
      header[4] = 0x39;
      header[5] = 0x32;
      header[6] = 0x32;
      header.set(one.tar, 7);
      header.writeUIntBE(one.cntr, 10, 5);
      header[15] = padding;
      const data = Buffer.concat([one.data, Buffer.alloc(padding)]);
      const kid = Uint8Array.from(one.material.subarray(0, 16), (octet) => octet ^ 0x5a);
      const cc = cmac(Uint8Array.from(Buffer.concat([header, data])), kid).subarray(0, 8);
      const cipher = createCipheriv("aes-128-cbc", one.material.subarray(0, 16), zero).setAutoPadding(false);
      const secret = cipher.update(Buffer.concat([header.subarray(10), cc, data]));
      const expected = Buffer.concat([header.subarray(0, 10), secret]);
      expect(toHex(wrapCommand(input, keys).packet)).toBe(toHex(expected));
    }),
  );
});
