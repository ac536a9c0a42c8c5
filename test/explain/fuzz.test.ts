import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errorCatalogue } from "../../src/base/error-catalogue.ts";
import { concatBytes, fromHex } from "../../src/base/hex.ts";
import { tlvBytes } from "../../src/codec/kit/ber.ts";
import { parseSpi } from "../../src/codec/ota/spi.ts";
import { explainTypes } from "../../src/explain/context.ts";
import { explain } from "../../src/explain/explain.ts";
import { Assembler } from "../../src/explain/packet/assembled.ts";
import { answerType, type Question, questionIn } from "../../src/explain/question.ts";
import { treeLines } from "../../src/explain/tree-text.ts";
import * as fc from "../fast-check.ts";
import { scp80Vectors, textsAt } from "../scp80-vectors.ts";
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

/** Every run of octets that stands in a vector. */
const vectors = ["scp80.json", "scp80_published.json", "scp81.json", "at-transcripts.json"].flatMap((name) =>
  [...readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8").matchAll(/"((?:[0-9A-Fa-f]{2}){2,})"/g)].map(
    ([, hex = ""]) => fromHex(hex),
  ),
);

/** One vector in another, in templates, cut, or with a few bits changed. */
const spliced = fc
  .record({
    outer: fc.constantFrom(...vectors),
    inner: fc.constantFrom(...vectors),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    tags: fc.array(fc.constantFrom("30", "A0", "AA", "D0", "22", "E3", "D1", "81", "BF30", "7F21"), { maxLength: 5 }),
    bits: fc.array(fc.nat(), { maxLength: 3 }),
  })
  .map(({ outer, inner, at, tags, bits }) => {
    const cut = Math.floor(outer.length * at);
    let octets = concatBytes(outer.subarray(0, cut), inner, outer.subarray(cut)).subarray(0, 4000);
    for (const tag of tags) octets = tlvBytes(Number.parseInt(tag, 16), octets);
    const changed = Uint8Array.from(octets);
    for (const bit of bits) {
      const place = (bit >> 3) % changed.length;
      changed[place] = (changed[place] ?? 0) ^ (1 << (bit & 7));
    }
    return changed;
  });

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
  const lines = [...treeLines(found.node)];
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(line).not.toMatch(/undefined|NaN|Infinity|\de[+]\d|(?<![\w/"])-\d+ octets/);
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

  it("never throws on vectors in vectors and templates", () => {
    fc.assert(fc.property(spliced, fc.option(fc.constantFrom(...explainTypes), { nil: undefined }), check), {
      numRuns: 2000,
    });
  });

  it("never throws on any order of questions, answers and parts", () => {
    fc.assert(
      fc.property(fc.array(spliced, { maxLength: 8 }), (items) => {
        const assembler = new Assembler({ keys });
        let asked: Question = {};
        for (const octets of items) {
          const found = explain(octets, { keys, ...asked, as: answerType(octets, asked) });
          const free = explain(octets, { keys });
          asked = questionIn(free, octets, asked);
          for (const one of [found, ...assembler.take(free)]) {
            expect([...treeLines(one.node)].length).toBeGreaterThan(0);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("never throws when a reading is forced", () => {
    fc.assert(
      fc.property(mutated, fc.constantFrom(...explainTypes), (octets, type) => check(octets, type)),
      { numRuns: 3000 },
    );
  });
});
