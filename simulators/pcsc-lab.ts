import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { GatewayError } from "../src/base/gateway-error.ts";
import { enterNetwork, NamespaceDialer } from "./namespace-dialer.ts";
import { noDelayLibrary } from "./no-delay.ts";
import type { SoftCard } from "./soft-card.ts";
import { VpcdCard, vpcdAt } from "./vpcd.ts";

/** What the laboratory must have. */
interface PcscLabOptions {
  /** Virtual readers; pcscd carries up to 16. */
  readonly readers?: number;
  /** Name before the numbers that pcscd gives; "Virtual PCD" unless given. */
  readonly name?: string;
  /** Where pcscd's own log lines go. */
  readonly log?: (line: string) => void;
  /** Without namespaces of its own even where they are possible. */
  readonly onHost?: boolean;
}

/** How the laboratory is kept apart, and what keeps an exchange from taking 40 ms. */
interface PcscLabFacts {
  /** `private`: own mount and network namespace; `host`: the machine's own `/run/pcscd`. */
  readonly isolation: "private" | "host";
  /** vpcd sends a command in two segments: without a cure, the second waits for a delayed acknowledgement. */
  readonly nagleCure: "quickack" | "preload" | "none";
}

const libraries = [
  "/usr/lib/pcsc/drivers/serial/libifdvpcd.so",
  "/usr/lib64/pcsc/drivers/serial/libifdvpcd.so",
  "/usr/local/lib/pcsc/drivers/serial/libifdvpcd.so",
];
const hostSocket = "/run/pcscd/pcscd.comm";
/** Slots of one loaded vpcd library. */
const slots = 2;
const maxReaders = 16;
/** The first ports of a private network; users' own virtual cards expect 35963 on the host. */
const firstPort = 0x9000;

/** Why the laboratory cannot work on this machine; nothing when it can. */
export function pcscLabProblem(): string | undefined {
  if (process.platform !== "linux") return "virtual PC/SC readers need Linux";
  if (library() === undefined) return "the package vsmartcard-vpcd is not installed";
  if (spawnSync("pcscd", ["--version"]).error !== undefined) return "the package pcscd is not installed";
  return undefined;
}

/**
 * A pcscd of our own with virtual readers, for tests, demonstrations and measurements. Where the system allows
 * namespaces it has its own `/run` and its own loopback, so that it runs beside the machine's pcscd and beside other
 * laboratories, sees no real reader and opens no public port; programs of others get to it with {@link environment}.
 * Elsewhere it takes the machine's `/run/pcscd`, if no other pcscd holds it.
 */
export class PcscLab implements AsyncDisposable {
  readonly facts: PcscLabFacts;
  /** Where pcscd listens, reachable from outside. */
  readonly socket: string;
  readonly #folder: string;
  readonly #keeper: ChildProcess;
  readonly #ports: readonly number[];
  #dialer: NamespaceDialer | undefined;
  readonly #cards = new Set<VpcdCard>();
  readonly #lines: AsyncIterator<string>;
  #pid = 0;

  private constructor(setup: Setup, keeper: ChildProcess, lines: AsyncIterator<string>) {
    this.facts = setup.facts;
    this.#folder = setup.folder;
    this.#ports = setup.ports;
    this.#keeper = keeper;
    this.#lines = lines;
    const isolated = setup.facts.isolation === "private";
    this.socket = isolated ? `/proc/${keeper.pid}/root${hostSocket}` : hostSocket;
  }

