import { Writer } from "../../codec/kit/codec.ts";
import { type Pdu, writePdu } from "../../codec/smpp/pdu.ts";
import type { ReadGate } from "./read-gate.ts";
import type { SmppStream } from "./stream.ts";

const startOctets = 2_048;
/** Octets after which gathered PDUs are written at once, so that the peer can process them in the meantime. */
const eagerOctets = 2_048;
const keepOctets = 1 << 20;
/** Octets that one turn may gather before requests wait until the stream has room. */
const fullOctets = 256 << 10;

/**
 * Gathers the PDUs of one turn of the event loop into one write. After a write that fills the stream, reading from the
 * peer pauses until the peer has read, so that output does not accumulate.
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

  /** True while the peer does not read, or too much is queued: send no requests. */
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

  /** Writes everything queued to the stream now. */
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
