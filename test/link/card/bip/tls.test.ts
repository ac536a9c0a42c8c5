import { once } from "node:events";
import { Duplex } from "node:stream";
import { connect, createServer } from "node:tls";
import { expect, test } from "vitest";
import { SimulatedEuicc } from "../../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../../simulators/euicc/fixture.ts";
import { SoftReader } from "../../../../simulators/reader.ts";
import { systemClock } from "../../../../src/base/clock.ts";
import { fromHex } from "../../../../src/base/hex.ts";
import { BipService } from "../../../../src/link/card/bip/bip-service.ts";
import { nodeSockets } from "../../../../src/link/card/bip/node-sockets.ts";
import { defaultRules } from "../../../../src/link/card/bip/rules.ts";
import { ApduChannel } from "../../../../src/link/card/channel.ts";
import { Terminal } from "../../../../src/link/card/terminal/terminal.ts";

const channel = 0x21;

/** A card's BIP channel as a stream: the toolkit of the simulated eUICC is the other side of the terminal. */
class CardStream extends Duplex {
  readonly #card: SimulatedEuicc;
  #working: Promise<void> = Promise.resolve();

  constructor(card: SimulatedEuicc) {
    super();
    this.#card = card;
    card.attachScp81({
      open: () => undefined,
      notify: () => false,
      event: (event) => {
        if (event === 0x09) this.#fetch();
        if (event === 0x0a) this.push(null);
      },
      // The status word waits a moment for what the TLS client has to say next.
      settled: () => new Promise((resolve) => setTimeout(resolve, 2)),
    });
  }

  async open(port: number): Promise<void> {
    const response = await this.#run(
      0x40,
      0x01,
      0x82,
      "350103",
      "390205DC",
      `3C0302${port.toString(16).padStart(4, "0")}`,
      "3E0521C0000201",
    );
    expect(response.result).toBe(0);
  }

  #run(type: number, qualifier: number, destination: number, ...objects: readonly string[]) {
    return this.#card.toolkit.run({ type, qualifier, destination, objects: objects.map(fromHex) });
  }

  #fetch(): void {
    this.#working = this.#working.then(async () => {
      for (;;) {
        const { objects } = await this.#run(0x42, 0, channel, "3701ED");
        const data = objects.find(({ tag }) => tag === 0x36)?.value;
        if (data !== undefined) this.push(Uint8Array.from(data));
        if ((objects.find(({ tag }) => tag === 0x37)?.value[0] ?? 0) === 0) return;
      }
    });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: string, done: (error?: Error) => void): void {
    this.#working = this.#working.then(async () => {
      for (let at = 0; at < chunk.length; at += 200) {
        const part = chunk.subarray(at, at + 200);
        const last = at + 200 >= chunk.length;
        const header = part.length < 0x80 ? "36" : "3681";
        const length = part.length.toString(16).padStart(2, "0");
        await this.#run(0x43, last ? 1 : 0, channel, `${header}${length}${part.toString("hex")}`);
      }
      done();
    });
  }
}

test("a TLS-PSK session of a card passes through the terminal, both ways", async () => {
  const psk = Buffer.from("000102030405060708090A0B0C0D0E0F", "hex");
  const server = createServer({
    ciphers: "PSK-AES128-CBC-SHA256",
    maxVersion: "TLSv1.2",
    pskCallback: () => psk,
  });
  server.on("secureConnection", (socket) => {
    socket.on("data", (data) => socket.write(data.toString("latin1").toUpperCase(), "latin1"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;

  const card = new SimulatedEuicc({ state: createEuiccState() });
  const stream = new CardStream(card);
  const connection = await new SoftReader("bench", card).connect({ timeoutMs: 1000 });
  const apdus: ApduChannel = new ApduChannel({
    connection,
    link: "bench",
    clock: systemClock,
    onAnswer: (response, apdu) => terminal.answered(response, apdu),
  });
  const terminal: Terminal = new Terminal({
    card: apdus,
    clock: systemClock,
    settings: { jobPollMs: 5 },
    channels: new BipService({
      connector: nodeSockets,
      clock: systemClock,
      rules: () => defaultRules({ host: "127.0.0.1", port }),
      link: "bench",
    }),
  });
  await terminal.activate();
  const job = terminal.openJob();
  await stream.open(443);
  const client = connect({
    socket: stream,
    ciphers: "PSK-AES128-CBC-SHA256",
    maxVersion: "TLSv1.2",
    pskCallback: () => ({ psk, identity: "card" }),
    checkServerIdentity: () => undefined,
  });
  await once(client, "secureConnect");
  const said = "admin agent ".repeat(200);
  client.write(said);
  let heard = "";
  for await (const chunk of client) {
    heard += String(chunk);
    if (heard.length >= said.length) break;
  }
  expect(heard).toBe(said.toUpperCase());
  client.destroy();
  job[Symbol.dispose]();
  await terminal[Symbol.asyncDispose]();
  server.close();
});
