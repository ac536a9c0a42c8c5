import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/app/config/config.ts";
import { Daemon } from "../../src/app/daemon.ts";
import { checkTls } from "../../src/app/tls-settings.ts";
import { silentLog } from "../../src/link/driver.ts";
import { authority } from "../face/http/certificates.ts";

let folder: string;
const paths: Record<string, string> = {};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "otagate-tls-"));
  const ca = authority("Test CA");
  const good = ca.issue("good");
  const other = ca.issue("other");
  const files = {
    ca: ca.cert,
    oldCa: authority("Old CA", { from: -20, to: -10 }).cert,
    cert: good.cert,
    key: good.key,
    chain: good.cert + ca.cert,
    wrongOrder: ca.cert + good.cert,
    otherKey: other.key,
    expired: ca.issue("expired", "Example", { from: -20, to: -3 }).cert,
    early: ca.issue("early", "Example", { from: 3, to: 20 }).cert,
    text: "no PEM at all",
    cut: good.cert.slice(0, 300).concat("\n-----END CERTIFICATE-----\n"),
    encrypted: "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
  };
  for (const [name, text] of Object.entries(files)) {
    paths[name] = join(folder, `${name}.pem`);
    writeFileSync(paths[name] ?? "", text);
  }
  paths.missing = join(folder, "missing.pem");
  paths.bundle = join(folder, "bundle.pem");
  writeFileSync(paths.bundle, files.oldCa + files.ca);
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true }));

const path = (name: string) => paths[name] ?? name;

/** Every place that has certificates, with its key in the configuration. */
const places = {
  "api.tls": (tls: object) => ({ api: { port: 0, tls } }),
  "smppFace.tls": (tls: object) => ({ smppFace: { enabled: true, tls } }),
  "upstream.1.tls": (tls: object) => ({ upstream: [{ name: "first" }, { name: "smsr", tls }] }),
  "smsc.0.tls": (tls: object) => ({ smsc: [{ name: "op", address: "smpps://127.0.0.1:3550", tls }] }),
} as const;

const faults: readonly [string, { cert: string; key: string }, "cert" | "key", RegExp][] = [
  [
    "the key of another certificate",
    { cert: "cert", key: "otherKey" },
    "key",
    /otherKey\.pem does not match the certificate in .*cert\.pem/,
  ],
  ["a chain in the wrong order", { cert: "wrongOrder", key: "key" }, "key", /must be the one of the key/],
  ["an expired certificate", { cert: "expired", key: "key" }, "cert", /certificate of CN=expired.*expired on \d{4}-/],
  ["one that is not valid yet", { cert: "early", key: "key" }, "cert", /valid only from \d{4}-.*clock/],
  ["a certificate that is missing", { cert: "missing", key: "key" }, "cert", /missing\.pem cannot be read/],
  ["a key that is missing", { cert: "cert", key: "missing" }, "key", /missing\.pem cannot be read/],
  ["no certificate in the file", { cert: "text", key: "key" }, "cert", /text\.pem contains no PEM certificate/],
  ["half a certificate", { cert: "cut", key: "key" }, "cert", /cut\.pem cannot be read/],
  ["no key in the file", { cert: "cert", key: "text" }, "key", /text\.pem contains no PEM private key/],
  ["a key behind a passphrase", { cert: "cert", key: "encrypted" }, "key", /encrypted; use a key without a passphrase/],
];

describe("certificates of the configuration", () => {
  for (const [place, config] of Object.entries(places)) {
    describe(place, () => {
      it("are taken when they are good", () => {
        const tls = { cert: path("chain"), key: path("key"), ...(place === "api.tls" ? {} : { ca: path("bundle") }) };
        const parsed = parseConfig(config(tls));
        expect(() => checkTls(parsed, Date.now())).not.toThrow();
        // They end tomorrow.
        expect(checkTls(parsed, Date.now())).toHaveLength(1);
      });

      for (const [name, { cert, key }, at, message] of faults) {
        it(`are refused by file and key of the configuration: ${name}`, () => {
          const parsed = parseConfig(config({ cert: path(cert), key: path(key) }));
          const file = path(at === "cert" ? cert : key);
          let thrown: unknown;
          try {
            checkTls(parsed, Date.now());
          } catch (error) {
            thrown = error;
          }
          expect(thrown).toMatchObject({
            code: "config.invalid",
            message: expect.stringMatching(message),
            detail: { key: `${place}.${at}`, file },
          });
          expect(thrown).toMatchObject({ message: expect.stringContaining(`tls.${at}: `) });
        });
      }
    });
  }

  it("of CAs: all expired, none, or missing", () => {
    const told = (config: object) => () => checkTls(parseConfig(config), Date.now());
    const api = { port: 0, tls: { cert: path("cert"), key: path("key") } };
    expect(told({ api: { ...api, clientCa: path("bundle") } })).not.toThrow();
    expect(told({ api: { ...api, clientCa: path("oldCa") } })).toThrow(/api\.clientCa: every certificate in .*oldCa/);
    expect(told({ api: { ...api, clientCa: path("text") } })).toThrow(/api\.clientCa: .*contains no PEM certificate/);
    expect(told({ upstream: [{ name: "smsr", tls: { ca: path("missing") } }] })).toThrow(
      /upstream 'smsr': tls\.ca: .*missing\.pem cannot be read/,
    );
    expect(told({ smsc: [{ name: "op", address: "smpps://h", tls: { cert: path("cert") } }] })).toThrow(
      /smsc 'op': tls\.cert: requires the matching private key/,
    );
  });

  it("are looked at before anything starts", async () => {
    const config = parseConfig({
      smsc: [{ name: "op", address: "smpps://h", tls: { cert: path("expired"), key: path("key") } }],
    });
    const state = join(folder, "state");
    await expect(Daemon.start({ config, state, env: {}, log: silentLog })).rejects.toMatchObject({
      code: "config.invalid",
      message: expect.stringMatching(/^smsc 'op': tls\.cert: .*expired on/),
    });
  });
});
