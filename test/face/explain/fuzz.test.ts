import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorCatalogue } from "../../../src/base/error-catalogue.ts";
import { fromHex } from "../../../src/base/hex.ts";
import { parseSpi } from "../../../src/codec/ota/spi.ts";
import { explainTypes } from "../../../src/face/explain/context.ts";
import { explain } from "../../../src/face/explain/explain.ts";
import { treeLines } from "../../../src/face/explain/tree-text.ts";
import { scp80Vectors, textsAt } from "../../scp80-vectors.ts";
import { enableEnvelope, exampleKeys, nodes } from "./worked.ts";

const keys = exampleKeys();
const answered = { spi: parseSpi(fromHex("1639")), kic: 0x12, kid: 0x12 };

const seeds: readonly Uint8Array[] = [
  enableEnvelope,
  "8110830E84053501033902057886050003A503001000",
  "7F21089301014202112233",
  "D0278103014001820281823501033902 05DC470908696E7465726E65743C030220FB3E0521C000020A",
  ...["expect.packet", "expect.tp_ud", "expect.sms.sms_deliver"].flatMap((path) =>
    scp80Vectors("command")
      .slice(0, 20)
      .flatMap((vector) => textsAt(vector, path)),
  ),
  ...scp80Vectors("script").flatMap((vector) => textsAt(vector, "expect.expanded_definite")),
  ...scp80Vectors("script_response").flatMap((vector) => textsAt(vector, "in.data")),
  ...scp80Vectors("tpdu").flatMap((vector) => textsAt(vector, "tpdu")),
].map(fromHex);

const mutated = fc
  .record({
    seed: fc.constantFrom(...seeds),
    cut: fc.double({ min: 0, max: 1, noNaN: true }),
    changes: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
  })
  .map(({ seed, cut, changes }) => {
    const octets = seed.slice(0, Math.ceil(seed.length * (cut > 0.5 ? 1 : cut * 2)));
    for (const [at, value] of changes) if (octets.length > 0) octets[at % octets.length] = value;
    return octets;
  });

function check(octets: Uint8Array, as?: (typeof explainTypes)[number]): void {
  const found = explain(octets, { keys, answered, as });
  for (const node of nodes(found.node)) {
    expect(node.offset).toBeGreaterThanOrEqual(0);
    if (node.error !== undefined) expect(errorCatalogue).toHaveProperty([node.error.code]);
  }
  expect([...treeLines(found.node)].length).toBeGreaterThan(0);
}

describe("explain on any octets", () => {
  it("never throws on random octets", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => check(octets)),
      { numRuns: 1500 },
    );
  });

  it("never throws on cut and changed frames", () => {
    fc.assert(
      fc.property(mutated, (octets) => check(octets)),
      { numRuns: 3000 },
    );
  });

  it("never throws when a reading is forced", () => {
    fc.assert(
      fc.property(mutated, fc.constantFrom(...explainTypes), (octets, type) => check(octets, type)),
      { numRuns: 3000 },
    );
  });
});
