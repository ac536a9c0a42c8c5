import type { Clock } from "../../../src/base/clock.ts";
import { type EuiccState, enabledProfile, type ProfileState } from "../card-state.ts";
import {
  catValue,
  performed,
  pollInterval,
  provideLocalInformation,
  refresh,
  setUpEventList,
  startTimer,
} from "../cat-tlv.ts";
import type { Misbehaviour } from "../misbehaviour.ts";
import { notificationMessages, notificationTlv } from "../notification.ts";
import type { Toolkit } from "../toolkit.ts";

/** Notification types. SGP.02 §4.1.1.11; 0 = a local switch without a notification. */
export const notificationType = { local: 0, declaration: 1, changed: 2, rolledBack: 3, fellBack: 5 } as const;

/** What the life cycle needs of the card. */
interface LifecycleDeps {
  readonly state: EuiccState;
  readonly toolkit: Toolkit;
  readonly clock: Clock;
  readonly misbehaviour: Misbehaviour;
  /** Makes the state durable. */
  commit(): void;
  /** The enabled profile is another one: its files take over. */
  profileSwitched(): void;
  /** Takes an ISD-P off the card. */
  remove(profile: ProfileState): void;
  /** Sends a notification over HTTPS; false = not possible now. */
  notifyByHttps(notification: Uint8Array): boolean;
}

type Deadline = { readonly kind: "attach" | "confirm" | "coverage"; readonly at: number };

const timerId = 1;

/**
 * What happens between the acceptance of a switch and its confirmation: REFRESH, attachment, notification and its
 * repetition, roll-back, fall-back. SGP.02 §3.15, §3.16
 */
export class Lifecycle {
  readonly #deps: LifecycleDeps;
  #service: "unknown" | "normal" | "none" = "unknown";
  #deadline: Deadline | undefined;
  #imei: Uint8Array | undefined;
  #refreshing = false;
  /** Whether the response of the pending switch has left the card. */
  #responded = false;
  #sending = false;
  #exhausted = false;
  #reference = 0;

  constructor(deps: LifecycleDeps) {
    this.#deps = deps;
  }

  /** A switch was accepted: durable at once, carried out when its response is out. */
  requestSwitch(target: ProfileState, type: number): void {
    const { state } = this.#deps;
    this.#responded = false;
    state.pendingSwitch = { from: enabledProfile(state)?.aid ?? "", to: target.aid, type };
    this.#deps.commit();
  }

  /** The response (PoR, HTTPS session) has left the card: a pending switch starts now. */
  responseDelivered(): void {
    const { state, toolkit } = this.#deps;
    if (state.pendingSwitch === undefined || this.#refreshing) return;
    this.#responded = true;
    const profileChange = state.settings.refreshMode === 9 && toolkit.offers(34, 6);
    this.#refreshing = true;
    toolkit.enqueue(refresh(profileChange ? 0x09 : 0x04), {
      done: (response) => {
        this.#refreshing = false;
        if (profileChange && performed(response)) this.restart();
      },
      lost: () => {
        this.#refreshing = false;
      },
    });
  }

  /** Power-on, reset, or the equivalent of one: volatile facts go, a pending switch is carried out. */
  restart(): void {
    this.#service = "unknown";
    this.#deadline = undefined;
    this.#imei = undefined;
    this.#refreshing = false;
    this.#sending = false;
    this.#exhausted = false;
    this.#carryOutSwitch();
  }

  #carryOutSwitch(): void {
    const { state } = this.#deps;
    const pending = state.pendingSwitch;
    if (pending === undefined) return;
    delete state.pendingSwitch;
    const target = state.profiles.find(({ aid }) => aid === pending.to);
    if (target && target.state === "disabled") {
      for (const profile of state.profiles) if (profile.state === "enabled") profile.state = "disabled";
      target.state = "enabled";
      this.#noteSwitch(pending.from, target, pending.type);
    }
    this.#deps.commit();
    this.#deps.profileSwitched();
  }

