import { randomBytes } from "node:crypto";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { fromHex } from "../../src/base/hex.ts";
import type { SoftCard } from "../soft-card.ts";
import { responseBytes, status } from "./apdu.ts";
import type { CardCore, Session } from "./card-core.ts";
import { CardInterface } from "./card-interface.ts";
import { type EuiccState, enabledProfile, type ProfileState } from "./card-state.ts";
import { removeProfile } from "./domains/isd-r.ts";
import { Lifecycle, notificationType } from "./domains/lifecycle.ts";
import type { Executed } from "./execution-log.ts";
import { buildFileSystem } from "./files/file-system.ts";
import type { FileSystem } from "./files/file-tree.ts";
import { isdRAid } from "./fixture.ts";
import type { Misbehaviour } from "./misbehaviour.ts";
import { findTarget, RemoteManagement, type RemoteTarget } from "./secured/remote.ts";
import { SecuredSms } from "./secured/secured-sms.ts";
import { Reassembly } from "./sms.ts";
import { type StateStore, volatileStore } from "./state-store.ts";
import { Toolkit } from "./toolkit.ts";

/** Answer to reset of a card with T=0, classes A to C, logical channels and eUICC functions. ISO 7816-3 §8.2 */
export const euiccAtr = fromHex("3B9F96803FC7828031E073FE211F574F54412D53494D66");

/** A client that opens SCP81 sessions for the card. It drives the terminal through {@link Toolkit}. */
export interface Scp81Client {
  /** A trigger packet arrived: the whole TLV 81, empty value = stored parameters. */
  open(trigger: Uint8Array): void;
  /** A notification waits to be sent; false when there is no way to (it then goes by SMS). */
  notify(notification: Uint8Array): boolean;
  /** An event download that is not the card's own business: data available, channel status. */
  event?(event: number, body: Uint8Array): void;
  /** The card was reset: all channels are gone. */
  reset?(): void;
  /** Resolves when the client has queued what it can queue now; the status word of the present command waits for it. */
  settled?(): Promise<void>;
}

/** What a simulated eUICC is made with. Everything but the state has a default. */
export interface EuiccDeps {
  readonly state: EuiccState;
  readonly store?: StateStore;
  readonly clock?: Clock;
  readonly random?: (octets: number) => Uint8Array;
  /** Called for each accepted packet or script after its effects are durable. */
  readonly onExecuted?: (record: Executed) => void;
  /** Faults to show; the object may be changed at any time. */
  readonly misbehaviour?: Misbehaviour;
}

/**
 * An SGP.02 eUICC in software: a UICC with the files of its enabled profile, ISD-R, ECASD, ISD-Ps, a toolkit.
 * It shares no protocol code with the gateway and so can stand in for hardware in the gateway's tests.
 */
export class SimulatedEuicc implements SoftCard {
  readonly state: EuiccState;
  readonly toolkit = new Toolkit();
  readonly misbehaviour: Misbehaviour;
  readonly #clock: Clock;
  readonly #random: (octets: number) => Uint8Array;
  readonly #core: CardCore & { files: FileSystem | undefined };
  readonly #remote: RemoteManagement;
  readonly #lifecycle: Lifecycle;
  readonly #reassembly = new Reassembly();
  readonly #secured: SecuredSms;
  readonly #interface: CardInterface;
  #client: Scp81Client | undefined;
  #powered = false;
  #release: (() => void) | undefined;

