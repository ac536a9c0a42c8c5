import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { until } from "../../drivers/smpp/account.ts";

/** Whether a program runs here; says so when it does not. */
export function available(command: string, args: readonly string[], what: string): boolean {
  const found = spawnSync(command, args, { stdio: "ignore" });
  if (found.error === undefined && found.status === 0) return true;
  console.warn(`skipped: ${what} is not installed`);
  return false;
}

/** Another program at work, its output line by line. */
export class Program implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #over: Promise<number | null>;

  constructor(command: string, args: readonly string[]) {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => this.lines.push(line));
    createInterface({ input: child.stderr }).on("line", (line) => this.lines.push(`stderr ${line}`));
    this.#over = new Promise((resolve) => child.once("exit", resolve));
    child.once("error", (error) => this.lines.push(`stderr ${error.message}`));
  }

  /** The first line that starts so. */
  async line(start: string, ms = 10_000): Promise<string> {
    const found = () => this.lines.find((line) => line.startsWith(start));
    await until(() => found() !== undefined, ms).catch(() => {
      throw new Error(`no line '${start}' in:\n${this.lines.join("\n")}`);
    });
    return found() ?? "";
  }

  /** Exit code. */
  ended(): Promise<number | null> {
    return this.#over;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.pid !== undefined) this.#child.kill("SIGKILL");
    await this.#over;
  }
}
