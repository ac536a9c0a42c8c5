import { setImmediate } from "node:timers/promises";

/**
 * For long work in small pieces: the returned function is awaited between the pieces, and yields to other work whenever
 * `maxMs` milliseconds have been used.
 */
export function inTurns(maxMs = 10): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < maxMs) return;
    await setImmediate();
    since = performance.now();
  };
}
