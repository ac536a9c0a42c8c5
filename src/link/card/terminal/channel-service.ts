import type { Envelope } from "../../../codec/cat/envelope.ts";
import type { CatEvent } from "../../../codec/cat/event.ts";
import type { ProactiveCommand } from "../../../codec/cat/proactive.ts";
import type { Answer } from "../answer.ts";

/**
 * Offers an event to the card in its turn, if the card's event list contains it. The envelope is created at that
 * moment, and again for each try; undefined if there is nothing to report any longer. `taken` is called once the card
 * has accepted it.
 */
export type RaiseEvent = (event: CatEvent, make: () => Envelope | undefined, taken?: () => void) => void;

/** Carries out the commands of the bearer independent protocol. ETSI TS 102 223 §6.4.27 to §6.4.31 */
export interface ChannelService {
  /** Maximum number of channels (0 to 7), as stated in TERMINAL PROFILE. */
  readonly channels: number;
  /** @throws codec.* for a malformed object, nothing else */
  execute(command: ProactiveCommand): Promise<Answer>;
  /** Registers the receiver of events. */
  onEvent(raise: RaiseEvent): void;
  /** Closes all channels: the card was reset or removed. */
  closeAll(): void;
  /** State for display. */
  describe(): unknown;
}
