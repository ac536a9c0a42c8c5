import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import type { Log } from "../../../src/link/driver.ts";
import type { AdminScript } from "../../../src/link/scp81/admin-store.ts";
import { MemoryAdminStore } from "../../../src/link/scp81/memory-store.ts";
import { cipherSuites } from "../../../src/link/scp81/tls-context.ts";
import { type Frame, onFrame } from "../../../src/link/trace.ts";
import { scp81Vectors } from "../../codec/gp/vectors.ts";
import { outcomeOf, play, scriptsOf } from "./play.ts";
import { agentId, identity, key, type Running, serve, tlsCard } from "./tls-link.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});
async function running(...args: Parameters<typeof serve>): Promise<Running> {
  const server = await serve(...args);
  open.push(server);
  return server;
}

const head = (uri: string, ...lines: string[]) =>
  Buffer.from(
    [
      `POST ${uri} HTTP/1.1`,
      "X-Admin-Protocol: globalplatform-remote-admin/1.0",
      `X-Admin-From: ${agentId}`,
      ...lines,
      "",
      "",
    ].join("\r\n"),
  );
const first = head("/gsma/adminagent");
const script = (id: string, more: Partial<AdminScript> = {}): AdminScript => ({
  id,
  kind: "gp",
  body: fromHex("AE80220580CA005A000000"),
  ...more,
});

describe.each(["resident", "remote"] as const)("dialog vectors against the server, keys %s", (keys) => {
  it.each(scp81Vectors.dialog)("$name", async (vector) => {
    const store = new MemoryAdminStore();
    store.enqueue("t", ...scriptsOf(vector));
    const { port } = await running(
      store,
      { [vector.psk.identity]: { psk: fromHex(vector.psk.key), target: "t" } },
      { keys },
    );
    await play(vector, () => tlsCard(port, vector.psk.identity, vector.psk.key));
    expect(outcomeOf(vector, store)).toEqual(vector.outcome);
  });
});

