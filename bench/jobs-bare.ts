import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import type { SimulatedEuicc } from "../simulators/euicc/euicc.ts";
import { concatBytes, fromHex, toHex } from "../src/base/hex.ts";
import { smsPpDownload } from "../src/codec/cat/envelope.ts";
import { findTlv } from "../src/codec/cat/object.ts";
import { ProactiveCommand } from "../src/codec/cat/proactive.ts";
import { es5Commands } from "../src/codec/euicc/es5/functions.ts";
import { Reader } from "../src/codec/kit/codec.ts";
import { capduObject, expandedScript } from "../src/codec/ota/script.ts";
import { parseScriptResponse } from "../src/codec/ota/script-response.ts";
import { parseSpi } from "../src/codec/ota/spi.ts";
import { parseAddress } from "../src/codec/sms/address.ts";
import { readSegment, segmentPacket } from "../src/codec/sms/concatenation.ts";
import { timestampOf } from "../src/codec/sms/timestamp.ts";
import { parseTpdu, tpduBytes } from "../src/codec/sms/tpdu.ts";
import { wrapCommand } from "../src/crypto/command-packet.ts";
import { PacketKeys } from "../src/crypto/packet-keys.ts";
import { openResponse } from "../src/crypto/response-packet.ts";
import { responseOf, success } from "../src/link/card/answer.ts";
import { envelopeApdu, fetchApdu, terminalProfileApdu, terminalResponseApdu } from "../src/link/card/cat-apdu.ts";
import { cpuSince, type Measured } from "./jobs-gateway.ts";

/** Three rows a job with group commit and one flush a commit: what no durable gateway can leave out. */
class BareStore {
  readonly #folder = mkdtempSync(join(tmpdir(), "otagate-bare-"));
  readonly #database: Sqlite.Database;
  readonly #queue: { readonly run: () => void; readonly done: () => void }[] = [];
  readonly insertJob: Sqlite.Statement;
  readonly insertPacket: Sqlite.Statement;
  readonly endJob: Sqlite.Statement;
  #draining = false;

