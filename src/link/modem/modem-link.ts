import type { Clock } from "../../base/clock.ts";
import { asGatewayError, GatewayError } from "../../base/gateway-error.ts";
import { backoffMs } from "../../base/retry.ts";
import { attention, powerLine } from "../../codec/at/general-commands.ts";
import { parseRegistration, type Urc } from "../../codec/at/urc.ts";
import type { Log } from "../driver.ts";
import type { Port } from "../port.ts";
import { AtEngine } from "./at-engine.ts";
import { ModemCardReader } from "./modem-card-reader.ts";
import { defaultModemSettings, type ModemSettings } from "./modem-settings.ts";
import {
  ask,
  cardState,
  chooseProfile,
  enableToolkit,
  firstAnswer,
  identify,
  initialise,
  readCard,
  readEid,
  readRadio,
  readRegistrations,
  toolkitState,
  wake,
} from "./modem-startup.ts";
import { emptyState, type ModemPhase, type ModemState, registered, type SwitchRecord } from "./modem-state.ts";
import type { PowerControl } from "./power-control.ts";
import { genericName, type ProfileSet } from "./profile.ts";
import { ModemSmsBearer } from "./sms-bearer.ts";
import { SwitchWatch, type SwitchWatchOptions } from "./switch-watch.ts";
import type { Timers } from "./timers.ts";

/** What a modem needs. */
export interface ModemLinkDeps {
  /** Link id, stable over restarts: the configured name, the USB path or the IMEI. */
  readonly id: string;
  /** Opens the port to AT; called anew after each loss. @throws link.unknown, link.busy while there is none */
  readonly openPort: (signal: AbortSignal) => Promise<Port>;
  readonly profiles: ProfileSet;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly timers?: Timers;
  /** Instead of the profile that identification finds. */
  readonly profile?: string;
  readonly power?: PowerControl;
  readonly settings?: Partial<ModemSettings>;
}

/** How far a restart goes. */
export type RestartKind = "sim" | "soft" | "power";

/** The life of one modem: found, identified, set up, watched, restarted when it must be, put aside when it keeps failing. */
export class ModemLink implements AsyncDisposable {
  readonly id: string;
  readonly bearer: ModemSmsBearer;
  readonly reader: ModemCardReader;
  readonly #deps: ModemLinkDeps;
  readonly #settings: ModemSettings;
  readonly #listeners = new Set<(state: ModemState) => void>();
  readonly #stop = new AbortController();
  #state: ModemState = emptyState;
  #engine: AtEngine | undefined;
  #watch: SwitchWatch | undefined;
  #running: Promise<void> | undefined;
  #settingUp: Promise<void> | undefined;
  #setUpAgain = false;
  #toolkitTried = false;
  #restartedFor: string | undefined;
  #released: (() => void) | undefined;

