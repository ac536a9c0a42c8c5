import { appendFileSync } from "node:fs";
import type { Log } from "../link/driver.ts";
import { SinkWatch } from "../link/sink-watch.ts";

/** Appends lines of SSLKEYLOGFILE. Handshakes succeed even if their keys cannot be written. */
export function keyLogTo(file: string, log: Log): (line: Buffer) => void {
  const sink = new SinkWatch(log, "the key log", { file });
  return (line) => {
    try {
      appendFileSync(file, line, { mode: 0o600 });
      sink.worked();
    } catch (error) {
      sink.failed(error);
    }
  };
}
