import { connect, type Socket } from "node:net";
import type { SoftCard } from "./soft-card.ts";

/** Single-octet payloads of the driver. vsmartcard, vpcd protocol */
const control = { off: 0x00, on: 0x01, reset: 0x02, atr: 0x04 } as const;

/** How a card reaches its slot of the virtual PC/SC reader. */
interface VpcdOptions {
  /** Opens a TCP connection to the slot. */
  readonly dial: () => Promise<Socket>;
  /** Between attempts, while the driver is not there; 100 ms unless given. */
  readonly retryMs?: number;
}

/** Dials a slot by address; the port of the first reader of a default installation is 35963. */
export function vpcdAt(port: number, host = "127.0.0.1"): VpcdOptions["dial"] {
  return () =>
    new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      socket.once("connect", () => resolve(socket));
      socket.once("error", reject);
    });
}

/**
 * Puts a software card behind `vpcd`, the virtual PC/SC reader, where any PC/SC program finds it. Inserted from the
 * start; connects again by itself when the driver goes away and comes back, until it is ejected or disposed of.
 */
export class VpcdCard implements AsyncDisposable {
  readonly #card: SoftCard;
  readonly #options: VpcdOptions;
  #inserted = false;
  #socket: Socket | undefined;
  #powered = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(card: SoftCard, options: VpcdOptions) {
    this.#card = card;
    this.#options = options;
    this.insert();
  }

  /** Whether the driver holds a connection: the card is in the reader. */
  get connected(): boolean {
    return this.#socket !== undefined;
  }

  insert(): void {
    if (this.#inserted) return;
    this.#inserted = true;
    void this.#dial();
  }

  /** Pulls the card, in the middle of an exchange too. */
  async eject(): Promise<void> {
    this.#inserted = false;
    clearTimeout(this.#retry);
    this.#socket?.destroy();
    this.#socket = undefined;
    await this.#powerOff();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.eject();
  }

  async #dial(): Promise<void> {
    let socket: Socket;
    try {
      socket = await this.#options.dial();
    } catch {
      this.#dialLater();
      return;
    }
    if (!this.#inserted) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    socket.on("error", () => undefined);
    socket.once("close", () => void this.#lost(socket));
    this.#serve(socket);
  }

  #dialLater(): void {
    if (!this.#inserted) return;
    this.#retry = setTimeout(() => void this.#dial(), this.#options.retryMs ?? 100);
    this.#retry.unref();
  }

  async #lost(socket: Socket): Promise<void> {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    await this.#powerOff();
    this.#dialLater();
  }

  #serve(socket: Socket): void {
    let buffered: Buffer = Buffer.alloc(0);
    let working = Promise.resolve();
    socket.on("data", (chunk) => {
      buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
      while (buffered.length >= 2) {
        const end = 2 + buffered.readUInt16BE(0);
        if (buffered.length < end) return;
        const message = Uint8Array.from(buffered.subarray(2, end));
        buffered = buffered.subarray(end);
        working = working.then(() => this.#handle(socket, message));
      }
    });
  }

  async #handle(socket: Socket, message: Uint8Array): Promise<void> {
    if (message.length > 1) {
      await this.#exchange(socket, message);
      return;
    }
    switch (message[0]) {
      case control.off:
        return this.#powerOff();
      case control.on:
        return this.#powerOn();
      case control.reset:
        return this.#powered ? this.#card.reset() : this.#powerOn();
      case control.atr:
        send(socket, this.#card.atr);
    }
  }

  async #exchange(socket: Socket, command: Uint8Array): Promise<void> {
    const answer = await this.#card.transmit(command).catch(() => new Uint8Array(0));
    if (this.#socket !== socket) return;
    if (answer.length < 2) await this.eject();
    else send(socket, answer);
  }

  async #powerOn(): Promise<void> {
    if (this.#powered) await this.#card.powerOff();
    this.#powered = true;
    await this.#card.powerOn();
  }

  async #powerOff(): Promise<void> {
    if (!this.#powered) return;
    this.#powered = false;
    await this.#card.powerOff();
  }
}

function send(socket: Socket, payload: Uint8Array): void {
  const frame = Buffer.allocUnsafe(2 + payload.length);
  frame.writeUInt16BE(payload.length, 0);
  frame.set(payload, 2);
  socket.write(frame);
}
