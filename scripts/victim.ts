import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { packageRoot } from "../src/app/version.ts";
import { ApiClient } from "../src/face/cli/client.ts";
import { startMs } from "./patience.ts";

/** Waits some milliseconds. */
export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Repeatable numbers from 0 to 1 (xorshift32): the same seed, the same moments. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** A TCP port of the loopback interface that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** The built daemon, which can be killed and started again on the same state. */
export class Victim implements AsyncDisposable {
  readonly api: ApiClient;
  readonly #config: string;
  readonly #state: string;
  #child: ChildProcess | undefined;

  /** @param config its configuration file; @param state its state folder */
  constructor(config: string, state: string) {
    this.#config = config;
    this.#state = state;
    this.api = new ApiClient({ socketPath: join(state, "otagate.sock") });
  }

  /** Starts it and waits until it is ready. @throws with the end of its log when it ends by itself */
  async start(): Promise<void> {
    const child = spawn(
      process.execPath,
      [join(packageRoot, "bin", "otagate.js"), "--config", this.#config, "daemon", "--state", this.#state],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    this.#child = child;
    let log = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-4000);
    });
    for (const end = Date.now() + startMs; Date.now() < end; await pause(20)) {
      if (child.exitCode !== null) throw new Error(`the daemon ended by itself: ${log}`);
      const ready = await this.api.get("/readyz").then(
        () => true,
        () => false,
      );
      if (ready) return;
    }
    throw new Error(`the daemon does not come up: ${log}`);
  }

  /** Ends it and waits for its end; without effect when it does not run. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
