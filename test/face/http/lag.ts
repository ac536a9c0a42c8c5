import { existsSync, readFileSync } from "node:fs";

const ofThread = "/proc/thread-self/schedstat";
const perThread = existsSync(ofThread);

/** How long a piece of work keeps the process from anything else. */
export interface Stretch {
  /** CPU time of the longest stretch in which no other callback could run, milliseconds. */
  readonly maxMs: number;
}

/**
 * CPU time that this thread has used, milliseconds: other processes of a busy machine do not count, nor do the threads that collect garbage
 * and write files meanwhile. Where the system does not say it, that of the process.
 */
function cpuMs(): number {
  if (perThread) return Number(readFileSync(ofThread, "latin1").split(" ")[0]) / 1e6;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Runs work and measures the longest stretch between two turns of the event loop, in CPU time. Garbage that was there before is not counted
 * when the process may collect it.
 */
export async function stretchOf(work: () => Promise<unknown>): Promise<Stretch> {
  let maxMs = 0;
  let running = true;
  let last = cpuMs();
  const ticking = new Promise<void>((resolve) => {
    const tick = () => {
      const now = cpuMs();
      maxMs = Math.max(maxMs, now - last);
      last = now;
      if (running) setImmediate(tick);
      else resolve();
    };
    setImmediate(tick);
  });
  try {
    await work();
  } finally {
    running = false;
    await ticking;
  }
  return { maxMs };
}

/**
 * The shortest of some longest stretches, milliseconds of the machine on which limits were set: what the work itself
 * needs, without compilation and collection of garbage. A stretch beyond `goodMs` is divided by how slow the processor
 * is right then: its load, and with it the time that the same work takes, changes from one second to the next.
 */
export async function leastStretch(work: () => Promise<unknown>, goodMs: number, tries = 8): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < tries && least > goodMs; run++) {
    const { maxMs } = await stretchOf(work);
    least = Math.min(least, maxMs <= goodMs ? maxMs : maxMs / slowness());
  }
  return least;
}

const known = JSON.stringify(Array.from({ length: 20_000 }, (_, at) => ({ at, name: `name ${at}` })));
/** CPU time that {@link known} took, read and written, where limits were set. */
const knownMs = 12;

/** How slow this machine is now against one on which a limit was set: 1 there and on faster ones. */
export function slowness(): number {
  const times = Array.from({ length: 5 }, () => {
    const before = cpuMs();
    JSON.stringify(JSON.parse(known));
    return cpuMs() - before;
  });
  return Math.max(1, (times.sort((a, b) => a - b)[2] ?? knownMs) / knownMs);
}
