import type { CardConnection } from "../../src/link/card-reader.ts";
import type { Bounds } from "./bounded.ts";

/** One reader at one moment. */
export interface ReaderSnapshot {
  readonly name: string;
  /** Counts insertions and removals, so that a fast re-insertion shows. */
  readonly events: number;
  readonly present: boolean;
  /** The card gave no answer to reset. */
  readonly mute: boolean;
  readonly inUse: boolean;
  /** Empty when there is none. */
  readonly atr: Uint8Array;
}

/** A way to the PC/SC service: our own client of pcscd's socket, or a binding of libpcsclite. */
export interface PcscClient {
  /** Name of the implementation, for display. */
  readonly name: string;
  /**
   * All readers, at once and then after each change. Ends quietly when aborted; throws link.service, link.denied or
   * link.driver when the service is not there or goes away. Iterate again to try again.
   */
  watch(signal: AbortSignal): AsyncIterable<readonly ReaderSnapshot[]>;
  /** Takes the card in a reader exclusively. @throws as {@link CardReader.connect} */
  connect(reader: string, bounds: Bounds): Promise<CardConnection>;
}
