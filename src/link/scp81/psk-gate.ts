import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type ClientHandshake, ClientHandshakeListener } from "../../codec/tls/client-handshake.ts";

/**
 * A stream between a TCP connection and its TLS engine. It passes the client's octets on one message at a time until
 * the PSK identity has arrived; `onHandshake` may then look the key up before the engine receives the message and
 * requires it. After that it only passes octets on.
 */
export class PskGate extends Duplex {
  readonly #socket: Socket;
  readonly #listener = new ClientHandshakeListener();
  readonly #onHandshake: (message: ClientHandshake) => Promise<void> | undefined;
  #passing: Promise<void> = Promise.resolve();
  #pending = 0;
  #open = false;

  constructor(socket: Socket, onHandshake: (message: ClientHandshake) => Promise<void> | undefined) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#onHandshake = onHandshake;
    socket.on("data", (octets: Buffer) => this.#take(octets));
    socket.on("end", () => this.#inOrder(() => void this.push(null)));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  #take(octets: Buffer): void {
    if (this.#open) {
      if (!this.push(octets)) this.#socket.pause();
      return;
    }
    for (const message of this.#listener.push(octets)) {
      const wait = this.#onHandshake(message);
      if (wait !== undefined) this.#inOrder(() => wait);
    }
    this.#inOrder(() => void this.push(octets));
  }

  /**
   * Runs `pass` after everything that is still held back; the gate is open when nothing is held back and nothing more
   * will be.
   */
  #inOrder(pass: () => Promise<void> | void): void {
    this.#pending++;
    this.#passing = this.#passing
      .then(() => (this.destroyed ? undefined : pass()))
      .then(
        () => {
          this.#open = --this.#pending === 0 && this.#listener.over;
        },
        (error: unknown) => void this.destroy(error instanceof Error ? error : new Error(String(error))),
      );
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(octets: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(octets, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
