import type { GatewayError } from "../base/gateway-error.ts";
/** A source of a card: a PC/SC reader, a modem's SIM interface, a simulated card. */
export interface CardReader {
  /** Stable name, unique within its driver. */
  readonly name: string;
  /** Address as configuration writes it (`pcsc:Reader name`, `sim:euicc`, `modem:…`). */
  readonly address: string;
  /**
   * Powers the card up and connects to it exclusively.
   * @throws card.absent, card.unresponsive, link.busy, link.service, link.unknown, all within `timeoutMs`
   */
  connect(options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<CardConnection>;
}

/** An exclusive connection to a powered-up card. Dispose powers it down and releases it. */
export interface CardConnection extends AsyncDisposable {
  /** Answer to reset; changes with {@link reset}. Empty if the link does not report one (a modem). */
  readonly atr: Uint8Array;
  /**
   * What `transmit` accepts: `tpdu` = the caller handles 61xx and 6Cxx (T=0), `apdu` = the other side does.
   */
  readonly level: "tpdu" | "apdu";
  /**
   * True if another terminal also serves the card (a modem): it sends TERMINAL PROFILE, polls, fetches and answers
   * proactive commands, so the gateway starts no proactive loop. Absent or false: the caller is the only terminal.
   */
  readonly servedElsewhere?: boolean;
  /** Maximum length of an answer; 258 unless extended lengths are possible. */
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

/** The state of a reader. */
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
