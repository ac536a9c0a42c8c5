import type { Clock } from "../../../base/clock.ts";
import { concatBytes } from "../../../base/hex.ts";
import { type ChannelStatus, linkDropped } from "../../../codec/cat/bearer.ts";
import type { OpenRequest } from "./open-request.ts";
import { emptyBuffer, type ReceiveBuffer, received, takeFrom } from "./receive-buffer.ts";
import type { Route } from "./rules.ts";
import type { BipSocket, SocketEvents } from "./sockets.ts";

/** State of a channel's link. */
type Link =
  /** On demand: connects when the first octets are sent. */
  | { readonly at: "waiting" }
  | { readonly at: "connecting" }
  | { readonly at: "up"; readonly socket: BipSocket }
  /** Lost, or never connected. */
  | { readonly at: "dropped"; readonly why: string };

/** Callbacks of a channel to its service. */
interface ChannelSignals {
  /** Octets are waiting that were not reported to the card yet. */
  onData(channel: BipChannel): void;
  /** The link came up or dropped without a command of the card. */
  onStatus(channel: BipChannel): void;
  /** Octets in or out, for traces. */
  onOctets(channel: BipChannel, dir: "in" | "out", octets: Uint8Array): void;
}

/** What a channel needs. */
interface ChannelDeps {
  readonly id: number;
  readonly request: OpenRequest;
  readonly route: Exclude<Route, { kind: "refuse" }>;
  readonly bufferSize: number;
  readonly clock: Clock;
  readonly signals: ChannelSignals;
  /** Opens the socket of the route. */
  readonly open: (events: SocketEvents, signal: AbortSignal) => Promise<BipSocket>;
  /** Time for a connection to come up, ms. */
  readonly connectMs: number;
}

/** How long the host may take to accept data beyond the buffer, and how long an answer waits for that, ms. */
const roomMs = 10_000;
const promptMs = 100;

/** One channel of the bearer independent protocol between a card and a socket. ETSI TS 102 223 §6.4.27 */
export class BipChannel {
  readonly #deps: ChannelDeps;
  readonly #gone = new AbortController();
  #link: Link = { at: "waiting" };
  #received: ReceiveBuffer;
  #stored: Uint8Array[] = [];
  #storedLength = 0;
  #inFlight = 0;
  #paused = false;
  #wakeWriter: (() => void) | undefined;
  /** The waiting octets were reported to the card: by an event, or in the answer to its last RECEIVE DATA. */
  cardKnows = false;
  #dropTold = false;

  constructor(deps: ChannelDeps) {
    this.#deps = deps;
    this.#received = emptyBuffer(deps.request.destination.protocol === "udp");
  }

  get id(): number {
    return this.#deps.id;
  }

  get request(): OpenRequest {
    return this.#deps.request;
  }

  get route(): ChannelDeps["route"] {
    return this.#deps.route;
  }

  get bufferSize(): number {
    return this.#deps.bufferSize;
  }

  get link(): Link {
    return this.#link;
  }

  /** Octets that wait for the card. */
  get waiting(): number {
    return this.#received.length;
  }

  /** The link is down and the card has fetched everything received over it. */
  get finished(): boolean {
    return this.#link.at === "dropped" && this.#received.length === 0;
  }

