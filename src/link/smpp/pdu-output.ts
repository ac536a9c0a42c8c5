import { Writer } from "../../codec/kit/codec.ts";
import { type Pdu, writePdu } from "../../codec/smpp/pdu.ts";
import type { ReadGate } from "./read-gate.ts";
import type { SmppStream } from "./stream.ts";

const startOctets = 2_048;
/** So much goes out at once, so that the peer works on it while we continue. */
const eagerOctets = 2_048;
const keepOctets = 1 << 20;
/** What one turn may gather before requests have to wait for the stream's opinion. */
const fullOctets = 256 << 10;

/**
 * Gathers the PDUs of one turn of the event loop into one write, and keeps the peer's pace: after a full write it
 * pauses reading from the peer until that one has read from us, so nothing piles up.
 */
export class PduOutput {
  readonly #stream: SmppStream;
  readonly #gate: ReadGate;
  readonly #onRoom: () => void;
  #buffer = new Writer(startOctets);
  #scheduled = false;
  #blocked = false;

  /** `onRoom` is called when it is no longer {@link full}. */
  constructor(stream: SmppStream, gate: ReadGate, onRoom: () => void) {
    this.#stream = stream;
    this.#gate = gate;
    this.#onRoom = onRoom;
  }

  /** True while the peer does not read, or much is queued already: send no requests. */
  get full(): boolean {
    return this.#blocked || this.#buffer.length > fullOctets;
  }

  /** Queues a PDU; `seen` gets a copy of its octets if given. @throws codec.* and queues nothing */
  write(pdu: Pdu, seen?: (bytes: Uint8Array) => void): void {
    const start = this.#buffer.length;
    writePdu(this.#buffer, pdu);
    seen?.(this.#buffer.view(start).slice());
    if (this.#buffer.length >= eagerOctets && !this.#blocked) {
      this.flush();
      return;
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Hands all that is queued to the stream now. */
  flush(): void {
    if (this.#buffer.length === 0) return;
    const wasFull = this.full;
    const bytes = Buffer.from(this.#buffer.view());
    if (bytes.length > keepOctets) this.#buffer = new Writer(startOctets);
    else this.#buffer.truncate(0);
    if (!this.#stream.write(bytes) && !this.#blocked) {
      this.#blocked = true;
      this.#gate.hold();
    }
    if (wasFull && !this.full) this.#onRoom();
  }

  /** The stream has room again. */
  drained(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#gate.release();
    this.#onRoom();
  }
}
