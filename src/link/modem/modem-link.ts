import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { detach } from "../../base/detach.ts";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import type { Urc } from "../../codec/at/urc.ts";
import type { Log } from "../driver.ts";
import type { Port, UartSettings } from "../port.ts";
import { reported } from "../reported.ts";
import { AtEngine } from "./at/at-engine.ts";
import { readCard, readEid } from "./card-facts.ts";
import { CardPresence } from "./card-presence.ts";
import { LastCard } from "./last-card.ts";
import { LineSettings } from "./line-settings.ts";
import { lookAfter } from "./look-after.ts";
import { ModemSmsBearer } from "./messages/sms-bearer.ts";
import { ModemCardReader } from "./modem-card-reader.ts";
import { ModemLife } from "./modem-life.ts";
import { type RestartKind, restartModem } from "./modem-restart.ts";
import { defaultModemSettings, type ModemSettings } from "./modem-settings.ts";
import { cardState, checkToolkit, chooseProfile, identify, initialise, wake } from "./modem-startup.ts";
import { isUsable, type ModemState, registered, registrationLine, type SwitchRecord } from "./modem-state.ts";
import { awaitReady, BootTime } from "./module-start.ts";
import type { PowerControl } from "./power-control.ts";
import { genericName, type ProfileSet } from "./profile/profile.ts";
import { firstAnswer, Questions } from "./questions.ts";
import { StateHolder } from "./state-holder.ts";
import { SwitchFollower, type SwitchFollowerDeps } from "./switch-follower.ts";
import type { SwitchWatchOptions } from "./switch-watch.ts";
import type { Timers } from "./timers.ts";

/** What a modem needs. */
export interface ModemLinkDeps {
  /** Link id, stable over restarts: the configured name, the USB path or the IMEI. */
  readonly id: string;
  /**
   * Opens the port to AT; called again after each loss. `uart`: serial settings of the hardware profile, once one is
   * chosen. @throws link.unknown, link.busy while there is no port
   */
  readonly openPort: (signal: AbortSignal, uart?: UartSettings) => Promise<Port>;
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

/** The life of one modem: found, identified, set up, watched, restarted when necessary, quarantined when it keeps failing. */
export class ModemLink implements AsyncDisposable {
  readonly id: string;
  readonly bearer: ModemSmsBearer;
  readonly reader: ModemCardReader;
  readonly #deps: ModemLinkDeps;
  readonly #settings: ModemSettings;
  readonly #stop = new AbortController();
  #engine: AtEngine | undefined;
  #port: Port | undefined;
  #running: Promise<void> | undefined;
  #settingUp: Promise<void> | undefined;
  #setUpAgain = false;
  #toolkitTried = false;
  readonly #life: ModemLife;
  readonly #card: CardPresence;
  readonly #last = new LastCard();
  readonly #holder: StateHolder;
  readonly #switches: SwitchFollower;
  readonly #line: LineSettings;
  readonly #boot: BootTime;
  #questions: Questions | undefined;