  /** Room in the transmit buffer, octets. */
  get room(): number {
    return Math.max(0, this.bufferSize - this.#storedLength - this.#inFlight);
  }

  /** Status reported to the card. A lost link counts as up while octets received over it wait. ETSI TS 102 223 §8.56 */
  get status(): ChannelStatus {
    const up = this.#link.at === "up" || (this.#link.at === "dropped" && !this.finished);
    const info = this.finished ? linkDropped : 0x00;
    return { channel: this.id, state: up ? "established" : "closed", info };
  }

  /** Connects the link; false if it is not up in time. */
  async connect(): Promise<boolean> {
    if (this.#link.at === "up") return true;
    this.#link = { at: "connecting" };
    const giveUp = new AbortController();
    const signal = AbortSignal.any([giveUp.signal, this.#gone.signal]);
    const timer = this.#deps.clock.sleep(this.#deps.connectMs, signal).then(
      () => giveUp.abort(new Error("no connection in time")),
      () => undefined,
    );
    let ended: string | undefined;
    const events: SocketEvents = {
      onData: (octets) => this.#onData(octets),
      onEnd: (error) => {
        ended = error?.message ?? "closed by the other end";
        this.#onEnd(ended, error === undefined);
      },
    };
    try {
      const socket = await this.#deps.open(events, signal);
      if (signal.aborted) {
        socket.destroy();
        throw signal.reason;
      }
      this.#link = ended === undefined ? { at: "up", socket } : { at: "dropped", why: ended };
      return ended === undefined;
    } catch (error) {
      this.#link = { at: "dropped", why: error instanceof Error ? error.message : String(error) };
      this.#dropTold = true;
      return false;
    } finally {
      giveUp.abort();
      await timer;
    }
  }

  /** Stores octets for a later `sendNow`; false if they do not fit. */
  store(octets: Uint8Array): boolean {
    if (octets.length > this.room) return false;
    this.#stored.push(octets);
    this.#storedLength += octets.length;
    return true;
  }

  /**
   * Passes the stored octets and these to the socket, in one piece. `full` if they do not fit, `down` if the link is
   * down; nothing was taken in either case.
   */
  async sendNow(octets: Uint8Array): Promise<"sent" | "full" | "down"> {
    if (octets.length + this.#storedLength > this.bufferSize) return "full";
    const reconnect = this.#link.at === "dropped" && this.request.reconnect && this.finished;
    if ((this.#link.at === "waiting" || reconnect) && !(await this.connect())) return "down";
    if (!(await this.#roomFor(octets.length))) return this.#link.at === "up" ? "full" : "down";
    if (this.#link.at !== "up") return "down";
    const whole = concatBytes(...this.#stored, octets);
    this.#stored = [];
    this.#storedLength = 0;
    this.#inFlight += whole.length;
    this.#deps.signals.onOctets(this, "out", whole);
    const written = this.#link.socket.write(whole).then(
      () => this.#taken(whole.length),
      (error: unknown) => {
        this.#taken(whole.length);
        this.#onEnd(error instanceof Error ? error.message : String(error), false);
      },
    );
    await this.#atMost(written, promptMs);
    return "sent";
  }

  /** Removes and returns up to `wanted` octets for the card. */
  take(wanted: number): Uint8Array {
    const { octets, rest } = takeFrom(this.#received, wanted);
    this.#received = rest;
    this.cardKnows = rest.length > 0;
    if (this.#paused && rest.length < this.bufferSize && this.#link.at === "up") {
      this.#paused = false;
      this.#link.socket.resume();
    }
    if (this.finished) this.#reportDrop();
    return octets;
  }

  /** Closes the socket; with `gently` it first sends the octets that it was given. No signal follows. */
  close(gently: boolean): void {
    this.#gone.abort(new Error("the channel was closed"));
    if (this.#link.at === "up") {
      if (gently) this.#link.socket.end();
      else this.#link.socket.destroy();
    }
    this.#link = { at: "dropped", why: "closed by the card" };
    this.#wakeWriter?.();
  }

  #onData(octets: Uint8Array): void {
    if (this.#gone.signal.aborted) return;
    const full = this.#received.length + octets.length > this.bufferSize;
    // Datagrams may be lost; a stream must not: it is buffered and the other end is slowed down.
    if (full && this.#received.datagrams && this.#received.length > 0) return;
    this.#received = received(this.#received, octets);
    this.#deps.signals.onOctets(this, "in", octets);
    if (this.#received.length >= this.bufferSize && this.#link.at === "up" && !this.#paused) {
      this.#paused = true;
      this.#link.socket.pause();
    }
    if (!this.cardKnows) this.#deps.signals.onData(this);
  }

  #onEnd(why: string, gently: boolean): void {
    if (this.#gone.signal.aborted || this.#link.at !== "up") return;
    // After a half-close the other end may still receive what is in flight.
    if (gently) this.#link.socket.end();
    else this.#link.socket.destroy();
    this.#link = { at: "dropped", why };
    this.#dropTold = false;
    this.#wakeWriter?.();
    if (this.finished) this.#reportDrop();
  }

  #reportDrop(): void {
    if (this.#dropTold || this.#gone.signal.aborted) return;
    this.#dropTold = true;
    this.#deps.signals.onStatus(this);
  }

  #taken(octets: number): void {
    this.#inFlight -= octets;
    this.#wakeWriter?.();
  }

  async #roomFor(octets: number): Promise<boolean> {
    const until = this.#deps.clock.monotonic() + roomMs;
    while (octets > this.room && this.#link.at === "up") {
      const left = until - this.#deps.clock.monotonic();
      if (left <= 0) return false;
      const woken = new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
      await this.#atMost(woken, left);
      this.#wakeWriter = undefined;
    }
    return octets <= this.room;
  }

  async #atMost(work: Promise<void>, ms: number): Promise<void> {
    const enough = new AbortController();
    const limit = this.#deps.clock.sleep(ms, enough.signal).catch(() => undefined);
    await Promise.race([work, limit]);
    enough.abort();
  }
}