describe("the handshake", () => {
  it.each([
    ["TLSv1.2", "PSK-AES128-CBC-SHA256", "PSK-AES128-CBC-SHA256"],
    ["TLSv1.2", "PSK-AES128-GCM-SHA256", "PSK-AES128-GCM-SHA256"],
    ["TLSv1.2", "PSK-AES128-CBC-SHA256:PSK-AES128-GCM-SHA256", "PSK-AES128-CBC-SHA256"],
    ["TLSv1.2", "PSK-AES128-GCM-SHA256:PSK-AES128-CBC-SHA256", "PSK-AES128-GCM-SHA256"],
  ] as const)("takes %s with %s in the card's order", async (version, ciphers, chosen) => {
    const { port } = await running(new MemoryAdminStore());
    const card = await tlsCard(port, identity, key, { ciphers, minVersion: version, maxVersion: version });
    expect(card.tls.getCipher().name).toBe(chosen);
    expect(card.tls.isSessionReused()).toBe(false);
    expect(card.tls.getTLSTicket()).toBeUndefined();
    await card.cut("fin");
  });

  it.each(["TLSv1", "TLSv1.1"] as const)("takes %s only when told to, with a warning", async (version) => {
    const options = { ciphers: "PSK-AES128-CBC-SHA:@SECLEVEL=0", minVersion: version, maxVersion: version } as const;
    const usual = await running(new MemoryAdminStore());
    await expect(tlsCard(usual.port, identity, key, options)).rejects.toThrow();
    const warnings: string[] = [];
    const log: Log = { debug() {}, info() {}, error() {}, warn: (_, message) => warnings.push(message) };
    const settings = { tls: { tls10: true, tls13: false, nullSuites: false } };
    const old = await running(new MemoryAdminStore(), undefined, { settings, deps: { log } });
    expect(warnings).toEqual([expect.stringContaining("obsolete")]);
    const card = await tlsCard(old.port, identity, key, options);
    expect(card.tls.getProtocol()).toBe(version);
    await card.cut("fin");
  });

  it("takes suites without encryption only when told to", async () => {
    const options = { ciphers: "PSK-NULL-SHA256:@SECLEVEL=0" };
    const usual = await running(new MemoryAdminStore());
    await expect(tlsCard(usual.port, identity, key, options)).rejects.toThrow();
    const settings = { tls: { tls10: false, tls13: false, nullSuites: true } };
    const bench = await running(new MemoryAdminStore(), undefined, { settings });
    const card = await tlsCard(bench.port, identity, key, options);
    expect(card.tls.getCipher().name).toBe("PSK-NULL-SHA256");
    await card.cut("fin");
  });

  it.each(["resident", "remote"] as const)("speaks TLS 1.3 when told to (keys %s)", async (keys) => {
    const settings = { tls: { tls10: false, tls13: true, nullSuites: false } };
    const store = new MemoryAdminStore();
    store.enqueue("t", script("s"));
    const { port } = await running(store, undefined, { settings, keys });
    const card = await tlsCard(port, identity, key, {
      ciphers: "TLS_AES_128_GCM_SHA256",
      minVersion: "TLSv1.3",
      maxVersion: "TLSv1.3",
    });
    expect((await card.request(first))?.status).toBe(200);
    await card.cut("fin");
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "of %s is proven by the PSK alone, whatever session a card brings back",
    async (version) => {
      const settings = { tls: { tls10: false, tls13: true, nullSuites: false } };
      const { port, server } = await running(new MemoryAdminStore(), undefined, { settings });
      const ciphers = "PSK-AES128-CBC-SHA256:TLS_AES_128_GCM_SHA256";
      const options = { ciphers, minVersion: version, maxVersion: version };
      const card = await tlsCard(port, identity, key, options);
      let session: Buffer | undefined;
      card.tls.on("session", (one: Buffer) => {
        session = one;
      });
      expect((await card.request(first))?.status).toBe(204);
      await card.ended;
      const kept = session ?? card.tls.getSession();
      const wrong = { ...options, ...withoutUndefined({ session: kept }) };
      await expect(
        tlsCard(port, identity, "FF".repeat(16), wrong).then(async (other) => {
          if ((await other.request(first)) === undefined) throw new Error("nothing served");
        }),
      ).rejects.toThrow();
      expect(server.stats.sessions).toBe(1);
    },
  );

  it.each(["resident", "remote"] as const)(
    "fails alike for unknown identities and wrong keys (keys %s)",
    async (keys) => {
      const lines: object[] = [];
      const log: Log = { debug() {}, info() {}, error() {}, warn: (facts) => lines.push(facts) };
      const { port, server } = await running(new MemoryAdminStore(), undefined, { keys, deps: { log } });
      const failure = async (name: string, psk: string) => {
        const error = await tlsCard(port, name, psk).catch((cause: unknown) => cause);
        return error instanceof Error && "code" in error ? error.code : error;
      };
      const wrongKey = await failure(identity, "00".repeat(16));
      expect(await failure("nobody-knows-this-card", key)).toBe(wrongKey);
      expect(wrongKey).toBe("ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC");
      expect(server.stats).toMatchObject({ unknownIdentities: 1, handshakeFailures: 2, sessions: 0 });
      expect(JSON.stringify(lines)).not.toContain("nobody-knows-this-card");
    },
  );

  it.each(["resident", "remote"] as const)("finds identities in any letter case (keys %s)", async (keys) => {
    const { port } = await running(new MemoryAdminStore(), undefined, { keys });
    const card = await tlsCard(port, identity.toLowerCase());
    expect((await card.request(first))?.status).toBe(204);
  });

  it("cuts the link when the remote key store fails, so that the card may retry", async () => {
    const keys = { kind: "remote", lookup: () => Promise.reject(new Error("down")) } as const;
    const { port } = await running(new MemoryAdminStore(), undefined, { deps: { keys } });
    await expect(tlsCard(port)).rejects.toThrow(/closed|socket|ECONNRESET/i);
  });

  it("says what a card offers that cannot be served", async () => {
    const lines: unknown[] = [];
    const log: Log = { debug() {}, info() {}, error() {}, warn: (facts, message) => lines.push({ ...facts, message }) };
    const { port } = await running(new MemoryAdminStore(), undefined, { keys: "remote", deps: { log } });
    const socket = connect({ port, host: "127.0.0.1" });
    const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    socket.resume();
    socket.write(fromHex(`160303002D010000290303${"11".repeat(32)}000002008B0100`));
    await closed;
    expect(lines).toMatchObject([
      { offered: ["TLS_PSK_WITH_3DES_EDE_CBC_SHA"], message: expect.stringContaining("3DES-PSK") },
    ]);
  });

  it("knows the vectors' cipher suites", () => {
    for (const { name, code, sinceTls, openssl } of scp81Vectors.cipher_suites) {
      expect(cipherSuites).toContainEqual(
        expect.objectContaining({ name, code: Number.parseInt(code, 16), sinceTls, openssl }),
      );
    }
  });
});

describe("a session", () => {
  it("ends with the answer, close_notify and FIN in one go", async () => {
    const { port } = await running(new MemoryAdminStore());
    const card = await tlsCard(port);
    let closeNotify = false;
    card.tls.on("end", () => {
      closeNotify = true;
    });
    expect((await card.request(first))?.status).toBe(204);
    await card.ended;
    expect(closeNotify).toBe(true);
  });

  it("replaces the card's older session", async () => {
    const store = new MemoryAdminStore();
    store.enqueue("t", script("s"));
    const { port, server } = await running(store);
    const old = await tlsCard(port);
    await old.request(first);
    const fresh = await tlsCard(port);
    await old.ended;
    expect((await fresh.request(head("/gsma/adminagent", "X-Admin-Resume: true")))?.status).toBe(200);
    expect(server.sessions()).toHaveLength(1);
    await fresh.cut("fin");
  });

  it.each([
    ["a GET", Buffer.from("GET / HTTP/1.1\r\n\r\n"), 405],
    [
      "no administration protocol",
      Buffer.from(`POST /gsma/adminagent HTTP/1.1\r\nX-Admin-From: ${agentId}\r\n\r\n`),
      400,
    ],
    ["no HTTP", Buffer.from("\x00\x01\r\n\r\n"), 400],
    ["an endless head", Buffer.alloc(40_000, "a"), 413],
    ["an agent id that names nobody", head("/gsma/adminagent").toString().replace(agentId, "0123456789"), 403],
  ])("refuses %s and closes", async (_, octets, status) => {
    const { port, server } = await running(new MemoryAdminStore());
    const card = await tlsCard(port);
    expect((await card.request(Buffer.from(octets)))?.status).toBe(status);
    await card.ended;
    expect(server.stats.refused).toBe(1);
  });

  it("takes the agent id that was registered for another kind of card", async () => {
    const entry = { psk: fromHex(key), target: "t", eid: "89001012012341234012345678901224", agentId: "0123456789" };
    const { port } = await running(new MemoryAdminStore(), { "8952020012540153470F": entry });
    const card = await tlsCard(port, "8952020012540153470F");
    const request = first.toString().replace(agentId, "0123456789");
    expect((await card.request(Buffer.from(request)))?.status).toBe(204);
  });

  it("gives each card its framing", async () => {
    const store = new MemoryAdminStore();
    store.enqueue("t", script("s"));
    const entry = { psk: fromHex(key), target: "t", framing: "length" } as const;
    const { port } = await running(store, { [identity]: entry });
    const card = await tlsCard(port);
    const answer = await card.request(first);
    expect(answer?.headers.get("content-length")).toBe("11");
    expect([...(answer?.headers.keys() ?? [])]).not.toContain("transfer-encoding");
    await card.cut("fin");
  });

  it("is cut without an answer when the store fails, and the card can go on later", async () => {
    const store = new MemoryAdminStore();
    store.enqueue("t", script("s"));
    const advance = store.advance.bind(store);
    store.advance = () => Promise.reject(new Error("disk full"));
    const { port } = await running(store);
    const card = await tlsCard(port);
    expect(await card.request(first)).toBeUndefined();
    store.advance = advance;
    const again = await tlsCard(port);
    expect((await again.request(head("/gsma/adminagent", "X-Admin-Resume: true")))?.status).toBe(200);
    await again.cut("fin");
  });

  it("lets a card think for as long as its script may", async () => {
    const store = new MemoryAdminStore();
    store.enqueue("t", script("s", { budgetMs: 60_000 }));
    const { port } = await running(store, undefined, {
      settings: { limits: { nextPostMs: 100, firstPostMs: 100, stallMs: 100, requestMs: 200 } },
      dialog: { scriptBudgetMs: 100 },
    });
    const card = await tlsCard(port);
    const answer = await card.request(first);
    // The beginning of a line may be all there is to see of it for a while.
    await card.send(Buffer.from("\r"));
    await systemClock.sleep(1200);
    const response = Buffer.concat([
      head(answer?.headers.get("x-admin-next-uri") ?? "", "X-Admin-Script-Status: ok", "Content-Length: 8"),
      fromHex("AF80230290000000"),
    ]);
    expect((await card.request(response))?.status).toBe(204);
    expect(store.reports.get("s")?.verdict.state).toBe("answered");
  });

  it("is traced with its TLS facts, heads and scripts, and without keys", async () => {
    const frames: Frame[] = [];
    const stop = onFrame((frame) => frames.push(frame));
    const store = new MemoryAdminStore();
    store.enqueue("t", script("s"));
    const { port } = await running(store);
    const card = await tlsCard(port);
    await card.request(first);
    await card.cut("fin");
    stop();
    expect(frames.map(({ kind, dir }) => `${kind} ${dir}`)).toEqual(["tls in", "http in", "http out", "script out"]);
    expect(frames.every(({ target, session }) => target === "t" && session?.startsWith("ses_"))).toBe(true);
    expect(frames[0]?.facts).toMatchObject({
      protocol: "TLSv1.2",
      cipher: "PSK-AES128-CBC-SHA256",
      offered: expect.arrayContaining(["TLS_PSK_WITH_AES_128_CBC_SHA256"]),
    });
    expect(JSON.stringify(frames).toUpperCase()).not.toContain(key);
  });

  it("writes a key log only when asked", async () => {
    const lines: string[] = [];
    const keyLog = (line: Buffer) => void lines.push(line.toString());
    const { port } = await running(new MemoryAdminStore(), undefined, { deps: { keyLog } });
    await (await tlsCard(port)).cut("fin");
    expect(lines[0]).toMatch(/^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}/i);
  });
});

