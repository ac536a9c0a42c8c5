import { GatewayError } from "../../src/base/gateway-error.ts";
import type { CardConnection } from "../../src/link/card-reader.ts";
import { atrProblem } from "./atr.ts";
import { type Bounds, bounded } from "./bounded.ts";
import type { PcscClient, ReaderSnapshot } from "./pcsc-client.ts";
import { pcscError } from "./result-code.ts";

/** The part of npm `pcsclite` that is used. Its own types are callbacks over `any`. */
interface LiteReader {
  readonly name: string;
  readonly connected: boolean;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "end", listener: () => void): void;
  on(event: "status", listener: (status: { readonly state: number; readonly atr?: Uint8Array }) => void): void;
  connect(
    options: { readonly share_mode: number; readonly protocol: number },
    done: (error: Error | null | undefined, protocol: number) => void,
  ): void;
  disconnect(disposition: number, done: (error: Error | null | undefined) => void): void;
  transmit(
    data: Buffer,
    capacity: number,
    protocol: number,
    done: (error: Error | null | undefined, response: Uint8Array) => void,
  ): void;
  close(): void;
}

interface LiteService {
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "reader", listener: (reader: LiteReader) => void): void;
  close(): void;
}

type Pcsclite = () => LiteService;

const state = { present: 0x20, exclusive: 0x80, inUse: 0x100, mute: 0x200 } as const;
const exclusive = 1;
const anyProtocol = 3;
const protocolT1 = 2;
const dispose = { reset: 1, unpower: 2 } as const;

/** The readers reported by one service object, which is replaced when the service restarts. */
interface Session {
  readonly service: LiteService;
  readonly readers: Map<string, { readonly handle: LiteReader; snapshot: ReaderSnapshot }>;
  readonly listeners: Set<() => void>;
  ended: GatewayError | undefined;
}

/**
 * PC/SC through the npm package `pcsclite`, where pcscd's socket cannot be used. Its limits: a card that never answers
 * holds a thread of the process until it does (the pool has four, shared with files and name look-ups), and such a call
 * keeps the process from ending by itself. A second user of the same client shares its reader handles.
 */
export class PcscliteClient implements PcscClient {
  readonly name = "pcsclite";
  readonly #open: Pcsclite;
  #session: Session | undefined;
  #users = 0;

  constructor(open: Pcsclite) {
    this.#open = open;
  }

  /** @throws link.driver when the package is not installed or was not built for this machine */
  static async load(specifier = "pcsclite"): Promise<PcscliteClient> {
    try {
      const loaded: { readonly default: Pcsclite } = await import(specifier);
      return new PcscliteClient(loaded.default);
    } catch (cause) {
      throw new GatewayError("link.driver", "the optional package pcsclite is not installed or not built", { cause });
    }
  }

  async *watch(signal: AbortSignal): AsyncIterable<readonly ReaderSnapshot[]> {
    if (signal.aborted) return;
    const session = this.#acquire();
    let wake: () => void = () => undefined;
    const notify = () => wake();
    session.listeners.add(notify);
    signal.addEventListener("abort", notify, { once: true });
    try {
      await settle();
      let shown = "";
      while (!signal.aborted) {
        if (session.ended !== undefined) throw session.ended;
        const waiting = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const snapshot = [...session.readers.values()].map((reader) => reader.snapshot);
        const signature = JSON.stringify(
          snapshot.map((s) => [s.name, s.events, s.present, s.mute, s.inUse, [...s.atr]]),
        );
        if (signature !== shown) yield snapshot;
        shown = signature;
        await waiting;
      }
    } finally {
      signal.removeEventListener("abort", notify);
      session.listeners.delete(notify);
      this.#release();
    }
  }

  async connect(reader: string, bounds: Bounds): Promise<CardConnection> {
    const session = this.#acquire();
    try {
      await settle();
      if (session.ended !== undefined) throw session.ended;
      const found = session.readers.get(reader);
      if (found === undefined)
        throw new GatewayError("link.unknown", `no reader has the name ${reader}`, { detail: { reader } });
      const card = new PcscliteCard(found.handle, () => this.#release());
      await card.take(bounds, () => found.snapshot.atr);
      return card;
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  #acquire(): Session {
    this.#users++;
    if (this.#session?.ended !== undefined) this.#close();
    this.#session ??= this.#start();
    return this.#session;
  }

  #release(): void {
    this.#users--;
    if (this.#users === 0) this.#close();
  }

  #close(): void {
    const session = this.#session;
    this.#session = undefined;
    try {
      session?.service.close();
    } catch {
      // A service that is gone cannot be closed.
    }
  }

  #start(): Session {
    let service: LiteService;
    try {
      service = this.#open();
    } catch (cause) {
      this.#users--;
      throw serviceDown(cause);
    }
    const session: Session = { service, readers: new Map(), listeners: new Set(), ended: undefined };
    const changed = () => {
      for (const listener of session.listeners) listener();
    };
    const end = (cause: unknown) => {
      session.ended ??= serviceDown(cause);
      changed();
    };
    service.on("error", end);
    service.on("reader", (handle) => {
      const snapshot = {
        name: handle.name,
        events: 0,
        present: false,
        mute: false,
        inUse: false,
        atr: new Uint8Array(0),
      };
      session.readers.set(handle.name, { handle, snapshot });
      handle.on("error", end);
      handle.on("end", () => {
        session.readers.delete(handle.name);
        changed();
      });
      handle.on("status", (status) => {
        const entry = session.readers.get(handle.name);
        if (entry !== undefined) entry.snapshot = snapshotOf(handle.name, status);
        changed();
      });
    });
    return session;
  }
}

class PcscliteCard implements CardConnection {
  readonly #reader: LiteReader;
  readonly #release: () => void;
  #protocol = 1;
  #atr: Uint8Array = new Uint8Array(0);
  #over = false;

