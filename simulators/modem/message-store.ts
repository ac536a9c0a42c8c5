/** State of a stored message as +CMGL counts it: 0 unread, 1 read, 2 unsent, 3 sent. 3GPP TS 27.005 §3.1 */
export type MessageStatus = 0 | 1 | 2 | 3;

/** A message in a memory: the TPDU and the service centre it came from or goes to. */
export interface StoredMessage {
  readonly tpdu: Uint8Array;
  readonly serviceCentre: string;
  status: MessageStatus;
}

/** One message memory (SM, ME, SR) with numbered slots. */
export class MessageStore {
  readonly name: string;
  readonly firstIndex: number;
  #total: number;
  readonly #slots = new Map<number, StoredMessage>();

  constructor(name: string, total: number, firstIndex: number) {
    this.name = name;
    this.#total = total;
    this.firstIndex = firstIndex;
  }

  get total(): number {
    return this.#total;
  }

  get used(): number {
    return this.#slots.size;
  }

  get full(): boolean {
    return this.#slots.size >= this.#total;
  }

  /** Makes it smaller or larger at run time; what is stored stays. */
  resize(total: number): void {
    this.#total = total;
  }

  /** Puts a message into the lowest free slot; undefined when there is none. */
  add(message: StoredMessage): number | undefined {
    if (this.full) return undefined;
    let index = this.firstIndex;
    while (this.#slots.has(index)) index += 1;
    this.#slots.set(index, message);
    return index;
  }

  get(index: number): StoredMessage | undefined {
    return this.#slots.get(index);
  }

  delete(index: number): boolean {
    return this.#slots.delete(index);
  }

  /** Messages in order of their index. */
  list(): readonly (readonly [number, StoredMessage])[] {
    return [...this.#slots].sort(([a], [b]) => a - b);
  }

  /** True when this index can hold a message. */
  holds(index: number): boolean {
    return index >= this.firstIndex && index < this.firstIndex + Math.max(this.#total, 1);
  }
}