  constructor(deps: ModemLinkDeps) {
    this.#deps = deps;
    this.id = deps.id;
    this.#settings = { ...defaultModemSettings, ...deps.settings };
    this.#holder = new StateHolder(deps.clock, this.#last);
    this.bearer = new ModemSmsBearer({
      id: deps.id,
      clock: deps.clock,
      log: deps.log,
      cardTakesPackets: () => this.state.eid !== undefined,
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
      state: () => this.state,
      down: (why, phase, failures) => {
        this.bearer.detach(why);
        this.#holder.showCard({}, { failures, phase, registrations: {} });
      },
      failures: (failures) => this.#holder.update({ failures }),
    });
    this.#boot = new BootTime(deps.clock);
    this.#line = new LineSettings(deps.profiles, deps.profile);
    this.#switches = new SwitchFollower({
      link: deps.id,
      log: deps.log,
      last: this.#last,
      signal: this.#stop.signal,
      watch: this.#switchDeps(),
    });
    this.#card = new CardPresence({
      link: deps.id,
      clock: deps.clock,
      engine: () => this.#ready(),
      state: () => this.state,
      show: (facts) => this.#holder.showCard(facts),
      arrived: (engine) => this.#cardArrived(engine),
      readEid: this.#settings.readEid,
      patienceMs: this.#settings.cardPatienceMs,
      signal: this.#stop.signal,
    });
  }

  get state(): ModemState {
    return this.#holder.state;
  }

  /** The card in the modem, or the last one that was in it. */
  get lastCard(): LastCard["card"] {
    return this.#last.card;
  }

  /** The engine while a port is open, for consoles; may be in the middle of a start. */
  get engine(): AtEngine | undefined {
    return this.#engine;
  }

  /** Called with each change; the returned function ends it. */
  onChange(listener: (state: ModemState) => void): () => void {
    return this.#holder.onChange(listener);
  }

  /** Starts the supervision of the modem, which continues until {@link Symbol.asyncDispose}. */
  start(): void {
    this.#running ??= this.#life.run(this.#stop.signal);
    detach(this.#running, reported(this.#deps.log, "the supervision of a modem ended", { link: this.id }));
  }

  /** {@link restartModem} @throws link.unavailable, link.driver */
  restart(kind: RestartKind): Promise<void> {
    return restartModem(kind, {
      link: this.id,
      clock: this.#deps.clock,
      power: this.#deps.power,
      life: this.#life,
      boot: this.#boot,
      engine: () => this.engine,
      ready: () => this.state.phase.at === "ready",
      startAgain: (engine, step) => this.#startAgain(engine, step, ""),
      signal: this.#stop.signal,
    });
  }

  /** Ends its quarantine; false if it is not in one. */
  release(): boolean {
    return this.#life.release();
  }

  /** Follows a profile switch that is about to happen; resolves with what was seen. */
  watchSwitch(options: SwitchWatchOptions = {}, signal: AbortSignal = this.#stop.signal): Promise<SwitchRecord> {
    return this.#switches.follow(options, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new GatewayError("link.unavailable", `${this.id} was closed`));
    await this.#engine?.[Symbol.asyncDispose]();
    await this.#running;
    await this.bearer[Symbol.asyncDispose]();
  }

  #ready(): AtEngine | undefined {
    return this.state.phase.at === "ready" ? this.engine : undefined;
  }

  /** From the opening of the port to its end, with the reason. */
  async #session(): Promise<{ readonly opened: boolean; readonly reason: unknown }> {
    let opened = false;
    try {
      this.#holder.phase({ at: "starting", step: "opening the port" });
      const port = await this.#deps.openPort(this.#stop.signal, this.#line.next);
      opened = true;
      return { opened, reason: await this.#serve(port) };
    } catch (reason) {
      return { opened, reason };
    }
  }

  async #serve(port: Port): Promise<GatewayError> {
    const { profiles, timers } = this.#deps;
    const profile = profiles.get(this.#deps.profile ?? genericName);
    const engine = new AtEngine({ port, link: this.id, profile, ...withoutUndefined({ timers }) });
    this.#engine = engine;
    engine.onUrc((urc) => this.#onUrc(engine, urc));
    try {
      this.#setUpAgain = false;
      this.#port = port;
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

  /**
   * Sets up, in order, everything that a module loses when it starts; if it restarts in the meantime, the set-up begins
   * again.
   */
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
    this.#holder.phase({ at: "starting", step: "waiting for an answer" });
    await this.#wake(engine);
    this.#holder.phase({ at: "starting", step: "identifying" });
    const identity = await identify(engine);
    const profile = chooseProfile(profiles, identity, this.#deps.profile);
    engine.use(profile);
    if (this.#port !== undefined && this.#line.identified(this.#port, profile)) {
      const flow = profile.file.uart?.flow;
      await engine[Symbol.asyncDispose]();
      throw new GatewayError("link.lost", `the port is opened again with flow control ${flow} of its profile`);
    }
    this.#holder.update({ identity, profile: profile.name, phase: { at: "starting", step: "setting up" } });
    await initialise(engine, this.id, log);
    this.#questions = new Questions(engine, () => clock.monotonic());
    const imei = await firstAnswer(engine, profile.file.identity?.imei);
    if (imei !== undefined) this.#holder.update({ imei });
    this.#holder.phase({ at: "starting", step: "waiting for the card" });
    const pin = await cardState(engine, clock, this.#settings.cardPatienceMs, signal);
    this.#holder.showCard({ pin });
    if (isUsable(pin)) {
      const eid = this.#settings.readEid ? await readEid(engine, this.id) : undefined;
      this.#holder.showCard({ pin, ...(await readCard(engine)), ...withoutUndefined({ eid }) });
    }
    const toolkit = await checkToolkit(engine, this.#settings.enableToolkit && !this.#toolkitTried, this.id, log);
    if (toolkit === "restarting") {
      this.#toolkitTried = this.#setUpAgain = true;
      this.#boot.begin(engine);
      throw new GatewayError("modem.reset", `${this.id} restarts to enable its SIM toolkit`);
    }
    this.#holder.update({ ...withoutUndefined({ toolkit }), phase: { at: "starting", step: "message service" } });
    engine.resume();
    await this.#attachBearer(engine);
    await this.#refreshRegistration();
    this.#holder.update(await this.#questions.radio());
    this.#holder.phase({ at: "ready" });
    if (!this.#setUpAgain)
      log.info({ link: this.id, profile: profile.name, model: identity.model, imei, pin }, "the modem is ready");
  }

  async #wake(engine: AtEngine): Promise<void> {
    try {
      await wake(engine, this.#boot.probes(engine), this.#deps.clock, this.#stop.signal);
    } catch (error) {
      if (this.#port !== undefined && isGatewayError(error, "modem.timeout")) this.#line.unanswered(this.#port);
      throw error;
    }
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
    this.#holder.update({ registrations: (await this.#questions?.registrations()) ?? {} });
    this.#followRegistration();
  }

  #followRegistration(): void {
    // A modem that reports no domain may still be registered.
    if (registered(this.state) || Object.keys(this.state.registrations).length === 0) this.bearer.resume();
    else this.bearer.suspend("not registered on a network");
  }

  #onUrc(engine: AtEngine, urc: Urc): void {
    this.#switches.saw(urc.text);
    if (urc.event === "registration") this.#onRegistration(engine, urc.text);
    if (urc.event === "boot") this.#onBoot(engine, urc.text);
    if (urc.event === "sim-refresh" || urc.event === "sim-removed" || urc.event === "sim-restarting") {
      this.reader.cardWasReset();
      this.#switches.notice();
    }
    const { dialect } = engine.profile.file.toolkit ?? {};
    if (urc.event === "toolkit" && this.#switches.toolkitLine(dialect, urc.text)) this.reader.cardWasReset();
    this.#card.onUrc(urc);
    if (urc.event === "sms-ready" && this.#ready() === engine && this.bearer.inbox === undefined) {
      detach(this.#attachBearer(engine), () => {});
    }
  }

  #onRegistration(engine: AtEngine, text: string): void {
    const before = registered(this.state);
    const reported = registrationLine(text);
    if (reported === undefined) {
      this.#deps.log.debug({ link: this.id, text }, "unreadable registration line");
      return;
    }
    this.#holder.update({ registrations: { ...this.state.registrations, ...reported } });
    this.#followRegistration();
    if (registered(this.state) && this.state.iccid === undefined) detach(this.#card.look(), () => {});
    if (!before && registered(this.state) && engine.profile.quirks.has("cnmi-lost-on-reregistration"))
      this.bearer.inbox?.checkIndications().catch(() => undefined);
  }

  /** The module restarted by itself: everything is set up again on the same port. */
  #onBoot(engine: AtEngine, line: string): void {
    this.reader.cardWasReset();
    if (this.#settingUp !== undefined) this.#setUpAgain = true;
    if (this.#settingUp !== undefined || this.state.phase.at !== "ready") return;
    this.#boot.begin(engine);
    this.#startAgain(engine, "restarted by itself", line);
  }

  /**
   * Sets the module up again on the same port once it is ready. @param line the received line that indicated its start
   */
  #startAgain(engine: AtEngine, step: string, line: string): void {
    const { clock } = this.#deps;
    this.bearer.detach("the modem restarted");
    engine.hold();
    this.#holder.phase({ at: "starting", step });
    const again = awaitReady(engine, line, this.#settings.settleMs, clock, this.#stop.signal).then(() =>
      this.#setUp(engine),
    );
    detach(again, () => detach(engine[Symbol.asyncDispose](), () => {}));
  }

  #switchDeps(): SwitchFollowerDeps["watch"] {
    return {
      clock: this.#deps.clock,
      engine: () => this.#ready(),
      state: () => this.state,
      cardChanged: async () => {
        await this.#card.look();
        const engine = this.#ready();
        if (engine !== undefined) await this.#attachBearer(engine);
      },
      refreshRegistration: async () => {
        if (this.#ready() !== undefined) await this.#refreshRegistration();
      },
      recorded: (lastSwitch) => this.#holder.update({ lastSwitch }),
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
      state: () => this.state,
      ready: () => this.#ready() === engine,
      card: async () => (this.reader.inUse ? undefined : this.#card.look()),
      registration: () => this.#refreshRegistration(),
      radio: async () => this.#holder.update((await this.#questions?.radio()) ?? {}),
      attachBearer: () => this.#attachBearer(engine),
      failed: (error) => log.warn({ link: this.id, error: error.toJSON() }, "the status check of the modem failed"),
    });
  }
}
