import { execFile } from "node:child_process";
import { GatewayError } from "../../base/gateway-error.ts";

/** Cycles a modem's power with an external program. */
export interface PowerControl {
  /** Description for display. */
  readonly how: string;
  /** @throws link.driver when the program is missing or fails */
  cycle(signal: AbortSignal): Promise<void>;
}

/** Runs a configured command, such as one that drives a relay board. */
export function shellPower(command: string, run: Run = runProgram): PowerControl {
  return { how: `command: ${command}`, cycle: (signal) => run("/bin/sh", ["-c", command], signal) };
}

/** Switches a port of a hub with per-port power; `location` and `port` as `uhubctl` prints them. */
export function hubPower(location: string, port: number, run: Run = runProgram): PowerControl {
  const args = ["-l", location, "-p", String(port), "-a", "cycle", "-d", "3"];
  return { how: `uhubctl ${args.join(" ")}`, cycle: (signal) => run("uhubctl", args, signal) };
}

type Run = (program: string, args: readonly string[], signal: AbortSignal) => Promise<void>;

const runProgram: Run = (program, args, signal) =>
  new Promise((resolve, reject) => {
    execFile(program, [...args], { signal, timeout: 60_000 }, (error, _out, errorText) => {
      if (error === null) resolve();
      else {
        const detail = { program, said: errorText.slice(0, 400) };
        reject(new GatewayError("link.driver", `${program} failed: ${error.message}`, { detail, cause: error }));
      }
    });
  });
