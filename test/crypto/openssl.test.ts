import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/base/hex.ts";
import { Secret } from "../../src/base/secret.ts";
import { ecCurve, p256 } from "../../src/codec/euicc/ec-curve.ts";
import { ecPrivateKeyPem, newEcKey, publicKeyObject, sharedSecret } from "../../src/crypto/certificates/ec-key.ts";
import { x963 } from "../../src/crypto/key-establishment/establish.ts";
import { aesCmac } from "../../src/crypto/mac.ts";
import { SessionCiphers } from "../../src/crypto/scp03/session-keys.ts";

/** Primitives of ES8 against the openssl command. */

function openssl(args: readonly string[], files: Readonly<Record<string, string | Uint8Array>> = {}): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "otagate-openssl-"));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return execFileSync("openssl", [...args], { cwd: folder, stdio: "pipe" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
const octets = (count: number, step: number) =>
  Uint8Array.from({ length: count }, (_, index) => (index * step + 1) & 0xff);

describe("the openssl command", () => {
  it.each([16, 24, 32])("makes the same CMAC with a key of %i octets", (length) => {
    const key = octets(length, 7);
    for (const size of [1, 15, 16, 17, 64, 1028]) {
      const message = octets(size, 3);
      const args = [
        "mac",
        "-cipher",
        `AES-${length * 8}-CBC`,
        "-macopt",
        `hexkey:${toHex(key)}`,
        "-in",
        "message",
        "CMAC",
      ];
      expect(toHex(aesCmac(key)(message))).toBe(openssl(args, { message }).toString().trim());
    }
  });

  it.each([p256, ecCurve(0x03) ?? p256])("makes the same shared secret on $name", (curve) => {
    const [own, peer] = [newEcKey(curve), newEcKey(curve)];
    const files = {
      "own.pem": ecPrivateKeyPem(own),
      "peer.pem": publicKeyObject(peer).export({ type: "spki", format: "pem" }).toString(),
    };
    const derived = openssl(["pkeyutl", "-derive", "-inkey", "own.pem", "-peerkey", "peer.pem"], files);
    expect(toHex(sharedSecret(own, peer.point).reveal())).toBe(toHex(derived));
  });

  it("derives the same keys by X9.63", () => {
    const [secret, info] = [octets(32, 11), fromHex("108810")];
    const options = ["digest:SHA256", `hexsecret:${toHex(secret)}`, `hexinfo:${toHex(info)}`];
    const args = ["kdf", "-keylen", "96", ...options.flatMap((one) => ["-kdfopt", one]), "-binary", "X963KDF"];
    expect(toHex(x963(new Secret(secret), info, 96))).toBe(toHex(openssl(args)));
  });

  it.each([16, 24, 32])("enciphers a block in the same way with a key of %i octets", (length) => {
    const key = octets(length, 5);
    const ciphers = new SessionCiphers({ sEnc: new Secret(key), sMac: new Secret(key), sRmac: new Secret(key) });
    const encipher = (mode: "ecb" | "cbc", input: Uint8Array, ...iv: readonly string[]) =>
      openssl([`enc`, `-aes-${length * 8}-${mode}`, "-K", toHex(key), ...iv, "-nopad", "-in", "input"], { input });
    const clear = octets(1000, 9);
    const padded = new Uint8Array(1008);
    padded.set(clear);
    padded[1000] = 0x80;
    for (const [direction, first] of [
      ["command", "00"],
      ["answer", "80"],
    ] as const) {
      const initial = encipher("ecb", fromHex(`${first}${"00".repeat(13)}0102`));
      const expected = encipher("cbc", padded, "-iv", toHex(initial));
      expect(toHex(ciphers.encipher(0x0102, direction, clear))).toBe(toHex(expected));
      expect(toHex(ciphers.decipher(0x0102, direction, expected))).toBe(toHex(clear));
    }
  });
});
