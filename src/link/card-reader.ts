import type { GatewayError } from "../base/gateway-error.ts";
/** Something that holds a card: a PC/SC reader, a modem's SIM interface, a simulated card. */
export interface CardReader {
  /** Stable name, unique within its driver. */
  readonly name: string;
  /** Address as configuration writes it (`pcsc:Reader name`, `sim:euicc`, `modem:…`). */
  readonly address: string;
  /**
   * Powers the card up and takes it exclusively.
   * @throws card.absent, card.unresponsive, link.busy, link.service, link.unknown, all within `timeoutMs`
   */
  connect(options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<CardConnection>;
}

/** An exclusive, powered-up card. Dispose powers it down and lets others in. */
export interface CardConnection extends AsyncDisposable {
  /** Answer to reset; changes with {@link reset}. Empty when the way to the card shows none (a modem). */
  readonly atr: Uint8Array;
  /**
   * What `transmit` takes: `tpdu` = the 61xx/6Cxx mapping is the caller's (T=0), `apdu` = the other side does it.
   */
  readonly level: "tpdu" | "apdu";
  /**
   * True when another terminal serves the card beside us (a modem): it sends TERMINAL PROFILE, polls, fetches and
   * answers proactive commands, so the gateway starts no proactive loop. Absent or false: the card is the caller's
   * alone.
   */
  readonly servedElsewhere?: boolean;
  /** How long an answer may be; 258 unless extended lengths are possible. */
  readonly maxResponse: number;
  /**
   * One exchange; the answer ends with SW1 SW2 (always at least 2 octets).
   * @throws card.mute after `timeoutMs`, card.removed, card.reset, card.protocol, link.lost, link.service.
   * An aborted or timed-out exchange leaves the connection unusable: dispose it and connect again.
   */
  transmit(
    command: Uint8Array,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Uint8Array>;
  /** Warm (reset line) or cold (power off and on) reset; returns the new ATR. */
  reset(
    kind: "warm" | "cold",
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Uint8Array>;
}

/** What a reader shows from outside. */
export type ReaderState =
  | { readonly at: "empty" }
  | { readonly at: "present"; readonly atr: Uint8Array; readonly inUse: boolean }
  | { readonly at: "mute" };

/** Changes of a driver's readers, as they happen. */
export type ReaderEvent =
  | { readonly kind: "reader-added"; readonly reader: CardReader; readonly state: ReaderState }
  | { readonly kind: "reader-removed"; readonly reader: string }
  | { readonly kind: "card-inserted"; readonly reader: string; readonly atr: Uint8Array }
  | { readonly kind: "card-removed"; readonly reader: string }
  | { readonly kind: "service-up" }
  | { readonly kind: "service-down"; readonly reason: string; readonly error?: GatewayError };
