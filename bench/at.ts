import { spawn } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ReadStream } from "node:tty";
import { fileURLToPath } from "node:url";
import { SerialPort } from "serialport";
import { driver } from "../drivers/serial-tty/driver.ts";
import { openPty } from "../simulators/pty.ts";
import { systemClock } from "../src/base/clock.ts";
import { Secret } from "../src/base/secret.ts";
import { csim } from "../src/codec/at/card-commands.ts";
import { attention, plain } from "../src/codec/at/general-commands.ts";
import { sealWith } from "../src/crypto/seal.ts";
import { Gateway } from "../src/gateway/gateway.ts";
import { silentLog } from "../src/link/driver.ts";
import { AtEngine } from "../src/link/modem/at/at-engine.ts";
import { ModemSmsBearer } from "../src/link/modem/messages/sms-bearer.ts";
import { ModemLink } from "../src/link/modem/modem-link.ts";
import { loadProfiles } from "../src/link/modem/profile/profile-files.ts";
import { SqliteStore } from "../src/store/sqlite-store.ts";

/**
 * AT round trips per second of the engine, of bare serialport writes and reads, and of a raw descriptor, on the same
 * pseudo-terminal and in turns; the time from +CMT to its handler and to the database; the CPU time of 32 idle modems.
 */
const rounds = Number(process.env.ROUNDS ?? 1_000);
/** Until the compiler has settled; a daemon runs for weeks. */
const warmUp = Number(process.env.WARM_UP ?? 4_000);
const turns = Number(process.env.TURNS ?? 9);
const idleModems = 32;
const idleMs = Number(process.env.IDLE_MS ?? 20_000);
const apdu = Uint8Array.of(0x00, 0xb0, 0x00, 0x00, 0x00);
const longLine = 'AT+CSIM=10,"00B0000000"\r';

interface Way {
  short(): Promise<unknown>;
  long(): Promise<unknown>;
  close(): Promise<void>;
}

const profiles = loadProfiles();
const deps = { clock: systemClock, random: Math.random, log: silentLog };

async function engineWay(path: string): Promise<Way> {
  const port = await driver.openPort?.(`tty:${path}`, driver.options.parse({}), deps);
  if (port === undefined) throw new Error("no port");
  const engine = new AtEngine({ port, link: "bench", profile: profiles.get("generic-3gpp") });
  return {
    short: () => engine.run(attention, undefined),
    long: () => engine.run(csim, apdu),
    close: () => engine[Symbol.asyncDispose](),
  };
}

async function bareWay(path: string): Promise<Way> {
  const port = new SerialPort({ path, baudRate: 115_200, hupcl: false, autoOpen: false });
  await new Promise<void>((resolve, reject) => port.open((error) => (error === null ? resolve() : reject(error))));
  let text = "";
  let done = () => {};
  port.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    if (text.endsWith("OK\r\n")) done();
  });
  const ask = (line: string) =>
    new Promise<void>((resolve) => {
      text = "";
      done = resolve;
      port.write(line);
    });
  return {
    short: () => ask("AT\r"),
    long: () => ask(longLine),
    close: () => new Promise((resolve) => port.close(() => resolve())),
  };
}

async function rawWay(path: string): Promise<Way> {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  const stream = new ReadStream(openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK));
  let text = "";
  let done = () => {};
  stream.on("data", (chunk) => {
    text += chunk.toString("latin1");
    if (text.endsWith("OK\r\n")) done();
  });
  const ask = (line: string) =>
    new Promise<void>((resolve) => {
      text = "";
      done = resolve;
      writeSync(fd, line);
    });
  return {
    short: () => ask("AT\r"),
    long: () => ask(longLine),
    close: async () => {
      stream.destroy();
      closeSync(fd);
    },
  };
}

/** Round trips per second, and microseconds of this process's CPU time for each. */
async function rate(work: () => Promise<unknown>, count: number): Promise<{ perSecond: number; cpuUs: number }> {
  const before = process.cpuUsage();
  const started = performance.now();
  for (let i = 0; i < count; i++) await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { perSecond: count / seconds, cpuUs: (user + system) / count };
}

