import pino from "pino";
import type { Log } from "../link/driver.ts";

/** JSON lines on standard error. Facts are chosen by the caller; anything that prints as a secret stays one. */
export function jsonLog(level: "debug" | "info" | "warn" | "error"): Log {
  // A log that cannot be written does not stop the daemon: so many of its octets wait until it can, what comes then is
  // lost.
  const out = pino.destination({ dest: 2, sync: true, maxLength: 1024 * 1024 });
  out.on("error", () => undefined);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ["key", "keys", "psk", "kic", "kid", "*.key", "*.keys", "*.psk"],
    },
    out,
  );
}
