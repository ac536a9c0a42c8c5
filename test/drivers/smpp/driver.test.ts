import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SmppAccount } from "../../../drivers/smpp/account.ts";
import { endpointOf } from "../../../drivers/smpp/connect.ts";
import { driver, secureDriver } from "../../../drivers/smpp/driver.ts";
import { SmscStore } from "../../../simulators/smsc/message-store.ts";
import { runSimulatedSmsc } from "../../../simulators/smsc/program.ts";
import { SimulatedSmsc } from "../../../simulators/smsc/smsc.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { Secret } from "../../../src/base/secret.ts";
import { describePdu } from "../../../src/codec/smpp/describe.ts";
import { addressRule, hashPassword, verifyPassword } from "../../../src/face/smpp/password.ts";
import { SmscFace, smscFaceOptions } from "../../../src/face/smpp/server.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { type Frame, onFrame } from "../../../src/link/trace.ts";
import { accounts, MemoryPort } from "../../face/smpp/memory-port.ts";
import { NpmClient } from "../../face/smpp/npm-client.ts";
import { rawEsme } from "../../link/smpp/raw-peer.ts";
import { commandSms, deps, never, openBearer, until } from "./account.ts";

const parse = (settings: Record<string, unknown> = {}) => SmppAccount.parse(settings);

describe("an SMPP address", () => {
  it.each([
    ["smpp://user@smsc.example:2776/", { host: "smsc.example", port: 2776, tls: undefined, systemId: "user" }],
    ["smpp://smsc.example", { host: "smsc.example", port: 2775, tls: undefined, systemId: "" }],
    ["smpps://user@[::1]", { host: "::1", port: 3550, tls: { insecure: false }, systemId: "user" }],
  ])("%s", (address, endpoint) => {
    expect(endpointOf(address, parse())).toEqual(endpoint);
  });

  it("yields to the account's settings, and must be one", () => {
    expect(endpointOf("smpp://a@b:1", parse({ host: "c", port: 2, tls: true, systemId: "d" }))).toEqual({
      host: "c",
      port: 2,
      tls: { insecure: false },
      systemId: "d",
    });
    for (const bad of ["http://x", "smpp:", "nothing"]) {
      expect(() => endpointOf(bad, parse())).toThrow(expect.objectContaining({ code: "config.invalid" }));
    }
  });

  it("refuses a password in the address without repeating it", () => {
    expect(() => endpointOf("smpp://usr:hunter22@smsc.example", parse())).toThrow(
      expect.objectContaining({
        code: "config.invalid",
        message: "smpp://smsc.example: the address must not contain a password: set `password` of the account",
      }),
    );
  });

  it("has two schemes and refuses unknown settings", () => {
    expect([driver.scheme, secureDriver.scheme]).toEqual(["smpp", "smpps"]);
    expect(SmppAccount.safeParse({ windoww: 3 }).success).toBe(false);
    expect(SmppAccount.safeParse({ statusClasses: { "0x0B": "temporary" } }).success).toBe(true);
  });
});

