import { connect, type Socket } from "node:net";
import { GatewayError } from "../../src/base/gateway-error.ts";
import { accessDenied } from "./access-rule.ts";
import { malformed } from "./protocol.ts";

/** Largest answer: a TRANSMIT struct with an extended response. */
const maxAnswer = 32 + 65_548;

/** Attempts while pcscd's queue of new connections is full, and the time between them. */
const queueRetries = 50;
const queueRetryMs = 20;

interface Pending {
  /** Octets expected so far: the head, then head and tail. */
  need: number;
  /** Octets of the struct at the start of the answer. */
  readonly head: number;
  readonly tail: ((head: Uint8Array) => number) | undefined;
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One connection to pcscd. pcscd serves the requests of a connection strictly one by one, so there is at most one
 * pending. Whatever ends the connection ends the pending request with it; a closed socket stays closed.
 */
export class PcscdSocket {
  readonly #socket: Socket;
  readonly #in = new Uint8Array(maxAnswer);
  #filled = 0;
  #pending: Pending | undefined;
  #ended: GatewayError | undefined;
  #answered = false;
  /** Minor version of the protocol that both sides speak on this connection; agreed on by the client. */
  minor = 4;

  private constructor(path: string) {
    this.#socket = connect({
      path,
      onread: {
        buffer: Buffer.allocUnsafeSlow(16_384),
        callback: (count, chunk) => {
          this.#receive(chunk.subarray(0, count));
          return true;
        },
      },
    });
  }

  /** @throws link.service when the port refuses connections, link.denied when the system denies access */
  static async open(path: string): Promise<PcscdSocket> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await PcscdSocket.#openOnce(path);
      } catch (error) {
        // pcscd's backlog of unaccepted connections is short.
        const queueFull = error instanceof GatewayError && error.detail.errno === "EAGAIN";
        if (!queueFull || attempt === queueRetries) throw error;
        await new Promise((resolve) => setTimeout(resolve, queueRetryMs));
      }
    }
  }

  static #openOnce(path: string): Promise<PcscdSocket> {
    const opened = new PcscdSocket(path);
    const socket = opened.#socket;
    return new Promise((resolve, reject) => {
      let connected = false;
      socket.once("connect", () => {
        connected = true;
        resolve(opened);
      });
      socket.on("error", (cause) => {
        const refusal = connected ? opened.#closedBy(path, cause) : cannotConnect(path, cause);
        opened.#end(refusal);
        reject(refusal);
      });
      socket.on("close", () => opened.#end(opened.#closedBy(path)));
    });
  }

  /** A pcscd that closes the connection before its first answer does so because polkit denied access. */
  #closedBy(path: string, cause?: NodeJS.ErrnoException): GatewayError {
    if (!this.#answered)
      return accessDenied("pcscd closed the connection at once", { socket: path, errno: cause?.code }, cause);
    return new GatewayError("link.service", "pcscd closed the connection", { cause });
  }

  /** Whether the connection has ended. */
  get closed(): boolean {
    return this.#ended !== undefined;
  }

  /** Octets received that no request has consumed yet. */
  get unread(): number {
    return this.#filled;
  }

  /**
   * Sends a request and resolves with its answer: `length` octets, and as many more as `tail` reads from them. `tail`
   * receives the input buffer, which starts with the head. The answer is a copy. @throws link.service when the connection ends first or the answer is malformed
   */
  request(bytes: Uint8Array, length: number, tail?: (head: Uint8Array) => number): Promise<Uint8Array> {
    const answer = this.receive(length, tail);
    if (this.#ended === undefined) this.#socket.write(bytes);
    return answer;
  }

  /** Waits for a message that answers no request: pcscd reports changes this way. */
  receive(length: number, tail?: (head: Uint8Array) => number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      if (this.#pending !== undefined) {
        reject(new GatewayError("link.busy", "a request to pcscd is already open"));
        return;
      }
      this.#pending = { need: length, head: length, tail, resolve, reject };
      if (this.#filled > 0) this.#deliver();
    });
  }

  /** Ends the connection, and a pending request with `why`. */
  close(why = new GatewayError("link.service", "the connection to pcscd was closed")): void {
    this.#end(why);
  }

  /** Lets the process exit while only this connection is open. */
  unref(): void {
    this.#socket.unref();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#filled + chunk.length > this.#in.length) {
      this.#end(malformed("it is too long", this.#filled));
      return;
    }
    this.#in.set(chunk, this.#filled);
    this.#filled += chunk.length;
    this.#answered = true;
    if (this.#pending !== undefined) this.#deliver();
  }

  #deliver(): void {
    const pending = this.#pending;
    if (pending === undefined || this.#filled < pending.need) return;
    if (pending.tail !== undefined && pending.need === pending.head) {
      const more = pending.tail(this.#in);
      if (more > this.#in.length - pending.head) {
        this.#end(malformed("it announces more data than a card can send", pending.head));
        return;
      }
      pending.need += more;
      if (this.#filled < pending.need) return;
    }
    const answer = this.#in.slice(0, pending.need);
    if (this.#filled > pending.need) this.#in.copyWithin(0, pending.need, this.#filled);
    this.#filled -= pending.need;
    this.#pending = undefined;
    pending.resolve(answer);
  }

  #end(why: GatewayError): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    const pending = this.#pending;
    this.#pending = undefined;
    this.#socket.destroy();
    pending?.reject(why);
  }
}

function cannotConnect(path: string, cause: NodeJS.ErrnoException): GatewayError {
  const denied = cause.code === "EACCES" || cause.code === "EPERM";
  return new GatewayError(
    denied ? "link.denied" : "link.service",
    denied ? `${path} denies access` : `pcscd does not respond at ${path} (${cause.code ?? cause.message})`,
    { detail: { socket: path, errno: cause.code }, cause },
  );
}