describe("hostile peers", () => {
  it("half-open handshakes make room for cards", async () => {
    const { port, server } = await running(new MemoryAdminStore(), undefined, {
      settings: { limits: { handshaking: 20 } },
    });
    const idle = Array.from({ length: 60 }, () => {
      const socket = connect({ port, host: "127.0.0.1" });
      socket.on("error", () => {});
      return socket;
    });
    await systemClock.sleep(200);
    expect((await (await tlsCard(port)).request(first))?.status).toBe(204);
    expect(server.stats.evicted).toBeGreaterThanOrEqual(40);
    for (const socket of idle) socket.destroy();
  });

  it("handshakes, heads and bodies that stall are cut", async () => {
    const limits = { handshakeMs: 300, firstPostMs: 300, stallMs: 300, requestMs: 900 };
    const { port, server } = await running(new MemoryAdminStore(), undefined, { settings: { limits } });
    const idle = connect({ port, host: "127.0.0.1" });
    const closed = new Promise<void>((resolve) => idle.on("close", () => resolve()));
    const silent = await tlsCard(port);
    await Promise.all([closed, silent.ended]);
    const drip = await tlsCard(port);
    const timer = setInterval(() => drip.tls.write("a"), 50);
    const started = performance.now();
    await drip.ended;
    clearInterval(timer);
    expect(performance.now() - started).toBeLessThan(3000);
    expect(server.stats.dropped).toBe(2);
  });

  it("a card that drips its request octet by octet is served", async () => {
    const store = new MemoryAdminStore();
    store.enqueue("t", script("s"));
    const { port } = await running(store);
    const card = await tlsCard(port);
    for (const octet of first.subarray(0, -1)) await card.send(Uint8Array.of(octet));
    expect(toHex((await card.request(first.subarray(-1)))?.body ?? new Uint8Array())).toBe("AE80220580CA005A000000");
    await card.cut("fin");
  });
});
