import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HotPlug } from "../../simulators/modem/hot-plug.ts";
import { SimulatedModem } from "../../simulators/modem/modem.ts";
import { PlainCard } from "../../simulators/modem/plain-card.ts";
import { SimulatedNetwork } from "../../simulators/network/network.ts";
import type { MoMessage } from "../../simulators/network/sms-centre.ts";
import { ptyAvailable, ptyMissing } from "../simulators/pty.ts";

/** Whether other people's programs can drive a simulated modem here; prints why not. */
export async function programsAvailable(...programs: readonly string[]): Promise<boolean> {
  const missing = programs.filter((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
  const reason = missing.length > 0 ? `${missing.join(", ")} not installed` : (await ptyAvailable()) ? "" : ptyMissing;
  if (reason !== "") console.warn(`skipped: ${reason}`);
  return reason === "";
}

/** Numbers of the two modems. */
export const first = "+15551000001";
export const second = "+15551000002";

/** Two simulated modems on one network, each on a pseudo-terminal, and a folder for a program's files. */
export interface ModemPair extends AsyncDisposable {
  readonly network: SimulatedNetwork;
  readonly one: SimulatedModem;
  readonly two: SimulatedModem;
  readonly ports: readonly [string, string];
  readonly folder: string;
  /** What left the phones so far. */
  readonly sent: readonly MoMessage[];
}

/** Opens the pair; both are registered when it resolves. */
export async function openPair(): Promise<ModemPair> {
  const folder = mkdtempSync(join(tmpdir(), "modems-"));
  const network = new SimulatedNetwork({ attachMs: 1, serviceCentre: "+15551000000" });
  const sent: MoMessage[] = [];
  network.sms.onMo((message) => {
    sent.push(message);
    return undefined;
  });
  const modems = [first, second].map((msisdn, index) => {
    const card = new PlainCard({ imsi: `00101000000000${index + 1}`, msisdn, serviceCentre: "+15551000000" });
    return new SimulatedModem({ network, card });
  });
  const [one, two] = modems;
  if (one === undefined || two === undefined) throw new Error("two modems were made");
  const plugs = [one, two].map(
    (modem, index) => new HotPlug(modem, { at: "pty", link: join(folder, `modem${index + 1}`) }),
  );
  const ports = await Promise.all(plugs.map((plug) => plug.plugIn()));
  await until(() => one.registration.registered && two.registration.registered);
  return {
    network,
    one,
    two,
    ports: [ports[0] ?? "", ports[1] ?? ""],
    folder,
    sent,
    async [Symbol.asyncDispose]() {
      for (const plug of plugs) await plug[Symbol.asyncDispose]();
      for (const modem of [one, two]) await modem[Symbol.asyncDispose]();
      network.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a program said and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program to its end. */
export function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  limitMs = 25_000,
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
    const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
    child.on("error", (error) => resolve({ code: -1, output: error.message }));
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}

/** A program that stays, with what it said so far; ended with SIGTERM, then SIGKILL. */
export interface Daemon extends AsyncDisposable {
  readonly output: () => string;
  readonly child: ChildProcess;
}

export function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Daemon {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  const ended = new Promise<void>((resolve) => {
    child.on("close", () => resolve());
    child.on("error", () => resolve());
  });
  return {
    output: () => output,
    child,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 2000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** A TCP port that is free now, for programs that cannot be told to take any. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === "object" && bound !== null ? bound.port : 0));
    });
  });
}

/** Waits until it is so. */
export async function until(done: () => boolean, ms = 20_000, why: () => string = () => ""): Promise<void> {
  const end = Date.now() + ms;
  while (!done()) {
    if (Date.now() > end) throw new Error(`not in time ${why()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
