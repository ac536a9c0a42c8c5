import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/app/config.ts";
import { isLoopback } from "../../src/app/loopback.ts";
import { plainFaces } from "../../src/app/plain-faces.ts";

const refusal = (raw: unknown): string => {
  try {
    parseConfig(raw, "c.yaml");
  } catch (error) {
    return error instanceof Error ? error.message : "?";
  }
  return "";
};
const client = { systemId: "smsr", passwordHash: "scrypt:AAAA:BBBB" };

describe("names in the configuration", () => {
  it("are refused when two accounts, clients, modems or upstreams share one, naming both", () => {
    const smsc = (name: string) => ({ name, address: "smpp://localhost" });
    expect(refusal({ smsc: [smsc("a"), smsc("b"), smsc("a")] })).toBe(
      "c.yaml: smsc.2.name: 'a' is the name of entry 0 already; each needs one of its own",
    );
    expect(refusal({ smppFace: { clients: [client, client] } })).toContain("smppFace.clients.1.systemId: 'smsr'");
    expect(
      refusal({
        modems: [
          { name: "m", port: "tty:a" },
          { name: "m", port: "tty:b" },
        ],
      }),
    ).toContain("modems.1.name");
    const upstream = { name: "sr" };
    expect(refusal({ upstream: [upstream, upstream] })).toContain("upstream.1.name: 'sr'");
    expect(refusal({ smsc: [smsc("a"), smsc("A")] })).toBe("");
  });
});

describe("clients of the SMSC face", () => {
  it.each(["10.0.0.0/33", "host.example", "", "10.0.0", "2001:db8::/129", "10.0.0.0/x"])(
    "refuse the rule '%s'",
    (rule) => {
      expect(refusal({ smppFace: { clients: [{ ...client, allow: ["192.0.2.7", rule] }] } })).toContain(
        "smppFace.clients.0.allow.1: an address or a network",
      );
    },
  );

  it.each(["192.0.2.7", "10.0.0.0/8", "2001:db8::/32", "::1"])("take the rule '%s'", (rule) => {
    expect(refusal({ smppFace: { clients: [{ ...client, allow: [rule] }] } })).toBe("");
  });

  it.each(["secret", "scrypt:", "scrypt:AAAA"])("refuse '%s' as a hash", (passwordHash) => {
    expect(refusal({ smppFace: { clients: [{ ...client, passwordHash }] } })).toContain("hash-password");
  });
});

describe("faces without TLS", () => {
  const faces = (raw: unknown) => plainFaces(parseConfig(raw)).map(({ section, address }) => `${section} ${address}`);

  it.each(["0.0.0.0", "::", "192.0.2.1", "gateway.example"])("are named when they listen on %s", (host) => {
    expect(faces({ smppFace: { enabled: true, host } })).toEqual([`smppFace ${host}:2775`]);
    expect(faces({ api: { port: 8443, host, allowPlain: true } })).toEqual([`api ${host}:8443`]);
  });

  it("are no concern on loopback, with TLS, or switched off", () => {
    const tls = { cert: "a", key: "b" };
    expect(faces({ smppFace: { enabled: true } })).toEqual([]);
    expect(faces({ smppFace: { enabled: true, host: "0.0.0.0", tls } })).toEqual([]);
    expect(faces({ smppFace: { enabled: false, host: "0.0.0.0" } })).toEqual([]);
    expect(faces({ api: { port: 1, host: "0.0.0.0", tls } })).toEqual([]);
  });

  it.each([
    ["127.0.0.1", true],
    ["127.1.2.3", true],
    ["::1", true],
    ["[::1]", true],
    ["localhost", true],
    ["::ffff:127.0.0.1", true],
    ["::", false],
    ["0.0.0.0", false],
    ["10.0.0.1", false],
  ])("%s is loopback: %s", (host, loopback) => {
    expect(isLoopback(host)).toBe(loopback);
  });
});
