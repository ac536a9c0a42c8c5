import { EventEmitter } from "node:events";
import type { Line } from "../line.ts";
import type { DeliveryAnswer, RadioNetwork, SubmitAnswer } from "../network/radio.ts";
import { semiOctetDigits } from "../network/tpdu.ts";
import type { SoftCard } from "../soft-card.ts";
import { AtTerminal } from "./at-terminal.ts";
import type { BipRoute } from "./bip.ts";
import { CardTerminal, type ToolkitEvent } from "./card-terminal.ts";
import { runLine } from "./dispatch.ts";
import { MessageStore } from "./message-store.ts";
import { type Misbehaviour, wellBehaved } from "./misbehaviour.ts";
import { type ModemFunctions, type ModemTimings, type PacketContext, quickTimings } from "./modem-functions.ts";
import { type ModemIdentity, type PlayedProfile, ProfileBehaviour, plainProfile } from "./profile-behaviour.ts";
import { Registration, type RegistrationState, registrationFields } from "./registration.ts";
import { copySettings, factorySettings, type Settings } from "./settings.ts";
import { SimSlot } from "./sim-slot.ts";
import { SmsReception } from "./sms-reception.ts";
import { ToolkitHost } from "./toolkit-host.ts";

/** What a {@link SimulatedModem} is made of; everything but the network has a default. */
export interface ModemOptions {
  readonly network: RadioNetwork;
  readonly card?: SoftCard;
  readonly profile?: PlayedProfile;
  readonly identity?: Partial<ModemIdentity>;
  readonly timings?: Partial<ModemTimings>;
  readonly misbehaviour?: Partial<Misbehaviour>;
  /** Slots of each message memory. */
  readonly memory?: { readonly SM?: number; readonly ME?: number };
  /** Where the card's channels may lead; everything is refused unless given. */
  readonly route?: BipRoute;
  readonly random?: () => number;
  readonly now?: () => number;
}

interface ModemEvents {
  registration: [RegistrationState];
  toolkit: [ToolkitEvent];
  boot: [];
  leave: [];
  off: [];
  sent: [{ readonly reference: number; readonly tpdu: Uint8Array }];
}

/** An AT modem with a card, a radio and any number of AT ports. 3GPP TS 27.005, TS 27.007 */
export class SimulatedModem extends EventEmitter<ModemEvents> implements ModemFunctions, AsyncDisposable {
  readonly behaviour: ProfileBehaviour;
  readonly network: RadioNetwork;
  readonly timings: ModemTimings;
  readonly slot: SimSlot;
  readonly cardTerminal: CardTerminal;
  readonly toolkit: ToolkitHost;
  readonly registration: Registration;
  readonly reception: SmsReception;
  readonly stores: { readonly SM: MessageStore; readonly ME: MessageStore; readonly SR: MessageStore };
  readonly random: () => number;
  readonly now: () => number;
  settings: Settings = factorySettings();
  misbehaviour: Misbehaviour;
  /** +CFUN. */
  functionality = 1;
  /** Signal as +CSQ gives it. */
  signal = { rssi: 23, ber: 99 };
  /** +COPS mode. */
  selection = 0;
  memories: ["SM" | "ME" | "SR", "SM" | "ME" | "SR", "SM" | "ME" | "SR"];
  /** The service centre as +CSCA set it, otherwise the card's, otherwise the network's. */
  serviceCentre: string | undefined;
  /** PDP contexts by cid; the first is there as delivered. */
  readonly contexts = new Map<number, PacketContext>([[1, { type: "IP", apn: "", address: undefined }]]);
  readonly sessions = new Map<string, number>();
  #saved = factorySettings();
  readonly #ports = new Set<AtTerminal>();
  #on = false;
  #starting = false; // Until the line after which it takes commands.
  #generation = 0;
  #reference = 0;
  #staleOperator = false;
  #firstIccid = "";
  #storm: NodeJS.Timeout | undefined;

