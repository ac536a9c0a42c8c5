/** A running timer of TIMER MANAGEMENT. */
export interface RunningTimer {
  /** 1 to 8. */
  readonly id: number;
  readonly seconds: number;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
}

/** The running ones of the terminal's eight timers. ETSI TS 102 223 §6.4.21 */
export type Timers = readonly RunningTimer[];

/** Starts a timer, or starts a running one again. */
export function startTimer(timers: Timers, id: number, seconds: number, now: number): Timers {
  return [...timers.filter((timer) => timer.id !== id), { id, seconds, startedAt: now }];
}

/** Stops a timer. */
export function stopTimer(timers: Timers, id: number): Timers {
  return timers.filter((timer) => timer.id !== id);
}

/** Seconds a timer has left, rounded up; undefined when it does not run. */
export function remainingSeconds(timers: Timers, id: number, now: number): number | undefined {
  const timer = timers.find((running) => running.id === id);
  return timer === undefined ? undefined : Math.max(0, Math.ceil((dueAt(timer) - now) / 1000));
}

/** When a timer expires, monotonic milliseconds. */
function dueAt(timer: RunningTimer): number {
  return timer.startedAt + timer.seconds * 1000;
}

/** When the next timer expires; undefined when none runs. */
export function nextDue(timers: Timers): number | undefined {
  return timers.length === 0 ? undefined : Math.min(...timers.map(dueAt));
}

/** Timers that are due, and those that continue. */
export function expireTimers(timers: Timers, now: number): { readonly due: Timers; readonly running: Timers } {
  return { due: timers.filter((timer) => dueAt(timer) <= now), running: timers.filter((timer) => dueAt(timer) > now) };
}

/** Whole seconds since a timer was started, as reported to the card at expiration. ETSI TS 102 223 §7.4.2 */
export function elapsedSeconds(timer: RunningTimer, now: number): number {
  return Math.max(timer.seconds, Math.floor((now - timer.startedAt) / 1000));
}
