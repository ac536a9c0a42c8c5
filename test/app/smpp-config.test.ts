import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/app/config/config.ts";
import { isLoopback } from "../../src/app/loopback.ts";
import { noClientCanBind, plainFaces } from "../../src/app/plain-faces.ts";

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
      "c.yaml: smsc.2.name: 'a' is already the name of entry 0; each entry needs its own",
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
        "smppFace.clients.0.allow.1: must be an address or a network",
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

describe("a configuration that cannot be meant", () => {
  const allow = (rule: string) => refusal({ smppFace: { clients: [{ ...client, allow: [rule] }] } });

  it.each([
    ["10.0.0.7/8", "10.0.0.0/8"],
    ["10.0.0.7/0", "0.0.0.0/0"],
    ["192.0.2.129/25", "192.0.2.128/25"],
    ["192.0.2.1/31", "192.0.2.0/31"],
    ["2001:db8::1/32", "2001:db8::/32"],
    ["2001:db8:0:ff::/57", "2001:db8:0:80::/57"],
    ["::ffff:10.0.0.7/104", "::ffff:a00:0/104"],
  ])("is refused for the network %s, and %s is named", (rule, network) => {
    const [address = ""] = rule.split("/");
    for (const told of [allow(rule), refusal({ scp81: { bip: { allow: [{ host: rule }] } } })]) {
      expect(told).toContain(`use ${network} for the network, or ${address} for that address alone`);
      expect(told).toMatch(/allow\.0/);
    }
    expect(refusal({ scp81: { bip: { rewrite: [{ match: { host: rule }, to: "own" }] } } })).toContain(network);
    expect(allow(network)).toBe("");
  });

  it.each(["10.0.0.7/32", "::1/128", "0.0.0.0/0", "::/0", "192.0.2.128/25"])("is not one with %s", (rule) => {
    expect(allow(rule)).toBe("");
    expect(refusal({ scp81: { bip: { allow: [{ host: rule }] } } })).toBe("");
  });

  it.each(["10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/0x8", "fe80::1%eth0"])("is refused for the rule %s", (rule) => {
    expect(allow(rule)).toContain("allow.0: must be an address or a network");
  });

  it.each([
    ["tty:/dev/ttyUSB2", "tty:/dev/ttyUSB2"],
    ["tty:/dev/ttyUSB2", "/dev//ttyUSB2"],
    ["tty:usb-1-1.4/if02", "tty:usb-1-1.4/2"],
    ["tcp://Rack:4001", "tcp://rack:4001/"],
  ])("is refused for modems at %s and %s", (one, two) => {
    const modems = (a: string, b: string) => ({
      modems: [
        { name: "a", port: a },
        { name: "b", port: b },
      ],
    });
    expect(refusal(modems(one, two))).toBe(
      `c.yaml: modems.1.port: '${two}' is already the port of the modem 'a'; each modem needs its own port`,
    );
    expect(refusal(modems(one, `${one}1`))).toBe("");
  });

  it("is refused for a simulated eUICC that is listed twice", () => {
    expect(refusal({ simulate: { euiccs: ["a.json", "b.json", "a.json"] } })).toContain("simulate.euiccs.2: 'a.json'");
  });

  it.each(["??", "EN", "e", "eng", "xx", "e1", ""])("is refused for the language '%s'", (language) => {
    expect(refusal({ terminal: { language } })).toContain("terminal.language: must be a language code");
  });

  it.each(["en", "de", "zh", "iw"])("takes the language %s", (language) => {
    expect(refusal({ terminal: { language } })).toBe("");
  });

  it("is told for an SMSC face without clients", () => {
    const told = (smppFace: object) => noClientCanBind(parseConfig({ smppFace }).smppFace);
    expect([told({ enabled: true }), told({}), told({ enabled: true, clients: [client] })]).toEqual([
      true,
      false,
      false,
    ]);
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
