import type { Clock } from "../../base/clock.ts";
import { asGatewayError, type GatewayError } from "../../base/gateway-error.ts";
import { backoffMs } from "../../base/retry.ts";
import type { Log } from "../driver.ts";
import { Quarantine } from "./at/quarantine.ts";
import type { ModemSettings } from "./modem-settings.ts";
import type { ModemPhase, ModemState } from "./modem-state.ts";
import type { PowerControl } from "./power-control.ts";

/** What the life of a modem needs. */
interface ModemLifeDeps {
  readonly link: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly power: PowerControl | undefined;
  readonly settings: ModemSettings;
  /** From the opening of the port to its end. Resolves with the reason; rejects when the port cannot be opened. */
  readonly session: () => Promise<{ readonly opened: boolean; readonly reason: unknown }>;
  readonly state: () => ModemState;
  /** It is down. */
  readonly down: (why: string, phase: ModemPhase, failures: number) => void;
  readonly failures: (failures: number) => void;
}

/** Back-off of an absent port grows to half a minute. */
const maxAbsences = 6;

/**
 * Keeps a modem running. An absent modem (no such port, a refused connection, unplugged) is tried forever; one that is
 * present but fails has its power cycled, and is quarantined if that does not help.
 */
export class ModemLife {
  readonly #deps: ModemLifeDeps;
  readonly #quarantine: Quarantine;
  #restartedFor: string | undefined;
  #logged: string | undefined;

  constructor(deps: ModemLifeDeps) {
    this.#deps = deps;
    this.#quarantine = new Quarantine(deps.clock);
  }

  /** Runs until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, session, state, down, settings } = this.#deps;
    for (let absences = 0; !signal.aborted; ) {
      const { opened, reason } = await session();
      if (signal.aborted) break;
      const error = asGatewayError(reason);
      const gone = !opened || error.code === "link.lost" || error.code === "modem.absent";
      const failures = gone ? state().failures : state().failures + 1;
      absences = gone && state().phase.at !== "ready" ? Math.min(absences + 1, maxAbsences) : 0;
      const why = this.#restartedFor ?? error.message;
      this.#restartedFor = undefined;
      down(why, { at: "absent", reason: why }, failures);
      this.#log(error, failures, why);
      if (!gone && failures >= settings.quarantineAfter) await this.#putAside(error.message, signal);
      else {
        if (!gone) await this.#escalate(failures, signal);
        const waitMs = backoffMs(Math.max(failures, absences), { firstMs: 500, maxMs: 30_000, random });
        await clock.sleep(waitMs, signal).catch(() => undefined);
      }
    }
  }

  /** The modem is ready: earlier failures no longer count. */
  up(): void {
    this.#logged = undefined;
    this.#deps.failures(0);
  }

  /** Marks its next end as requested. */
  restartedFor(why: string): void {
    this.#restartedFor = why;
  }

  /** Ends its quarantine; false when it is in none. */
  release(): boolean {
    return this.#quarantine.release();
  }

  /** A device that stays absent is logged once, not at every attempt. */
  #log({ code }: GatewayError, failures: number, why: string): void {
    const { log, link } = this.#deps;
    const said = `${code} ${why}`;
    log[said === this.#logged ? "debug" : "info"]({ link, code, failures }, why);
    this.#logged = said;
  }

  /** After a quarantine one failed start is enough for the next one. */
  async #putAside(reason: string, signal: AbortSignal): Promise<void> {
    const { settings, log, link, clock, state, down, failures } = this.#deps;
    const { quarantineMs, quarantineAfter } = settings;
    const text = `${state().failures} consecutive starts failed; the last reason: ${reason}`;
    log.error({ link, reason, quarantineMs }, "the modem is quarantined");
    const phase = { at: "quarantined", reason: text, until: clock.now() + quarantineMs } as const;
    down(`quarantined: ${text}`, phase, state().failures);
    const end = await this.#quarantine.serve(quarantineMs, signal);
    failures(end === "released" ? 0 : quarantineAfter - 1);
  }

  /** From the third failure on, every second one cycles the power, if there is a power control. */
  async #escalate(failures: number, signal: AbortSignal): Promise<void> {
    const { power, log, link } = this.#deps;
    if (power === undefined || failures < 3 || failures % 2 === 0) return;
    log.warn({ link, failures, how: power.how }, "the modem does not recover; cycling its power");
    await power.cycle(signal).catch((error: unknown) => {
      log.error({ link, error: asGatewayError(error).toJSON() }, "failed to cycle the power");
    });
  }
}
