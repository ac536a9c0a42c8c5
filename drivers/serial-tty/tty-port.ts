import type { SerialPort } from "serialport";
import { GatewayError } from "../../src/base/gateway-error.ts";
import { Incoming } from "../../src/link/incoming.ts";
import type { Port, UartSettings } from "../../src/link/port.ts";
import { type Descriptor, descriptorOf, readDescriptor, writeDescriptor } from "./descriptor.ts";

const writeTimeoutMs = 10_000;

/**
 * One plug-in of a serial device. The library keeps octets that were written after an unplug and sends them to the next
 * device, and a port that failed once moves no data after a reopen: so an object is opened once, nothing is written when
 * it is not open, and after the first failure it is thrown away.
 */
export class TtyPort implements Port {
  readonly address: string;
  readonly incoming = new Incoming();
  readonly uart: UartSettings;
  readonly #port: SerialPort;
  readonly #descriptor: Descriptor | undefined;
  #failed: GatewayError | undefined;
  #closed = false;
  /** Writes under way, oldest first, and the one clock for them: it starts again with each that becomes the oldest. */
  readonly #writing = new Set<(reason: GatewayError) => void>();
  #guard: NodeJS.Timeout | undefined;

  /** @param port opened, and used by this object only */
  constructor(address: string, port: SerialPort, uart: UartSettings) {
    this.address = address;
    this.uart = uart;
    this.#port = port;
    this.#descriptor = descriptorOf(port);
    if (this.#descriptor === undefined) port.on("data", (chunk: Buffer) => this.incoming.push(chunk));
    else
      readDescriptor(
        this.#descriptor,
        (chunk) => this.incoming.push(chunk),
        (cause) => this.#fail(cause),
      );
    port.on("error", (cause: Error) => this.#fail(cause));
    port.on("close", (cause: Error | null) => this.#fail(cause ?? undefined));
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#failed !== undefined || !this.#port.isOpen) return Promise.reject(this.#failed ?? this.#lost());
    // What the library has queued is written first.
    const direct = this.#descriptor !== undefined && this.#writing.size === 0;
    const written = direct ? writeDescriptor(this.#descriptor, bytes) : 0;
    return written === bytes.length ? Promise.resolve() : this.#queue(bytes.subarray(written));
  }

  /** Hands the octets to the library, which waits until the device takes them. */
  #queue(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#writing.size === 0) this.#watch();
      this.#writing.add(reject);
      this.#port.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), (cause) => {
        this.#writing.delete(reject);
        if (this.#writing.size > 0) this.#watch();
        if (cause === null || cause === undefined) return resolve();
        this.#fail(cause);
        reject(this.#lost());
      });
    });
  }

  #watch(): void {
    if (this.#guard === undefined) this.#guard = setTimeout(() => this.#stalled(), writeTimeoutMs).unref();
    else this.#guard.refresh();
  }

  #stalled(): void {
    if (this.#writing.size === 0) return;
    this.#fail(new Error(`nothing could be written within ${writeTimeoutMs / 1000} s`));
    for (const reject of this.#writing) reject(this.#lost());
    this.#writing.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.incoming.end();
    if (!this.#port.isOpen) return;
    await new Promise<void>((resolve) => {
      const guard = setTimeout(resolve, 2_000);
      this.#port.close(() => {
        clearTimeout(guard);
        resolve();
      });
    });
  }

  #fail(cause: Error | undefined): void {
    if (this.#failed !== undefined || this.#closed) return;
    const detail = { address: this.address };
    this.#failed = new GatewayError("link.lost", `${this.address} was disconnected`, { detail, cause });
    this.incoming.end(this.#failed);
    if (this.#port.isOpen) this.#port.close(() => undefined);
  }

  #lost(): GatewayError {
    return (
      this.#failed ?? new GatewayError("link.lost", `${this.address} is closed`, { detail: { address: this.address } })
    );
  }
}