/** Progress for the user; results go to standard output. */
function progress(text: string): void {
  console.error(`${(performance.now() / 1000).toFixed(0).padStart(4)} s  ${text}`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

async function roundTrips(path: string): Promise<void> {
  const ways = { "bare serialport": bareWay, engine: engineWay, "raw descriptor": rawWay };
  const names = Object.keys(ways);
  const kinds = ["short", "long"] as const;
  const seen = new Map<string, { perSecond: number; cpuUs: number }[]>();
  for (const [name, open] of Object.entries(ways)) {
    progress(`warming up: ${name}`);
    const way = await open(path);
    for (const kind of kinds) await rate(way[kind], warmUp);
    await way.close();
  }
  for (let turn = 0; turn < turns; turn++) {
    progress(`round ${turn + 1} of ${turns}`);
    const order = turn % 2 === 0 ? Object.entries(ways) : Object.entries(ways).reverse();
    for (const [name, open] of order) {
      const way = await open(path);
      await rate(way.short, 200);
      for (const kind of kinds) {
        const key = `${name} ${kind}`;
        const measured = await rate(way[kind], kind === "short" ? rounds : rounds / 2);
        seen.set(key, [...(seen.get(key) ?? []), measured]);
      }
      await way.close();
    }
  }
  for (const kind of kinds) {
    console.log(kind === "short" ? "AT, OK" : "+CSIM with 258 octets of answer");
    const base = (seen.get(`bare serialport ${kind}`) ?? []).map(({ perSecond }) => perSecond);
    for (const name of names) {
      const all = seen.get(`${name} ${kind}`) ?? [];
      const ratio = median(all.map(({ perSecond }, turn) => perSecond / (base[turn] ?? perSecond)));
      const perSecond = median(all.map((one) => one.perSecond)).toFixed(0);
      const cpu = median(all.map((one) => one.cpuUs)).toFixed(0);
      console.log(
        `  ${name.padEnd(16)} ${perSecond.padStart(6)}/s  ratio ${ratio.toFixed(2)}  CPU ${cpu.padStart(4)} us each`,
      );
    }
  }
}

async function inboundLatency(path: string): Promise<void> {
  const port = await driver.openPort?.(`tty:${path}`, driver.options.parse({}), deps);
  if (port === undefined) throw new Error("no port");
  await using engine = new AtEngine({ port, link: "bench", profile: profiles.get("generic-3gpp") });
  const times: number[] = [];
  let sent = 0n;
  let told = () => {};
  engine.onUrc((urc) => {
    if (urc.text.startsWith("^SENT")) sent = BigInt(urc.text.slice(7));
    if (urc.event !== "sms-direct") return;
    times.push(Number(process.hrtime.bigint() - sent) / 1000);
    told();
  });
  for (let i = 0; i < 300; i++) {
    const arrived = new Promise<void>((resolve) => (told = resolve));
    await engine.run(plain, "AT+CMGF=0");
    await arrived;
  }
  const sorted = times.sort((a, b) => a - b);
  console.log(`+CMT to handler  p50 ${sorted[150]?.toFixed(0)} us, p99 ${sorted[296]?.toFixed(0)} us`);
}

/** From the first octet of +CMT on the wire to the message in the database, synced, as the gateway acknowledges it. */
async function durableLatency(path: string, folder: string): Promise<void> {
  await using store = await SqliteStore.open(folder, sealWith(new Secret(Buffer.alloc(32, 7))));
  const sms = {
    originator: "15550000001",
    serviceCentre: "15551000000",
    answerTimeoutMs: 1000,
    envelopeAnswerTimeoutMs: 1000,
    retransmissions: 0,
  };
  const gateway = new Gateway({ store, ...deps, sms, notifications: "local" });
  const port = await driver.openPort?.(`tty:${path}`, driver.options.parse({}), deps);
  if (port === undefined) throw new Error("no port");
  await using engine = new AtEngine({ port, link: "bench", profile: profiles.get("generic-3gpp") });
  await using bearer = new ModemSmsBearer({ id: "bench", ...deps });
  const times: number[] = [];
  let sent = 0n;
  let told = () => {};
  engine.onUrc((urc) => {
    if (urc.text.startsWith("^SENT")) sent = BigInt(urc.text.slice(7));
  });
  gateway.attach({
    id: "bench",
    kind: "modem",
    state: { up: true },
    describe: () => ({}),
    bearer: {
      id: "bench",
      kind: "modem",
      state: { up: true },
      submit: () => Promise.reject(new Error("nothing is sent here")),
      onInbound: (handler) =>
        bearer.onInbound(async (item) => {
          await handler(item);
          times.push(Number(process.hrtime.bigint() - sent) / 1000);
          told();
        }),
      [Symbol.asyncDispose]: async () => {},
    },
  });
  await bearer.attach(engine);
  for (let i = 0; i < 400; i++) {
    const stored = new Promise<void>((resolve) => (told = resolve));
    await engine.run(plain, "AT+CMGF=0");
    await stored;
  }
  const sorted = times.slice(100).sort((a, b) => a - b);
  console.log(`+CMT to durable record  p50 ${sorted[150]?.toFixed(0)} us, p99 ${sorted[296]?.toFixed(0)} us`);
  await gateway.stop();
}

/** 32 modems on pseudo-terminals, ready and left alone; their other ends live in this process too. */
async function idleCpu(): Promise<void> {
  const opened: AsyncDisposable[] = [];
  const links: ModemLink[] = [];
  for (let i = 0; i < idleModems; i++) {
    const pty = await openPty();
    pty.onData((chunk) => {
      const lines = Buffer.from(chunk).toString("latin1").split("\r").length - 1;
      pty.write(Buffer.from("\r\nOK\r\n".repeat(lines)));
    });
    const openPort = async () => {
      const port = await driver.openPort?.(`tty:${pty.path}`, driver.options.parse({}), deps);
      if (port === undefined) throw new Error("no port");
      return port;
    };
    const settings = { cardPatienceMs: 0 };
    const link = new ModemLink({ id: `modem-${i}`, openPort, profiles, ...deps, settings });
    opened.push(link, pty);
    link.start();
    links.push(link);
  }
  while (links.some(({ state }) => state.phase.at !== "ready")) await systemClock.sleep(100);
  await systemClock.sleep(2_000);
  const before = process.cpuUsage();
  const started = performance.now();
  await systemClock.sleep(idleMs);
  const { user, system } = process.cpuUsage(before);
  const percent = ((user + system) / 1000 / (performance.now() - started)) * 100;
  console.log(
    `${idleModems} idle modems  ${percent.toFixed(2)} % of a core, ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`,
  );
  for (const one of opened) await one[Symbol.asyncDispose]();
}

// Built or from the sources: what is measured as the daemon runs it is `node dist/bench/at.js`.
const built = import.meta.filename.endsWith(".js");
const peerFile = fileURLToPath(new URL(built ? "at-peer.js" : "at-peer.ts", import.meta.url));
const peer = spawn(process.execPath, [...(built ? [] : ["--import", "tsx"]), peerFile], {
  stdio: ["ignore", "pipe", "inherit"],
});
const path = await new Promise<string>((resolve) => createInterface(peer.stdout).once("line", resolve));
try {
  await roundTrips(path);
  progress("+CMT to its handler");
  await inboundLatency(path);
  progress("+CMT to a durable record");
  const folder = mkdtempSync(join(tmpdir(), "otagate-bench-"));
  await durableLatency(path, folder);
  rmSync(folder, { recursive: true, force: true });
} finally {
  peer.kill();
}
progress(`${idleModems} idle modems for ${idleMs / 1000} s`);
await idleCpu();
