import { describe, expect, it } from "vitest";
import type { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import {
  capduObject,
  compactScript,
  expandedScript,
  parseScript,
  scriptApdus,
  scriptApdusWith,
  scriptObjectName,
} from "../../../src/codec/ota/script.ts";
import { parseScriptResponse, scriptResponseBytes } from "../../../src/codec/ota/script-response.ts";
import { at, scp80Vectors, textAt, textsAt, type Vector } from "../../scp80-vectors.ts";

function objectsOf(vector: Vector) {
  const commands = at(vector, "in.commands");
  if (!Array.isArray(commands)) return textsAt(vector, "in.apdus").map((apdu) => capduObject(fromHex(apdu)));
  return commands.map((object: unknown) => ({
    tag: Number.parseInt(textAt(object, "tag"), 16),
    value: fromHex(textAt(object, "value")),
  }));
}

describe("vectors of group script", () => {
  it.each(scp80Vectors("script").map((vector) => [vector.id, vector] as const))("%s", (_, vector) => {
    const objects = objectsOf(vector);
    for (const [name, format] of [
      ["expanded_definite", "expanded-definite"],
      ["expanded_indefinite", "expanded-indefinite"],
    ] as const) {
      const octets = expandedScript(objects, format);
      expect(toHex(octets)).toBe(textAt(vector, `expect.${name}`));
      const read = parseScript(octets);
      expect(read.format).toBe(format);
      expect(read.objects.map(({ tag, value }) => ({ tag, value }))).toEqual(objects);
    }
    const apdus = textsAt(vector, "in.apdus").map(fromHex);
    if (apdus.length === 0) return;
    const compact = compactScript(apdus);
    expect(toHex(compact)).toBe(textAt(vector, "expect.compact"));
    expect(scriptApdus(parseScript(compact)).map(toHex)).toEqual(apdus.map(toHex));
  });
});

describe("scripts of the field", () => {
  it("shows AE with a definite length as what it is", () => {
    const read = parseScript(fromHex("AE09220780E28800023A03"));
    expect(read.format).toBe("hybrid");
    expect(scriptApdus(read).map(toHex)).toEqual(["80E28800023A03"]);
  });

  it("drops Le where the compact form cannot carry it, and keeps it in the expanded", () => {
    const apdu = fromHex("80F24002024F0000");
    expect(toHex(compactScript([apdu, fromHex("00C0000000")]))).toBe("80F24002024F0000C0000000");
    expect(toHex(expandedScript([capduObject(apdu)], "expanded-definite"))).toBe("AA0A220880F24002024F0000");
  });

  it("distinguishes reading commands of a compact script from those with data", () => {
    const octets = fromHex("00A40004023F0000B000000A80F200001680F24002024F0000C0000000");
    expect(scriptApdus(parseScript(octets)).map(toHex)).toEqual([
      "00A40004023F00",
      "00B000000A",
      "80F2000016",
      "80F24002024F00",
      "00C0000000",
    ]);
  });

  it("reads SCP03t objects that sit directly in the template", () => {
    const read = parseScript(fromHex("AE80840A30000102030405060708851133C8F54E94BFC724BD7068E0C159A5086C0000"));
    expect(read.objects.map(scriptObjectName)).toEqual(["SCP03t INITIALIZE UPDATE", "SCP03t EXTERNAL AUTHENTICATE"]);
  });

  it.each(["", "AA", "AA052207", "AE80220700A40004023F00", "AE8022", "00A4", "00A4000403AA", "AA0022"])(
    "refuses %s with an offset",
    (text) => {
      expect(() => parseScript(fromHex(text))).toThrow(
        expect.objectContaining({
          code: expect.stringMatching(/^codec\./),
          detail: expect.objectContaining({ offset: expect.any(Number) }),
        }),
      );
    },
  );
});

describe("vectors of group script_response", () => {
  it.each(scp80Vectors("script_response").map((vector) => [vector.id, textAt(vector, "name"), vector] as const))(
    "%s: %s",
    (_, __, vector) => {
      const octets = fromHex(textAt(vector, "in.data"));
      const read = parseScriptResponse(octets);
      expect(read.format).toBe(at(vector, "expect.format"));
      expect(read.count ?? null).toBe(at(vector, "expect.number_of_commands"));
      expect(toHex(scriptResponseBytes(read))).toBe(toHex(octets));
    },
  );

  it("reads the answers of a real card, SCP03t objects included", () => {
    const read = parseScriptResponse(
      fromHex("AF80842000000000000000000000300370F51179A69C1741A367FF6640FD828C1A000001850086000000"),
    );
    expect(read.format === "compact" ? [] : read.others.map((other) => other.tag)).toEqual([0x84, 0x85, 0x86]);
    expect(parseScriptResponse(fromHex("AF809001010000"))).toMatchObject({ badFormat: 1, answers: [] });
  });
});

it("finds the commands with a wanted instruction as the whole script has them", () => {
  const storeData = "80E2800001AA";
  for (const script of [
    `80CA00FE00${storeData}00A40004023F00`,
    `AA0D220580CA00FE002204${"80E20000"}`,
    `AE80220580CA00FE002204${"80E20000"}0000`,
  ]) {
    const octets = fromHex(script);
    const all = scriptApdus(parseScript(octets));
    expect(scriptApdusWith(octets, () => true)).toEqual(all);
    expect(scriptApdusWith(octets, (ins) => ins === 0xe2)).toEqual(all.filter((apdu) => apdu[1] === 0xe2));
    expect(all.some((apdu) => apdu[1] === 0xe2)).toBe(true);
  }
  for (const cut of ["", "80E2", "80CA00FE0080E2800002AA"]) {
    const octets = fromHex(cut);
    const errorOf = (read: () => unknown) => {
      try {
        read();
      } catch (error) {
        return [(error as GatewayError).message, (error as GatewayError).detail];
      }
      return undefined;
    };
    const whole = errorOf(() => parseScript(octets));
    expect(whole).toBeDefined();
    expect(errorOf(() => scriptApdusWith(octets, () => true))).toEqual(whole);
  }
});
