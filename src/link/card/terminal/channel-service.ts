import type { Envelope } from "../../../codec/cat/envelope.ts";
import type { CatEvent } from "../../../codec/cat/event.ts";
import type { ProactiveCommand } from "../../../codec/cat/proactive.ts";
import type { Answer } from "../answer.ts";

/**
 * Offers an event to the card when it is its turn, if the card's event list contains it. The envelope is made at that
 * moment, again for each try; undefined when there is nothing left to report. `taken` is called once the card has it.
 */
export type RaiseEvent = (event: CatEvent, make: () => Envelope | undefined, taken?: () => void) => void;

/** Carries out the commands of the bearer independent protocol. ETSI TS 102 223 §6.4.27 to §6.4.31 */
export interface ChannelService {
  /** How many channels there may be (0 to 7), as TERMINAL PROFILE claims. */
  readonly channels: number;
  /** Never throws but codec.* for a malformed object. */
  execute(command: ProactiveCommand): Promise<Answer>;
  /** Registers where events go. */
  onEvent(raise: RaiseEvent): void;
  /** Closes everything: the card was reset or is gone. */
  closeAll(): void;
  /** State for display. */
  describe(): unknown;
}
