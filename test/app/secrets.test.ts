import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { masterSeal, readSecret } from "../../src/app/secrets.ts";
import { Secret } from "../../src/base/secret.ts";
import { sealWith } from "../../src/crypto/seal.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otagate-secrets-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A file with these octets, as a reference. */
function file(octets: Uint8Array): string {
  const path = join(folder, "secret");
  writeFileSync(path, octets);
  return `file:${path}`;
}

const raw = (...tail: number[]) => Buffer.concat([Buffer.alloc(32 - tail.length, 7), Buffer.from(tail)]);
const text = (...tail: number[]) => Buffer.concat([Buffer.alloc(32 - tail.length, "k"), Buffer.from(tail)]);

describe("a master key", () => {
  const opens = (reference: string, env: NodeJS.ProcessEnv, key: Uint8Array) => {
    const source = masterSeal(reference, folder, env);
    if (typeof source !== "function") throw new Error("no source");
    const sealed = sealWith(new Secret(key)).seal(Buffer.from("probe"), "test");
    return Buffer.from(source(false).seal.open(sealed, "test")).toString();
  };

  it.each([
    ["7", raw(7)],
    ["0A", raw(0x0a)],
    ["0D0A", raw(0x0d, 0x0a)],
    ["0A0A", raw(0x0a, 0x0a)],
    ["0A, else letters", text(0x0a)],
    ["0D0A, else letters", text(0x0d, 0x0a)],
  ])("of 32 octets that end in %s is taken as it is", (_name, key) => {
    expect(opens(file(key), {}, key)).toBe("probe");
    writeFileSync(join(folder, "cred"), key);
    expect(opens("credential:cred", { CREDENTIALS_DIRECTORY: folder }, key)).toBe("probe");
  });

  it.each(["", "\n", "\r\n"])("as 64 digits, or as 32 octets, may have the line end %j behind it", (end) => {
    const key = raw(0x0a);
    expect(opens(file(Buffer.from(`${key.toString("hex")}${end}`)), {}, key)).toBe("probe");
    expect(opens("env:KEY", { KEY: `${key.toString("hex").toUpperCase()}${end}` }, key)).toBe("probe");
    expect(opens(file(Buffer.concat([key, Buffer.from(end)])), {}, key)).toBe("probe");
  });

  it.each([31, 33, 63, 65])("of %i octets is refused", (length) => {
    expect(() => opens(file(Buffer.alloc(length, "a")), {}, raw(7))).toThrow(
      expect.objectContaining({ code: "config.secret" }),
    );
  });
});

describe("another secret", () => {
  const read = (octets: Uint8Array) => Buffer.from(readSecret(file(octets), {}).reveal()).toString("hex");
  const hex = (words: string) => Buffer.from(words).toString("hex");

  it("loses one line end when it is text", () => {
    expect(read(Buffer.from("pass word\n"))).toBe(hex("pass word"));
    expect(read(Buffer.from("Käse\r\n"))).toBe(hex("Käse"));
    expect(read(Buffer.from("a\n\n"))).toBe(hex("a\n"));
  });

  it.each([raw(0x0a), raw(0x0d, 0x0a), Buffer.from(`${"ff".repeat(31)}0a`, "hex")])(
    "is whole when it is octets",
    (octets) => {
      expect(read(octets)).toBe(octets.toString("hex"));
    },
  );
});
