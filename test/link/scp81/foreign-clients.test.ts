import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import type { AdminScript } from "../../../src/link/scp81/admin-store.ts";
import { MemoryAdminStore } from "../../../src/link/scp81/memory-store.ts";
import { readAnswer, type SeenAnswer } from "./play.ts";
import { agentId, identity, key, type Running, serve } from "./tls-link.ts";

interface Foreign {
  readonly name: string;
  readonly program: string;
  readonly args: (port: number, psk: string, name: string) => string[];
}

const gnutls =
  (mac: string, cipher: string): Foreign["args"] =>
  (port, psk, name) => [
    ...["--logfile=/dev/null", "--pskusername", name, "--pskkey", psk, "-p", String(port)],
    "--priority",
    `NORMAL:-KX-ALL:+PSK:-CIPHER-ALL:+${cipher}:-MAC-ALL:+${mac}:-VERS-ALL:+VERS-TLS1.2`,
    "127.0.0.1",
  ];
const openssl =
  (...more: string[]): Foreign["args"] =>
  (port, psk, name) => [
    ...[
      "s_client",
      "-connect",
      `127.0.0.1:${port}`,
      "-psk",
      psk,
      "-psk_identity",
      name,
      "-tls1_2",
      "-quiet",
      "-no_ign_eof",
    ],
    ...more,
  ];

const clients: Foreign[] = [
  { name: "OpenSSL, CBC", program: "openssl", args: openssl("-cipher", "PSK-AES128-CBC-SHA256") },
  { name: "OpenSSL, GCM", program: "openssl", args: openssl("-cipher", "PSK-AES128-GCM-SHA256") },
  { name: "OpenSSL, fragments of 512", program: "openssl", args: openssl("-maxfraglen", "512") },
  { name: "GnuTLS, CBC", program: "gnutls-cli", args: gnutls("SHA256", "AES-128-CBC") },
  { name: "GnuTLS, GCM", program: "gnutls-cli", args: gnutls("AEAD", "AES-128-GCM") },
];

function installed(program: string): boolean {
  return spawnSync(program, ["--version"]).error === undefined;
}

