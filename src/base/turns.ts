import { setImmediate } from "node:timers/promises";

/**
 * For long work in small pieces: what it returns is awaited between them, and lets others have their turn once this one has taken
 * `maxMs` milliseconds, whatever the pieces cost.
 */
export function inTurns(maxMs = 10): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < maxMs) return;
    await setImmediate();
    since = performance.now();
  };
}
