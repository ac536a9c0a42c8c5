import { Writer } from "../../codec/kit/codec.ts";
import { type Pdu, writePdu } from "../../codec/smpp/pdu.ts";
import type { SmppStream } from "./stream.ts";

const startOctets = 16_384;
const keepOctets = 1 << 20;

/**
 * Gathers the PDUs of one turn of the event loop into one write, and keeps the peer's pace: after a full write it reads
 * no more from the peer until that one has read from us, so nothing piles up.
 */
export class PduOutput {
  readonly #stream: SmppStream;
  #buffer = new Writer(startOctets);
  #scheduled = false;
  #blocked = false;

  constructor(stream: SmppStream) {
    this.#stream = stream;
  }

  /** True while the peer does not read. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Queues a PDU; `seen` gets a copy of its octets if given. @throws codec.* and queues nothing */
  write(pdu: Pdu, seen?: (bytes: Uint8Array) => void): void {
    const start = this.#buffer.length;
    writePdu(this.#buffer, pdu);
    seen?.(this.#buffer.view(start).slice());
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => this.flush());
  }

  /** Hands all that is queued to the stream now. */
  flush(): void {
    this.#scheduled = false;
    if (this.#buffer.length === 0) return;
    const bytes = this.#buffer.finish();
    if (bytes.length > keepOctets) this.#buffer = new Writer(startOctets);
    else this.#buffer.truncate(0);
    if (this.#stream.write(bytes) || this.#blocked) return;
    this.#blocked = true;
    this.#stream.pause();
  }

  /** The stream has room again; true when it had none before. */
  drained(): boolean {
    if (!this.#blocked) return false;
    this.#blocked = false;
    this.#stream.resume();
    return true;
  }
}
