/**
 * Administration sessions: what a handshake costs against `openssl s_server` under the same client, what a session of
 * four POSTs and three scripts costs against a bare handshake, memory of idle sessions, latency under 1,000 sessions at
 * a time, and what is left for cards while others only pretend to be some. CPU is the server's own, from /proc.
 *
 *   node dist/bench/scp81.js [handshakes] [sessions] [idle]      after `npm run build`, as a user's daemon runs
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { AgentLink } from "../simulators/scp81/agent-link.ts";
import { allGood, type FleetCard, fleetCards, runFleet, tcp } from "../simulators/scp81/fleet.ts";
import { systemClock } from "../src/base/clock.ts";
import { toHex } from "../src/base/hex.ts";

const holding = process.argv[2] === "hold";
const [handshakes = 4000, sessions = 3000, idle = 10_000] = holding ? [] : process.argv.slice(2).map(Number);
const built = import.meta.filename.endsWith(".js");
const loader = built ? [] : ["--import", "tsx"];
const ciphers = "PSK-AES128-CBC-SHA256";
const parallel = 8;

interface Server {
  readonly port: number;
  readonly child: ChildProcess;
  readonly lines?: Interface;
}

function line(lines: Interface): Promise<string> {
  return new Promise((resolve) => lines.once("line", resolve));
}

async function ours(store: string, keys: string, cards: number): Promise<Server> {
  const program = fileURLToPath(new URL(built ? "scp81-server.js" : "scp81-server.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    [
      "--expose-gc",
      ...(process.env.PROF ? ["--cpu-prof", "--cpu-prof-dir=/tmp/prof9"] : []),
      ...loader,
      program,
      store,
      keys,
      String(cards),
    ],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const lines = createInterface({ input: child.stdout });
  return { child, lines, port: Number(await line(lines)) };
}

/** s_server as it comes, or with the flags that spare it the most work: no tickets, no output, nothing to read. */
async function openssl(card: FleetCard, spared: boolean): Promise<Server | undefined> {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const child = spawn(
    "openssl",
    [
      ...["s_server", "-accept", String(port), "-nocert", "-psk", toHex(card.psk), "-psk_identity", card.identity],
      ...["-cipher", ciphers, "-tls1_2", ...(spared ? ["-no_ticket", "-quiet"] : [])],
    ],
    // Without an input it ends at once, unless it is quiet.
    { stdio: [spared ? "ignore" : "pipe", "ignore", "ignore"] },
  );
  const failed = new Promise<true>((resolve) => child.once("error", () => resolve(true)));
  if ((await Promise.race([failed, systemClock.sleep(500)])) === true) return undefined;
  return { child, port };
}

/** CPU seconds that a process has used. */
function cpu({ child }: Server): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

