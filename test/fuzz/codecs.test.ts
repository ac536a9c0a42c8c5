import { describe, expect, it } from "vitest";
import { errorCatalogue } from "../../src/base/error-catalogue.ts";
import { isGatewayError } from "../../src/base/gateway-error.ts";
import { fromHex } from "../../src/base/hex.ts";
import { parseAtr } from "../../src/codec/apdu/atr.ts";
import { parseCommand } from "../../src/codec/apdu/command-apdu.ts";
import { parseResponse } from "../../src/codec/apdu/response-apdu.ts";
import { parseCommandPacket } from "../../src/codec/ota/command-packet.ts";
import { parseResponsePacket } from "../../src/codec/ota/response-packet.ts";
import { parseScript } from "../../src/codec/ota/script.ts";
import { parseScriptResponse } from "../../src/codec/ota/script-response.ts";
import { parseSpi } from "../../src/codec/ota/spi.ts";
import { readBcdAddress } from "../../src/codec/sms/address.ts";
import { assemble, type Pending, readSegment } from "../../src/codec/sms/concatenation.ts";
import { guessTpdu } from "../../src/codec/sms/tpdu.ts";
import { admitCommand } from "../../src/crypto/admission.ts";
import { openCommand } from "../../src/crypto/command-packet.ts";
import { PacketKeys } from "../../src/crypto/packet-keys.ts";
import { openResponse } from "../../src/crypto/response-packet.ts";
import { envelope } from "../../src/face/cli/operations/envelope.ts";
import { answerTo, type Operation } from "../../src/face/cli/operations/operation.ts";
import { scriptDecode, scriptEncode } from "../../src/face/cli/operations/script.ts";
import { tpduDecode, tpduEncode } from "../../src/face/cli/operations/tpdu.ts";
import { unwrap } from "../../src/face/cli/operations/unwrap.ts";
import { wrap } from "../../src/face/cli/operations/wrap.ts";
import * as fc from "../fast-check.ts";
import { scp80Vectors, textAt, textsAt } from "../scp80-vectors.ts";

/** Time this process really worked: other work on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const keys = new PacketKeys({ kic: new Uint8Array(16).fill(1), kid: new Uint8Array(16).fill(2), implicit: "AES" });
const pending = { spi: parseSpi(fromHex("1639")), kic: 0x12, kid: 0x12 };

function seeds(group: string, path: string): readonly Uint8Array[] {
  return scp80Vectors(group).flatMap((vector) => textsAt(vector, path).map(fromHex));
}

const packets = [...seeds("command", "expect.packet"), ...seeds("sgp02", "expect.packet")];
const responses = seeds("response", "in.tp_ud").map((userData) => userData.subarray(3));
const scripts = [...seeds("script", "expect.expanded_definite"), ...seeds("script", "expect.expanded_indefinite")];

/** Each decoder with octets it is made for. */
const decoders: readonly (readonly [string, (octets: Uint8Array) => unknown, readonly Uint8Array[]])[] = [
  ["C-APDU", parseCommand, seeds("envelope", "expect.apdu")],
  ["R-APDU", parseResponse, [fromHex("019000")]],
  ["ATR", parseAtr, [fromHex("3B9F96801FC78031A073BE21136743200718000001A5")]],
  ["address", readBcdAddress, [fromHex("9144770010F1")]],
  ["TPDU", (octets) => guessTpdu(octets), seeds("tpdu", "tpdu")],
  ["user data header", readSegment, seeds("concat", "expect.tp_ud")],
  ["script", parseScript, [...scripts, ...seeds("script", "expect.compact")]],
  ["script response", parseScriptResponse, seeds("script_response", "in.data")],
  ["command packet structure", (octets) => parseCommandPacket(octets, { allowExcess: true }), packets],
  ["response packet structure", parseResponsePacket, responses],
  ["command packet", (octets) => openCommand(octets, keys, { lenient: true }), packets],
  ["response packet", (octets) => openResponse(octets, pending, keys, { lenient: true }), responses],
  ["receiver", (octets) => admitCommand(octets, { keys, stored: 0, strict: false }), packets],
];

/** Octets: pure noise, or a seed that was cut, stretched or had octets changed. */
function hostile(from: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const change = fc.record({ at: fc.nat({ max: 400 }), octet: fc.nat({ max: 255 }) });
  const mutated = fc
    .tuple(
      fc.constantFrom(...from),
      fc.array(change, { maxLength: 6 }),
      fc.nat({ max: 400 }),
      fc.uint8Array({ maxLength: 8 }),
    )
    .map(([seed, changes, cut, tail]) => {
      const octets = Uint8Array.from([
        ...seed.subarray(0, cut % 3 === 0 ? cut : seed.length),
        ...(cut % 5 === 0 ? tail : []),
      ]);
      for (const { at, octet } of changes) if (at < octets.length) octets[at] = octet;
      return octets;
    });
  return fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated, mutated);
}