  constructor() {
    this.#database = new Sqlite(join(this.#folder, "bare.db"));
    this.#database.pragma("journal_mode = WAL");
    this.#database.pragma("synchronous = OFF");
    this.#database.exec(
      "CREATE TABLE job (id TEXT PRIMARY KEY, target TEXT, state TEXT, work TEXT, result TEXT);" +
        "CREATE TABLE packet (id TEXT PRIMARY KEY, job TEXT, cntr INTEGER, user_data TEXT)",
    );
    this.insertJob = this.#database.prepare("INSERT INTO job VALUES (?, ?, 'queued', ?, NULL)");
    this.insertPacket = this.#database.prepare("INSERT INTO packet VALUES (?, ?, ?, ?)");
    this.endJob = this.#database.prepare("UPDATE job SET state = 'done', result = ? WHERE id = ?");
  }

  /** Resolves when it is on the disk. */
  write(run: () => void): Promise<void> {
    return new Promise((done, failed) => {
      this.#queue.push({ run, done });
      if (!this.#draining) this.#drain().catch(failed);
    });
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    await new Promise<void>((resolve) => setImmediate(resolve));
    await using log = await open(join(this.#folder, "bare.db-wal"), "r+");
    while (this.#queue.length > 0) {
      const units = this.#queue.splice(0, 512);
      this.#database.exec("BEGIN IMMEDIATE");
      for (const { run } of units) run();
      this.#database.exec("COMMIT");
      await log.datasync();
      for (const { done } of units) done();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#draining = false;
  }

  close(): void {
    this.#database.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const spi = parseSpi(fromHex("1639"));
const tar = fromHex("000001");
const header = { spi, kic: 0x12, kid: 0x12, tar, ccLength: 8 };

/** A card with its keys and the terminal's side of its commands, and nothing else. */
class BareCard {
  readonly #card: SimulatedEuicc;
  readonly #keys: PacketKeys;
  readonly #kvn: number;
  #counter: number;

  constructor(card: SimulatedEuicc, keys: { kvn: number; kic: Uint8Array; kid: Uint8Array; cntr: number }) {
    this.#card = card;
    this.#keys = new PacketKeys({ kic: keys.kic, kid: keys.kid, implicit: "AES" });
    this.#kvn = keys.kvn;
    this.#counter = keys.cntr;
  }

  async start(): Promise<void> {
    await this.#card.powerOn();
    let { sw } = await this.#transmit(terminalProfileApdu(fromHex("FFFFFFFF7F1100DFFF00001FE28A0D020900")));
    while (sw >> 8 === 0x91) sw = (await this.#serve(sw & 0xff)).sw;
  }

  async stop(): Promise<void> {
    await this.#card.powerOff();
  }

  async run(store: BareStore, id: string): Promise<void> {
    const cntr = ++this.#counter;
    const data = expandedScript(es5Commands({ name: "auditResources" }).map(capduObject), "expanded-definite");
    const octet = (this.#kvn << 4) | 2;
    const { packet } = wrapCommand({ ...header, kic: octet, kid: octet, cntr, data }, this.#keys);
    const parts = segmentPacket(packet, "command", { reference: cntr % 256, referenceBits: 8 });
    const text = JSON.stringify(parts.map(toHex));
    await store.write(() => void store.insertPacket.run(`p${id}`, id, cntr, text));
    let sw = 0;
    for (const part of parts) sw = (await this.#transmit(envelopeApdu(smsPpDownload(deliver(part)), true))).sw;
    let commands = 0;
    while (sw >> 8 === 0x91) {
      const { sms, answer } = await this.#fetch(sw & 0xff);
      if (sms !== undefined) {
        const segment = readSegment(parseTpdu(sms, "SMS-SUBMIT").userData.octets);
        const pending = { ...header, kic: octet, kid: octet, cntr };
        const opened = openResponse(segment.body, pending, this.#keys, { udh: segment.header, lenient: true });
        const response = parseScriptResponse(opened.data);
        commands++;
        const result = JSON.stringify({ status: opened.status, data: toHex(opened.data), format: response.format });
        await store.write(() => void store.endJob.run(result, id));
      }
      sw = (await this.#transmit(answer)).sw;
    }
    if (commands !== 1) throw new Error(`the card gave ${commands} answers`);
  }

  async #fetch(length: number): Promise<{ readonly sms: Uint8Array | undefined; readonly answer: Uint8Array }> {
    const { data } = await this.#transmit(fetchApdu(length));
    const command = ProactiveCommand.read(new Reader(data));
    const sms = command.name === "sendShortMessage" ? findTlv(command.objects, "smsTpdu")?.value : undefined;
    return { sms, answer: terminalResponseApdu(responseOf(command.details, success)) };
  }

  async #serve(length: number): Promise<{ readonly sw: number }> {
    return this.#transmit((await this.#fetch(length)).answer);
  }

  async #transmit(apdu: Uint8Array): Promise<{ readonly data: Uint8Array; readonly sw: number }> {
    const out = await this.#card.transmit(apdu);
    const sw = ((out.at(-2) ?? 0) << 8) | (out.at(-1) ?? 0);
    const data = out.subarray(0, -2);
    if (sw >> 8 !== 0x61) return { data, sw };
    const more = await this.#transmit(Uint8Array.of(0x00, 0xc0, 0x00, 0x00, sw & 0xff));
    return { data: concatBytes(data, more.data), sw: more.sw };
  }
}

function deliver(userData: Uint8Array): Uint8Array {
  return tpduBytes({
    type: "SMS-DELIVER",
    noMoreMessages: true,
    loopPrevention: false,
    statusReport: false,
    userDataHeader: true,
    replyPath: false,
    originator: parseAddress("+10000000000"),
    pid: 0x7f,
    dcs: 0xf6,
    scts: timestampOf(Date.now()),
    userData: { octets: userData },
  });
}

/** ISD-R keys of a simulated card, as an EIS lists them. */
function isdRKeys(card: SimulatedEuicc) {
  const set = card.state.isdR.keySets.find(({ type }) => type === "SCP80");
  const value = (id: number) => fromHex(set?.keys.find((key) => key.id === id)?.value ?? "");
  if (set === undefined) throw new Error("the card has no SCP80 keys");
  return { kvn: set.kvn, kic: value(1), kid: value(2), cntr: Number.parseInt(set.cntr ?? "0", 16) };
}

/** The same jobs without a gateway: the same crypto, the same APDUs, three rows durable by group commit. */
export async function bareLoop(softCards: readonly SimulatedEuicc[], jobs: number): Promise<Measured> {
  const store = new BareStore();
  const cards = softCards.map((card) => new BareCard(card, isdRKeys(card)));
  for (const card of cards) await card.start();
  const work = JSON.stringify({
    kind: "script",
    tar: "000001",
    apdus: es5Commands({ name: "auditResources" }).map(toHex),
  });
  const cpu = process.cpuUsage();
  const start = performance.now();
  const accepted = Array.from({ length: jobs }, (_, n) =>
    store.write(() => void store.insertJob.run(`j${n}`, "t", work)),
  );
  await Promise.all(
    cards.map(async (card, index) => {
      for (let n = index; n < jobs; n += cards.length) {
        await accepted[n];
        await card.run(store, `j${n}`);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const cpuMs = cpuSince(cpu) / jobs;
  const alone: number[] = [];
  for (let n = 0; n < 40; n++) {
    const from = performance.now();
    await store.write(() => void store.insertJob.run(`a${n}`, "t", work));
    await cards[n % cards.length]?.run(store, `a${n}`);
    alone.push(performance.now() - from);
  }
  for (const card of cards) await card.stop();
  store.close();
  return { perSecond: jobs / seconds, cpuMs, medianMs: alone.sort((a, b) => a - b)[20] ?? 0 };
}

/** Median of two flushes of a small write, one after the other: what one job alone has to wait for. */
export async function twoFlushes(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "otagate-flush-"));
  await using file = await open(join(folder, "log"), "w+");
  const octets = Buffer.alloc(4096, 1);
  const times: number[] = [];
  for (let n = 0; n < 40; n++) {
    const from = performance.now();
    for (let i = 0; i < 2; i++) {
      await file.write(octets, 0, octets.length, (2 * n + i) * octets.length);
      await file.datasync();
    }
    times.push(performance.now() - from);
  }
  rmSync(folder, { recursive: true, force: true });
  return times.sort((a, b) => a - b)[20] ?? 0;
}