interface Cost {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

async function measured(server: Server, count: number, work: () => Promise<void>): Promise<Cost> {
  const before = cpu(server);
  const started = performance.now();
  let left = count;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (left-- > 0) await work();
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  return { perSecond: count / seconds, cpuMicros: ((cpu(server) - before) / count) * 1e6 };
}

async function bareHandshake(port: number, card: FleetCard): Promise<void> {
  const link = await AgentLink.open(await tcp("127.0.0.1", port), { identity: card.identity, psk: card.psk, ciphers });
  await link.close();
}

function show(what: string, value: string): void {
  process.stdout.write(`${what.padEnd(62)} ${value}\n`);
}

function showCost(what: string, { perSecond, cpuMicros }: Cost): void {
  show(what, `${perSecond.toFixed(0).padStart(6)}/s  ${cpuMicros.toFixed(0).padStart(5)} µs CPU each`);
}

const cards = fleetCards(idle);
const [first] = cards;
if (first === undefined) throw new Error("no cards");

async function handshakeCosts(): Promise<Cost> {
  // Until the compiler has settled; a daemon runs for weeks.
  const warm = handshakes;
  const references: [string, Cost][] = [];
  for (const spared of [false, true]) {
    const peer = await openssl(first as FleetCard, spared);
    if (peer === undefined) continue;
    const work = () => bareHandshake(peer.port, first as FleetCard);
    await measured(peer, warm, work);
    const cost = await measured(peer, handshakes, work);
    peer.child.kill();
    const name = spared ? "s_server -no_ticket -quiet" : "s_server as it comes";
    references.push([name, cost]);
    showCost(`handshake, openssl ${name}`, cost);
  }
  const costs: Cost[] = [];
  for (const keys of ["bare", "resident", "traced", "remote"]) {
    const bare = keys === "bare";
    const server = await ours(bare ? "bare" : "idle", keys, idle);
    // Another card each time: a card's next session ends the one before.
    let turn = 0;
    const next = () => bareHandshake(server.port, cards[turn++ % cards.length] as FleetCard);
    await measured(server, warm, next);
    const cost = await measured(server, handshakes, next);
    server.child.kill();
    if (!bare) costs.push(cost);
    showCost(bare ? "handshake, node:tls and nothing else" : `handshake, ours, keys ${keys}`, cost);
    for (const [name, { cpuMicros }] of references)
      show(
        `  its CPU against ${name}${keys === "resident" ? " (target 1.15)" : ""}`,
        (cost.cpuMicros / cpuMicros).toFixed(2),
      );
  }
  return costs[0] as Cost;
}

const places: Record<string, string> = {
  memory: "in memory",
  journal: "every step in a journal",
  daemon: "every step a job's in SQLite",
};

async function sessionCosts(handshake: Cost): Promise<void> {
  const targets: Record<string, number> = { memory: 0.5, journal: 0.35, daemon: 0.5 };
  for (const [store, target] of Object.entries(targets)) {
    if (process.env.SCP81_STORES?.split(",").includes(store) === false) continue;
    const server = await ours(store, "resident", idle);
    const run = async (count: number, width: number) => {
      server.child.stdin?.write(`fill ${count}\n`);
      if (server.lines) await line(server.lines);
      const before = cpu(server);
      const report = await runFleet(
        {
          host: "127.0.0.1",
          port: server.port,
          cards: cards.slice(0, count),
          parallel: width,
          sessionsPerCard: 1,
          uri: "/gsma/adminagent",
          retry: { attempts: 0, delayMs: 0 },
          inactivityMs: 10_000,
          ciphers,
          deviations: { framing: "length" },
          execute: async (_, script) => allGood(script),
        },
        { clock: systemClock, random: Math.random },
      );
      if (report.ends.complete !== count || report.posts !== count * 4) throw new Error(JSON.stringify(report));
      return { perSecond: count / report.seconds, cpuMicros: ((cpu(server) - before) / count) * 1e6 };
    };
    await run(Math.ceil(sessions / 5), 16);
    for (const width of [16, 64]) {
      const cost = await run(sessions, width);
      showCost(`session of 4 POSTs, ${places[store]}, ${width} at a time`, cost);
      show(`  handshakes' CPU in a session's (target ${target})`, (handshake.cpuMicros / cost.cpuMicros).toFixed(2));
      show(`  sessions per bare handshake (target ${target})`, (cost.perSecond / handshake.perSecond).toFixed(2));
    }
    server.child.kill();
  }
}

async function stats(server: Server): Promise<{ rss: number; open: number; evicted: number }> {
  server.child.stdin?.write("stats\n");
  return JSON.parse(server.lines ? await line(server.lines) : "{}");
}

async function idleMemory(): Promise<void> {
  const server = await ours("idle", "resident", idle);
  for (let i = 0; i < 200; i++) await bareHandshake(server.port, cards[i] as FleetCard);
  await systemClock.sleep(500);
  const before = await stats(server);
  // The other ends live in processes of their own: a descriptor each, and their memory is not the question.
  const holders = await Promise.all([0, 1, 2, 3].map((n) => holder(server.port, n, Math.ceil(idle / 4))));
  const after = await stats(server);
  show(
    `memory of ${after.open} idle sessions (target 64 KiB each)`,
    `${((after.rss - before.rss) / 1024 / after.open).toFixed(1)} KiB each`,
  );
  for (const child of holders) child.kill();
  server.child.kill();
}

/** A process that opens sessions and holds them. */
async function holder(port: number, part: number, count: number): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [...loader, fileURLToPath(import.meta.url), "hold", String(port), String(part), String(count)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await line(createInterface({ input: child.stdout }));
  return child;
}

async function hold(port: number, part: number, count: number): Promise<void> {
  const all = fleetCards(count, "fleet", part * count);
  let next = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let card = all[next++]; card !== undefined; card = all[next++]) {
        await AgentLink.open(await tcp("127.0.0.1", port), { identity: card.identity, psk: card.psk, ciphers });
      }
    }),
  );
  process.stdout.write("held\n");
}

/** Sessions whose cards think, so that as many are open at a time as there are workers. */
async function crowd(server: Server, width: number, thinkMs: number) {
  const waits: number[] = [];
  const report = await runFleet(
    {
      host: "127.0.0.1",
      port: server.port,
      cards: cards.slice(0, width),
      parallel: width,
      sessionsPerCard: 2,
      rampMs: 2 * thinkMs,
      uri: "/gsma/adminagent",
      retry: { attempts: 2, delayMs: 100 },
      inactivityMs: 30_000,
      ciphers,
      onAnswer: (ms) => waits.push(ms),
      execute: async (_, script) => {
        await systemClock.sleep(Math.random() * 2 * thinkMs);
        return allGood(script);
      },
    },
    { clock: systemClock, random: Math.random },
  );
  waits.sort((a, b) => a - b);
  const at = (share: number) => (waits[Math.floor(waits.length * share)] ?? 0).toFixed(1);
  return { report, text: `p50 ${at(0.5)}  p99 ${at(0.99)}  p99.9 ${at(0.999)} ms over ${waits.length} POSTs` };
}

async function latency(): Promise<void> {
  const server = await ours("journal", "resident", idle);
  await crowd(server, 200, 100);
  show("POST to answer, 1,000 sessions at a time, on disk", (await crowd(server, 1000, 2000)).text);
  const loris = Array.from({ length: 2000 }, (_, i) => pretender(server.port, i));
  await systemClock.sleep(500);
  const { text, report } = await crowd(server, 200, 500);
  show("POST to answer while 2,000 pretenders come and stay", text);
  show("  sessions that did not complete", String(report.sessions - report.ends.complete));
  for (const stop of loris) stop();
  server.child.kill();
}

/** Half a handshake, or none, opened again whenever it is cut. */
function pretender(port: number, i: number): () => void {
  let socket: Socket;
  let stopped = false;
  const open = () => {
    if (stopped) return;
    socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => {});
    socket.on("close", () => setTimeout(open, 200 + Math.random() * 800));
    if (i % 2) socket.write(Buffer.from("16030100380100003403030011", "hex"));
  };
  open();
  return () => {
    stopped = true;
    socket.destroy();
  };
}

const parts = process.env.SCP81_BENCH?.split(",") ?? ["sessions", "latency", "memory"];
if (holding) {
  const [port = 0, part = 0, count = 0] = process.argv.slice(3).map(Number);
  await hold(port, part, count);
} else {
  const handshake = await handshakeCosts();
  if (parts.includes("sessions")) await sessionCosts(handshake);
  if (parts.includes("latency")) await latency();
  if (parts.includes("memory")) await idleMemory();
  process.exit(0);
}