function onlyCatalogued(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    expect(Object.keys(errorCatalogue)).toContain(error.code);
    expect(error.code).toMatch(/^(codec|packet|crypto)\./);
  }
}

describe.each(decoders)("%s", { timeout: 120_000 }, (_, decoder, from) => {
  it("takes hostile octets or refuses them with a catalogued error", () => {
    expect(from.length).toBeGreaterThan(0);
    fc.assert(
      fc.property(hostile(from), (octets) => onlyCatalogued(() => decoder(octets))),
      { numRuns: 800 },
    );
  });

  it("takes every truncation of every seed, or refuses it", () => {
    for (const seed of from.slice(0, 40)) {
      for (let length = 0; length < seed.length; length++) onlyCatalogued(() => decoder(seed.subarray(0, length)));
    }
  });
});

describe("time grows with the input, not with its square", { timeout: 120_000 }, () => {
  /** Patterns that nest, repeat or never end. */
  const patterns = ["AE80", "22002200", "AA83FFFFFF", "00", "FF", "0000010000", "0271000071", "230000"];
  const fill = (pattern: string, octets: number) => {
    const unit = fromHex(pattern);
    return Uint8Array.from({ length: octets }, (_, i) => unit[i % unit.length] ?? 0);
  };

  it.each(decoders.map(([name, decoder]) => [name, decoder] as const))(
    "%s over two million octets of patterns",
    (_, decoder) => {
      const started = cpuMs();
      for (const pattern of patterns) {
        for (const head of ["", "AE80", "AF80", "AA830FFFFD", "FFFF15", "0002"]) {
          const octets = Uint8Array.from([...fromHex(head), ...fill(pattern, 40_000)]);
          onlyCatalogued(() => decoder(octets));
        }
      }
      expect(cpuMs() - started).toBeLessThan(4000);
    },
  );

  it("a flood of fragments is kept in bounds", () => {
    let waiting: Pending = new Map();
    const started = cpuMs();
    for (let reference = 0; reference < 6_000; reference++) {
      const userData = Uint8Array.of(6, 8, 4, reference >> 8, reference & 0xff, 9, 1, 0xaa);
      waiting = assemble(waiting, readSegment(userData)).pending;
    }
    expect(waiting.size).toBeLessThanOrEqual(1024);
    expect(cpuMs() - started).toBeLessThan(8000);
  });
});

describe("operations on any JSON", { timeout: 120_000 }, () => {
  const operations: readonly (readonly [Operation, string])[] = [
    [wrap, "command"],
    [unwrap, "response"],
    [scriptEncode, "script"],
    [scriptDecode, "script_response"],
    [tpduDecode, "tpdu"],
    [tpduEncode, "tpdu"],
    [envelope, "envelope"],
  ];

  it.each(operations.map(([operation, group]) => [operation.name, operation, group] as const))(
    "%s answers, never throws",
    (_, operation, group) => {
      const lines = scp80Vectors(group).map((vector) =>
        typeof vector.in === "object" && vector.in !== null ? { ...vector.in } : { ...vector },
      );
      const value = fc.oneof(
        fc.jsonValue(),
        fc.string(),
        fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets).toString("hex")),
        fc.integer(),
      );
      const line = fc
        .constantFrom(...lines)
        .chain((seed) =>
          fc
            .tuple(fc.constantFrom(...Object.keys(seed)), value)
            .map(([name, replacement]) => ({ ...seed, [name]: replacement })),
        );
      fc.assert(
        fc.property(fc.oneof(fc.jsonValue(), line, line), (given) => {
          const answer = answerTo(operation, given);
          const code = textAt(answer, "error.code");
          if (code !== "") expect(Object.keys(errorCatalogue)).toContain(code);
          expect(code).not.toBe("api.internal");
          JSON.stringify(answer);
        }),
        { numRuns: 600 },
      );
    },
  );

  it("survives a line with very many objects", () => {
    const started = cpuMs();
    answerTo(scriptEncode, { apdus: Array.from({ length: 130_000 }, () => "00A40000") });
    answerTo(unwrap, {
      spi: "1639",
      tp_ud: Array.from({ length: 5_000 }, (_, i) => `060804${i.toString(16).padStart(4, "0")}0901`),
    });
    expect(cpuMs() - started).toBeLessThan(8000);
  });
});
