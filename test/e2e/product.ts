import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, vi } from "vitest";
import { createEuiccState } from "../../simulators/euicc/fixture.ts";
import { packageRoot } from "../../src/app/version.ts";
import { ApiClient } from "../../src/face/cli/client.ts";

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON. */
  json<T = Readonly<Record<string, unknown>>>(): T;
}

/** How a command is started. */
export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Called with the process once it runs. */
  readonly started?: (child: ChildProcess) => void;
}

/** The command that users run. */
export const program = join(packageRoot, "bin", "otagate.js");

function newest(folder: string): number {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) latest = Math.max(latest, newest(path));
    else if (/\.(ts|json)$/.test(entry.name)) latest = Math.max(latest, statSync(path).mtimeMs);
  }
  return latest;
}

/** How long a build may take on a loaded machine, and the builds of others before it. */
const buildMs = 600_000;

/**
 * To be called by each test file that runs the program, since files share processes: a build takes none of the time of
 * its tests, and tests that start many processes have more of it.
 */
export function usesProgram(): void {
  vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
  beforeAll(() => ensureBuilt(), buildMs);
}

/** Builds the program when its sources are newer than it; one process at a time, the others wait. */
export function ensureBuilt(): void {
  const stamp = join(packageRoot, "dist", ".built");
  const lock = join(packageRoot, "dist", ".building");
  const fresh = () =>
    existsSync(stamp) &&
    statSync(stamp).mtimeMs >=
      Math.max(...["src", "drivers", "simulators", "scripts"].map((one) => newest(join(packageRoot, one))));
  mkdirSync(join(packageRoot, "dist"), { recursive: true });
  for (const end = Date.now() + buildMs; !fresh(); ) {
    if (Date.now() > end) throw new Error("another process does not finish its build");
    if (!takeLock(lock)) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
      continue;
    }
    const started = new Date();
    spawnSync(process.execPath, [join("scripts", "build.mjs")], { cwd: packageRoot, stdio: "ignore" });
    rmSync(lock, { force: true });
    if (!fresh()) throw new Error(`sources changed while they were built (${started.toISOString()})`);
  }
}

/** Makes the lock file with our process id; one whose process has ended is removed, and taken the next time. */
function takeLock(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    const holder = existsSync(lock) ? Number(readFileSync(lock, "utf8")) : 0;
    if (holder > 0 && !existsSync(`/proc/${holder}`)) rmSync(lock, { force: true });
    return false;
  }
}

/** A machine's worth of otagate: a state folder, a configuration folder, daemons and commands on them. */
export class Product implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "otagate-e2e-"));
  readonly state = join(this.folder, "state");
  readonly env: NodeJS.ProcessEnv;
  readonly #children = new Set<ChildProcess>();

  /** `config` becomes its configuration file; by default it has no readers of its own. */
  constructor(config: Readonly<Record<string, unknown>> = { readers: { enabled: false }, scp81: { enabled: false } }) {
    ensureBuilt();
    mkdirSync(join(this.folder, "otagate"));
    writeFileSync(join(this.folder, "otagate", "config.yaml"), JSON.stringify(config));
    const { OTAGATE_CONFIG, OTAGATE_URL, OTAGATE_TOKEN, NO_COLOR, FORCE_COLOR, CI, ...env } = process.env;
    this.env = { ...env, OTAGATE_STATE: this.state, XDG_CONFIG_HOME: this.folder, NODE_OPTIONS: "" };
  }

  get api(): ApiClient {
    return new ApiClient({ socketPath: join(this.state, "otagate.sock") });
  }

  /** A file in the folder; its path. */
  file(name: string, content: string | object): string {
    const path = join(this.folder, name);
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  }

  /** Runs one command to its end. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const child = this.spawn(args, options.env);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(options.input ?? "");
    options.started?.(child);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        child.kill("SIGKILL");
        reject(new Error(`otagate ${args.join(" ")} does not end: ${Buffer.concat([...out, ...err]).toString()}`));
      }, options.timeoutMs ?? 60_000);
      child.once("close", (code, signal) => {
        clearTimeout(late);
        const stdout = Buffer.concat(out).toString();
        const stderr = Buffer.concat(err).toString();
        resolve({ code, signal, stdout, stderr, json: () => parsed(stdout, stderr) });
      });
    });
  }

  /** Starts a command and leaves it running. */
  spawn(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: this.folder,
      env: { ...this.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  /** Starts the daemon and waits until it is ready. */
  async daemon(args: readonly string[] = []): Promise<DaemonProcess> {
    const child = this.spawn(["daemon", ...args]);
    const daemon = new DaemonProcess(child);
    await daemon.logged("otagate is ready");
    return daemon;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function parsed<T>(stdout: string, stderr: string): T {
  try {
    return JSON.parse(stdout) as T;
  } catch {
    throw new Error(`no JSON on standard output: ${stdout.slice(0, 500)}; standard error: ${stderr.slice(0, 500)}`);
  }
}

/** A running daemon and what it logged. */
export class DaemonProcess {
  readonly child: ChildProcess;
  #log = "";
  #waiting: (() => void)[] = [];

  constructor(child: ChildProcess) {
    this.child = child;
    const wake = () => {
      for (const go of this.#waiting.splice(0)) go();
    };
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#log += chunk.toString();
      wake();
    });
    child.once("exit", wake);
  }

  get log(): string {
    return this.#log;
  }

  /** Resolves when the log contains the text. */
  async logged(text: string): Promise<void> {
    while (!this.#log.includes(text)) {
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`the daemon ended: ${this.#log}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Sends a signal and waits for the end; the exit code, or the signal that ended it. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | NodeJS.Signals | null> {
    const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
      this.child.once("exit", (code, by) => resolve(code ?? by)),
    );
    this.child.kill(signal);
    return ended;
  }
}

/** What a probe finds, asked again and again for a bounded time. */
export async function eventually<T>(probe: () => Promise<T | undefined>, ms = 20_000): Promise<T> {
  for (const end = Date.now() + ms; ; ) {
    const found = await probe().catch(() => undefined);
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error("it did not happen within the time");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** EID of the documented simulated card. */
export const documentedEid = createEuiccState().eid;
