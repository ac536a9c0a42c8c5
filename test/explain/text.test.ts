import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/base/hex.ts";
import { explainTypes } from "../../src/explain/context.ts";
import { explain } from "../../src/explain/explain.ts";

const ascii = (text: string) => explain(Buffer.from(text));

describe("text in ASCII", () => {
  it.each([
    ['{"id":"x"}', "JSON"],
    ['[1, 2, {"a": null}]', "JSON"],
    ["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "PEM of CERTIFICATE"],
    ["ABCDEFGH", "plain text"],
    ["hello world, this is no card\n", "plain text"],
    ["AT+CSIM=10,command", "plain text"],
    ["name: x\r\nport: 2775", "plain text"],
    ["ABCD", "plain text"],
  ])("%j is %s", (text, kind) => {
    const { type, node } = ascii(text);
    expect([type, node.value]).toEqual(["text", expect.stringMatching(new RegExp(`^${kind}`))]);
    expect(node.error).toBeUndefined();
  });

  it.each([
    ['{"kic":"C0DE"}', "C0DE"],
    ["password=C0DE in a line", "C0DE"],
    ["key 0123456789ABCDEF0123456789C0DE00", "C0DE"],
    ["-----BEGIN PRIVATE KEY-----\nC0DEC0DE\n-----END PRIVATE KEY-----", "C0DE"],
    ["-----BEGIN EC PRIVATE KEY-----\nC0DEC0DE", "C0DE"],
  ])("%j is hidden, and named", (text, secret) => {
    const { type, node } = ascii(text);
    expect([type, node.value]).toEqual(["text", expect.stringContaining("[hidden, ")]);
    expect(JSON.stringify(node)).not.toContain(secret);
    expect(JSON.stringify(node)).not.toContain(toHex(Buffer.from(secret)));
    expect(explain(Buffer.from(text), { secrets: true }).node.value).toContain(secret);
  });

  it("gives way to what is spelled in ASCII, and to octets with a head", () => {
    expect(ascii("89001012012341234012345678901224").type).toBe("eid");
    expect(ascii("POST /server?msg HTTP/1.1\r\nHost: a\r\n\r\n").type).toBe("http");
    expect(JSON.stringify(explain(fromHex("8010000004FFFFFFFF")))).toContain("TERMINAL PROFILE");
    expect(explain(Buffer.from("ABCDEFGH"), { as: "terminal-profile" }).type).toBe("terminal-profile");
    expect(explain(fromHex("FFFFFFFF7F9D00DFBF")).type).toBe("terminal-profile");
  });
});

describe("a private key in DER", () => {
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const der = ({ privateKey }: { privateKey: KeyObject }, type: "sec1" | "pkcs1" | "pkcs8") =>
    new Uint8Array(privateKey.export({ format: "der", type }));
  const locked = new Uint8Array(
    ec.privateKey.export({ format: "der", type: "pkcs8", cipher: "aes-128-cbc", passphrase: "x" }),
  );

  it.each([
    ["EC private key (SEC 1)", der(ec, "sec1")],
    ["EC private key (PKCS #8)", der(ec, "pkcs8")],
    ["RSA private key (PKCS #1)", der(rsa, "pkcs1")],
    ["RSA private key (PKCS #8)", der(rsa, "pkcs8")],
    ["Ed25519 private key (PKCS #8)", der(generateKeyPairSync("ed25519"), "pkcs8")],
    ["encrypted private key (PKCS #8)", locked],
  ])("is named %s and hidden, whole or cut, and under any other name", (kind, key) => {
    expect(explain(key)).toMatchObject({ type: "private-key", node: { value: kind } });
    const tail = (octets: Uint8Array) => toHex(octets.subarray(-8));
    for (const octets of [key, key.subarray(0, -5), key.subarray(0, 60)])
      for (const as of [undefined, ...explainTypes])
        expect([as, JSON.stringify(explain(octets, { as })).includes(tail(octets))]).toEqual([as, false]);
    expect(JSON.stringify(explain(key, { secrets: true }))).toContain(tail(key));
  });

  it("is no public key, certificate or signature, and none of these is a browser identity", () => {
    const spki = new Uint8Array(ec.publicKey.export({ format: "der", type: "spki" }));
    for (const octets of [spki, fromHex("3006020101020102"), fromHex("30820004020101FF")])
      expect(["tlv", "unknown", "cat-objects"]).toContain(explain(octets).type);
    expect(explain(spki)).toMatchObject({ type: "tlv" });
    // Its last two octets look like a status word.
    const point =
      "040ab2d0362e1590e57dfa61e684ca3d7276ad65698240f14930b69f8f37e4e6db141a958c4389225f0486ee87990ef55047b49afb681fab7408ad4ff423586c98";
    const key = `3059301306072a8648ce3d020106082a8648ce3d030107034200${point}`;
    expect(explain(fromHex(key)).type).toBe("tlv");
    expect(explain(fromHex("3006020101020102")).type).toBe("tlv");
  });
});
