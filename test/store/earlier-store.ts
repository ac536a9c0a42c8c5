import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** The state folder of version 820b0b1, made by `scripts/earlier-store.ts`. */
const vectors = join(import.meta.dirname, "..", "vectors", "store-820b0b1");

/** When the daemon that wrote it was killed, milliseconds since the epoch. */
export const killedAt = Number(readFileSync(join(vectors, "killed-at.json"), "utf8"));

/** Writes the state folder of the earlier version to `state`. */
export function unpackEarlierStore(state: string): void {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(vectors)) {
    if (!name.endsWith(".gz")) continue;
    writeFileSync(join(state, name.slice(0, -3)), gunzipSync(readFileSync(join(vectors, name))), { mode: 0o600 });
  }
}
