import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { GatewayError } from "../../src/base/gateway-error.ts";
import type { Drop } from "./agent-deviations.ts";
import { AnswerReader, type ServerAnswer } from "./answer-reader.ts";

/** How a card secures its link. */
export interface AgentTls {
  readonly identity: string;
  readonly psk: Uint8Array;
  /** As OpenSSL writes them; absent = the two of SGP.02. */
  readonly ciphers?: string;
  readonly version?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
}

/** The link broke, at whatever side and for whatever reason: the card may come back. */
export class LinkBroken extends Error {
  override readonly name = "LinkBroken";
}

const closeMs = 500;

/** A card's TLS connection, over TCP or a BIP channel. */
export class AgentLink {
  readonly #stream: Duplex;
  readonly #tls: TLSSocket;
  readonly #reader = new AnswerReader();
  #answer: ServerAnswer | undefined;
  #fault: Error | undefined;
  #wake: () => void = () => {};
  /** The link is to break before the answer is whole: it is not read any more. */
  #breakInside = false;
  #begun = false;

  private constructor(stream: Duplex, tls: TLSSocket) {
    this.#stream = stream;
    this.#tls = tls;
    tls.on("data", (octets: Buffer) => this.#take(octets));
    tls.on("error", (error) => this.#broken(error));
    tls.on("close", () => this.#broken(new LinkBroken("closed")));
    tls.on("end", () => this.#broken(new LinkBroken("ended")));
  }

  /**
   * Handshakes over a stream that is connected.
   * @throws scp81.handshake when the server refuses, which ends the session permanently; LinkBroken when the link breaks
   */
  static async open(stream: Duplex, { identity, psk, ciphers, version }: AgentTls): Promise<AgentLink> {
    const options: ConnectionOptions = {
      socket: stream,
      ciphers: ciphers ?? "PSK-AES128-CBC-SHA256:PSK-AES128-GCM-SHA256",
      minVersion: version ?? "TLSv1.2",
      maxVersion: version ?? "TLSv1.2",
      checkServerIdentity: () => undefined,
      pskCallback: () => ({ psk, identity }),
    };
    const tls = connect(options);
    await new Promise<void>((resolve, reject) => {
      tls.once("secureConnect", resolve);
      tls.once("error", (cause: Error & { code?: string }) => {
        const alert = cause.code?.startsWith("ERR_SSL") ?? false;
        reject(
          alert
            ? new GatewayError("scp81.handshake", `TLS: ${cause.code}`, { detail: { code: cause.code }, cause })
            : new LinkBroken(cause.message, { cause }),
        );
      });
      tls.once("close", () => reject(new LinkBroken("closed in the handshake")));
    });
    return new AgentLink(stream, tls);
  }

  #take(octets: Buffer): void {
    if (this.#breakInside) {
      this.#begun = true;
      this.#wake();
      return;
    }
    try {
      this.#answer = this.#reader.push(octets) ?? this.#answer;
    } catch (error) {
      this.#fault ??= error instanceof Error ? error : new Error(String(error));
    }
    if (this.#answer !== undefined || this.#fault !== undefined) this.#wake();
  }

  #broken(error: Error): void {
    this.#fault ??= error instanceof LinkBroken ? error : new LinkBroken(error.message, { cause: error });
    this.#wake();
  }

  /** Sends octets; no more are needed once the answer has arrived. @throws LinkBroken */
  async write(octets: Uint8Array): Promise<void> {
    if (this.#answer !== undefined) return;
    if (this.#fault !== undefined) throw this.#fault;
    await new Promise<void>((resolve, reject) => {
      this.#tls.write(octets, (error) => {
        if (error && this.#answer === undefined) reject(new LinkBroken(error.message, { cause: error }));
        else resolve();
      });
    });
  }

  /** The next answer. @throws LinkBroken, scp81.protocol */
  async answer(timeoutMs: number): Promise<ServerAnswer> {
    await this.#until(() => this.#answer !== undefined, timeoutMs);
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer === undefined) throw this.#fault ?? new LinkBroken("no answer");
    return answer;
  }

  /** Waits until an answer has begun to arrive, and reads no further. */
  async beginningOfAnswer(timeoutMs: number): Promise<void> {
    this.#breakInside = true;
    await this.#until(() => this.#begun, timeoutMs);
  }

  async #until(ready: () => boolean, timeoutMs: number): Promise<void> {
    if (ready() || this.#fault !== undefined) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        if (!ready() && this.#fault === undefined) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Breaks the link as asked. A silent one stays up, and deaf. */
  break(how: Drop["how"]): void {
    if (how === "silence") {
      this.#tls.pause();
      return;
    }
    if (!(this.#stream instanceof Socket)) this.#tls.destroy();
    else if (how === "reset") this.#stream.resetAndDestroy();
    else this.#stream.destroy();
  }

  /** Closes in good order and resolves when the stream below is closed as well. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (this.#stream.closed) resolve();
      else this.#stream.once("close", resolve);
    });
    this.#tls.end();
    const late = setTimeout(() => this.destroy(), closeMs);
    await closed;
    clearTimeout(late);
  }

  /** Frees a link that was left silent. */
  destroy(): void {
    this.#tls.destroy();
    this.#stream.destroy();
  }
}
