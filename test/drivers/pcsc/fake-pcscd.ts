import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One request as it came. */
export interface Request {
  readonly command: number;
  readonly body: Buffer;
  /** Octets of a TRANSMIT behind its body. */
  readonly extra: Buffer;
}

/** How the server answers: octets, or nothing (it keeps silent). Use `socket` for anything stranger. */
export type Answerer = (request: Request, socket: Socket) => Uint8Array | undefined;

/** One reader as pcscd describes it on the wire. */
export function slot(
  name: string,
  fields: { events?: number; state?: number; sharing?: number; atr?: string } = {},
): Buffer {
  const bytes = Buffer.alloc(184);
  bytes.write(name, 0);
  bytes.writeUInt32LE(fields.events ?? 0, 128);
  bytes.writeUInt32LE(fields.state ?? 0x02, 132);
  bytes.writeInt32LE(fields.sharing ?? 0, 136);
  const atr = Buffer.from(fields.atr ?? "", "hex");
  atr.copy(bytes, 140);
  bytes.writeUInt32LE(atr.length, 176);
  return bytes;
}

/** A whole READERS STATE answer. */
export function states(...slots: readonly Buffer[]): Buffer {
  const bytes = Buffer.alloc(16 * 184);
  slots.forEach((reader, i) => void reader.copy(bytes, i * 184));
  return bytes;
}

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => void bytes.writeUInt32LE(value >>> 0, i * 4));
  return bytes;
}

/** The request's body with its last field, the result code, replaced. */
export function withResult(body: Buffer, rv: number): Buffer {
  const answer = Buffer.from(body);
  answer.writeUInt32LE(rv >>> 0, answer.length - 4);
  return answer;
}

/** A server that speaks pcscd's protocol to the octet, 4.4 unless told otherwise, or as badly as a test wants. */
export class FakePcscd implements AsyncDisposable {
  readonly path: string;
  readonly requests: Request[] = [];
  readonly sockets = new Set<Socket>();
  readonly #waiting = new Set<Socket>();
  readonly #server: Server;
  readonly #folder: string;
  /** Takes over for single commands; falls back to the sound answers when it returns `"default"`. */
  override: (request: Request, socket: Socket) => Uint8Array | undefined | "default" = () => "default";
  readers: Buffer = states(slot("Reader A", { state: 0x34, atr: "3B00" }));
  reply: Uint8Array = Buffer.from("9000", "hex");
  /** Its protocol version; it refuses others, or, as pcscd of 2.4.1 and later does, takes those from 4.4 on. */
  minor = 4;
  lenient = false;
  /** Octets per write; 0 = all at once. */
  chunk = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, "pcscd.comm");
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(): Promise<FakePcscd> {
    const fake = new FakePcscd(mkdtempSync(join(tmpdir(), "fake-pcscd-")));
    await fake.listen();
    return fake;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.path, resolve));
  }

  /** Tells all waiting clients that something changed. */
  signalChange(): void {
    for (const socket of this.#waiting) socket.write(words(0, 0));
  }

  dropAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dropAll();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #serve(socket: Socket): void {
    this.sockets.add(socket);
    let buffered = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.sockets.delete(socket);
      this.#waiting.delete(socket);
    });
    socket.on("data", (chunk) => {
      buffered = Buffer.concat([buffered, chunk]);
      for (;;) {
        if (buffered.length < 8) return;
        const size = buffered.readUInt32LE(0);
        const command = buffered.readUInt32LE(4);
        if (buffered.length < 8 + size) return;
        const body = Buffer.from(buffered.subarray(8, 8 + size));
        const more = command === 0x09 ? body.readUInt32LE(12) : 0;
        if (buffered.length < 8 + size + more) return;
        const extra = Buffer.from(buffered.subarray(8 + size, 8 + size + more));
        buffered = buffered.subarray(8 + size + more);
        const request = { command, body, extra };
        this.requests.push(request);
        if (command === 0x13) this.#waiting.add(socket);
        const overridden = this.override(request, socket);
        const answer = overridden === "default" ? this.#answer(request) : overridden;
        if (answer !== undefined) this.#send(socket, answer);
      }
    });
  }

  #send(socket: Socket, answer: Uint8Array): void {
    if (this.chunk === 0) {
      socket.write(answer);
      return;
    }
    for (let at = 0; at < answer.length; at += this.chunk) socket.write(answer.subarray(at, at + this.chunk));
  }

  #answer({ command, body }: Request): Uint8Array {
    if (command === 0x16) return words(this.readers.length / 184);
    if (command === 0x17) return this.readers;
    // What has no answer of its own from 4.6 on.
    if (command === 0x13 && this.minor >= 6) return new Uint8Array(0);
    if (body.length === 0) return this.readers.subarray(0, 16 * 184);
    const answer = withResult(body, 0);
    switch (command) {
      case 0x11: {
        const taken = body.readUInt32LE(4) === this.minor || (this.lenient && body.readUInt32LE(4) >= 4);
        return words(4, this.minor, taken ? 0 : 0x8010001e);
      }
      case 0x01:
        answer.writeUInt32LE(0x1234, 4);
        return answer;
      case 0x04:
        answer.writeUInt32LE(0x77, 140);
        answer.writeUInt32LE(1, 144);
        return answer;
      case 0x05:
        answer.writeUInt32LE(1, 16);
        return answer;
      case 0x09:
        answer.writeUInt32LE(this.reply.length, 24);
        return Buffer.concat([answer, this.reply]);
      default:
        return answer;
    }
  }
}