  constructor(options: ModemOptions) {
    super();
    this.behaviour = new ProfileBehaviour(options.profile ?? plainProfile, options.identity);
    this.network = options.network;
    this.timings = { ...quickTimings, ...options.timings };
    this.misbehaviour = { ...wellBehaved, ...options.misbehaviour };
    this.random = options.random ?? Math.random;
    this.now = options.now ?? Date.now;
    const { imei } = this.behaviour.identity;
    const { storages } = this.behaviour.profile.sms ?? {};
    this.stores = {
      SM: new MessageStore("SM", options.memory?.SM ?? 20, 1),
      ME: new MessageStore("ME", options.memory?.ME ?? 50, 0),
      SR: new MessageStore("SR", 20, 1),
    };
    const memory = storages?.[0] === "SM" ? "SM" : "ME";
    this.memories = [memory, memory, memory];
    this.toolkit = new ToolkitHost(this);
    this.slot = new SimSlot(options.card, {
      terminalProfile: () => this.toolkit.begin(),
      onProactive: (length) => this.cardTerminal.proactive(length),
    });
    this.cardTerminal = new CardTerminal({
      slot: this.slot,
      imei,
      route: options.route ?? (() => undefined),
      connectMs: this.timings.connectMs,
      now: this.now,
      location: () => this.#location(),
      submit: async (tpdu, centre) => (await this.submit(tpdu, centreOf(centre))).answer,
      restartCard: () => void this.restartCard(),
      serving: () => this.toolkit.inForce,
      notify: (event) => {
        this.toolkit.notify(event);
        this.emit("toolkit", event);
      },
      host: (command, bytes) => this.toolkit.ask(command, bytes),
    });
    this.registration = new Registration({
      network: this.network,
      imei,
      subscriber: () => this.slot.facts,
      deliver: (tpdu, centre) => this.deliver(tpdu, centre),
      authenticate: (rand, autn) => this.slot.authenticate(rand, autn),
      onChange: (state) => this.#registrationChanged(state),
      searchMs: this.timings.searchMs,
    });
    this.reception = new SmsReception({
      settings: () => this.settings,
      urc: (...lines) => this.urc(...lines),
      downloads: () => this.slot.facts.download,
      download: (tpdu, centre) => this.cardTerminal.download(tpdu, centre),
      received: () => this.stores[this.memories[2]],
      card: this.stores.SM,
      onFull: (store) => this.#storeFull(store),
      acknowledgeMs: this.timings.acknowledgeMs,
    });
  }

  get powered(): boolean {
    return this.#on;
  }

  /** Another AT port on this line; returns the function that takes it away. */
  attachLine(line: Line): () => void {
    const port: AtTerminal = new AtTerminal(line, {
      settings: () => this.settings,
      misbehaviour: () => this.misbehaviour,
      random: this.random,
      run: (body, io) =>
        this.#on && !this.#starting ? runLine(this, body, io, () => port.allowAbort()) : Promise.resolve(""),
    });
    this.#ports.add(port);
    return () => {
      this.#ports.delete(port);
      port.close();
    };
  }

