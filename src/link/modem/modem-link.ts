import type { Clock } from "../../base/clock.ts";
import { detach } from "../../base/detach.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { powerLine } from "../../codec/at/general-commands.ts";
import { parseRegistration, type Urc } from "../../codec/at/urc.ts";
import type { Log } from "../driver.ts";
import type { Port } from "../port.ts";
import { reported } from "../reported.ts";
import { AtEngine } from "./at/at-engine.ts";
import { readCard, readEid } from "./card-facts.ts";
import { CardPresence } from "./card-presence.ts";
import { LastCard } from "./last-card.ts";
import { lookAfter } from "./look-after.ts";
import { ModemSmsBearer } from "./messages/sms-bearer.ts";
import { ModemCardReader } from "./modem-card-reader.ts";
import { ModemLife } from "./modem-life.ts";
import { defaultModemSettings, type ModemSettings } from "./modem-settings.ts";
import { cardState, checkToolkit, chooseProfile, identify, initialise, wake } from "./modem-startup.ts";
import {
  emptyState,
  isUsable,
  type ModemPhase,
  type ModemState,
  registered,
  type SwitchRecord,
} from "./modem-state.ts";
import type { PowerControl } from "./power-control.ts";
import { genericName, type ProfileSet } from "./profile/profile.ts";
import { ask, firstAnswer, Questions } from "./questions.ts";
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
  readonly #life: ModemLife;
  readonly #card: CardPresence;
  readonly #last = new LastCard();
  #questions: Questions | undefined;

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
    this.#life = new ModemLife({
      link: deps.id,
      clock: deps.clock,
      random: deps.random,
      log: deps.log,
      power: deps.power,
      settings: this.#settings,
      session: () => this.#session(),
      state: () => this.#state,
      down: (why, phase, failures) => {
        this.bearer.detach(why);
        this.#showCard({}, { failures, phase, registrations: {} });
      },
      failures: (failures) => this.#update({ failures }),
    });
    this.#card = new CardPresence({
      link: deps.id,
      clock: deps.clock,
      engine: () => this.#ready(),
      state: () => this.#state,
      show: (facts) => this.#showCard(facts),
      arrived: (engine) => this.#cardArrived(engine),
      readEid: this.#settings.readEid,
      patienceMs: this.#settings.cardPatienceMs,
      signal: this.#stop.signal,
    });
  }

  get state(): ModemState {
    return this.#state;
  }

  /** The card that is in it, or was in it last. */
  get lastCard(): LastCard["card"] {
    return this.#last.card;
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
    this.#running ??= this.#life.run(this.#stop.signal);
    detach(this.#running, reported(this.#deps.log, "a modem is given up", { link: this.id }));
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
      this.#life.restartedFor("its power was cycled");
      await this.#engine?.[Symbol.asyncDispose]();
      return;
    }
    const { engine } = this;
    if (engine === undefined) throw new GatewayError("link.unavailable", `${id} is not running`);
    const { power: lines } = engine.profile.file;
    for (const line of (kind === "sim" ? lines?.simReset : lines?.restart) ?? []) await ask(engine, powerLine, line);
    if (kind === "soft") this.#life.restartedFor("restarting, as it was told to");
    if (kind === "soft") await engine[Symbol.asyncDispose]();
  }

  /** Takes it out of quarantine; false when it is not in one. */
  release(): boolean {
    return this.#life.release();
  }

  /** Follows a profile switch that is about to happen; resolves with what was seen. */
  async watchSwitch(options: SwitchWatchOptions = {}, signal: AbortSignal = this.#stop.signal): Promise<SwitchRecord> {
    const watch = new SwitchWatch(this.#watchDeps(), options);
    this.#watch = watch;
    try {
      return await watch.follow(signal);
    } finally {
      if (this.#watch === watch) this.#watch = undefined;
      this.#last.settled();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new GatewayError("link.unavailable", `${this.id} was closed`));
    await this.#engine?.[Symbol.asyncDispose]();
    await this.#running;
    await this.bearer[Symbol.asyncDispose]();
  }

  #ready(): AtEngine | undefined {
    return this.#state.phase.at === "ready" ? this.engine : undefined;
  }

  #update(part: Partial<ModemState>): void {
    this.#state = { ...this.#state, ...part };
    for (const listener of this.#listeners) listener(this.#state);
  }

  #phase(phase: ModemPhase): void {
    this.#update({ phase });
  }

  /** From the opening of the port to its end, with the reason. */
  async #session(): Promise<{ readonly opened: boolean; readonly reason: unknown }> {
    let opened = false;
    try {
      this.#phase({ at: "starting", step: "opening the port" });
      const port = await this.#deps.openPort(this.#stop.signal);
      opened = true;
      return { opened, reason: await this.#serve(port) };
    } catch (reason) {
      return { opened, reason };
    }
  }

  async #serve(port: Port): Promise<GatewayError> {
    const { profiles, timers } = this.#deps;
    const profile = profiles.get(this.#deps.profile ?? genericName);
    const engine = new AtEngine({ port, link: this.id, profile, ...(timers === undefined ? {} : { timers }) });
    this.#engine = engine;
    engine.onUrc((urc) => this.#onUrc(engine, urc));
    try {
      this.#setUpAgain = false;
      await this.#setUp(engine);
      this.#life.up();
      detach(this.#lookAfter(engine), () => {});
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
    this.#questions = new Questions(engine, () => clock.monotonic());
    const imei = await firstAnswer(engine, profile.file.identity?.imei);
    if (imei !== undefined) this.#update({ imei });
    this.#phase({ at: "starting", step: "waiting for the card" });
    const pin = await cardState(engine, clock, this.#settings.cardPatienceMs, signal);
    this.#showCard({ pin });
    if (isUsable(pin)) {
      const eid = this.#settings.readEid ? await readEid(engine, this.id) : undefined;
      this.#showCard({ pin, ...(await readCard(engine)), ...(eid === undefined ? {} : { eid }) });
    }
    const toolkit = await checkToolkit(engine, this.#settings.enableToolkit && !this.#toolkitTried, this.id, log);
    if (toolkit === "restarting") {
      this.#toolkitTried = this.#setUpAgain = true;
      throw new GatewayError("modem.reset", `${this.id} restarts with its SIM toolkit on`);
    }
    this.#update({ ...(toolkit === undefined ? {} : { toolkit }), phase: { at: "starting", step: "message service" } });
    engine.resume();
    await this.#attachBearer(engine);
    await this.#refreshRegistration();
    this.#update(await this.#questions.radio());
    this.#phase({ at: "ready" });
    log.info({ link: this.id, profile: profile.name, model: identity.model, imei, pin }, "the modem is ready");
  }

  /** These facts, and none of a card before, are shown. */
  #showCard(facts: Pick<ModemState, "pin" | "iccid" | "imsi" | "eid">, more: Partial<ModemState> = {}): void {
    const { pin: _pin, eid: _eid, iccid: _iccid, imsi: _imsi, ...rest } = this.#state;
    this.#state = rest;
    this.#last.shown(facts, this.#deps.clock.monotonic());
    this.#update({ ...facts, ...more });
  }

  /** A card came, or came back: modems lose their message settings with the card. */
  async #cardArrived(engine: AtEngine): Promise<void> {
    this.reader.cardWasReset();
    await this.#attachBearer(engine);
    await this.#refreshRegistration();
  }

  async #attachBearer(engine: AtEngine): Promise<void> {
    await this.bearer.attachIfTaken(engine);
    this.#followRegistration();
  }

  async #refreshRegistration(): Promise<void> {
    this.#update({ registrations: (await this.#questions?.registrations()) ?? {} });
    this.#followRegistration();
  }

  #followRegistration(): void {
    // A modem that answers for no domain does not say that it is not registered.
    if (registered(this.#state) || Object.keys(this.#state.registrations).length === 0) this.bearer.resume();
    else this.bearer.suspend("not registered on a network");
  }

  #onUrc(engine: AtEngine, urc: Urc): void {
    this.#watch?.saw(urc.text);
    if (urc.event === "registration") this.#onRegistration(engine, urc.text);
    if (urc.event === "boot") this.#onBoot(engine);
    if (urc.event === "sim-refresh" || urc.event === "sim-removed" || urc.event === "sim-restarting") {
      this.reader.cardWasReset();
      this.#follow();
    }
    this.#card.onUrc(urc);
    if (urc.event === "sms-ready" && this.#ready() === engine && this.bearer.inbox === undefined) {
      detach(this.#attachBearer(engine), () => {});
    }
  }

  #onRegistration(engine: AtEngine, text: string): void {
    const before = registered(this.#state);
    try {
      const { solicited: _solicited, ...registration } = parseRegistration(text);
      const domain = /^\+(\w+)/.exec(text)?.[1] ?? "CREG";
      this.#update({ registrations: { ...this.#state.registrations, [domain]: registration } });
      this.#followRegistration();
      if (registered(this.#state) && this.#state.iccid === undefined) detach(this.#card.look(), () => {});
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
    if (this.#settingUp !== undefined) this.#setUpAgain = true;
    if (this.#settingUp !== undefined || this.#state.phase.at !== "ready") return;
    this.bearer.detach("the modem restarted");
    engine.hold();
    this.#phase({ at: "starting", step: "restarted by itself" });
    const again = this.#deps.clock.sleep(this.#settings.settleMs, this.#stop.signal).then(() => this.#setUp(engine));
    detach(again, () => detach(engine[Symbol.asyncDispose](), () => {}));
  }

  /** The card restarted without anybody here expecting it: perhaps a profile switch that others ordered. */
  #follow(): void {
    if (this.#watch !== undefined || this.#last.card.iccid === undefined) return;
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
      fromIccid: this.#last.switchedFrom(this.#deps.clock.monotonic()),
      cardChanged: async () => {
        await this.#card.look();
        const engine = this.#ready();
        if (engine !== undefined) await this.#attachBearer(engine);
      },
      refreshRegistration: async () => {
        if (this.#ready() !== undefined) await this.#refreshRegistration();
      },
      told: (lastSwitch) => this.#update({ lastSwitch }),
    };
  }

  #lookAfter(engine: AtEngine): Promise<void> {
    const { clock, log } = this.#deps;
    return lookAfter({
      engine,
      clock,
      signal: this.#stop.signal,
      everyMs: this.#settings.watchEveryMs,
      bearer: this.bearer,
      state: () => this.#state,
      ready: () => this.#ready() === engine,
      card: async () => (this.reader.inUse ? undefined : this.#card.look()),
      registration: () => this.#refreshRegistration(),
      radio: async () => this.#update((await this.#questions?.radio()) ?? {}),
      attachBearer: () => this.#attachBearer(engine),
      failed: (error) => log.warn({ link: this.id, error: error.toJSON() }, "a look at the modem failed"),
    });
  }
}
