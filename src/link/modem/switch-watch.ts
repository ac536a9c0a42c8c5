import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { isGatewayError } from "../../base/gateway-error.ts";
import { powerLine } from "../../codec/at/general-commands.ts";
import type { AtEngine } from "./at/at-engine.ts";
import { tidyIccid } from "./card-facts.ts";
import type { ModemState, SwitchRecord, SwitchStep } from "./modem-state.ts";
import { registered } from "./modem-state.ts";
import { ask, firstAnswer } from "./questions.ts";

/** What a watch needs of its modem. */
export interface SwitchWatchDeps {
  readonly clock: Clock;
  /** The running engine once the modem is ready; undefined while it starts or is gone. */
  readonly engine: () => AtEngine | undefined;
  readonly state: () => ModemState;
  /** The card that was in it before. */
  readonly fromIccid: string | undefined;
  /** The identity of the card has changed: reads it, and sets up the message service again. */
  readonly cardChanged: () => Promise<void>;
  /** Queries the registration again and stores the answer. */
  readonly refreshRegistration: () => Promise<void>;
  readonly recorded: (record: SwitchRecord) => void;
}

/** Options of a watch. */
export interface SwitchWatchOptions {
  /** ICCID that the card is expected to have afterwards; by default any other than before. */
  readonly expectedIccid?: string;
  readonly timeoutMs?: number;
  /** Started by an unsolicited line: ends early if the card stays the same. */
  readonly spontaneous?: boolean;
}

const pollMs = 2_000;
const unchangedAfterMs = 20_000;

/**
 * Follows a card through a profile switch: when its ICCID changed, when the network served it, and which remedies were
 * necessary.
 */
export class SwitchWatch {
  readonly #deps: SwitchWatchDeps;
  readonly #options: SwitchWatchOptions;
  readonly #started: number;
  readonly #steps: SwitchStep[] = [];
  #record: SwitchRecord;

  constructor(deps: SwitchWatchDeps, options: SwitchWatchOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#started = deps.clock.monotonic();
    const { fromIccid } = deps;
    this.#record = {
      at: deps.clock.now(),
      ...withoutUndefined({ fromIccid }),
      outcome: "watching",
      remedies: [],
      steps: this.#steps,
    };
  }

  /** A line the modem sent meanwhile. */
  saw(what: string): void {
    if (this.#steps.length < 200) this.#steps.push({ ms: this.#elapsed(), what });
  }

  /** Resolves when the card is served by the network, or all remedies and the time are used up. */
  async follow(signal: AbortSignal): Promise<SwitchRecord> {
    const limit = this.#options.timeoutMs ?? 180_000;
    const changed = await this.#untilChanged(limit, signal);
    if (!changed) return this.#end("unchanged");
    await this.#untilAttached(Math.max(limit, this.#elapsed() + 60_000), signal);
    return this.#record;
  }

  #elapsed(): number {
    return Math.round(this.#deps.clock.monotonic() - this.#started);
  }

  #update(part: Partial<SwitchRecord>): void {
    this.#record = { ...this.#record, ...part };
    this.#deps.recorded(this.#record);
  }

  #end(outcome: SwitchRecord["outcome"]): SwitchRecord {
    this.#update({ outcome });
    return this.#record;
  }

  /** Accepts the new ICCID only once the card has reported it twice. */
  async #untilChanged(limit: number, signal: AbortSignal): Promise<boolean> {
    const { fromIccid } = this.#record;
    let before: string | undefined;
    while (this.#elapsed() < limit) {
      await this.#deps.clock.sleep(pollMs, signal);
      const iccid = await this.#readIccid();
      const { expectedIccid } = this.#options;
      const isNew = expectedIccid === undefined ? iccid !== undefined && iccid !== fromIccid : iccid === expectedIccid;
      if (isNew && iccid === before) {
        await this.#cardChanged(iccid ?? "");
        return true;
      }
      before = iccid;
      if (this.#options.spontaneous === true && this.#elapsed() > unchangedAfterMs && iccid === fromIccid) return false;
      await this.#helpCard();
    }
    return false;
  }

  async #readIccid(): Promise<string | undefined> {
    const engine = this.#deps.engine();
    if (engine === undefined) return undefined;
    const queries = engine.profile.file.identity?.iccid ?? [];
    const usable = engine.profile.quirks.has("stale-iccid-command") ? queries.slice(0, 1) : queries;
    const iccid = await this.#quietly(() => firstAnswer(engine, usable));
    return iccid === undefined ? undefined : tidyIccid(iccid);
  }

  /** Queries fail while the card restarts; the next round repeats them. */
  async #quietly<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return undefined;
    }
  }

  async #cardChanged(iccid: string): Promise<void> {
    this.saw(`ICCID ${iccid}`);
    this.#update({ toIccid: iccid, iccidMs: this.#elapsed() });
    await this.#quietly(() => this.#deps.cardChanged());
  }

  /**
   * Makes the module read the card again, early for modules that do not do so by themselves; restarts the module if
   * that does not help.
   */
  async #helpCard(): Promise<void> {
    const engine = this.#deps.engine();
    if (engine === undefined || this.#options.spontaneous === true) return;
    const blind = engine.profile.quirks.has("sim-not-reread") || this.#deps.state().toolkit === "off";
    const patience = blind ? 6_000 : 45_000;
    if (this.#elapsed() > patience) await this.#remedy("sim-reset", engine, engine.profile.file.power?.simReset ?? []);
    if (this.#elapsed() > patience + 60_000)
      await this.#remedy("restart", engine, engine.profile.file.power?.restart ?? []);
  }

  async #remedy(name: string, engine: AtEngine, lines: readonly string[]): Promise<void> {
    if (this.#record.remedies.includes(name) || lines.length === 0) return;
    this.saw(`remedy: ${name}`);
    this.#update({ remedies: [...this.#record.remedies, name] });
    for (const line of lines) await this.#quietly(() => ask(engine, powerLine, line));
  }

  async #untilAttached(limit: number, signal: AbortSignal): Promise<void> {
    const since = this.#elapsed();
    while (this.#elapsed() < limit) {
      await this.#quietly(() => this.#deps.refreshRegistration());
      if (registered(this.#deps.state()) && this.#deps.engine() !== undefined) {
        this.saw("registered");
        this.#update({ attachMs: this.#elapsed(), outcome: "attached" });
        return;
      }
      const engine = this.#deps.engine();
      if (engine !== undefined) {
        const waited = this.#elapsed() - since;
        const stale = engine.profile.quirks.has("operator-config-stale");
        if (waited > (stale ? 45_000 : 120_000))
          await this.#remedy("restart", engine, engine.profile.file.power?.restart ?? []);
        else if (waited > 60_000) await this.#remedy("sim-reset", engine, engine.profile.file.power?.simReset ?? []);
      }
      await this.#deps.clock.sleep(pollMs, signal);
    }
    this.#update({ outcome: "no-attach" });
  }
}
