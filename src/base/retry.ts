/** Growing delays with jitter. */
interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Delay before attempt `attempt` (from 0): doubles up to `maxMs`, then a random half to the whole of it. */
export function backoffMs(attempt: number, { firstMs, maxMs, random }: BackoffOptions): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceiling * (0.5 + random() / 2));
}
