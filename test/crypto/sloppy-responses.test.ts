import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, toHex } from "../../src/base/hex.ts";
import { parseSpi } from "../../src/codec/ota/spi.ts";
import { openResponse } from "../../src/crypto/response-packet.ts";
import { explain } from "../../src/explain/explain.ts";
import { answerTo } from "../../src/face/cli/operations/operation.ts";
import { unwrap } from "../../src/face/cli/operations/unwrap.ts";
import { exampleKeys, kicHex, kidHex, textOf } from "../explain/worked.ts";

const keys = exampleKeys();
const data = fromHex("029000");
const tar = fromHex("B00010");

/** A response packet as an applet builds it: what PCNTR says, what padding is there, and what the CC covers. */
function response(spi: string, pcntr: number, padding: number, coversPadding: boolean): Uint8Array {
  const filling = new Uint8Array(padding);
  const length = 1 + 3 + 5 + 1 + 1 + 8 + data.length + padding;
  const head = concatBytes(Uint8Array.of(0, length, 18), tar, fromHex("0000000005"), Uint8Array.of(pcntr, 0));
  const input = concatBytes(fromHex("027100"), head, data, coversPadding ? filling : new Uint8Array());
  const check = keys.check("cc", 0x12, 8)(input).subarray(0, 8);
  const packet = concatBytes(head, check, data, filling);
  if (!parseSpi(fromHex(spi)).response.porCiphered) return packet;
  return concatBytes(packet.subarray(0, 6), keys.cipher(0x12).encrypt(packet.subarray(6)));
}

const pending = (spi: string) => ({ spi: parseSpi(fromHex(spi)), kic: 0x12, kid: 0x12, tar, cntr: 5 });

const unwrapped = (packet: Uint8Array, spi: string, more: object = {}) =>
  answerTo(unwrap, {
    tp_ud: `027100${toHex(packet)}`,
    spi,
    kic: "12",
    kid: "12",
    kic_key: kicHex,
    kid_key: kidHex,
    ...more,
  });

describe("responses that depart from the standard", () => {
  it("whose CC leaves the padding out open leniently, and not otherwise", () => {
    const packet = response("1639", 14, 14, false);
    expect(() => openResponse(packet, pending("1639"), keys)).toThrow("RC/CC is wrong");
    const opened = openResponse(packet, pending("1639"), keys, { lenient: true });
    expect(opened).toMatchObject({ ccVariant: "without-padding", pcntr: 14, integrity: "cc" });
    expect(toHex(opened.data)).toBe("029000");
  });

  it("whose PCNTR is not 0 although nothing is ciphered open leniently, with the oddity named", () => {
    const packet = response("1609", 14, 0, true);
    expect(() => openResponse(packet, pending("1609"), keys)).toThrow("PCNTR 14");
    const opened = openResponse(packet, pending("1609"), keys, { lenient: true });
    expect(opened).toMatchObject({ oddities: ["pcntr-in-clear"], ccVariant: "standard", pcntr: 14 });
    expect(toHex(opened.data)).toBe("029000");
    expect(unwrapped(packet, "1609", { lenient: true })).toMatchObject({
      data: "029000",
      oddities: ["pcntr-in-clear"],
      authenticated: true,
    });
    expect(unwrapped(packet, "1609")).toMatchObject({ error: { code: "packet.format" } });
    const shown = explain(packet, { keys, answered: pending("1609"), as: "response-packet" });
    expect(textOf(shown)).toContain("PCNTR counts padding although nothing is ciphered");
    expect(textOf(shown)).toContain("CC verifies");
  });

  it("do not open when one octet is wrong", () => {
    for (const packet of [response("1639", 14, 14, false), response("1609", 14, 0, true)]) {
      const spi = packet.length === 24 ? "1609" : "1639";
      const changed = Uint8Array.from(packet);
      changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
      expect(() => openResponse(changed, pending(spi), keys, { lenient: true })).toThrow();
    }
  });
});

describe("scp80 unwrap says what proves a packet", () => {
  it("a response with a CC, and one without", () => {
    expect(unwrapped(response("1609", 0, 0, true), "1609")).toMatchObject({ authenticated: true });
    const bare = fromHex("000B0AB00010000000000500 00".replace(" ", ""));
    expect(unwrapped(bare, "1601")).toMatchObject({ authenticated: false, status_name: "PoR OK" });
    expect(unwrapped(bare, "1609")).toMatchObject({
      authenticated: false,
      error: { code: "packet.unauthenticated-status" },
    });
  });

  it("keeps a status word behind RPL out of the packet", () => {
    const bare = fromHex("000B0AB0001000000000050000");
    expect(unwrapped(concatBytes(bare, fromHex("9120")), "1601")).toMatchObject({
      packet: toHex(bare),
      trailing_sw: "9120",
    });
  });

  it("a command, and the padding that its CPL leaves out", () => {
    const tp_ud =
      "02700000301516011212000013F74EE4D3773C6A64752A9C4B1EBD210A695B2A3CCEB0843273A5A95BF9D72E37393F753E1498754512FCDA19FA329D93";
    const answer = answerTo(unwrap, { tp_ud, kic_key: kicHex, kid_key: kicHex });
    expect(answer).toMatchObject({
      authenticated: true,
      oddities: ["cpl-short"],
      uncounted_padding: "0000000000000000",
    });
  });
});
