import type { ServerResponse } from "node:http";

/** Resolves when the answer takes more octets, or is closed. */
export function drained(raw: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    raw.once("drain", resolve);
    raw.once("close", resolve);
  });
}
