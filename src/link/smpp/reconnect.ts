import { status } from "../../codec/smpp/status.ts";

/** Times between binds, milliseconds. */
export interface ReconnectTimes {
  readonly firstMs: number;
  readonly maxMs: number;
  /** After a bind of this duration the next failure counts as the first one. */
  readonly resetMs: number;
  /** Minimum delay after refused credentials or permission. */
  readonly refusedMs: number;
  /** After ESME_RALYBND, at first and at most. */
  readonly alreadyBoundMs: readonly [number, number];
}

export const reconnectTimes: ReconnectTimes = {
  firstMs: 1_000,
  maxMs: 60_000,
  resetMs: 60_000,
  refusedMs: 60_000,
  alreadyBoundMs: [5_000, 30_000],
};

const refusals: ReadonlySet<number> = new Set([
  status.ESME_RBINDFAIL,
  status.ESME_RINVPASWD,
  status.ESME_RINVSYSID,
  status.ESME_RINVSYSTYP,
]);

/** True for a bind status that a repetition does not change: the account must be corrected. */
export function isRefusal(bindStatus: number | undefined): boolean {
  return bindStatus !== undefined && refusals.has(bindStatus);
}

/**
 * Milliseconds before try `attempt` (from 0, failures in a row so far) after a bind that ended with `bindStatus`, or
 * without one: 1 s doubling to 60 s, give or take a fifth. `random` is in [0, 1).
 */
export function reconnectDelayMs(
  bindStatus: number | undefined,
  attempt: number,
  times: ReconnectTimes,
  random: number,
): number {
  const [first, most] =
    bindStatus === status.ESME_RALYBND ? times.alreadyBoundMs : ([times.firstMs, times.maxMs] as const);
  const doubled = Math.min(most, first * 2 ** Math.min(attempt, 20));
  const base = isRefusal(bindStatus) ? Math.max(times.refusedMs, doubled) : doubled;
  return Math.round(base * (0.8 + 0.4 * random));
}
