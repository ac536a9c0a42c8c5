import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/app/config/config.ts";
import { isHost, isNetwork } from "../../src/link/card/bip/network.ts";

describe("a configuration that names what does not exist", () => {
  const modem = (profile: string) => ({ modems: [{ name: "rack1", port: "tcp://127.0.0.1:1", profile }] });

  test.each([
    ["quectel-ec52", "quectel-ec25"],
    ["Quectel-EC25", "quectel-ec25"],
    ["simcom-sim760", "simcom-sim7600"],
  ])("hardware profile %s: refused with the nearest name, %s", (given, near) => {
    expect(() => parseConfig(modem(given))).toThrow(
      expect.objectContaining({
        code: "config.invalid",
        message: expect.stringMatching(new RegExp(`modems\\.0\\.profile.*'${given}'.*did you mean '${near}'`)),
      }),
    );
  });

  test("a field that a modem does not have: the nearest is named in entries of a list, too", () => {
    const raw = { modems: [{ name: "rack1", port: "tcp://127.0.0.1:1", profil: "x" }] };
    expect(() => parseConfig(raw, "c.yaml")).toThrow("c.yaml: unknown key 'modems.0.profil'; did you mean 'profile'?");
  });

  test("a profile that only others extend is none for a modem", () => {
    expect(() => parseConfig(modem("3gpp"))).toThrow(/modems\.0\.profile/);
  });

  test("one of the user's own is known; one that is left out says why", () => {
    const folder = mkdtempSync(join(tmpdir(), "profiles-"));
    const own = { name: "acme-x", title: "x", extends: "3gpp", match: { model: "^X" }, sources: [], verified: [] };
    writeFileSync(join(folder, "x.json"), JSON.stringify(own));
    writeFileSync(join(folder, "y.json"), JSON.stringify({ ...own, name: "acme-y", quirks: ["none"] }));
    const discovery = { modemDiscovery: { profiles: [folder] } };
    expect(parseConfig({ ...modem("acme-x"), ...discovery }).modems[0]?.profile).toBe("acme-x");
    expect(() => parseConfig({ ...modem("acme-y"), ...discovery })).toThrow(/ignored:.*y\.json.*\/quirks\/0/);
  });

  test.each([
    "10.0.0/8",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "300.1.1.1",
    "2001:db8::/129",
    "sm-sr.example",
    "",
    "10.0.0.0/8x",
  ])("bip.allow with host %j is refused, by its place", (host) => {
    expect(() => parseConfig({ scp81: { bip: { allow: [{ port: 1 }, { host }] } } })).toThrow(
      expect.objectContaining({
        code: "config.invalid",
        message: expect.stringContaining("scp81.bip.allow.1.host"),
      }),
    );
    expect(() => parseConfig({ scp81: { bip: { rewrite: [{ match: { host }, to: "own" }] } } })).toThrow(
      /scp81\.bip\.rewrite\.0\.match\.host/,
    );
  });

  test.each(["10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "2001:db8::/32", "::1"])("bip.allow with host %s", (host) => {
    expect(isNetwork(host)).toBe(true);
    expect(parseConfig({ scp81: { bip: { allow: [{ host }] } } }).scp81.bip.allow).toEqual([{ host }]);
  });

  test("a name leads to an address, a rewrite to a host", () => {
    expect(() => parseConfig({ scp81: { bip: { names: [{ name: "a.b", address: "c.d" }] } } })).toThrow(
      /scp81\.bip\.names\.0\.address/,
    );
    expect(["sm-sr.example", "127.0.0.1", "::1", "localhost"].every(isHost)).toBe(true);
    expect(["10.0.0.0/8", "10.0.0", "a b", "-a.b", ""].some(isHost)).toBe(false);
  });
});
