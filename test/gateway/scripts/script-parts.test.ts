import { describe, expect, it } from "vitest";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { isdRTar } from "../../../src/codec/euicc/aid.ts";
import { cutScript, scriptParts } from "../../../src/gateway/scripts/script-parts.ts";
import { target } from "../records.ts";

const script = (...apdus: string[]) => ({ kind: "script", tar: isdRTar, apdus: apdus.map(fromHex) }) as const;
const parts = (limit: number | undefined, ...apdus: string[]) =>
  scriptParts(script(...apdus), target({ settings: withoutUndefined({ scp81Buffer: limit }) })).bodies.map(toHex);

/** Each C-APDU object of `80CA005A00` has 7 octets: tag, length, command. */
const command = "80CA005A00";
const object = `2205${command}`;

describe("the parts of a script", () => {
  it.each<[string, number | undefined, number, number[]]>([
    ["one, without a limit", undefined, 9, [9]],
    ["one that just fits", 4 + 3 * 7, 3, [3]],
    ["two, cut at a command", 4 + 3 * 7 - 1, 3, [2, 1]],
    ["one for each command where no two fit", 4 + 7, 3, [1, 1, 1]],
    ["one for a single command, though it does not fit", 5, 1, [1]],
  ])("are %s", (_, limit, count, expected) => {
    const made = parts(limit, ...Array.from({ length: count }, () => command));
    expect(made.map((body) => body.split(object).length - 1)).toEqual(expected);
  });

  it("are expanded scripts of indefinite length", () => {
    for (const body of parts(12, command, command)) expect(body).toBe(`AE80${object}0000`);
  });

  it("leave a ready body alone that the card can take", () => {
    const body = `AE80${object}${object}0000`;
    const work = { kind: "body", tar: isdRTar, body: fromHex(body) } as const;
    expect(scriptParts(work, target()).bodies.map(toHex)).toEqual([body]);
    expect(scriptParts(work, target({ settings: { scp81Buffer: 12 } })).bodies.map(toHex)).toEqual([
      `AE80${object}0000`,
      `AE80${object}0000`,
    ]);
  });

  it("leave a body alone that cannot be read", () => {
    const work = { kind: "body", tar: isdRTar, body: new Uint8Array(20).fill(0xff) } as const;
    expect(scriptParts(work, target({ settings: { scp81Buffer: 12 } })).bodies).toEqual([work.body]);
  });
});

describe("a script that is cut", () => {
  it("is cut alike from its work alone, whatever the target is by then", () => {
    const work = script(...Array.from({ length: 9 }, () => command));
    for (const limit of [0, 12, 25]) {
      const made = scriptParts(work, target({ settings: { scp81Buffer: limit } }));
      expect(made.limit).toBe(limit);
      expect(cutScript(work, limit).map(toHex)).toEqual(made.bodies.map(toHex));
    }
  });
});