  constructor(deps: EuiccDeps) {
    const { state, store = volatileStore, clock = systemClock, misbehaviour = {} } = deps;
    this.state = state;
    this.misbehaviour = misbehaviour;
    this.#clock = clock;
    this.#random = deps.random ?? ((octets) => new Uint8Array(randomBytes(octets)));
    const commit = () => store.save(state);
    this.#core = {
      state,
      files: undefined,
      verified: new Set(),
      agreements: new Map(),
      channels: new Map(),
      downloads: new Map(),
      misbehaviour,
      random: this.#random,
      commit,
      requestSwitch: (target, type) => this.#lifecycle.requestSwitch(target, type),
      confirm: (sequence) => this.#lifecycle.confirm(sequence),
    };
    const { toolkit } = this;
    this.#lifecycle = new Lifecycle({
      state,
      toolkit,
      clock,
      misbehaviour,
      commit,
      profileSwitched: () => this.#profileSwitched(),
      remove: (profile) => removeProfile(this.#core, profile),
      notifyByHttps: (notification) => this.#client?.notify(notification) ?? false,
    });
    this.#remote = new RemoteManagement({
      card: this.#core,
      executed: deps.onExecuted ?? (() => {}),
      immediate: (action) => this.#proactive(action),
      now: () => clock.now(),
    });
    this.#secured = new SecuredSms({
      card: this.#core,
      toolkit,
      remote: this.#remote,
      misbehaviour,
      trigger: (parameters) => this.#client?.open(parameters),
      delivered: () => this.#lifecycle.responseDelivered(),
    });
    this.#interface = new CardInterface({
      card: this.#core,
      toolkit,
      lifecycle: this.#lifecycle,
      reassembly: this.#reassembly,
      secured: this.#secured,
      misbehaviour,
      event: (event, body) => this.#client?.event?.(event, body),
    });
    this.#profileSwitched();
    commit();
  }

  get atr(): Uint8Array {
    return this.misbehaviour.wrongAtr ? euiccAtr.slice(0, 5) : euiccAtr;
  }

  powerOn(): void {
    this.#powered = true;
    this.#restart();
  }

  powerOff(): void {
    this.#powered = false;
    this.#unmute();
  }

  reset(): void {
    this.#unmute();
    this.#restart();
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    const fault = this.misbehaviour;
    if (fault.delay) await this.#clock.sleep(fault.delay);
    if (fault.muteAfter !== undefined && fault.muteAfter-- <= 0) {
      delete fault.muteAfter;
      fault.mute = true;
    }
    if (fault.mute) return this.#silence();
    if (!this.#powered) return new Uint8Array(0);
    if (fault.randomSw && this.#chance() < fault.randomSw) return responseBytes(status(this.#anyFault()));
    const result = this.#interface.exchange(command);
    if (this.#client?.settled) await this.#client.settled();
    return responseBytes(this.#interface.announce(result));
  }

  /** Gives the card its SCP81 client. */
  attachScp81(client: Scp81Client): void {
    this.#client = client;
  }

  /** Has the card open a session with what it has stored, or by a trigger, as a timer or an applet would; false without a client. */
  openSession(trigger: Uint8Array = Uint8Array.of(0x81, 0x00)): boolean {
    this.#client?.open(trigger);
    return this.#client !== undefined;
  }

  /** An application that an HTTPS session may address, by AID (hex; absent = ISD-R). */
  application(aid: string = isdRAid): RemoteTarget | undefined {
    return findTarget(this.#core, Number.parseInt(aid.slice(24, 30), 16));
  }

  /** An HTTPS session begins: secure channels, downloads and key agreements of the last one are over. */
  sessionBegins(): void {
    for (const map of [this.#core.agreements, this.#core.channels, this.#core.downloads]) map.clear();
  }

  /** A context for the scripts of one HTTPS session. */
  openRemote(target: RemoteTarget): Session {
    return this.#remote.open(
      target,
      this.state.isdR.keySets.find(({ type }) => type === "SCP81"),
    );
  }

  /** Runs a script that arrived over HTTPS and returns its response. */
  runRemote(target: RemoteTarget, session: Session, body: Uint8Array): Uint8Array {
    return this.#remote.run(target, body, { bearer: "https" }, session);
  }

  /** The HTTPS session has ended: a switch that it accepted starts now. */
  responseDelivered(): void {
    this.#lifecycle.responseDelivered();
  }

  /** Local enabling (ESx) of the emergency or test profile: POL1 does not count, no notification. SGP.02 §3.22 */
  enableLocally(kind: "emergency" | "test"): boolean {
    const target = this.state.profiles.find((profile) => profile[kind] && profile.state === "disabled");
    const current = enabledProfile(this.state);
    if (!target || this.state.pendingSwitch || (kind === "test" && current?.emergency)) return false;
    if (current) this.state.localReturn = current.aid;
    return this.#switchLocally(target);
  }

  /** Local disabling: back to the profile that was enabled before. */
  disableLocally(): boolean {
    const target = this.state.profiles.find(({ aid }) => aid === this.state.localReturn);
    if (!target || this.state.pendingSwitch) return false;
    delete this.state.localReturn;
    return this.#switchLocally(target);
  }

  /** Starts the fall-back mechanism now, as after a loss of coverage. */
  fallBack(): void {
    this.#lifecycle.fallBack();
  }

  #switchLocally(target: ProfileState): boolean {
    this.#lifecycle.requestSwitch(target, notificationType.local);
    this.#lifecycle.responseDelivered();
    return true;
  }

  /** Immediate action of a script: COMPREHENSION-TLVs of one proactive command. TS 102 226 §5.2.1.2 */
  #proactive(action: Uint8Array): void {
    const [details, devices] = [action.subarray(0, 5), action.subarray(5, 9)];
    if (action.length < 9 || ((details[0] ?? 0) & 0x7f) !== 0x01 || ((devices[0] ?? 0) & 0x7f) !== 0x02) return;
    const [, , , type = 0, qualifier = 0] = details;
    this.toolkit.enqueue({ type, qualifier, destination: devices[3] ?? 0x82, objects: [action.slice(9)] });
  }

  #profileSwitched(): void {
    const profile = enabledProfile(this.state);
    this.#core.files = profile ? buildFileSystem(profile) : undefined;
    this.#core.verified.clear();
    this.#remote.forget();
    this.#interface.reset();
  }

  #restart(): void {
    this.toolkit.reset();
    this.#client?.reset?.();
    this.sessionBegins();
    this.#reassembly.reset();
    this.#remote.reset();
    this.#core.verified.clear();
    this.#lifecycle.restart();
    this.#interface.reset();
  }

  #silence(): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.#release = () => resolve(new Uint8Array(0));
    });
  }

  #unmute(): void {
    this.#release?.();
    this.#release = undefined;
  }

  #chance(): number {
    const [a = 0, b = 0] = this.#random(2);
    return (a * 256 + b) / 65536;
  }

  #anyFault(): number {
    const words = [0x6f00, 0x6581, 0x6985, 0x6400, 0x6a80, 0x9300];
    return words[(this.#random(1)[0] ?? 0) % words.length] ?? 0x6f00;
  }
}