  constructor(deps: ModemLinkDeps) {
    this.#deps = deps;
    this.id = deps.id;
    this.#settings = { ...defaultModemSettings, ...deps.settings };
    this.bearer = new ModemSmsBearer({
      id: deps.id,
      clock: deps.clock,
      log: deps.log,
      cardTakesPackets: () => this.#state.eid !== undefined,
    });
    this.reader = new ModemCardReader({ name: deps.id, engine: () => this.#ready() });
  }

  get state(): ModemState {
    return this.#state;
  }

  /** The engine while a port is open, for consoles; may be in the middle of a start. */
  get engine(): AtEngine | undefined {
    return this.#engine;
  }

  /** Told of each change; the returned function ends it. */
  onChange(listener: (state: ModemState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Starts its life, which goes on until {@link Symbol.asyncDispose}. */
  start(): void {
    this.#running ??= this.#live().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) throw error;
    });
  }

  /**
   * Restarts it: the card alone, the module by its own command, or its power.
   * @throws link.unavailable when it is not running; link.driver when no power control is set or it fails
   */
  async restart(kind: RestartKind): Promise<void> {
    const { power, id } = this.#deps;
    if (kind === "power") {
      if (power === undefined) throw new GatewayError("link.driver", `${id} has no power control`);
      await power.cycle(this.#stop.signal);
      this.#restartedFor = "its power was cycled";
      await this.#engine?.[Symbol.asyncDispose]();
      return;
    }
    const engine = this.#engine;
    if (engine === undefined) throw new GatewayError("link.unavailable", `${id} is not running`);
    const { power: lines } = engine.profile.file;
    for (const line of (kind === "sim" ? lines?.simReset : lines?.restart) ?? []) await ask(engine, powerLine, line);
    if (kind === "soft") this.#restartedFor = "restarting, as it was told to";
    if (kind === "soft") await engine[Symbol.asyncDispose]();
  }

  /** Takes it out of quarantine; false when it is not in one. */
  release(): boolean {
    this.#released?.();
    return this.#released !== undefined;
  }

  /** Follows a profile switch that is about to happen; resolves with what was seen. */
  async watchSwitch(options: SwitchWatchOptions = {}, signal: AbortSignal = this.#stop.signal): Promise<SwitchRecord> {
    const watch = new SwitchWatch(this.#watchDeps(), options);
    this.#watch = watch;
    try {
      return await watch.follow(signal);
    } finally {
      if (this.#watch === watch) this.#watch = undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new GatewayError("link.unavailable", `${this.id} was closed`));
    this.#released?.();
    await this.#engine?.[Symbol.asyncDispose]();
    await this.#running;
    await this.bearer[Symbol.asyncDispose]();
  }

  #ready(): AtEngine | undefined {
    return this.#state.phase.at === "ready" ? this.#engine : undefined;
  }

  #update(part: Partial<ModemState>): void {
    this.#state = { ...this.#state, ...part };
    for (const listener of this.#listeners) listener(this.#state);
  }

  #phase(phase: ModemPhase): void {
    this.#update({ phase });
  }

  async #live(): Promise<void> {
    const { clock, random, log } = this.#deps;
    const { signal } = this.#stop;
    for (let absences = 0; !signal.aborted; ) {
      const reason = await this.#session().catch((error: unknown) => error);
      if (signal.aborted) break;
      const error = asGatewayError(reason);
      const gone = error.code === "link.lost" || error.code === "link.unknown" || error.code === "modem.absent";
      const failures = gone ? this.#state.failures : this.#state.failures + 1;
      absences = gone && this.#state.phase.at !== "ready" ? Math.min(absences + 1, 4) : 0;
      const why = this.#restartedFor ?? error.message;
      this.#restartedFor = undefined;
      this.bearer.detach(why);
      this.#update({ failures, phase: { at: "absent", reason: why }, registrations: {} });
      log.info({ link: this.id, code: error.code, failures }, why);
      if (failures >= this.#settings.quarantineAfter) await this.#quarantine(error.message, signal);
      else {
        await this.#escalate(failures);
        await clock
          .sleep(backoffMs(Math.max(failures, absences), { firstMs: 500, maxMs: 30_000, random }), signal)
          .catch(() => undefined);
      }
    }
  }

  async #quarantine(reason: string, signal: AbortSignal): Promise<void> {
    const text = `${this.#state.failures} starts in a row failed; the last: ${reason}`;
    this.#deps.log.error({ link: this.id, reason }, "the modem is quarantined");
    this.#phase({ at: "quarantined", reason: text });
    this.bearer.detach(`quarantined: ${text}`);
    await new Promise<void>((resolve) => {
      this.#released = resolve;
      if (signal.aborted) resolve();
    });
    this.#released = undefined;
    this.#update({ failures: 0 });
  }

  /** From the third failure on every second one takes the power away, where there is a way to. */
  async #escalate(failures: number): Promise<void> {
    const { power, log } = this.#deps;
    if (power === undefined || failures < 3 || failures % 2 === 0) return;
    log.warn({ link: this.id, failures, how: power.how }, "the modem does not recover; cycling its power");
    await power.cycle(this.#stop.signal).catch((error: unknown) => {
      log.error({ link: this.id, error: asGatewayError(error).toJSON() }, "the power could not be cycled");
    });
  }

  /** From an opened port to its end; resolves with the reason. */
  async #session(): Promise<GatewayError> {
    const { openPort, profiles, timers } = this.#deps;
    this.#phase({ at: "starting", step: "opening the port" });
    const port = await openPort(this.#stop.signal);
    const profile = profiles.get(this.#deps.profile ?? genericName);
    const engine = new AtEngine({ port, link: this.id, profile, ...(timers === undefined ? {} : { timers }) });
    this.#engine = engine;
    engine.onUrc((urc) => this.#onUrc(engine, urc));
    try {
      this.#setUpAgain = false;
      await this.#setUp(engine);
      this.#update({ failures: 0 });
      void this.#lookAfter(engine);
      return await engine.done;
    } finally {
      this.#engine = undefined;
      this.reader.cardWasReset();
      await engine[Symbol.asyncDispose]();
    }
  }

  /** Everything a module forgets at a start, in order; a start in the middle of it begins it again. */
  async #setUp(engine: AtEngine): Promise<void> {
    do {
      this.#setUpAgain = false;
      engine.hold();
      try {
        this.#settingUp = this.#setUpOnce(engine);
        await this.#settingUp;
      } catch (error) {
        if (!this.#setUpAgain || !engine.alive) throw error;
        await this.#deps.clock.sleep(this.#settings.settleMs, this.#stop.signal);
      } finally {
        this.#settingUp = undefined;
        engine.resume();
      }
    } while (this.#setUpAgain);
  }

  async #setUpOnce(engine: AtEngine): Promise<void> {
    const { profiles, clock, log } = this.#deps;
    const { signal } = this.#stop;
    this.#phase({ at: "starting", step: "waiting for an answer" });
    await wake(engine, engine.profile.file.startup?.probes ?? 10, clock, signal);
    this.#phase({ at: "starting", step: "identifying" });
    const identity = await identify(engine);
    const profile = chooseProfile(profiles, identity, this.#deps.profile);
    engine.use(profile);
    this.#update({ identity, profile: profile.name, phase: { at: "starting", step: "setting up" } });
    await initialise(engine, this.id, log);
    const imei = await firstAnswer(engine, profile.file.identity?.imei);
    if (imei !== undefined) this.#update({ imei });
    this.#phase({ at: "starting", step: "waiting for the card" });
    const pin = await cardState(engine, clock, this.#settings.cardPatienceMs, signal);
    this.#update({ pin });
    if (pin === "READY") await this.#takeCard(engine);
    const toolkit = await toolkitState(engine);
    if (toolkit === "off") await this.#toolkitIsOff(engine);
    this.#update({ ...(toolkit === undefined ? {} : { toolkit }), phase: { at: "starting", step: "message service" } });
    engine.resume();
    await this.bearer.attach(engine);
    await this.#refreshRegistration(engine);
    this.#update(await readRadio(engine));
    this.#phase({ at: "ready" });
    log.info({ link: this.id, profile: profile.name, model: identity.model, imei, pin }, "the modem is ready");
  }

  /** @throws modem.reset when the module restarts with its toolkit on */
  async #toolkitIsOff(engine: AtEngine): Promise<void> {
    const { enable } = engine.profile.file.toolkit ?? {};
    if (this.#settings.enableToolkit && !this.#toolkitTried && enable !== undefined) {
      this.#toolkitTried = true;
      if (!(await enableToolkit(engine))) return;
      this.#setUpAgain = true;
      throw new GatewayError("modem.reset", `${this.id} restarts with its SIM toolkit on`);
    }
    if (!engine.profile.quirks.has("toolkit-off-by-default")) return;
    const text = "the SIM toolkit is off: the modem may not follow REFRESH, and serves no BIP, until it is enabled";
    this.#deps.log.warn({ link: this.id, enable }, text);
  }

  async #takeCard(engine: AtEngine): Promise<void> {
    const { eid: _eid, iccid: _iccid, imsi: _imsi, ...rest } = this.#state;
    const card = await readCard(engine);
    const eid = this.#settings.readEid ? await readEid(engine) : undefined;
    this.#state = rest;
    this.#update({ ...card, ...(eid === undefined ? {} : { eid }) });
  }

  async #refreshRegistration(engine: AtEngine): Promise<void> {
    this.#update({ registrations: await readRegistrations(engine) });
    this.#followRegistration();
  }

  #followRegistration(): void {
    if (registered(this.#state)) this.bearer.resume();
    else this.bearer.suspend("not registered on a network");
  }

  #onUrc(engine: AtEngine, urc: Urc): void {
    this.#watch?.saw(urc.text);
    if (urc.event === "registration") this.#onRegistration(engine, urc.text);
    if (urc.event === "boot") this.#onBoot(engine);
    if (urc.event === "sim-refresh" || urc.event === "sim-removed") {
      this.reader.cardWasReset();
      this.#follow();
    }
  }

  #onRegistration(engine: AtEngine, text: string): void {
    const before = registered(this.#state);
    try {
      const { solicited: _solicited, ...registration } = parseRegistration(text);
      const domain = /^\+(\w+)/.exec(text)?.[1] ?? "CREG";
      this.#update({ registrations: { ...this.#state.registrations, [domain]: registration } });
      this.#followRegistration();
      if (!before && registered(this.#state) && engine.profile.quirks.has("cnmi-lost-on-reregistration")) {
        this.bearer.inbox?.checkIndications().catch(() => undefined);
      }
    } catch (error) {
      this.#deps.log.debug({ link: this.id, text, error: String(error) }, "a registration line cannot be read");
    }
  }

  /** The module restarted by itself: everything is set up again on the same port. */
  #onBoot(engine: AtEngine): void {
    this.reader.cardWasReset();
    if (this.#settingUp !== undefined) {
      this.#setUpAgain = true;
      return;
    }
    if (this.#state.phase.at !== "ready") return;
    this.bearer.detach("the modem restarted");
    engine.hold();
    this.#phase({ at: "starting", step: "restarted by itself" });
    const again = this.#deps.clock.sleep(this.#settings.settleMs, this.#stop.signal).then(() => this.#setUp(engine));
    again.catch(() => void engine[Symbol.asyncDispose]());
  }

  /** The card restarted without anybody here expecting it: perhaps a profile switch that others ordered. */
  #follow(): void {
    if (this.#watch !== undefined || this.#state.iccid === undefined) return;
    this.watchSwitch({ spontaneous: true }).catch((error: unknown) => {
      if (this.#stop.signal.aborted) return;
      this.#deps.log.warn({ link: this.id, error: String(error) }, "a profile switch could not be followed");
    });
  }

  #watchDeps(): ConstructorParameters<typeof SwitchWatch>[0] {
    return {
      clock: this.#deps.clock,
      engine: () => this.#ready(),
      state: () => this.#state,
      cardChanged: async (card) => {
        this.#update(card);
        const engine = this.#ready();
        if (engine !== undefined) await this.bearer.attach(engine);
      },
      refreshRegistration: async () => {
        const engine = this.#ready();
        if (engine !== undefined) await this.#refreshRegistration(engine);
      },
      told: (lastSwitch) => this.#update({ lastSwitch }),
    };
  }

  /** Keeps knocking at an idle line, so that a silent unplug is found, and looks at what changes without notice. */
  async #lookAfter(engine: AtEngine): Promise<void> {
    const { clock, log } = this.#deps;
    while (engine.alive && !this.#stop.signal.aborted) {
      try {
        await clock.sleep(this.#settings.watchEveryMs, this.#stop.signal);
        if (!engine.alive || this.#state.phase.at !== "ready") continue;
        await engine.run(attention, undefined);
        await this.#refreshRegistration(engine);
        this.#update(await readRadio(engine));
        await this.bearer.inbox?.checkIndications();
        await this.bearer.inbox?.poll();
      } catch (error) {
        if (this.#stop.signal.aborted || !engine.alive) return;
        log.warn({ link: this.id, error: asGatewayError(error).toJSON() }, "a look at the modem failed");
      }
    }
  }
}