  /** An unsolicited result code on all ports. */
  urc(...lines: readonly string[]): void {
    if (this.#on) for (const port of this.#ports) port.urc(...lines);
  }

  /** Noise on all ports. */
  noise(bytes: Uint8Array): void {
    for (const port of this.#ports) port.noise(bytes);
  }

  /** Switches on: banner, card, network. Resolves when the first registration attempt is over. */
  async powerOn(): Promise<void> {
    const generation = ++this.#generation;
    this.settings = copySettings(this.#saved);
    this.functionality = 1;
    this.#staleOperator = false;
    this.#firstIccid = "";
    this.#on = true;
    const { early, late } = this.behaviour.banner;
    const waits = early.some((line) => this.behaviour.isReady(line));
    this.#starting ||= waits;
    await sleep(this.timings.bootMs);
    if (generation !== this.#generation) return;
    this.#starting = waits;
    this.emit("boot");
    for (const line of early) {
      this.urc(line);
      if (this.behaviour.isReady(line)) this.#starting = false;
      else if (this.#starting) await sleep(this.timings.bannerMs);
      if (generation !== this.#generation) return;
    }
    this.#runStorm();
    await this.startCard();
    for (const line of late) this.urc(line);
    if (generation === this.#generation) await this.startRadio();
  }

  /** Switches off: nothing answers any more. */
  async powerOff(): Promise<void> {
    this.#generation += 1;
    this.#on = false;
    clearInterval(this.#storm);
    for (const port of this.#ports) port.restart();
    this.reception.reset();
    this.registration.stop();
    await this.stopCard();
    for (const context of this.contexts.values()) context.address = undefined;
    this.emit("off");
  }

  async restart(): Promise<void> {
    if (this.behaviour.reenumerates) this.emit("leave");
    await this.reboot();
  }

  /** Switches off as asked; on most boards the power key is tied down, so that the module starts again by itself. */
  async shutDown(): Promise<void> {
    this.urc(this.behaviour.urc("shutdown") ?? "NORMAL POWER DOWN");
    await this.powerOff();
    if (this.misbehaviour.staysOff) return;
    const generation = this.#generation;
    await sleep(this.timings.keyedRestartMs);
    if (generation === this.#generation) await this.powerOn();
  }

  /** Off and on again, as a crash, +CFUN=1,1 or a watchdog does it; open commands are never answered. */
  async reboot(): Promise<void> {
    await this.powerOff();
    this.#starting = true;
    await this.powerOn();
  }

  /** Starts the card (again): files are read, the terminal profile goes down. */
  async startCard(): Promise<void> {
    this.sessions.clear();
    this.cardTerminal.reset();
    await this.slot.start();
    this.#firstIccid ||= this.slot.facts.iccid;
  }

  /** Meaning of the vendor's ICCID command: with a cache, the first card's until the next power-on. */
  get shownIccid(): string {
    return this.behaviour.quirks.has("stale-iccid-command") ? this.#firstIccid : this.slot.facts.iccid;
  }

  async stopCard(): Promise<void> {
    this.sessions.clear();
    this.cardTerminal.stop();
    await this.slot.powerOff();
  }

  /** Registers when the card allows it and the host did not forbid it. */
  async startRadio(): Promise<void> {
    if (this.#staleOperator || this.functionality !== 1 || this.selection === 2 || this.slot.facts.imsi === "") return;
    await this.registration.start();
  }

  /** REFRESH with reset, or a profile switch: service goes, the card comes back, everything is read again. */
  async restartCard(): Promise<void> {
    const generation = this.#generation;
    const { quirks } = this.behaviour;
    if (quirks.has("sim-not-reread")) {
      const { facts } = this.slot;
      await this.startCard();
      return this.slot.keepFacts(facts);
    }
    this.registration.stop();
    await this.stopCard();
    this.urc("+CPIN: NOT READY");
    if (quirks.has("refresh-reenumerates")) return await this.reboot();
    this.#staleOperator = quirks.has("operator-config-stale");
    await sleep(this.timings.simRestartMs);
    if (generation !== this.#generation) return;
    await this.startCard();
    if (generation !== this.#generation) return;
    if (this.slot.state.at === "ready") this.urc("+CPIN: READY");
    const notice = this.behaviour.urc("sim-refresh");
    if (notice !== undefined) this.urc(notice);
    await this.startRadio();
  }

  /** Pulls the card, or puts one in. */
  async exchangeCard(card: SoftCard | undefined): Promise<void> {
    this.registration.stop();
    this.cardTerminal.stop();
    await this.slot.exchangeCard(card);
    this.urc(card === undefined ? "+CPIN: NOT INSERTED" : "+CPIN: NOT READY");
    if (card === undefined || !this.#on) return;
    await this.startCard();
    if (this.slot.state.at === "ready") this.urc("+CPIN: READY");
    await this.startRadio();
  }

  /** Stores the settings for the next start (AT&W). */
  saveSettings(): void {
    this.#saved = copySettings(this.settings);
  }

  /** Settings as stored, or as they left the factory. */
  restoreSettings(factory: boolean): void {
    this.settings = factory ? factorySettings() : copySettings(this.#saved);
  }

  /** The service centre in force. */
  get centre(): string {
    return this.serviceCentre ?? (this.slot.facts.serviceCentre || this.network.serviceCentre);
  }

  /** Sends an SMS-SUBMIT; the modem puts its own reference in. */
  async submit(
    tpdu: Uint8Array,
    centre?: string,
  ): Promise<{ readonly reference: number; readonly answer: SubmitAnswer }> {
    const { attachment } = this.registration;
    const reference = this.#reference;
    this.#reference = (this.#reference + 1) & 0xff;
    const sent = Uint8Array.from(tpdu);
    if (sent.length > 1) sent[1] = reference;
    if (attachment === undefined) return { reference, answer: { ack: false, cause: 41 } };
    const answer = await attachment.submit(sent, centre === undefined || centre === "" ? this.centre : centre);
    if (answer.ack) this.emit("sent", { reference, tpdu: sent });
    return { reference, answer };
  }

  /** A TPDU from the network. */
  async deliver(tpdu: Uint8Array, centre: string): Promise<DeliveryAnswer> {
    if (!this.#on) return { ack: false, cause: 111 };
    return await this.reception.deliver(tpdu, centre);
  }

  /** Changes how it misbehaves from now on. */
  misbehave(change: Partial<Misbehaviour>): void {
    this.misbehaviour = { ...this.misbehaviour, ...change };
    this.#runStorm();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff();
    for (const port of this.#ports) port.close();
    this.#ports.clear();
  }

  #location(): ReturnType<ConstructorParameters<typeof CardTerminal>[0]["location"]> {
    const { stat, cell } = this.registration.state;
    return { status: this.registration.registered ? 0 : stat === 3 ? 1 : 2, cell };
  }

  #registrationChanged(state: RegistrationState): void {
    for (const name of ["CREG", "CGREG", "CEREG"] as const) {
      const detail = this.settings.reg[name];
      if (detail > 0) this.urc(`+${name}: ${registrationFields(state, detail)}`);
    }
    this.cardTerminal.locationChanged();
    if (this.behaviour.quirks.has("cnmi-lost-on-reregistration")) this.settings.cnmi = [0, 0, 0, 0, 0];
    this.emit("registration", state);
  }

  #storeFull(store: MessageStore): void {
    const notice = this.behaviour.urc("storage-full", store.name);
    if (notice !== undefined) this.urc(notice);
  }

  #runStorm(): void {
    clearInterval(this.#storm);
    const { urcStorm } = this.misbehaviour;
    const rate = urcStorm > 0 ? urcStorm : this.behaviour.quirks.has("periodic-signal-urcs") ? 0.5 : 0;
    if (rate === 0 || !this.#on) return;
    const perTick = Math.max(1, Math.round(rate / 100));
    const tick = () => {
      for (let i = 0; i < perTick; i++) this.urc(this.#stormLine());
    };
    this.#storm = setInterval(tick, Math.max(10, 1000 / rate));
    this.#storm.unref();
  }

  #stormLine(): string {
    const csq = `+CSQ: ${this.signal.rssi},99`;
    const usual = this.behaviour.urc("signal", `${this.signal.rssi}`) ?? csq;
    const storm = this.misbehaviour.urcStorm > 0 ? ["+CIEV: 2,4", "+CGEV: NW MODIFY 1,0"] : [];
    const lines = [usual, ...storm];
    return lines[Math.floor(this.random() * lines.length)] ?? csq;
  }
}

/** The service centre of a SEND SHORT MESSAGE address object: type, then digits. */
function centreOf(address: string): string | undefined {
  if (address === "") return undefined;
  const octets = Buffer.from(address, "hex");
  const digits = semiOctetDigits(octets.subarray(1));
  return ((octets[0] ?? 0) & 0x70) === 0x10 ? `+${digits}` : digits;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