describe("SMPP through TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "otagate-tls-"));
  let cert = "";
  let key = "";
  beforeAll(() => {
    const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
    execFileSync("openssl", [...args, ...name, ...files], { stdio: "ignore" });
    cert = readFileSync(join(folder, "cert.pem"), "utf8");
    key = readFileSync(join(folder, "key.pem"), "utf8");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("sends through a verified connection, and not through another one", async () => {
    const store = new SmscStore();
    store.attach("*", async () => ({ ack: true }));
    await using smsc = await SimulatedSmsc.open({ store, tls: { cert, key } });
    const settings = { reconnectFirstMs: 20, reconnectMaxMs: 50, source: { address: "1" } };
    const open = (tls: SmppAccount["tls"]) =>
      secureDriver.openBearer(`smpps://t@127.0.0.1:${smsc.port}`, parse({ ...settings, tls }), deps);
    await using trusted = await open({ ca: join(folder, "cert.pem"), insecure: false });
    await expect(trusted.submit(commandSms(), never)).resolves.toMatchObject({ at: "accepted" });
    await using stranger = await open(true);
    await until(() => stranger.state.reason?.includes("self-signed") ?? false);
    await using bench = await open({ insecure: true });
    await expect(bench.submit(commandSms(), never)).resolves.toMatchObject({ at: "accepted" });
  });

  it("serves clients through TLS, and survives those that speak plain", async () => {
    const port = new MemoryPort();
    await using face = await SmscFace.open(
      { ...smscFaceOptions, port: 0, tls: { cert, key } },
      { port, authenticate: accounts(), clock: systemClock, log: silentLog },
    );
    const plain = new NpmClient(face.port);
    plain.session.on("connect", () => void plain.bind().catch(() => undefined));
    await new Promise((resolve) => plain.session.once("close", resolve));
    const client = await new NpmClient(face.port, { tls: true, rejectUnauthorized: false }).connected("secureConnect");
    expect((await client.bind()).command_status).toBe(0);
    expect(face.connections).toMatchObject([{ client: "esme", tls: true }]);
    client.close();
  });

  it("gives handshakes that never end no place that a client needs", async () => {
    const port = new MemoryPort();
    await using face = await SmscFace.open(
      { ...smscFaceOptions, port: 0, tls: { cert, key }, maxUnbound: 4, maxUnboundPerAddress: 10 },
      { port, authenticate: accounts(), clock: systemClock, log: silentLog },
    );
    const idle = await Promise.all(Array.from({ length: 4 }, () => rawEsme(face.port)));
    try {
      const clients: NpmClient[] = [];
      for (let i = 0; i < 3; i++) {
        const client = await new NpmClient(face.port, { tls: true, rejectUnauthorized: false }).connected(
          "secureConnect",
        );
        expect((await client.bind()).command_status).toBe(0);
        clients.push(client);
      }
      // Each of the three took the place of the oldest that only connected; bound, they hold none of those places.
      await until(() => idle.filter(({ ended }) => ended).length === 1);
      expect(face.connections).toHaveLength(3);
      for (const client of clients) client.close();
      await until(() => face.connections.length === 0);
    } finally {
      for (const { socket } of idle) socket.destroy();
    }
  });
});

describe("traces", () => {
  it("show each PDU once, in both directions, and never the password", async () => {
    await using smsc = await SimulatedSmsc.open();
    const frames: Frame[] = [];
    const end = onFrame((frame) => frame.kind === "smpp" && frames.push(frame));
    const logged: unknown[] = [];
    const write = (facts: object, message: string) => void logged.push(JSON.stringify(facts), message);
    const log = { debug: write, info: write, warn: write, error: write };
    const account = parse({ password: new Secret(new Uint8Array(Buffer.from("hunter22"))), source: { address: "1" } });
    const bearer = await driver.openBearer(`smpp://tester@127.0.0.1:${smsc.port}`, account, { ...deps, log });
    await bearer.submit(commandSms({ receipt: false }), never);
    await bearer[Symbol.asyncDispose]();
    end();
    const seen = frames.map(({ dir, bytes }) => `${dir} ${describePdu(bytes ?? new Uint8Array(16)).command}`);
    expect(seen).toEqual([
      "out bind_transceiver",
      "in bind_transceiver_resp",
      "out submit_sm",
      "in submit_sm_resp",
      "out unbind",
      "in unbind_resp",
    ]);
    const all = Buffer.concat(frames.map(({ bytes }) => Buffer.from(bytes ?? [])));
    expect(all.includes("hunter22")).toBe(false);
    expect(all.includes("********")).toBe(true);
    expect(logged.join()).not.toContain("hunter22");
    expect(JSON.stringify(account)).not.toContain("hunter22");
  });
});

describe("accounts of the SMSC face", () => {
  it("keep their passwords as hashes", async () => {
    const hash = await hashPassword("secret");
    expect(hash).toMatch(/^scrypt:/);
    expect(hash).not.toContain("secret");
    expect(await verifyPassword("secret", hash)).toBe(true);
    expect(await verifyPassword("Secret", hash)).toBe(false);
    expect(await verifyPassword("secret", undefined)).toBe(false);
    expect(await verifyPassword("", "scrypt::")).toBe(false);
  });

  it.each([
    ["192.0.2.7", undefined, true],
    ["192.0.2.7", ["192.0.2.7"], true],
    ["::ffff:192.0.2.7", ["192.0.2.0/24"], true],
    ["192.0.3.7", ["192.0.2.0/24", "10.0.0.0/8"], false],
    ["2001:db8::1", ["2001:db8::/32"], true],
    ["nonsense", ["10.0.0.0/8"], false],
  ])("%s under %j: %s", (address, rules, allowed) => {
    expect(addressRule(rules)(address)).toBe(allowed);
  });

  it("refuse malformed rules", () => {
    expect(() => addressRule(["10.0.0.0/33"])).toThrow(expect.objectContaining({ code: "config.invalid" }));
  });
});

describe("the simulated SMSC as a program", () => {
  it("prints its address and traffic, and ends on request", async () => {
    const lines: string[] = [];
    const end = new AbortController();
    const print = (line: string) => void lines.push(line);
    const program = runSimulatedSmsc({ host: "127.0.0.1", port: 0, behaviour: {}, print, signal: end.signal });
    await until(() => lines.length === 1);
    const bearer = await openBearer(Number(lines[0]?.split(":").at(-1)));
    await bearer.submit(commandSms(), never);
    await until(() => lines.length === 3);
    expect(lines[1]).toBe("submit 1 from tester to 491701234567");
    expect(lines[2]).toMatch(/^to 491701234567 pid 7f dcs f6 027000/);
    await bearer[Symbol.asyncDispose]();
    end.abort();
    await program;
  });
});
