import { describe, expect, test } from "vitest";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { commandTypes, qualifierText } from "../../../src/codec/cat/command-type.ts";
import type { CatTlv } from "../../../src/codec/cat/comprehension.ts";
import { Envelope } from "../../../src/codec/cat/envelope.ts";
import { catObject, catObjectName, catObjects, describeObjects, objectValue } from "../../../src/codec/cat/object.ts";
import { ProactiveCommand, partialDetails } from "../../../src/codec/cat/proactive.ts";
import { profileFacilities } from "../../../src/codec/cat/terminal-profile.ts";
import { TerminalResponse } from "../../../src/codec/cat/terminal-response.ts";
import { alphaText, textOf } from "../../../src/codec/cat/text.ts";
import { decode, encode } from "../../../src/codec/kit/codec.ts";
import * as fc from "../../fast-check.ts";
import { mutated, onlyCatalogued } from "../mutated.ts";
import {
  conformanceCommands,
  conformanceEnvelopes,
  conformanceResponses,
  sessionCommands,
  sessionEnvelopes,
  sessionResponses,
} from "./vectors.ts";

const seeds = (hexes: readonly string[]) => hexes.map(fromHex);
const commands = seeds([...sessionCommands, ...conformanceCommands].map(([, hex]) => hex));
const responses = seeds([...sessionResponses, ...conformanceResponses]);
const envelopes = seeds([...sessionEnvelopes, ...conformanceEnvelopes].map(([, hex]) => hex));

describe("any octets", () => {
  test.each([
    ["proactive command", ProactiveCommand, commands],
    ["TERMINAL RESPONSE", TerminalResponse, responses],
    ["ENVELOPE", Envelope, envelopes],
  ] as const)("as %s decode, or fail with an offset; what decodes is written back", (_, codec, inputs) => {
    fc.assert(
      fc.property(mutated(inputs), (octets) => {
        onlyCatalogued(() => {
          const value = decode<{ objects: readonly CatTlv[] }>(codec, octets);
          describeObjects(value.objects);
        });
      }),
      { numRuns: 1500 },
    );
  });

  test("as any object decode, or fail with an offset", () => {
    const names = Object.values(catObjects).map(({ tag }) => catObjectName(tag));
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.uint8Array({ maxLength: 40 }), (name, value) => {
        if (name !== undefined) onlyCatalogued(() => void objectValue(name, { tag: 0, cr: false, value }));
      }),
      { numRuns: 4000 },
    );
  });

  test("as text, profile and salvage never fail", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(255), (octets, dcs) => {
        expect(alphaText(octets)).toBeTypeOf("string");
        expect(textOf({ dcs, octets })).toBeTypeOf("string");
        profileFacilities(octets);
        partialDetails(octets);
      }),
      { numRuns: 1000 },
    );
  });
});

test("a truncated command never decodes", () => {
  for (const command of commands) {
    for (let length = 0; length < command.length; length++) {
      expect(() => decode(ProactiveCommand, command.subarray(0, length))).toThrow(GatewayError);
    }
  }
});

test("values come back as they were", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 65535 }), fc.integer({ min: 0, max: 359_999 }), (port, seconds) => {
      const level = catObject("transportLevel", { protocol: 2, port });
      expect(objectValue("transportLevel", level)).toEqual({ protocol: 2, port });
      expect(objectValue("timerValue", catObject("timerValue", seconds))).toBe(seconds);
    }),
  );
});

test("every qualifier of every command has words", () => {
  for (const { type } of Object.values(commandTypes)) {
    for (let qualifier = 0; qualifier < 256; qualifier++) expect(qualifierText(type, qualifier)).toBeTypeOf("string");
  }
  expect(toHex(encode(ProactiveCommand, decode(ProactiveCommand, commands[0] ?? new Uint8Array(0))))).not.toBe("");
});
