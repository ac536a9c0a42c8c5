import pino from "pino";
import type { Log } from "../link/driver.ts";

/** JSON lines on standard error. Callers choose the facts; values of class Secret print as `[secret]`. */
export function jsonLog(level: "debug" | "info" | "warn" | "error"): Log {
  // A log that cannot be written does not stop the daemon: it buffers up to this many octets and drops later lines.
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
