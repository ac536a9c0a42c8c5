import { GatewayError } from "../src/base/gateway-error.ts";
import type { CardConnection, CardReader, ReaderEvent, ReaderState } from "../src/link/card-reader.ts";
import type { SoftCard } from "./soft-card.ts";

interface Bounds {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A reader in this process, with a software card or none. */
export class SoftReader implements CardReader {
  readonly name: string;
  readonly address: string;
  #card: SoftCard | undefined;
  #taken: SoftConnection | undefined;
  #listeners = new Set<(event: ReaderEvent) => void>();

  constructor(name: string, card?: SoftCard) {
    this.name = name;
    this.address = `sim:${name}`;
    this.#card = card;
  }

  get state(): ReaderState {
    const atr = this.#card?.atr;
    if (atr === undefined) return { at: "empty" };
    return atr.length === 0 ? { at: "mute" } : { at: "present", atr, inUse: this.#taken !== undefined };
  }

  /** Calls the listener for events of the card; returns the function that removes it. */
  onEvent(listener: (event: ReaderEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Puts a card in; one that is there leaves first. */
  insert(card: SoftCard): void {
    this.eject();
    this.#card = card;
    this.#notify({ kind: "card-inserted", reader: this.name, atr: card.atr });
  }

  /** Pulls the card, in the middle of an exchange too. */
  eject(): void {
    if (this.#card === undefined) return;
    const taken = this.#taken;
    const card = this.#card;
    this.#taken = undefined;
    this.#card = undefined;
    if (taken !== undefined) {
      void card.powerOff();
      taken.pull();
    }
    this.#notify({ kind: "card-removed", reader: this.name });
  }

  async connect(bounds: Bounds): Promise<CardConnection> {
    const card = this.#card;
    bounds.signal?.throwIfAborted();
    if (card === undefined) throw new GatewayError("card.absent", `${this.name}: the reader contains no card`);
    if (this.#taken !== undefined) throw new GatewayError("link.busy", `${this.name}: the card is in use`);
    const taken = new SoftConnection(this.name, card, () => {
      if (this.#taken === taken) this.#taken = undefined;
    });
    this.#taken = taken;
    try {
      await card.powerOn();
      taken.readAtr();
      return taken;
    } catch (error) {
      await taken[Symbol.asyncDispose]();
      throw error;
    }
  }

  #notify(event: ReaderEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** Readers in this process: what the driver of scheme `sim` lists and watches. */
export class SoftReaders {
  readonly #readers = new Map<string, SoftReader>();
  #listeners = new Set<(event: ReaderEvent) => void>();

  get all(): readonly SoftReader[] {
    return [...this.#readers.values()];
  }

  /** Plugs a reader in. */
  add(reader: SoftReader): SoftReader {
    this.remove(reader.name);
    this.#readers.set(reader.name, reader);
    reader.onEvent((event) => {
      if (this.#readers.get(reader.name) === reader) this.#tell(event);
    });
    this.#tell({ kind: "reader-added", reader, state: reader.state });
    return reader;
  }

  /** Unplugs a reader; its card goes with it. */
  remove(name: string): void {
    const reader = this.#readers.get(name);
    if (reader === undefined) return;
    this.#readers.delete(name);
    this.#tell({ kind: "reader-removed", reader: name });
    reader.eject();
  }

  /** Events as {@link ReaderEvent} states: first one `reader-added` per reader there is. */
  async *watch(signal: AbortSignal): AsyncIterable<ReaderEvent> {
    const waiting: ReaderEvent[] = this.all.map((reader) => ({ kind: "reader-added", reader, state: reader.state }));
    let wake: () => void = () => undefined;
    const listener = (event: ReaderEvent) => {
      waiting.push(event);
      wake();
    };
    const onAbort = () => wake();
    this.#listeners.add(listener);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const next = waiting.shift();
        if (next !== undefined) yield next;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.#listeners.delete(listener);
      signal.removeEventListener("abort", onAbort);
    }
  }

  #tell(event: ReaderEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

class SoftConnection implements CardConnection {
  readonly level = "tpdu";
  readonly maxResponse = 258;
  readonly #reader: string;
  readonly #card: SoftCard;
  readonly #release: () => void;
  readonly #over = new AbortController();
  #pulled = false;
  #released = false;
  #atr: Uint8Array = new Uint8Array(0);

  constructor(reader: string, card: SoftCard, release: () => void) {
    this.#reader = reader;
    this.#card = card;
    this.#release = release;
  }

  get atr(): Uint8Array {
    return this.#atr;
  }

  readAtr(): Uint8Array {
    if (this.#card.atr.length < 2) {
      throw new GatewayError("card.unresponsive", `${this.#reader}: the card returned no answer to reset`);
    }
    this.#atr = Uint8Array.from(this.#card.atr);
    return this.#atr;
  }

  /** The card has left the reader: ends what is on its way and all that comes. */
  pull(): void {
    this.#pulled = true;
    this.#end(new GatewayError("card.removed", `${this.#reader}: the card was removed during an exchange`));
  }

  async transmit(command: Uint8Array, bounds: Bounds): Promise<Uint8Array> {
    this.#over.signal.throwIfAborted();
    const answer = await this.#bounded(this.#card.transmit(Uint8Array.from(command)), bounds);
    if (answer.length >= 2) return answer;
    throw new GatewayError("card.removed", `${this.#reader}: the card was removed during an exchange`);
  }

  async reset(kind: "warm" | "cold", bounds: Bounds): Promise<Uint8Array> {
    this.#over.signal.throwIfAborted();
    const work = async () => {
      if (kind === "warm") {
        await this.#card.reset();
      } else {
        await this.#card.powerOff();
        await this.#card.powerOn();
      }
    };
    await this.#bounded(work(), bounds);
    return this.readAtr();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#pulled && !this.#released) await this.#card.powerOff();
    this.#released = true;
    this.#end(new GatewayError("link.lost", `${this.#reader}: the connection is closed`));
    this.#release();
  }

  #end(why: unknown): void {
    this.#over.abort(why);
  }

  #mute(timeoutMs: number): GatewayError {
    return new GatewayError("card.mute", `${this.#reader}: the card did not answer within ${Math.round(timeoutMs)} ms`);
  }

  /** Most exchanges end in the turn in which they start: timer and listeners are for those that do not. */
  #bounded<T>(work: Promise<T>, { timeoutMs, signal }: Bounds): Promise<T> {
    const over = this.#over.signal;
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const give = (why: unknown) => {
        finish();
        this.#end(why);
        reject(why);
      };
      const onAbort = () => give(signal?.reason);
      const onOver = () => give(over.reason);
      const wait = () => {
        if (signal?.aborted === true) return onAbort();
        if (over.aborted) return onOver();
        timer = setTimeout(() => give(this.#mute(timeoutMs)), timeoutMs);
        signal?.addEventListener("abort", onAbort, { once: true });
        over.addEventListener("abort", onOver, { once: true });
      };
      const turn = setImmediate(wait);
      const finish = () => {
        clearImmediate(turn);
        if (timer === undefined) return;
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        over.removeEventListener("abort", onOver);
      };
      work.then(
        (value) => {
          // Aborted in this turn, before there were listeners.
          if (signal?.aborted === true) return onAbort();
          if (over.aborted) return onOver();
          finish();
          resolve(value);
        },
        (cause) => give(new GatewayError("card.removed", `${this.#reader}: the card was removed`, { cause })),
      );
    });
  }
}
