import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../../src/base/hex.ts";
import { DnsMessage, dnsQuery, dnsType } from "../../../../src/codec/dns/message.ts";
import { decode } from "../../../../src/codec/kit/codec.ts";
import { answerDns } from "../../../../src/link/card/bip/dns-responder.ts";
import { type Destination, defaultRules, resolveName, route } from "../../../../src/link/card/bip/rules.ts";

const own = { host: "127.0.0.1", port: 8443 };
const tcp = (host: string, port: number): Destination => ({ protocol: "tcp", host, port });
const udp = (host: string, port: number): Destination => ({ protocol: "udp", host, port });

describe("routes", () => {
  test("by default all TCP ends at the own listener, UDP 53 in the terminal, the rest nowhere", () => {
    const rules = defaultRules(own);
    expect(route(rules, tcp("10.8.40.142", 8090))).toMatchObject({ kind: "connect", to: tcp("127.0.0.1", 8443) });
    expect(route(rules, tcp("2001:db8::a", 443))).toMatchObject({ kind: "connect", to: tcp("127.0.0.1", 8443) });
    expect(route(rules, udp("8.8.8.8", 53))).toEqual({ kind: "dns" });
    expect(route(rules, udp("8.8.8.8", 123)).kind).toBe("refuse");
    expect(route(defaultRules(), tcp("10.8.40.142", 8090)).kind).toBe("refuse");
  });

  test("rewrites come first, then the allow list", () => {
    const rules = {
      ...defaultRules(own),
      otherTcp: "refuse" as const,
      rewrite: [
        { match: { host: "10.8.40.0/24", port: 8090 }, to: { host: "192.0.2.9", port: 443 } },
        { match: { host: "10.8.41.7" }, to: "own" as const },
        { match: { protocol: "udp" as const, port: 5000 }, to: { host: "192.0.2.10" } },
      ],
      allow: [{ protocol: "tcp" as const, host: "198.51.100.0/22", port: 443 }],
    };
    expect(route(rules, tcp("10.8.40.142", 8090))).toMatchObject({ to: tcp("192.0.2.9", 443) });
    expect(route(rules, tcp("10.8.40.142", 8091)).kind).toBe("refuse");
    expect(route(rules, tcp("10.8.41.7", 1))).toMatchObject({ to: tcp("127.0.0.1", 8443) });
    expect(route(rules, udp("10.0.0.1", 5000))).toMatchObject({ to: udp("192.0.2.10", 5000) });
    expect(route(rules, tcp("198.51.103.255", 443))).toMatchObject({ to: tcp("198.51.103.255", 443) });
    expect(route(rules, tcp("198.51.104.0", 443)).kind).toBe("refuse");
    expect(route(rules, tcp("::1", 443)).kind).toBe("refuse");
  });
});

describe("names", () => {
  const rules = {
    ...defaultRules(own),
    names: [
      { name: "smsr.example.com", address: "198.51.100.7" },
      { name: "*.v6.example.com", address: "2001:db8::7" },
    ],
  };

  test("rules first, then the one address for all others", () => {
    expect(resolveName(rules, "SMSR.example.com.")).toBe("198.51.100.7");
    expect(resolveName(rules, "a.v6.example.com")).toBe("2001:db8::7");
    expect(resolveName(rules, "v6.example.com")).toBe("192.0.2.1");
    const { otherNames: _, ...strict } = rules;
    expect(resolveName(strict, "elsewhere.example.com")).toBeUndefined();
  });

  test("a card's queries are answered", () => {
    const resolve = (name: string) => (name === "none.example" ? undefined : resolveName(rules, name));
    const ask = (name: string, type: number) => {
      const octets = answerDns(dnsQuery(7, name, type), resolve);
      return octets === undefined ? undefined : decode(DnsMessage, octets);
    };
    const found = ask("smsr.example.com", dnsType.a);
    expect(found?.id).toBe(7);
    expect(found?.answers.map(({ data }) => toHex(data))).toEqual(["C6336407"]);
    expect(ask("smsr.example.com", dnsType.aaaa)).toMatchObject({ code: 0, answers: [] });
    expect(ask("x.v6.example.com", dnsType.aaaa)?.answers[0]?.data).toHaveLength(16);
    expect(ask("none.example", dnsType.a)?.code).toBe(3);
    expect(answerDns(fromHex("00"), resolve)).toBeUndefined();
  });
});