const open: AsyncDisposable[] = [];
const children: ChildProcessWithoutNullStreams[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

/** A TLS program whose standard input and output are the card's stream. */
class ForeignCard {
  readonly #child: ChildProcessWithoutNullStreams;
  #stream = Buffer.alloc(0);
  #over = false;
  #wake: () => void = () => {};

  constructor(client: Foreign, port: number, psk = key, name = identity) {
    this.#child = spawn(client.program, client.args(port, psk, name));
    children.push(this.#child);
    this.#child.stdin.on("error", () => {});
    this.#child.stdout.on("data", (octets: Buffer) => {
      this.#stream = Buffer.concat([this.#stream, octets]);
      this.#wake();
    });
    this.#child.on("exit", () => {
      this.#over = true;
      this.#wake();
    });
  }

  /** Sends a request, in as many writes as asked for. Undefined when the program ended without an answer. */
  async request(octets: Uint8Array, writes = 1): Promise<SeenAnswer | undefined> {
    this.send(octets, writes);
    for (;;) {
      const at = this.#stream.indexOf("HTTP/1.1");
      const answer = at < 0 ? undefined : readAnswer(this.#stream.subarray(at));
      if (answer !== undefined) {
        this.#stream = Buffer.alloc(0);
        return answer;
      }
      if (this.#over) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  send(octets: Uint8Array, writes = 1): void {
    const size = Math.ceil(octets.length / writes);
    for (let at = 0; at < octets.length; at += size) this.#child.stdin.write(octets.subarray(at, at + size));
  }

  /** The program is killed: its socket closes without close_notify. */
  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await gone;
  }
}

function post(uri: string, more: readonly string[] = [], body: Uint8Array = new Uint8Array()): Uint8Array {
  const head = [
    `POST ${uri} HTTP/1.1`,
    "X-Admin-Protocol: globalplatform-remote-admin/1.0",
    `X-Admin-From: ${agentId}`,
    ...more,
    "",
    "",
  ].join("\r\n");
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}

const ok = fromHex("AF80230290000000");
const answerTo = (answer: SeenAnswer | undefined) =>
  post(answer?.headers.get("x-admin-next-uri") ?? "", ["X-Admin-Script-Status: ok", "Content-Length: 8"], ok);

/** A script of one STORE DATA with so many octets of data. */
const script = (n: number, octets = 8): AdminScript => ({
  id: `s${n}`,
  kind: "gp",
  body: Uint8Array.of(
    0xae,
    0x80,
    0x22,
    octets + 5,
    0x80,
    0xe2,
    0x88,
    0,
    octets,
    ...Array<number>(octets).fill(n),
    0,
    0,
  ),
});

async function served(...scripts: AdminScript[]): Promise<{ store: MemoryAdminStore; running: Running }> {
  const store = new MemoryAdminStore();
  store.enqueue("t", ...scripts);
  const running = await serve(store, { [identity]: { psk: fromHex(key), target: "t", framing: "length" } });
  open.push(running);
  return { store, running };
}

describe.each(clients)("$name", (client) => {
  const there = installed(client.program);
  if (!there) process.stderr.write(`skipped: ${client.program} is not installed\n`);

  it.skipIf(!there)("plays a whole session, its requests cut in pieces", async () => {
    const { store, running } = await served(script(1), script(2, 100));
    const card = new ForeignCard(client, running.port);
    const first = await card.request(post("/gsma/adminagent"), 3);
    expect(first?.status).toBe(200);
    expect(toHex(first?.body ?? ok)).toBe(toHex(script(1).body));
    const second = await card.request(answerTo(first), 7);
    expect((await card.request(answerTo(second)))?.status).toBe(204);
    expect([...store.reports.values()].map(({ verdict }) => verdict.state)).toEqual(["answered", "answered"]);
  });

  it.skipIf(!there)("resumes after it was killed at each point of a session", async () => {
    const { store, running } = await served(script(1), script(2), script(3));
    const resume = "X-Admin-Resume: true";
    let card = new ForeignCard(client, running.port);
    card.send(post("/gsma/adminagent").subarray(0, 40));
    await card.kill();

    card = new ForeignCard(client, running.port);
    const unseen = await card.request(post("/gsma/adminagent", [resume]));
    expect(unseen?.status).toBe(200);
    await card.kill();

    // Not processed: the first URI again brings the same script.
    card = new ForeignCard(client, running.port);
    const first = await card.request(post("/gsma/adminagent", [resume]));
    expect(first?.body).toEqual(unseen?.body);
    await card.kill();

    // Executed, response lost.
    card = new ForeignCard(client, running.port);
    const second = await card.request(post(first?.headers.get("x-admin-next-uri") ?? "", [resume]));
    await card.request(answerTo(second));
    await card.kill();

    // Answered, and the script that came with the answer not processed.
    card = new ForeignCard(client, running.port);
    const third = await card.request(post(second?.headers.get("x-admin-next-uri") ?? "", [resume]));
    expect(toHex(third?.body ?? ok)).toBe(toHex(script(3).body));
    expect((await card.request(answerTo(third)))?.status).toBe(204);
    expect(["s1", "s2", "s3"].map((id) => store.reports.get(id)?.verdict.state)).toEqual([
      "executed-response-lost",
      "answered",
      "answered",
    ]);
    expect(["s1", "s2", "s3"].map((id) => store.deliveries(id))).toEqual([2, 1, 2]);
  });

  it.skipIf(!there)("is refused with a wrong key and with an unknown identity", async () => {
    const { store, running } = await served(script(1));
    expect(
      await new ForeignCard(client, running.port, "00".repeat(16)).request(post("/gsma/adminagent")),
    ).toBeUndefined();
    expect(
      await new ForeignCard(client, running.port, key, "nobody").request(post("/gsma/adminagent")),
    ).toBeUndefined();
    expect(store.deliveries("s1")).toBe(0);
    expect(running.server.stats).toMatchObject({ sessions: 0, unknownIdentities: 1, handshakeFailures: 2 });
  });
});