  #noteSwitch(from: string, target: ProfileState, type: number): void {
    const { state } = this.#deps;
    const left = state.profiles.find(({ aid }) => aid === from);
    if (type === notificationType.fellBack && left && left.pol1 & 0x01) state.returnOnlyTo = left.aid;
    if (type === notificationType.changed) delete state.returnOnlyTo;
    if (type === notificationType.local) return;
    state.notification = {
      type,
      sequence: this.#nextSequence(),
      aid: target.aid,
      attempts: 0,
      ...(type === notificationType.changed && left && { previous: left.aid }),
    };
  }

  #nextSequence(): number {
    const { state } = this.#deps;
    const sequence = state.nextSequence;
    state.nextSequence = (sequence + 1) & 0xffff;
    return sequence;
  }

  /** TERMINAL PROFILE arrived: the card specifies the facts that it requests. */
  terminalReady(): void {
    const { state, toolkit } = this.#deps;
    if (toolkit.offers(5, 1)) toolkit.enqueue(setUpEventList(0x03, 0x09, 0x0a));
    if (toolkit.offers(3, 6)) toolkit.enqueue(pollInterval(state.settings.pollIntervalSeconds));
    if (state.notification?.previous) this.#arm("attach", state.settings.attachSeconds);
  }

  /** Location status event: 0 normal service, 1 limited, 2 none. TS 102 223 §7.5.4 */
  locationStatus(status: number): void {
    const { state, misbehaviour } = this.#deps;
    const unconfirmed = state.notification?.previous !== undefined;
    if (unconfirmed && misbehaviour.refuseAttach) {
      this.#rollBack();
      return;
    }
    this.#service = status === 0 ? "normal" : "none";
    if (this.#service === "normal") {
      if (this.#deadline?.kind !== "confirm") this.#deadline = undefined;
      this.#notify();
    } else if (unconfirmed) {
      if (this.#deadline?.kind !== "attach") this.#arm("attach", state.settings.attachSeconds);
    } else if (this.#mayFallBack() && this.#deadline?.kind !== "coverage") {
      this.#arm("coverage", state.settings.coverageSeconds);
    }
  }

  #mayFallBack(): boolean {
    const { state } = this.#deps;
    const current = enabledProfile(state);
    const holder = state.profiles.find(({ fallback }) => fallback);
    return !!current && !!holder && holder !== current && !current.emergency && !current.test && !state.pendingSwitch;
  }

  /** STATUS: the card looks whether a wait is over. */
  poll(): void {
    if (this.#responded) this.responseDelivered();
    if (this.#deadline && this.#deps.clock.monotonic() >= this.#deadline.at) this.#expired(this.#deadline);
  }

  /** The terminal's timer ran out. */
  timerExpired(id: number): void {
    if (id === timerId && this.#deadline) this.#expired(this.#deadline);
  }

  #arm(kind: Deadline["kind"], seconds: number): void {
    const { clock, toolkit } = this.#deps;
    this.#deadline = { kind, at: clock.monotonic() + seconds * 1000 };
    if (toolkit.offers(8, 1)) toolkit.enqueue(startTimer(timerId, seconds));
  }

  #expired({ kind }: Deadline): void {
    this.#deadline = undefined;
    if (kind === "attach") this.#rollBack();
    else if (kind === "confirm") this.#notify();
    else this.fallBack();
  }

  /** Back to the profile before the switch. */
  #rollBack(): void {
    const { state } = this.#deps;
    const previous = state.profiles.find(({ aid }) => aid === state.notification?.previous);
    this.#deadline = undefined;
    delete state.notification;
    if (previous) this.requestSwitch(previous, notificationType.rolledBack);
    else this.#deps.commit();
    this.responseDelivered();
  }

  /** The fall-back mechanism, POL1 notwithstanding. */
  fallBack(): void {
    const holder = this.#deps.state.profiles.find(({ fallback }) => fallback);
    if (!holder || !this.#mayFallBack()) return;
    this.requestSwitch(holder, notificationType.fellBack);
    this.responseDelivered();
  }

  /** Sends the pending notification, or the declaration of a card that never made one. */
  #notify(): void {
    const { state } = this.#deps;
    if (this.#service !== "normal" || this.#sending || this.#exhausted || this.#deadline?.kind === "confirm") return;
    const aid = enabledProfile(state)?.aid;
    if (state.notification === undefined && !state.declared && aid !== undefined) {
      state.notification = { type: notificationType.declaration, sequence: this.#nextSequence(), aid, attempts: 0 };
    }
    const { notification } = state;
    if (notification === undefined) return;
    if (notification.attempts >= state.settings.notificationAttempts) {
      this.#giveUp();
      return;
    }
    notification.attempts += 1;
    this.#deps.commit();
    this.#sending = true;
    this.#askImei(() => this.#send());
  }

  #giveUp(): void {
    const { notification } = this.#deps.state;
    if (notification?.previous) {
      this.#rollBack();
      return;
    }
    if (notification) notification.attempts = 0;
    this.#exhausted = true;
    this.#deps.commit();
  }

  #askImei(then: () => void): void {
    const { toolkit } = this.#deps;
    if (this.#imei || !toolkit.offers(4, 7)) {
      then();
      return;
    }
    toolkit.enqueue(provideLocalInformation(0x01), {
      done: (response) => {
        const imei = catValue(response.objects, 0x14);
        if (imei?.length === 8) this.#imei = imei.slice();
        then();
      },
    });
  }

  #send(): void {
    const { state, toolkit, misbehaviour } = this.#deps;
    const { notification, settings } = state;
    const wait = () => {
      this.#sending = false;
      if (state.notification) this.#arm("confirm", settings.confirmationSeconds);
    };
    if (notification === undefined || misbehaviour.swallowNotification) {
      wait();
      return;
    }
    const e1 = notificationTlv(state, notification, this.#imei);
    if (settings.notificationBearer === "https" && this.#deps.notifyByHttps(e1)) {
      wait();
      return;
    }
    this.#reference = (this.#reference + 1) & 0xff;
    const messages = notificationMessages(state, e1, this.#reference);
    if (messages.length === 0) {
      wait();
      return;
    }
    for (const [i, message] of messages.entries()) {
      toolkit.enqueue(message, i === messages.length - 1 ? { done: wait } : {});
    }
  }

  /** A confirmation: closes the pending notification. AIDs of profiles that POL1 deleted, undefined = wrong number. */
  confirm(sequence: number): readonly string[] | undefined {
    const { state } = this.#deps;
    const { notification } = state;
    if (notification === undefined || notification.sequence !== sequence) return undefined;
    delete state.notification;
    state.declared = true;
    this.#deadline = undefined;
    const left = state.profiles.find(({ aid }) => aid === notification.previous);
    const deleted = left && left.pol1 & 0x04 && !left.fallback && left.state === "disabled" ? [left] : [];
    for (const profile of deleted) this.#deps.remove(profile);
    this.#deps.commit();
    return deleted.map(({ aid }) => aid);
  }
}
