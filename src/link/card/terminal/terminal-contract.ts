import type { Clock } from "../../../base/clock.ts";
import type { CommandDetails } from "../../../codec/cat/object.ts";
import type { ProactiveCommand } from "../../../codec/cat/proactive.ts";
import type { TerminalResponse } from "../../../codec/cat/terminal-response.ts";
import type { CardTurn, TransmitOptions } from "../channel.ts";
import type { CardResponse } from "../exchange.ts";
import type { CardIdentity } from "../identity.ts";
import type { ChannelService } from "./channel-service.ts";
import type { ProactiveSession } from "./proactive-session.ts";
import type { RefreshPlan } from "./refresh.ts";
import type { SmsHandler } from "./terminal-commands.ts";
import type { TerminalSettings } from "./terminal-settings.ts";

/** The card as its terminal needs it; an `ApduChannel` is one. */
interface TerminalCard {
  transmit(apdu: Uint8Array, options?: TransmitOptions): Promise<CardResponse>;
  exclusive<T>(work: (turn: CardTurn) => Promise<T>): Promise<T>;
  reset(kind: "warm" | "cold", options?: TransmitOptions): Promise<Uint8Array>;
}

/** Callbacks of the terminal to its owner. Handlers must not wait for the terminal's own deliveries. */
export interface TerminalHooks {
  /** A short message of the card; the card is answered when it resolves. */
  readonly onSms?: SmsHandler;
  /** A text for the user. */
  readonly onText?: (text: string, command: ProactiveCommand) => void;
  /** ICCID or IMSI was read for the first time or changed. */
  readonly onIdentity?: (now: CardIdentity, before: CardIdentity | undefined) => void;
  /** A command and its answer; no command when it did not decode, no answer when a reset was the answer. */
  readonly onCommand?: (command: ProactiveCommand | undefined, response: TerminalResponse | undefined) => void;
  /** A REFRESH is about to be carried out. */
  readonly onRefresh?: (plan: RefreshPlan) => void;
  /** False defers a REFRESH; the card tries again later. */
  readonly mayRefresh?: (plan: RefreshPlan) => boolean;
  /** The card or the link failed during the terminal's own work; the terminal has stopped. */
  readonly onFailure?: (error: unknown) => void;
}

/** What a terminal needs. */
export interface TerminalDeps {
  readonly card: TerminalCard;
  readonly clock: Clock;
  readonly settings?: Partial<TerminalSettings>;
  readonly hooks?: TerminalHooks;
  /** Bearer independent protocol; without it no channel is claimed or opened. */
  readonly channels?: ChannelService;
}

/** State of a terminal for display. */
export interface TerminalState {
  readonly active: boolean;
  /** False when the card refused TERMINAL PROFILE: it has no toolkit. */
  readonly proactive: boolean;
  readonly session: ProactiveSession;
  /** Hexadecimal. */
  readonly profile: string;
  readonly identity: CardIdentity | undefined;
  readonly events: readonly string[];
  readonly timers: readonly { readonly id: number; readonly remainingSeconds: number }[];
  /** Undefined when polling is off. */
  readonly pollMs: number | undefined;
  /** Number of short messages and events that wait for the card. */
  readonly waiting: number;
  readonly lastCommand: CommandDetails | undefined;
  readonly channels: unknown;
}
