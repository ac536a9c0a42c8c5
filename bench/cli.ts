import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageRoot } from "../src/app/version.ts";
import { ApiClient } from "../src/face/cli/client.ts";

/** How long three commands take from start to end; baseline: a bare node in the same rounds, in turns. */
const { values } = parseArgs({ options: { rounds: { type: "string", default: "15" } } });
const rounds = Number(values.rounds);
const program = join(packageRoot, "bin", "otagate.js");
const state = mkdtempSync(join(tmpdir(), "otagate-bench-cli-"));
const env = { ...process.env, OTAGATE_STATE: state, PCSCLITE_CSOCK_NAME: "/nonexistent" };

function run(args: readonly string[]): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    spawn(process.execPath, args, { stdio: "ignore", env }).once("exit", (code) =>
      code === 0 ? resolve(performance.now() - start) : reject(new Error(`${args.join(" ")} ended with ${code}`)),
    );
  });
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const middle = (list: readonly number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;

const commands: Readonly<Record<string, readonly string[]>> = {
  "bare node": ["-e", "0"],
  "otagate decode": [program, "decode", "00A40004023F00"],
  "otagate --help": [program, "--help"],
  "otagate target list, with a daemon": [program, "target", "list"],
};
const times = new Map<string, number[]>(Object.keys(commands).map((name) => [name, []]));
const daemon = spawn(process.execPath, [program, "daemon"], { stdio: "ignore", env });
try {
  const api = new ApiClient({ socketPath: join(state, "otagate.sock") });
  for (let ready = false; !ready; await pause(20)) {
    ready = await api.get("/readyz").then(
      () => true,
      () => false,
    );
  }
  for (let round = 0; round < rounds; round++)
    for (const [name, args] of Object.entries(commands)) times.get(name)?.push(await run(args));
  const bare = middle(times.get("bare node") ?? []);
  process.stdout.write(`from start to end, median of ${rounds} rounds (baseline: bare node in the same rounds)\n`);
  for (const [name, list] of times)
    process.stdout.write(
      `${name.padEnd(36)} ${middle(list).toFixed(0).padStart(5)} ms (${(middle(list) / bare).toFixed(1)} x)\n`,
    );
} finally {
  daemon.kill("SIGTERM");
  await new Promise((resolve) => daemon.once("exit", resolve));
  rmSync(state, { recursive: true, force: true });
}
