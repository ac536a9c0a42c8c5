import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/base/hex.ts";
import { packageOctets } from "../../../src/codec/profile-package/package-input.ts";
import { errorCode } from "../mutated.ts";
import { packageOf } from "./vectors.ts";

const octets = packageOf("package-small");
const hex = toHex(octets);
const pairs = hex.match(/../g) ?? [];

const base64 = Buffer.from(octets).toString("base64");
const lines = (text: string, width: number) => text.match(new RegExp(`.{1,${width}}`, "g"))?.join("\n") ?? "";

/** As `xxd` and `hexdump -C` write it. */
function dump(addressed: (address: string, line: readonly string[]) => string, end: string): string {
  const rows: string[] = [];
  for (let at = 0; at < pairs.length; at += 16) {
    rows.push(addressed(at.toString(16).padStart(8, "0"), pairs.slice(at, at + 16)));
  }
  return `${rows.join("\n")}\n${end}`;
}

/** The octets of a line in two halves. */
function halves(row: readonly string[]): string {
  return [row.slice(0, 8), row.slice(8)]
    .map((half) => half.join(" "))
    .join("  ")
    .trimEnd();
}

describe("the form of a package in a file", () => {
  it.each<[string, string | Uint8Array]>([
    ["DER", octets],
    ["hexadecimal", hex],
    ["hexadecimal in lower case and lines", lines(hex.toLowerCase(), 32)],
    ["hexadecimal with colons", pairs.join(":")],
    ["hexadecimal with 0x and commas", pairs.map((pair) => `0x${pair}`).join(", ")],
    ["hexadecimal in quotes", `'${hex}'H`],
    ["hexadecimal with comments", `# a profile\n-- of a bench\n${lines(hex, 64).replace("\n", " // header\n")}`],
    ["a byte order mark before it", `\uFEFF${hex}\r\n`],
    ["UTF-16", Uint8Array.from([0xff, 0xfe, ...Buffer.from(hex, "utf16le")])],
    ["Base64", lines(base64, 76)],
    ["PEM", `Subject: x\n-----BEGIN PROFILE PACKAGE-----\n${lines(base64, 64)}\n-----END PROFILE PACKAGE-----\n`],
    [
      "xxd",
      dump(
        (address, row) =>
          `${address}: ${row
            .join("")
            .replace(/(....)/g, "$1 ")
            .trim()}  ..q.`,
        "",
      ),
    ],
    ["hexdump -C", dump((address, row) => `${address}  ${halves(row)}  |a0 bcd..|`, "00000383")],
  ])("is recognised: %s", (_, text) => {
    const file = typeof text === "string" ? new TextEncoder().encode(text) : text;
    expect(toHex(packageOctets(file))).toBe(hex);
  });

  it("is nothing for an empty file", () => {
    expect(packageOctets(new Uint8Array())).toHaveLength(0);
    expect(packageOctets(new TextEncoder().encode(" \n"))).toHaveLength(0);
  });

  it.each([
    ["hexadecimal without end", `00000000: ${"a".repeat(20_000)}z`],
    ["comments without end", `${"--    \n".repeat(2000)}!`],
    ["blanks without end", `00000000  ${"a0 ".repeat(5000)}${" ".repeat(20_000)}z\n!`],
  ])("is refused without delay: %s", (_, text) => {
    const before = process.cpuUsage();
    expect(errorCode(() => packageOctets(new TextEncoder().encode(text)))).toBe("codec.text");
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(10);
  });

  it.each(["A04", "hello, world!", "-----BEGIN X-----\nAAAA"])("is refused: %s", (text) => {
    expect(errorCode(() => packageOctets(new TextEncoder().encode(text)))).toBe("codec.text");
  });
});
