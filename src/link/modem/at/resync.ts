/**
 * Resynchronization of a line after a command that was not answered: the late answer may still arrive, so final results
 * are counted, and the line counts as synchronized only once it is quiet. A pure step; the engine owns the timers and
 * the port.
 */
export interface Resync {
  /** `escaping`: leaving a data entry. `probing`: a bare AT is out. `quiet`: one answer came, listening for more. */
  readonly phase: "escaping" | "probing" | "quiet";
  /** Final results of abandoned commands that may still arrive. */
  readonly owed: number;
  /** Number of unanswered bare ATs. */
  readonly attempts: number;
  readonly answered: number;
}

export type ResyncEvent =
  | { readonly kind: "final"; readonly ok: boolean }
  /** A line arrived that can only belong to a late answer. */
  | { readonly kind: "heard" }
  /** The phase's time is over. */
  | { readonly kind: "timeout" };

/** Effects for the engine: send, (re)start the quiet timer, or stop. */
export type ResyncStep =
  | { readonly send: "probe" | "escape" | "escape-cr" }
  | { readonly quiet: true }
  /** False: the modem stopped responding. */
  | { readonly done: boolean };

const attemptLimit = 3;

/**
 * Starts after a timeout. At the prompt the data entry is cancelled first; otherwise the probe would become its text.
 */
export function startResync(atPrompt: boolean): Resync {
  return { phase: atPrompt ? "escaping" : "probing", owed: 1, attempts: 0, answered: 0 };
}

/** The next state and its effect. */
export function stepResync(now: Resync, event: ResyncEvent): { readonly next: Resync; readonly action?: ResyncStep } {
  switch (event.kind) {
    case "final":
      return onFinal(now);
    case "heard":
      return now.phase === "quiet" ? { next: now, action: { quiet: true } } : { next: now };
    case "timeout":
      return onTimeout(now);
  }
}

function onFinal(now: Resync): { next: Resync; action?: ResyncStep } {
  if (now.phase === "escaping") {
    return { next: { ...now, phase: "probing", owed: 0 }, action: { send: "probe" } };
  }
  const answered = now.answered + 1;
  const owed = Math.max(0, now.owed - 1);
  if (answered >= 2 || now.owed === 0) return { next: { ...now, answered, owed }, action: { done: true } };
  return { next: { ...now, phase: "quiet", answered, owed }, action: { quiet: true } };
}

function onTimeout(now: Resync): { next: Resync; action: ResyncStep } {
  if (now.phase === "quiet") return { next: now, action: { done: true } };
  if (now.phase === "escaping") return { next: { ...now, phase: "probing" }, action: { send: "probe" } };
  const attempts = now.attempts + 1;
  if (attempts >= attemptLimit) return { next: { ...now, attempts }, action: { done: false } };
  return { next: { ...now, attempts, phase: "escaping" }, action: { send: "escape-cr" } };
}