  /**
   * Starts it and waits until it serves.
   * @throws link.driver when a package is missing, link.busy when another pcscd holds `/run/pcscd`, link.service when
   * pcscd does not come up
   */
  static async start(options: PcscLabOptions = {}): Promise<PcscLab> {
    const problem = pcscLabProblem();
    if (problem !== undefined) throw new GatewayError("link.driver", problem);
    const setup = await prepare(options);
    const keeper = spawn(setup.command, setup.args, { stdio: ["pipe", "pipe", "pipe"], env: setup.environment });
    keeper.on("error", () => undefined);
    keeper.stdin.on("error", () => undefined);
    createInterface(keeper.stderr).on("line", options.log ?? (() => undefined));
    const lines = createInterface(keeper.stdout)[Symbol.asyncIterator]();
    const lab = new PcscLab(setup, keeper, lines);
    try {
      await lab.startService();
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  /** Makes programs that use libpcsclite come to this pcscd. */
  get environment(): Readonly<Record<string, string>> {
    return { PCSCLITE_CSOCK_NAME: this.socket };
  }

  /** Process id of pcscd, as this process sees it. */
  get pid(): number {
    return this.#pid;
  }

  /** How many virtual readers there are. */
  get readers(): number {
    return this.#ports.length;
  }

  /** Puts a card into reader `index`; readers appear in this order. */
  insert(index: number, card: SoftCard): VpcdCard {
    const port = this.#ports[index];
    if (port === undefined) throw new GatewayError("link.unknown", `no virtual reader has the number ${index}`);
    const dialer = this.#dialer;
    const inserted = new VpcdCard(card, { dial: dialer === undefined ? vpcdAt(port) : () => dialer.dial(port) });
    this.#cards.add(inserted);
    return inserted;
  }

  /** Address of a reader's slot, for a card in a program of its own that {@link spawn} starts. */
  slot(index: number): { readonly host: string; readonly port: number } {
    const port = this.#ports[index];
    if (port === undefined) throw new GatewayError("link.unknown", `no virtual reader has the number ${index}`);
    return { host: "127.0.0.1", port };
  }

  /** Starts a program that is to see the laboratory: its network, and its pcscd by the environment. */
  spawn(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const environment = { ...process.env, ...options.env, ...this.environment };
    const inside = this.facts.isolation === "private" ? enterNetwork(this.#keeper.pid ?? 0) : [];
    const [program = command, ...rest] = [...inside, command, ...args];
    return spawn(program, rest, { ...options, env: environment });
  }

  /** Starts pcscd (again). */
  async startService(): Promise<void> {
    this.#keeper.stdin?.write("start\n");
    const { value } = await this.#lines.next();
    const pid = /^pid (\d+)$/.exec(value ?? "")?.[1];
    if (pid === undefined) throw new GatewayError("link.service", "the virtual PC/SC laboratory did not start");
    this.#pid = Number(pid);
    // Only now is the keeper sure to be in namespaces of its own.
    if (this.facts.isolation === "private") this.#dialer ??= new NamespaceDialer(this.#keeper.pid ?? 0);
    for (let tries = 0; tries < 200; tries++) {
      const said = await greeted(this.socket);
      if (said === "welcome") return;
      if (said === "hung up")
        throw new GatewayError(
          "link.denied",
          "the pcscd of the lab denies access: polkit protects it and is not available",
        );
      await pause(25);
    }
    throw new GatewayError("link.service", "pcscd did not start");
  }

  /** Ends pcscd as a crash (`SIGKILL`) or an orderly stop (`SIGTERM`) does; resolves when it is gone. */
  async stopService(signal: "SIGKILL" | "SIGTERM" = "SIGTERM"): Promise<void> {
    if (this.#pid === 0) return;
    this.#keeper.stdin?.write(`stop ${signal.slice(3)}\n`);
    await this.#lines.next();
    this.#pid = 0;
  }

  /** Stops for a while what pcscd does (`SIGSTOP`), or lets it continue. */
  freeze(frozen: boolean): void {
    if (this.#pid !== 0) process.kill(this.#pid, frozen ? "SIGSTOP" : "SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const card of this.#cards) await card.eject();
    this.#dialer?.close();
    const ended = new Promise((resolve) => this.#keeper.once("exit", resolve));
    this.#keeper.stdin?.end();
    if (this.#keeper.exitCode === null && this.#keeper.signalCode === null && this.#keeper.pid !== undefined) {
      const force = setTimeout(() => this.#keeper.kill("SIGKILL"), 3_000);
      await ended;
      clearTimeout(force);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Setup {
  readonly facts: PcscLabFacts;
  readonly folder: string;
  readonly ports: readonly number[];
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

async function prepare(options: PcscLabOptions): Promise<Setup> {
  const count = Math.min(options.readers ?? slots, maxReaders);
  const unshare = options.onHost === true ? undefined : isolation();
  if (unshare === undefined && (await answers(hostSocket))) {
    throw new GatewayError("link.busy", `another pcscd is running at ${hostSocket}, and namespaces are not possible`);
  }
  const folder = mkdtempSync(join(tmpdir(), "pcsc-lab-"));
  const ports = await choosePorts(count, unshare !== undefined);
  writeConfiguration(folder, options.name ?? "Virtual PCD", ports);
  const preload = unshare === undefined ? noDelayLibrary(folder) : undefined;
  const script = join(folder, "keeper.sh");
  writeFileSync(script, keeperScript(folder, unshare !== undefined, preload));
  const nagleCure = unshare !== undefined ? "quickack" : preload !== undefined ? "preload" : "none";
  return {
    facts: { isolation: unshare === undefined ? "host" : "private", nagleCure },
    folder,
    ports,
    command: unshare === undefined ? "sh" : "unshare",
    args: unshare === undefined ? [script] : [...unshare, "sh", script],
    environment: { ...process.env, PCSCLITE_HP_DROPDIR: join(folder, "no-usb-drivers") },
  };
}

/** The options of `unshare` that give a mount and a network namespace here; nothing when none do. */
function isolation(): readonly string[] | undefined {
  const attempts = process.getuid?.() === 0 ? [["-m", "-n"]] : [["-r", "-m", "-n"]];
  const works = "mount -t tmpfs tmpfs /run && ip link set lo up && nsenter --version >/dev/null";
  return attempts.find(
    (flags) => spawnSync("unshare", [...flags, "sh", "-c", works], { stdio: "ignore" }).status === 0,
  );
}

function library(): string | undefined {
  return libraries.find((path) => existsSync(path));
}

function writeConfiguration(folder: string, name: string, ports: readonly number[]): void {
  const configuration = join(folder, "reader.conf.d");
  mkdirSync(configuration);
  mkdirSync(join(folder, "no-usb-drivers"));
  const source = library() ?? "";
  const entries: string[] = [];
  for (let i = 0; i < ports.length; i += slots) {
    // The slots are variables of the loaded library: a copy under another name has slots of its own.
    const copy = join(folder, `libifdvpcd-${i}.so`);
    copyFileSync(source, copy);
    const port = `0x${(ports[i] ?? 0).toString(16)}`;
    const letter = i === 0 ? "" : ` ${String.fromCharCode(0x41 + i / slots)}`;
    entries.push(`FRIENDLYNAME "${name}${letter}"\nDEVICENAME /dev/null:${port}\nLIBPATH ${copy}\nCHANNELID ${port}\n`);
  }
  writeFileSync(join(configuration, "vpcd"), entries.join("\n"));
}

/** Keeps pcscd: starts and stops it on request, and ends with its own standard input, however that comes. */
function keeperScript(folder: string, isolated: boolean, preload: string | undefined): string {
  const quickack = "dev lo table local proto kernel scope host src 127.0.0.1 quickack 1";
  const enter = [
    "mount -t tmpfs tmpfs /run || exit 1",
    "ip link set lo up || exit 1",
    `ip route replace local 127.0.0.0/8 ${quickack}`,
    `ip route replace local 127.0.0.1 ${quickack}`,
  ];
  const environment = preload === undefined ? "" : `LD_PRELOAD=${preload} `;
  return `
${isolated ? enter.join("\n") : ""}
trap 'rm -rf ${folder}' EXIT
pid=
while read -r what signal; do
  case $what in
    start)
      mkdir -p /run/pcscd
      rm -f /run/pcscd/pcscd.comm /run/pcscd/pcscd.pid
      ${environment}pcscd -f${pcscdOptions()} -c ${folder}/reader.conf.d 1>&2 &
      pid=$!
      echo "pid $pid" ;;
    stop)
      kill -"$signal" "$pid" 2>/dev/null
      wait "$pid" 2>/dev/null
      pid=
      echo "stopped" ;;
  esac
done
test -n "$pid" && kill -CONT "$pid" 2>/dev/null && kill "$pid" 2>/dev/null
for i in 1 2 3 4 5 6 7 8 9 10; do
  test -n "$pid" && kill -0 "$pid" 2>/dev/null || exit 0
  sleep 0.1
done
kill -KILL "$pid"
`;
}

async function choosePorts(count: number, isolated: boolean): Promise<readonly number[]> {
  const ports: number[] = [];
  let candidate = firstPort;
  while (ports.length < count) {
    const pair = Array.from({ length: slots }, (_, i) => candidate + i);
    if (isolated || (await Promise.all(pair.map(free))).every(Boolean)) ports.push(...pair);
    candidate += slots;
    if (candidate > 0xfff0) throw new GatewayError("link.unavailable", "no free ports for virtual readers");
  }
  return ports;
}

function free(port: number): Promise<boolean> {
  const usersOwn = port === 35_963 || port === 35_964;
  if (usersOwn) return Promise.resolve(false);
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "0.0.0.0" }, () => server.close(() => resolve(true)));
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Whether pcscd answers a client; one that polkit guards hangs up before it states anything. */
function greeted(path: string): Promise<"welcome" | "hung up" | "absent"> {
  return new Promise((resolve) => {
    let connected = false;
    const socket = connect({ path });
    const settle = (said: "welcome" | "hung up" | "absent") => {
      resolve(said);
      socket.destroy();
    };
    socket.once("connect", () => {
      connected = true;
      // CMD_VERSION 4.4: three words behind length and command.
      socket.write(Uint8Array.of(12, 0, 0, 0, 0x11, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0));
    });
    socket.once("data", () => settle("welcome"));
    socket.once("error", () => settle(connected ? "hung up" : "absent"));
    socket.once("close", () => settle(connected ? "hung up" : "absent"));
  });
}

/** Options of the installed pcscd: it has virtual readers only, and may hide what polkit would be asked through. */
function pcscdOptions(): string {
  const { stdout, stderr } = spawnSync("pcscd", ["--help"], { encoding: "utf8" });
  return `${stdout}${stderr}`.includes("--disable-polkit") ? " --disable-polkit" : "";
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
