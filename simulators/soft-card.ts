/**
 * A card in software. It knows nothing of the reader it sits in: the same object works in process (`sim:` reader),
 * and behind the real PC/SC stack (vpcd).
 *
 * One call at a time: the caller waits for `transmit` to settle before the next call of any kind, except
 * that `powerOff` may come at any moment, because cards can be removed. What `transmit` returns after that is dropped.
 */
export interface SoftCard {
  /** Answer to reset (ISO 7816-3 §8.2). May differ after each {@link powerOn} and {@link reset}; empty = the card is mute at reset. */
  readonly atr: Uint8Array;
  /** Cold reset: power comes on. All volatile state starts again. Never called twice without a `powerOff` between. */
  powerOn(): Promise<void> | void;
  /** Power goes away: card deactivated, or pulled. Calling it without power does nothing. */
  powerOff(): Promise<void> | void;
  /** Warm reset under power. All volatile state starts again. */
  reset(): Promise<void> | void;
  /**
   * One exchange: the octets as the reader hands them to the card, and the answer, which ends with SW1 SW2.
   * A T=0 card gets TPDUs (header, P3, data) from careful programs and whole APDUs (Le behind the data) from others; it
   * decides by itself between 61xx with GET RESPONSE and answering at once. A promise that never settles is a mute card;
   * a rejection or fewer than 2 octets is a card that went away.
   */
  transmit(command: Uint8Array): Promise<Uint8Array>;
}
