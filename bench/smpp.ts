/**
 * submit_sm per second of our ESME (the whole bearer) and of the bare npm `smpp` client at windows 1, 10 and 100, and
 * encoded and decoded PDUs per second of both codecs. Both clients talk to the same peer, in turns, in one run; the
 * peers are the bare npm `smpp` server and our SMSC face with nothing behind it. Then the whole gateway against the bare
 * npm server, and the time from submit_sm to ENVELOPE. Medians; the baseline is npm `smpp`.
 *
 *   npx tsx bench/smpp.ts [messages per measurement] [turns] [codec|gateway|link]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { SmppAccount } from "../drivers/smpp/account.ts";
import { driver } from "../drivers/smpp/driver.ts";
import type { SmppPackage } from "../simulators/smsc/smpp-package.ts";
import { systemClock } from "../src/base/clock.ts";
import { Writer } from "../src/codec/kit/codec.ts";
import { decodePdu, encodePdu, writePdu } from "../src/codec/smpp/pdu.ts";
import { silentLog } from "../src/link/driver.ts";
import { cardThatTells, measuredGateway } from "./smpp-gateway.ts";

const messages = Number(process.argv[2] ?? 20_000);
const turns = Number(process.argv[3] ?? 5);
const smpp: SmppPackage = createRequire(import.meta.url)("smpp");
const userData = Uint8Array.from({ length: 140 }, (_, i) => (i === 0 ? 2 : i === 1 ? 0x70 : i === 2 ? 0 : i));
const to = "491701234567";

type Submit = (count: number, window: number) => Promise<void>;

/** Keeps `window` submits going until `count` are answered. */
async function keepGoing(count: number, window: number, one: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: window }, lane));
}

async function ours(port: number, window: number): Promise<{ submit: Submit; close: () => Promise<void> }> {
  const deps = { clock: systemClock, random: Math.random, log: silentLog };
  const account = SmppAccount.parse({ window, source: { address: "12345" } });
  const bearer = await driver.openBearer(`smpp://bench@127.0.0.1:${port}`, account, deps);
  const never = new AbortController().signal;
  let number = 0;
  const sms = {
    to,
    userData,
    userDataHeader: true,
    protocolId: 0x7f,
    dataCoding: 0xf6,
    moreToCome: false,
    receipt: true,
    validityMinutes: 60,
  };
  return {
    submit: (count, lanes) =>
      keepGoing(count, lanes, () => bearer.submit({ ...sms, reference: String(++number) }, never)),
    close: () => bearer[Symbol.asyncDispose](),
  };
}

