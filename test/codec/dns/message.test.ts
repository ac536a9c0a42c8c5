import { describe, expect, test } from "vitest";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { DnsMessage, dnsCode, dnsQuery, dnsResponse, dnsType } from "../../../src/codec/dns/message.ts";
import { decode, encode } from "../../../src/codec/kit/codec.ts";
import * as fc from "../../fast-check.ts";

// Query and answer for example.com as a public resolver sends them (compressed name in the answer).
const query = "1A2B01000001000000000000076578616D706C6503636F6D0000010001";
const reply = "1A2B81800001000100000000076578616D706C6503636F6D0000010001C00C0001000100000E1000045DB8D822";

describe("DNS message", () => {
  test("a query is built as resolvers send it", () => {
    expect(toHex(dnsQuery(0x1a2b, "example.com", dnsType.a))).toBe(query);
  });

  test("an answer with a compressed name reads", () => {
    const message = decode(DnsMessage, fromHex(reply));
    expect(message.answers).toEqual([
      { name: "example.com", type: 1, class: 1, ttlSeconds: 3600, data: fromHex("5DB8D822") },
    ]);
  });

  test("a response repeats identifier, question and the wish for recursion", () => {
    const asked = decode(DnsMessage, fromHex(query));
    const response = dnsResponse(asked, dnsCode.noSuchName, []);
    expect(toHex(encode(DnsMessage, response))).toBe("1A2B85830001000000000000076578616D706C6503636F6D0000010001");
  });

  test.each([
    ["pointer to itself", "000000000001000000000000C00C00010001", "codec.value"],
    ["pointer forwards", "000000000001000000000000C00E00010001", "codec.value"],
    ["reserved label type", "00000000000100000000000080", "codec.value"],
    ["short", "0000", "codec.truncated"],
    ["trailing", `${query}00`, "codec.trailing"],
  ])("%s is refused", (_, hex, code) => {
    expect(() => decode(DnsMessage, fromHex(hex))).toThrow(expect.objectContaining({ code }));
  });

  test("random and mutated octets give catalogued errors only", () => {
    const seed = [...fromHex(reply)];
    const mutated = fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { maxLength: 8 }).map((changes) => {
      const octets = Uint8Array.from(seed);
      for (const [at, value] of changes) octets[at] = value;
      return octets;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), mutated), (octets) => {
        try {
          decode(DnsMessage, octets);
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
