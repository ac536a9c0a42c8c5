import { describe, expect, it } from "vitest";
import { keyLike, namesSecret, safeName } from "../../src/base/key-like.ts";

const key = "A1B2C3D4E5F60718293A4B5C6D7E8F90";

describe("text that could be a key", () => {
  it.each([
    key,
    key.toLowerCase(),
    `card ${key}.`,
    key.replace(/(..)/g, "$1 "),
    key.replace(/(..)/g, "$1:"),
    key.replace(/(........)/g, "$1-"),
    key.replace(/(..)(?!$)/g, "$1."),
    key.replace(/(..)(?!$)/g, "$1, "),
    key.replace(/(..)/g, "0x$1,"),
    key.replace(/(..)/g, "0x$1"),
    key.replace(/(..)/g, "\\x$1"),
    `{ ${key.slice(0, 20).replace(/(..)(?!$)/g, "0x$1, ")} }`,
    key.replace(/(.)(?!$)/g, "$1 "),
    key.replace(/(...)/g, "$1."),
    key.replace(/(....)/g, "$1;\t"),
    key.replace(/(..)/g, "$1/"),
    "11.".repeat(16),
    "0123456789ABCDEF",
    "1234567890123456",
    "11".repeat(16),
    Buffer.from(key, "hex").toString("base64"),
    Buffer.from(key.slice(0, 16), "hex").toString("base64"),
    Buffer.from(key, "hex").toString("base64url").concat("=="),
    Buffer.from(key + key.slice(0, 16), "hex").toString("base64"),
    ...[key, key + key.slice(0, 16), key + key].flatMap((one) => [
      Buffer.from(one, "hex").toString("base64").replaceAll("=", ""),
      `k:${Buffer.from(one, "hex").toString("base64url")}`,
    ]),
    "ABEiM0RVZneImaq7zN3u/w",
    "-----BEGIN PRIVATE KEY-----",
  ])("%s", (text) => {
    expect(keyLike(text)).toBeDefined();
  });

  it.each([
    ["card 12", []],
    ["550e8400-e29b-41d4-a716-446655440000", []],
    ["usb-1a86_USB2.0-Serial-if00-port0", []],
    ["2026-01-31T12:00:00Z", []],
    ["Identiv uTrust 3700 F CL Reader [uTrust 3700 F] 00 00", []],
    ["a bad cafe, a dead face: feed a babe", []],
    ["card 89001012012341234012345678901224", ["89001012012341234012345678901224"]],
    ["card 8900 1012 0123 4123 4012 3456 7890 1224", ["89001012012341234012345678901224"]],
    ["447700900123456", []],
    ["Frankfurt-production-1", []],
    ["frankfurtSmscPrimary01", []],
    ["CL-Reader-3700F-USB2-1", []],
    ["usb-FTDI_FT232R_USB_UART_AB0KPZE-if00-port0", []],
    ["+49 170 1234567, +49 170 1234568, +49 170 1234569", []],
    ["10.20.30.40, 10.20.30.41 and 10.20.30.42", []],
    ["production-smsc-primary-frankfurt-1", []],
  ])("%s could not be", (text, own) => {
    expect(keyLike(text, own)).toBeUndefined();
  });

  it("is told in time that grows with its length only", () => {
    const started = performance.now();
    for (const part of ["A", "a1 ", "ab:", "=", "AAAAAAAAAA=A", "12"]) keyLike(part.repeat(200_000));
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe("names", () => {
  it.each([
    "ki",
    "Ki",
    "KI",
    "opc",
    "OPc",
    "adm1",
    "ADM_2",
    "PIN1",
    "puk-2",
    "kic",
    "KIK3",
    "urn:x:psk",
    "privateKey",
    "private_key",
    "apiToken",
    "password",
    "x.secret",
    "ADMKEY",
    "authkey",
    "ADMKey",
    "keyvalue",
    "pincode",
    "kenc",
    "simpin",
    "userpwd",
  ])("%s says that it is a secret", (name) => {
    expect(namesSecret(name)).toBe(true);
  });

  it.each([
    "urn:example:lab",
    "rack",
    "pinboard",
    "operator",
    "machine",
    "kidney",
    "note",
    "keyboard",
    "turkey",
    "opening",
  ])("%s does not", (name) => {
    expect(namesSecret(name)).toBe(false);
  });

  it("that could be keys are counted, not printed", () => {
    expect(safeName("keyset")).toBe("keyset");
    expect(safeName(key)).toBe("(a name of 32 characters)");
    expect(safeName("a\u001b[31m")).toBe("(a name of 6 characters)");
  });
});
