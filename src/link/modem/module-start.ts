import type { Clock } from "../../base/clock.ts";
import { powerLine } from "../../codec/at/general-commands.ts";
import type { AtEngine } from "./at/at-engine.ts";
import { ask } from "./questions.ts";

/**
 * Waits for a module that starts: until the line that, according to its profile, reports readiness, at most
 * `startup.waitMs`, and `settleMs` more. @param line the line of the start that was received already, empty for none
 * @throws the reason of an abort
 */
export async function awaitReady(
  engine: AtEngine,
  line: string,
  settleMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { ready, waitMs = settleMs } = engine.profile.file.startup ?? {};
  const pattern = ready === undefined ? undefined : new RegExp(ready, "u");
  if (pattern !== undefined && !pattern.test(line))
    await untilLine(engine, (text) => pattern.test(text), waitMs, clock, signal);
  await clock.sleep(settleMs, signal);
}

/** Sends the commands that restart the module. The modem may disappear before it answers them. */
export async function sendRestart(engine: AtEngine): Promise<void> {
  for (const line of engine.profile.file.power?.restart ?? []) await ask(engine, powerLine, line);
}

/**
 * Shuts the module down by its own commands, so that it can store its settings and leave the network before its power
 * goes. Never throws: the power is cut in any case.
 */
export async function shutDown(engine: AtEngine, clock: Clock, signal: AbortSignal): Promise<void> {
  const lines = engine.profile.file.power?.off ?? [];
  if (lines.length === 0) return;
  const over = new AbortController();
  const patienceMs = engine.profile.timeoutsMs.power;
  const down = untilLine(engine, (_text, event) => event === "shutdown", patienceMs, clock, over.signal);
  const gone = down.catch(() => {});
  try {
    for (const line of lines) await ask(engine, powerLine, line, { urgency: "init" });
    await gone;
  } catch {
    // It is absent, or does not accept commands.
  } finally {
    over.abort(signal.reason);
  }
}

/** Resolves when a line matches, the engine ends, or the time is up. */
async function untilLine(
  engine: AtEngine,
  fits: (text: string, event: string) => boolean,
  limitMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const seen = new AbortController();
  const stop = engine.onUrc(({ text, event }) => {
    if (fits(text, event)) seen.abort();
  });
  try {
    const ended = engine.done.then(() => {});
    await Promise.race([ended, clock.sleep(limitMs, AbortSignal.any([seen.signal, signal])).catch(() => {})]);
  } finally {
    seen.abort();
    stop();
  }
  signal.throwIfAborted();
}

/** How long a module that was restarted may stay silent before that counts as a failure. */
export class BootTime {
  readonly #clock: Clock;
  #until = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The module starts now. */
  begin(engine: AtEngine): void {
    this.#until = this.#clock.monotonic() + (engine.profile.file.power?.bootMs ?? 0);
  }

  /** Number of AT probes of one second each: those of the profile, and enough for the rest of the start. */
  probes(engine: AtEngine): number {
    const left = Math.ceil((this.#until - this.#clock.monotonic()) / 1_000);
    return Math.max(engine.profile.file.startup?.probes ?? 10, left);
  }
}
