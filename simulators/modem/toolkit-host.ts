import { toHex } from "../../src/base/hex.ts";
import { CardTerminal, type ToolkitEvent } from "./card-terminal.ts";
import type { Proactive } from "./comprehension.ts";
import type { ProfileBehaviour } from "./profile-behaviour.ts";

/** Types that need a person: the only ones a host may take over; the rest the modem answers. */
const forPeople = new Set([0x10, 0x11, 0x12, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x28]);
const announced = new Set([0x01, 0x13, 0x40, 0x41, ...forPeople]);
const hostMs = 20_000;
const refresh = 0x01;

/** What the host's side of the toolkit needs of its modem. */
interface ToolkitModem {
  readonly behaviour: ProfileBehaviour;
  urc(...lines: readonly string[]): void;
}

/** The host's share of the toolkit: +CUSAT of 3GPP TS 27.007 §12, and the notices of vendors' menu dialects. */
export class ToolkitHost {
  readonly #modem: ToolkitModem;
  /** TERMINAL PROFILE the host stored with +CUSATW; empty = the modem answers everything by itself. */
  hostProfile: Uint8Array = new Uint8Array(0);
  /** What the host chose; in force from the card's next start. */
  enabled: boolean;
  #inForce: boolean;
  #waiting: ((response: Uint8Array) => void) | undefined;
  #notified = false;

  constructor(modem: ToolkitModem) {
    this.#modem = modem;
    this.enabled = !modem.behaviour.quirks.has("toolkit-off-by-default");
    this.#inForce = this.enabled;
  }

  /** Whether REFRESH is followed, BIP served and the host notified: the toolkit was on when the card started. */
  get inForce(): boolean {
    return this.#inForce;
  }

  /** The card starts: the TERMINAL PROFILE for it. A modem downloads one of its own even with the toolkit off. */
  begin(): Uint8Array {
    this.#inForce = this.enabled;
    return this.terminalProfile;
  }

  /** Facts reported to the card. */
  get terminalProfile(): Uint8Array {
    if (!this.#inForce) return CardTerminal.modestProfile;
    const merged = Uint8Array.from(CardTerminal.profile);
    for (const [index, octet] of this.hostProfile.entries())
      if (index < merged.length) merged[index] = (merged[index] ?? 0) | octet;
    return merged;
  }

  /** A command the host takes; undefined when it does not. */
  ask({ type }: Proactive, bytes: Uint8Array): Promise<Uint8Array> | undefined {
    if (!this.#inForce || this.hostProfile.length === 0 || !forPeople.has(type)) return undefined;
    this.#modem.urc(`+CUSATP: "${toHex(bytes)}"`);
    this.#notified = true;
    return new Promise((resolve) => {
      const details = bytes.subarray(bytes[1] === 0x81 ? 3 : 2).subarray(0, 5);
      const unanswered = Uint8Array.of(...details, 0x82, 0x02, 0x82, 0x81, 0x83, 0x01, 0x12);
      const timer = setTimeout(() => this.respond(unanswered), hostMs);
      timer.unref();
      this.#waiting = (response) => {
        clearTimeout(timer);
        resolve(response);
      };
    });
  }

  /** +CUSATT: false when no command waits for it. */
  respond(response: Uint8Array): boolean {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(response);
    return waiting !== undefined;
  }

  /** Notices in the profile's dialect. */
  notify(event: ToolkitEvent): void {
    if (!this.#inForce) return;
    const dialect = this.#modem.behaviour.profile.toolkit?.dialect;
    if (event.at === "end") {
      if (this.#notified) this.#modem.urc("+CUSATEND");
      this.#notified = false;
      return;
    }
    if (event.at === "bip") {
      const notice = this.#modem.behaviour.urc("bip", event.text);
      if (notice !== undefined) this.#modem.urc(notice);
      return;
    }
    if (event.at !== "command" || !announced.has(event.type)) return;
    const line = noticeOf(dialect, event.type, event.bytes);
    if (line !== undefined) this.#modem.urc(line);
  }
}

function noticeOf(dialect: string | undefined, type: number, bytes: Uint8Array): string | undefined {
  if (dialect === "menu-stin") return `+STIN: ${type.toString(16)}`;
  if (dialect === "menu-stn")
    return type === 0x01 ? `#STN: 1,${bytes[bytes[1] === 0x81 ? 7 : 6] ?? 0}` : `#STN: ${type}`;
  if (dialect === "menu-sstn") return `^SSTN: ${type}`;
  if (dialect === "usat-raw" && type === refresh) return `+CUSATP: "${toHex(bytes)}"`;
  return undefined;
}
