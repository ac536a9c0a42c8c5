import pino from "pino";
import type { Log } from "../link/driver.ts";

/** JSON lines on standard error. Facts are chosen by the caller; anything that prints as a secret stays one. */
export function jsonLog(level: "debug" | "info" | "warn" | "error"): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ["key", "keys", "psk", "kic", "kid", "*.key", "*.keys", "*.psk"],
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
