import type { RadioNetwork, SubmitAnswer } from "../network/radio.ts";
import type { CardTerminal } from "./card-terminal.ts";
import type { MessageStore } from "./message-store.ts";
import type { Misbehaviour } from "./misbehaviour.ts";
import type { ProfileBehaviour } from "./profile-behaviour.ts";
import type { Registration } from "./registration.ts";
import type { Settings } from "./settings.ts";
import type { SimSlot } from "./sim-slot.ts";
import type { SmsReception } from "./sms-reception.ts";
import type { ToolkitHost } from "./toolkit-host.ts";

/** How long things take, milliseconds. */
export interface ModemTimings {
  /** From power-on to the banner. */
  readonly bootMs: number;
  /** Time between the lines of the banner before the line that reports readiness. */
  readonly bannerMs: number;
  /** Between losing and finding the card in a REFRESH with reset. */
  readonly simRestartMs: number;
  /** Until +CMGS has its result. */
  readonly sendMs: number;
  /** Between two attempts to register. */
  readonly searchMs: number;
  /** For +CNMA. */
  readonly acknowledgeMs: number;
  /** For the card's TCP connections. */
  readonly connectMs: number;
  /** A scan for networks (+COPS=?). */
  readonly scanMs: number;
  /** From the end of a shutdown to the start that a tied-down power key brings about. */
  readonly keyedRestartMs: number;
}

/** Times of a modem that is in a hurry; real ones take seconds. */
export const quickTimings: ModemTimings = {
  bootMs: 20,
  bannerMs: 0,
  simRestartMs: 200,
  sendMs: 5,
  searchMs: 1000,
  acknowledgeMs: 12_000,
  connectMs: 15_000,
  scanMs: 200,
  keyedRestartMs: 1000,
};

/** A PDP context as +CGDCONT defines it; `address` while it is active. */
export interface PacketContext {
  readonly type: string;
  readonly apn: string;
  address: string | undefined;
}

type Memory = "SM" | "ME" | "SR";

/** The parts and functions of a modem that its AT commands read and change. */
export interface ModemFunctions {
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
  readonly settings: Settings;
  readonly misbehaviour: Misbehaviour;
  /** +CFUN. */
  functionality: number;
  /** Signal as +CSQ gives it. */
  readonly signal: { readonly rssi: number; readonly ber: number };
  /** +COPS mode. */
  selection: number;
  /** Memories of +CPMS: read and delete, write and send, receive. */
  memories: [Memory, Memory, Memory];
  /** The service centre as +CSCA set it. */
  serviceCentre: string | undefined;
  /** PDP contexts by cid. */
  readonly contexts: Map<number, PacketContext>;
  /** Open logical channels by session id of +CCHO. */
  readonly sessions: Map<string, number>;
  /** The service centre in force. */
  readonly centre: string;
  /** The ICCID that the vendor's command reports. */
  readonly shownIccid: string;
  /** An unsolicited result code on all ports. */
  urc(...lines: readonly string[]): void;
  powerOff(): Promise<void>;
  reboot(): Promise<void>;
  /** Restarts as the host ordered; a device that leaves the bus for it takes its ports away. */
  restart(): Promise<void>;
  /** Announces that it goes down, and switches off. */
  shutDown(): Promise<void>;
  startCard(): Promise<void>;
  stopCard(): Promise<void>;
  startRadio(): Promise<void>;
  saveSettings(): void;
  restoreSettings(factory: boolean): void;
  /** Sends an SMS-SUBMIT under the modem's next reference. */
  submit(tpdu: Uint8Array, centre?: string): Promise<{ readonly reference: number; readonly answer: SubmitAnswer }>;
}
