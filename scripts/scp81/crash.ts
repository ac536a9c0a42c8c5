/**
 * Kills a server of administration sessions at random moments while a fleet of simulated cards works off its scripts,
 * and checks that every script is reported exactly once, as what its card really did.
 *
 *   npx tsx scripts/scp81/crash.ts [kills] [cards] [scripts per card] [seed]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { agentOf, allGood, type FleetCard, type FleetOptions, fleetCards } from "../../simulators/scp81/fleet.ts";
import { systemClock } from "../../src/base/clock.ts";
import { fromHex, toHex } from "../../src/base/hex.ts";
import type { AdminScript } from "../../src/link/scp81/admin-store.ts";
import { JournalAdminStore } from "./journal-store.ts";

/** What a run of the crash test found. */
export interface CrashReport {
  readonly kills: number;
  readonly scripts: number;
  readonly states: Readonly<Record<string, number>>;
  /** Scripts without a verdict, with two, or with one that is not what the card did. */
  readonly wrong: readonly string[];
}

export interface CrashOptions {
  readonly kills: number;
  readonly cards: number;
  readonly scriptsPerCard: number;
  readonly seed: number;
}

const serverProgram = fileURLToPath(new URL("./crash-server.ts", import.meta.url));

/** Runs the crash test. */
export async function crash(options: CrashOptions): Promise<CrashReport> {
  const folder = mkdtempSync(join(tmpdir(), "scp81-crash-"));
  try {
    return await crashIn(join(folder, "journal"), options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function crashIn(
  journal: string,
  { kills, cards: count, scriptsPerCard, seed }: CrashOptions,
): Promise<CrashReport> {
  const random = generator(seed);
  const cards = fleetCards(count);
  const scripts = await fill(journal, cards, scriptsPerCard);
  let server = await start(journal, 0, count);
  const port = server.port;
  const executed = new Map<string, number>();
  let over = false;
  const options: FleetOptions = {
    host: "127.0.0.1",
    port,
    cards,
    parallel: count,
    sessionsPerCard: 1,
    uri: "/gsma/adminagent",
    retry: { attempts: 100_000, delayMs: 20 },
    inactivityMs: 2000,
    dropShare: 0.02,
    execute: async (_, script) => {
      await systemClock.sleep(random() * 20);
      const body = toHex(script.body);
      executed.set(body, (executed.get(body) ?? 0) + 1);
      return allGood(script);
    },
  };
  const fleet = Promise.all(cards.map((card) => untilDone(card, options, random, () => over)));
  let killed = 0;
  while (killed < kills) {
    await systemClock.sleep(20 + random() * 150);
    server.child.kill("SIGKILL");
    await server.gone;
    killed++;
    server = await start(journal, port, count);
  }
  over = true;
  await fleet;
  server.child.kill("SIGKILL");
  await server.gone;
  return { kills: killed, ...evaluate(journal, scripts, executed) };
}

/** Sessions until the kills are over, and then one more that finds the queue empty. */
async function untilDone(
  card: FleetCard,
  options: FleetOptions,
  random: () => number,
  over: () => boolean,
): Promise<void> {
  for (;;) {
    const last = over();
    const report = await agentOf(card, options, { clock: systemClock, random }).run();
    if (report.end !== "complete") throw new Error(`session of ${card.eid}: ${report.end} ${report.why ?? ""}`);
    if (last) return;
    await systemClock.sleep(10 + random() * 50);
  }
}

async function fill(
  journal: string,
  cards: readonly FleetCard[],
  scriptsPerCard: number,
): Promise<Map<string, string>> {
  const store = new JournalAdminStore(journal, { sync: false });
  const bodies = new Map<string, string>();
  for (const [c, { eid }] of cards.entries()) {
    const scripts = Array.from({ length: scriptsPerCard }, (_, n): AdminScript => {
      const number = (c * scriptsPerCard + n).toString(16).padStart(8, "0");
      return { id: `s${number}`, kind: "gp", body: fromHex(`AE80220980CA005A04${number}0000`) };
    });
    for (const { id, body } of scripts) bodies.set(id, toHex(body));
    await store.enqueue(eid, ...scripts);
  }
  store.close();
  return bodies;
}

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
  readonly gone: Promise<void>;
}

async function start(journal: string, port: number, cards: number): Promise<Started> {
  const child = spawn(process.execPath, ["--import", "tsx", serverProgram, journal, String(port), String(cards)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", () => reject(new Error("the server ended")));
  });
  return { child, port: Number(line), gone };
}

function evaluate(
  journal: string,
  scripts: ReadonlyMap<string, string>,
  executed: ReadonlyMap<string, number>,
): Pick<CrashReport, "scripts" | "states" | "wrong"> {
  const { memory } = new JournalAdminStore(journal, { sync: false });
  const told = new Map<string, number>();
  for (const [, id = ""] of readFileSync(journal, "utf8").matchAll(/"settled":\[\{"script":"([^"]+)"/g)) {
    told.set(id, (told.get(id) ?? 0) + 1);
  }
  const states: Record<string, number> = {};
  const wrong: string[] = [];
  for (const [id, body] of scripts) {
    const state = memory.reports.get(id)?.verdict.state ?? "no verdict";
    states[state] = (states[state] ?? 0) + 1;
    const runs = executed.get(body) ?? 0;
    const ran = state === "answered" || state === "executed-response-lost";
    if (told.get(id) !== 1) wrong.push(`${id}: ${told.get(id) ?? 0} verdicts`);
    if (ran !== runs > 0 || runs > 1) wrong.push(`${id}: ${state}, run ${runs} times`);
  }
  return { scripts: scripts.size, states, wrong };
}

/** Repeatable numbers in [0, 1) (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [kills = 20, cards = 20, scriptsPerCard = 50, seed = Date.now() % 1e6] = process.argv.slice(2).map(Number);
  const report = await crash({ kills, cards, scriptsPerCard, seed });
  process.stdout.write(`${JSON.stringify({ seed, ...report }, undefined, 2)}\n`);
  process.exit(report.wrong.length === 0 ? 0 : 1);
}