async function theirs(
  port: number,
  toNumber = (_: number) => to,
): Promise<{ submit: Submit; close: () => Promise<void> }> {
  const session = smpp.connect({ host: "127.0.0.1", port });
  session.on("error", () => session.destroy());
  await once(session, "connect");
  session.socket.setNoDelay(true);
  const ask = (command: string, fields: Readonly<Record<string, unknown>>) =>
    new Promise((resolve) => session.send(new smpp.PDU(command, fields), resolve));
  await ask("bind_transceiver", { system_id: "bench", password: "bench", interface_version: 0x34 });
  const short_message = Buffer.from(userData);
  let number = 0;
  const fields = () => ({
    source_addr_ton: 0,
    source_addr: "12345",
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: toNumber(number++),
    esm_class: 0x40,
    protocol_id: 0x7f,
    validity_period: "000000010000000R",
    registered_delivery: 1,
    data_coding: 0xf6,
    short_message,
  });
  return {
    submit: (count, lanes) => keepGoing(count, lanes, () => ask("submit_sm", fields())),
    close: async () => void session.destroy(),
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

async function perSecond(submit: Submit, window: number): Promise<number> {
  const started = performance.now();
  await submit(messages, window);
  return (messages * 1_000) / (performance.now() - started);
}

/** The far end in a process of its own. */
async function peer(kind: "npm" | "face" | "gateway"): Promise<{ child: ChildProcess; port: number }> {
  const script = fileURLToPath(new URL("smpp-peer.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, kind], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const [line] = child.stdout === null ? [] : await once(createInterface({ input: child.stdout }), "line");
  return { child, port: Number(line) };
}

async function submits(kind: "npm" | "face"): Promise<void> {
  const { child, port } = await peer(kind);
  const name = kind === "npm" ? "bare npm smpp server" : "our SMSC face";
  for (const window of [1, 10, 100]) {
    const rates: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
    for (let turn = 0; turn <= turns; turn++) {
      for (const who of ["ours", "theirs"] as const) {
        const client = who === "ours" ? await ours(port, window) : await theirs(port);
        await client.submit(200, window);
        const rate = await perSecond(client.submit, window);
        if (turn > 0) rates[who].push(rate);
        await client.close();
      }
    }
    const [a, b] = [median(rates.ours), median(rates.theirs)];
    const text = `otagate ${a.toFixed(0)}/s, npm smpp client ${b.toFixed(0)}/s, ratio ${(a / b).toFixed(2)}`;
    console.log(`submit_sm to ${name}, window ${window}: ${text}`);
  }
  child.kill();
}

/** Runs per second, the best of five slices. */
function rateOf(work: () => void): number {
  for (let i = 0; i < 20_000; i++) work();
  let best = 0;
  for (let slice = 0; slice < 5; slice++) {
    const started = performance.now();
    for (let i = 0; i < 50_000; i++) work();
    best = Math.max(best, 50_000_000 / (performance.now() - started));
  }
  return best;
}

function codecs(): void {
  const body = {
    serviceType: "",
    source: { ton: 0, npi: 0, addr: "12345" },
    destination: { ton: 1, npi: 1, addr: to },
    esmClass: 0x40,
    protocolId: 0x7f,
    priorityFlag: 0,
    scheduleDeliveryTime: "",
    validityPeriod: "000000010000000R",
    registeredDelivery: 1,
    replaceIfPresentFlag: 0,
    dataCoding: 0xf6,
    smDefaultMsgId: 0,
    shortMessage: userData,
    tlvs: { userMessageReference: 7 },
  };
  const pdu = { command: "submit_sm", status: 0, sequence: 7, body } as const;
  const short_message = Buffer.from(userData);
  const bytes = encodePdu(pdu);
  const buffer = Buffer.from(bytes);
  const stream = new Writer(1 << 16);
  const show = (what: string, own: number, base: number) => {
    const text = `otagate ${(own / 1_000).toFixed(0)} k/s, npm smpp ${(base / 1_000).toFixed(0)} k/s`;
    console.log(`${what}: ${text}, ratio ${(own / base).toFixed(1)}`);
  };
  const encodeBase = rateOf(() => {
    new smpp.PDU("submit_sm", {
      sequence_number: 7,
      source_addr: "12345",
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      destination_addr: to,
      esm_class: 0x40,
      protocol_id: 0x7f,
      validity_period: "000000010000000R",
      registered_delivery: 1,
      data_coding: 0xf6,
      short_message,
      user_message_reference: 7,
    }).toBuffer();
  });
  const encodeAlone = rateOf(() => void encodePdu(pdu));
  const encodeStream = rateOf(() => {
    if (stream.length > 60_000) stream.truncate(0);
    writePdu(stream, pdu);
  });
  const decode = rateOf(() => void decodePdu(bytes));
  const decodeBase = rateOf(() => void new smpp.PDU(buffer as unknown as string));
  show("encode submit_sm into an array of its own", encodeAlone, encodeBase);
  show("encode submit_sm into a session's output", encodeStream, encodeBase);
  show("decode submit_sm", decode, decodeBase);
}

/**
 * The whole gateway: SMSC face, jobs in SQLite, and an account below that takes everything at once. The same npm client
 * submits to it and to the bare npm server, in turns. What a client sees answered is durable; the end is when all left.
 */
async function gateways(): Promise<void> {
  const gateway = await peer("gateway");
  const bare = await peer("npm");
  const count = Math.min(messages, 5_000);
  const taken = () =>
    new Promise<number>((resolve) => {
      gateway.child.once("message", (delivered) => resolve(Number(delivered)));
      gateway.child.send("delivered");
    });
  let sent = 0;
  for (const window of [1, 10, 100]) {
    const rates: Record<"accepted" | "through" | "bare", number[]> = { accepted: [], through: [], bare: [] };
    for (let turn = 0; turn <= turns; turn++) {
      const client = await theirs(gateway.port, (number) => `4477${String(number % 100).padStart(8, "0")}`);
      const started = performance.now();
      await client.submit(count, window);
      const accepted = (count * 1_000) / (performance.now() - started);
      sent += count;
      while ((await taken()) < sent) await new Promise((resolve) => setTimeout(resolve, 5));
      const through = (count * 1_000) / (performance.now() - started);
      await client.close();
      const other = await theirs(bare.port);
      const start = performance.now();
      await other.submit(count, window);
      const plain = (count * 1_000) / (performance.now() - start);
      await other.close();
      if (turn === 0) continue;
      rates.accepted.push(accepted);
      rates.through.push(through);
      rates.bare.push(plain);
    }
    const [accepted, through, plain] = [median(rates.accepted), median(rates.through), median(rates.bare)];
    const ratio = `ratio ${(accepted / plain).toFixed(2)}, ${(through / plain).toFixed(2)}`;
    const text = `durable ${accepted.toFixed(0)}/s, delivered ${through.toFixed(0)}/s, bare npm server ${plain.toFixed(0)}/s`;
    console.log(`submit_sm through the whole gateway, window ${window}: ${text}, ${ratio}`);
  }
  gateway.child.kill();
  bare.child.kill();
}

/** Milliseconds from a submit_sm to the ENVELOPE that reaches a card in a simulated reader, one after the other. */
async function latency(): Promise<void> {
  let heard = () => {};
  const gateway = await measuredGateway(cardThatTells(() => heard()));
  const client = await theirs(gateway.port, () => gateway.numbers[0] ?? "");
  const times: number[] = [];
  for (let number = 0; number < 520; number++) {
    const arrived = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const started = performance.now();
    await Promise.all([client.submit(1, 1), arrived]);
    if (number >= 20) times.push(performance.now() - started);
  }
  await client.close();
  await gateway[Symbol.asyncDispose]();
  const at = (share: number) => ([...times].sort((a, b) => a - b)[Math.floor(times.length * share)] ?? 0).toFixed(2);
  console.log(
    `submit_sm to ENVELOPE, simulated reader: median ${at(0.5)} ms, 95 % ${at(0.95)} ms, 99 % ${at(0.99)} ms`,
  );
}

const only = process.argv[4];
if (only === undefined || only === "codec") codecs();
if (only === undefined || only === "gateway") {
  await latency();
  await gateways();
}
if (only === undefined || only === "link") {
  await submits("npm");
  await submits("face");
}
process.exit(0);
