import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/base/hex.ts";
import { tlvBytes } from "../../src/codec/kit/ber.ts";
import { unsignedOf } from "../../src/codec/kit/unsigned.ts";
import type { ExplainType } from "../../src/explain/context.ts";
import { explain } from "../../src/explain/explain.ts";
import { nodes, part, textOf } from "./worked.ts";

/** Octets of a number inside the templates `tags`, from the innermost to the outermost. */
function inside(octets: Uint8Array, ...tags: readonly number[]): Uint8Array {
  return tags.reduce((value, tag) => tlvBytes(tag, value), octets);
}

/** Every number whose length the card or the sender chooses: its label, its reading, and the frame around it. */
const places: readonly {
  readonly label: string;
  readonly as: ExplainType;
  readonly frame: (octets: Uint8Array) => Uint8Array;
  readonly words?: (number: number) => string;
}[] = [
  { label: "installed applications", as: "card-data", frame: (octets) => inside(octets, 0x81, 0xff21) },
  {
    label: "free non-volatile memory",
    as: "card-data",
    frame: (octets) => inside(octets, 0x82, 0xff21),
    words: (number) => `${number} octets`,
  },
  {
    label: "free volatile memory",
    as: "card-data",
    frame: (octets) => inside(octets, 0x83, 0xff21),
    words: (number) => `${number} octets`,
  },
  {
    label: "granted memory",
    as: "card-data",
    frame: (octets) => inside(octets, 0x8f, 0xe3),
    words: (number) => `${number} octets`,
  },
  {
    label: "remaining memory",
    as: "card-data",
    frame: (octets) => inside(octets, 0x91, 0xe3),
    words: (number) => `${number} octets`,
  },
  { label: "sequence counter", as: "card-data", frame: (octets) => inside(octets, 0xc1) },
  { label: "sequence number", as: "notification", frame: (octets) => inside(octets, 0x4e, 0xe1) },
  {
    label: "file size",
    as: "fcp",
    frame: (octets) => inside(octets, 0x80, 0x62),
    words: (number) => `${number} octets`,
  },
  {
    label: "total file size",
    as: "fcp",
    frame: (octets) => inside(octets, 0x81, 0x62),
    words: (number) => `${number} octets`,
  },
  {
    label: "number of executed commands",
    as: "script-response",
    frame: (octets) => inside(octets, 0x80, 0xab),
    words: (number) => `${number} executed`,
  },
  { label: "key identifier", as: "psk-identity", frame: (octets) => inside(octets, 0x82) },
  { label: "vendor: port", as: "session-trigger", frame: (octets) => inside(octets, 0xee, 0x83, 0x81) },
  {
    label: "status (80)",
    as: "euicc-response",
    frame: (octets) => inside(octets, 0x80, 0x30, 0xa0, 0x30),
    words: (number) => (number > 0x9fff ? "proprietary" : "ok"),
  },
  {
    label: "offset in the element",
    as: "euicc-response",
    frame: (octets) => inside(octets, 0x83, 0x30, 0xa0, 0x30),
  },
  { label: "major version", as: "profile-package", frame: (octets) => inside(octets, 0x80, 0xa0) },
];

const six = fromHex("FFFFFFFFFFFF");

describe("numbers from a card", () => {
  it.each(places)("are exact or an error: $label", ({ label, as, frame, words = String }) => {
    const read = (octets: Uint8Array) => {
      const found = explain(frame(octets), { as, secrets: true });
      expect(textOf(found)).not.toMatch(/Infinity|NaN|\de[+]\d/);
      return part(found, label);
    };
    expect(read(Uint8Array.of(0)).value).toBe(words(0));
    expect(read(six).value).toBe(words(281_474_976_710_655));
    expect(read(Uint8Array.of(0, 0, ...six)).value).toBe(words(281_474_976_710_655));
    for (const length of [7, 100, 149]) {
      const octets = new Uint8Array(length).fill(0xfe);
      const node = read(octets);
      expect(node.value).toBeUndefined();
      expect(node.hex).toBe(toHex(octets));
      expect(node.error).toMatchObject({ code: "codec.length", message: `a number of ${length} octets` });
      expect(node.error?.offset).toBe(frame(octets).length - length);
    }
  });

  it("are exact in the line of a notification", () => {
    const found = (hex: string) => explain(fromHex(hex), { as: "notification" }).node.value;
    expect(found("E107 4D0101 4E020102")).toContain("sequence 258");
    expect(found("E103 4D0101")).toContain("sequence ?");
    expect(found(`E10E 4D0101 4E09${"FF".repeat(9)}`)).toContain("sequence ?");
  });

  it("are a file of the UICC only with two octets", () => {
    const found = (hex: string) => part(explain(fromHex(hex), { as: "fcp" }), "file identifier");
    expect(found("6204 83023F00").value).toBe("MF");
    expect(found("6205 8303003F00").value).toBeUndefined();
    expect(found("6203 83013F").value).toBeUndefined();
  });

  it("are not made of octets that are missing", () => {
    const found = (hex: string) => explain(fromHex(hex), { as: "card-data" });
    expect(part(found("E006 C0040140 8810"), "key (C0)").value).toContain("16 octets");
    expect(part(found("E004 C0020140"), "key (C0)").value).toBeUndefined();
    expect([...nodes(found("FF2102 8100").node)].map(({ value }) => value)).not.toContain("0");
  });

  it.each(["1e21", "0x10", "9".repeat(400), "-1", "1.5", ""])("are exact as the length of a body: '%s'", (length) => {
    const text = `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\nabc`;
    const found = explain(Buffer.from(text), { as: "http" });
    expect([...nodes(found.node)].map(({ note }) => note)).toContain(`Content-Length '${length}' is not a number`);
  });
});

describe("unsigned numbers", () => {
  it("have at most six octets that count", () => {
    expect(unsignedOf(fromHex("00"))).toBe(0);
    expect(unsignedOf(fromHex("0000000000000000000102"))).toBe(258);
    expect(unsignedOf(six)).toBe(2 ** 48 - 1);
    expect(unsignedOf(fromHex("01000000000000"))).toBeUndefined();
    expect(unsignedOf(new Uint8Array())).toBeUndefined();
  });
});
