/** The sending rate of a link, adapted to throttling: a plain value. */
export interface Rate {
  /** Messages per second the account allows; Infinity without a limit. */
  readonly limit: number;
  /** Present rate, at most `limit`. */
  readonly current: number;
  readonly tokens: number;
  readonly at: number;
  readonly pausedUntil: number;
  /** Length of the last pause; doubles with each one in a row. */
  readonly pauseMs: number;
  /** When the current rate was last changed. */
  readonly changedAt: number;
  /** Messages sent in the second that began at `secondAt`, and in the one before. */
  readonly secondAt: number;
  readonly sent: number;
  readonly sentBefore: number;
}

const firstPauseMs = 1_000;
const maxPauseMs = 30_000;
const raiseEveryMs = 10_000;
const raiseBy = 1.1;
const congested = 80;
/** Throttling reduces the rate to no less than this, unless the account's limit is lower. */
const minPerSecond = 1;
/** An account without a limit is unlimited again after this time without throttling. */
const forgetMs = 300_000;

/** A rate of `limit` messages per second. */
export function startRate(limit: number, now: number): Rate {
  return {
    limit,
    current: limit,
    tokens: burst(limit),
    at: now,
    pausedUntil: 0,
    pauseMs: 0,
    changedAt: now,
    secondAt: now,
    sent: 0,
    sentBefore: 0,
  };
}

function burst(perSecond: number): number {
  return Math.max(1, perSecond / 10);
}

function raised(rate: Rate, now: number): Rate {
  if (rate.current >= rate.limit || now - rate.changedAt < raiseEveryMs) return rate;
  if (rate.limit === Infinity && now - rate.changedAt >= forgetMs) {
    return { ...rate, current: Infinity, pauseMs: 0, changedAt: now };
  }
  const steps = Math.floor((now - rate.changedAt) / raiseEveryMs);
  const current = Math.min(rate.limit, rate.current * raiseBy ** steps);
  return { ...rate, current, pauseMs: 0, changedAt: rate.changedAt + steps * raiseEveryMs };
}

/** Milliseconds until a message may go; 0 takes its token. */
export function takeToken(before: Rate, now: number): { readonly rate: Rate; readonly waitMs: number } {
  if (before.pausedUntil > now) return { rate: before, waitMs: before.pausedUntil - now };
  const rate = raised(before, now);
  const counted =
    now - rate.secondAt >= 1_000
      ? { secondAt: now, sent: 1, sentBefore: now - rate.secondAt < 2_000 ? rate.sent : 0 }
      : { secondAt: rate.secondAt, sent: rate.sent + 1, sentBefore: rate.sentBefore };
  if (rate.current === Infinity) return { rate: { ...rate, ...counted, at: now }, waitMs: 0 };
  const tokens = Math.min(burst(rate.current), rate.tokens + ((now - rate.at) / 1_000) * rate.current);
  if (tokens >= 1) return { rate: { ...rate, ...counted, tokens: tokens - 1, at: now }, waitMs: 0 };
  return { rate: { ...rate, tokens, at: now }, waitMs: Math.ceil(((1 - tokens) / rate.current) * 1_000) };
}

function observed(rate: Rate): number {
  return Math.max(1, rate.sent, rate.sentBefore);
}

/**
 * The SMSC returned ESME_RTHROTTLED or ESME_RMSGQFUL: halves the rate and pauses for 1 s, doubling to 30 s if it
 * continues. Answers to messages that were in flight when the pause began do not count again.
 */
export function throttle(rate: Rate, now: number): Rate {
  if (rate.pausedUntil > now) return rate;
  const pauseMs = Math.min(maxPauseMs, rate.pauseMs === 0 ? firstPauseMs : rate.pauseMs * 2);
  const current = Math.max(Math.min(minPerSecond, rate.limit), Math.min(rate.current, observed(rate)) / 2);
  return { ...rate, current, pauseMs, pausedUntil: now + pauseMs, tokens: 0, changedAt: now + pauseMs };
}

/** The SMSC accepted a message: the next pause has its initial length again. */
export function accepted(rate: Rate, now: number): Rate {
  return rate.pauseMs === 0 || rate.pausedUntil > now ? rate : { ...rate, pauseMs: 0 };
}

/** TLV congestion_state of an answer: above 80 the rate is reduced by a tenth per second. SMPP 5.0 §4.8.4.18 */
export function congestion(rate: Rate, state: number, now: number): Rate {
  if (state <= congested || now - rate.changedAt < 1_000) return rate;
  return {
    ...rate,
    current: Math.max(Math.min(minPerSecond, rate.limit), Math.min(rate.current, observed(rate)) * 0.9),
    changedAt: now,
  };
}