  constructor(reader: LiteReader, release: () => void) {
    this.#reader = reader;
    this.#release = release;
  }

  get atr(): Uint8Array {
    return this.#atr;
  }

  get level(): "tpdu" | "apdu" {
    return this.#protocol === protocolT1 ? "apdu" : "tpdu";
  }

  get maxResponse(): number {
    return this.#protocol === protocolT1 ? 65_538 : 258;
  }

  async take(bounds: Bounds, atr: () => Uint8Array): Promise<void> {
    const { name } = this.#reader;
    const work = callback<number>((done) => {
      this.#reader.connect({ share_mode: exclusive, protocol: anyProtocol }, done);
    });
    const late = () => new GatewayError("card.unresponsive", `${name}: the card could not be powered up in time`);
    this.#protocol = await bounded(translated(work, "connect", name), bounds, late, () => undefined);
    for (let tries = 0; atr().length === 0 && tries < 20; tries++) await pause(50);
    const problem = atrProblem(atr());
    if (problem !== undefined) {
      await this.#letGo(dispose.unpower);
      throw new GatewayError("card.unresponsive", `${name}: ${problem}`, { detail: { reader: name } });
    }
    this.#atr = Uint8Array.from(atr());
  }

  async transmit(command: Uint8Array, bounds: Bounds): Promise<Uint8Array> {
    const { name } = this.#reader;
    if (this.#over) throw new GatewayError("link.lost", `${name}: the connection is closed`);
    const work = callback<Uint8Array>((done) => {
      this.#reader.transmit(Buffer.from(command), this.maxResponse, this.#protocol, done);
    });
    const late = () => new GatewayError("card.mute", `${name}: the card did not answer within ${bounds.timeoutMs} ms`);
    const answer = await bounded(translated(work, "exchange", name), bounds, late, () => {
      this.#over = true;
    });
    if (answer.length < 2) {
      throw new GatewayError("card.removed", `${name}: the card was removed during an exchange`, {
        detail: { reader: name },
      });
    }
    return Uint8Array.from(answer);
  }

  async reset(kind: "warm" | "cold", bounds: Bounds): Promise<Uint8Array> {
    await this.#letGo(kind === "warm" ? dispose.reset : dispose.unpower);
    await this.take(bounds, () => this.#atr);
    return this.#atr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) await this.#letGo(dispose.unpower);
    this.#over = true;
    this.#release();
  }

  async #letGo(how: number): Promise<void> {
    const work = callback<undefined>((done) => this.#reader.disconnect(how, (error) => done(error, undefined)));
    const late = () => new GatewayError("link.timeout", "the card was not released in time");
    await bounded(work, { timeoutMs: 1_000 }, late, () => undefined).catch(() => undefined);
  }
}

function snapshotOf(name: string, status: { readonly state: number; readonly atr?: Uint8Array }): ReaderSnapshot {
  const present = (status.state & state.present) !== 0;
  return {
    name,
    events: status.state >>> 16,
    present,
    mute: present && (status.state & state.mute) !== 0,
    inUse: (status.state & (state.exclusive | state.inUse)) !== 0,
    atr: present && status.atr !== undefined ? Uint8Array.from(status.atr) : new Uint8Array(0),
  };
}

function callback<T>(run: (done: (error: Error | null | undefined, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    run((error, value) => (error ? reject(error) : resolve(value)));
  });
}

/** The package gives result codes only inside its texts, as `(0x8010000b)`. */
async function translated<T>(work: Promise<T>, phase: "connect" | "exchange", reader: string): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw pcscError(resultCodeIn(cause), phase, reader, cause);
  }
}

function resultCodeIn(error: unknown): number {
  const found = /0x([0-9a-f]{8})/i.exec(error instanceof Error ? error.message : "");
  return found?.[1] === undefined ? 0 : Number.parseInt(found[1], 16);
}

function serviceDown(cause: unknown): GatewayError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new GatewayError("link.service", `the PC/SC service does not respond (${why})`, { cause });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The package reports its readers one after the other, from threads; this is how long the first ones may take. */
function settle(): Promise<void> {
  return pause(100);
}
