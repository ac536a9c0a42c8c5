import { createConnection, type Socket } from "node:net";
import { z } from "zod";
import { withoutUndefined } from "../../src/base/defined.ts";
import { GatewayError } from "../../src/base/gateway-error.ts";
import type { Driver } from "../../src/link/driver.ts";
import { Incoming } from "../../src/link/incoming.ts";
import type { Port } from "../../src/link/port.ts";

/** How serial servers are reached. */
const TcpOptions = z.strictObject({
  connectTimeoutMs: z.int().min(100).max(120_000).default(10_000),
});
type TcpOptions = z.output<typeof TcpOptions>;

/** Serial lines over raw TCP, as ser2net and terminal servers provide them: `tcp://host:port`. */
export const driver: Driver<TcpOptions> = {
  scheme: "tcp",
  options: TcpOptions,

  portProblem(address) {
    const parsed = parse(address);
    return typeof parsed === "string" ? parsed : undefined;
  },

  async openPort(address, options, _deps, signal) {
    signal?.throwIfAborted();
    const parsed = parse(address);
    if (typeof parsed === "string")
      throw new GatewayError("config.invalid", `${address}: ${parsed}`, { detail: { address } });
    const { host, port } = parsed;
    const socket = createConnection({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
    await connected(socket, address, options.connectTimeoutMs, signal);
    return new TcpPort(address, socket);
  },
};

/** Host and port of an address, or what is wrong with it. */
function parse(address: string): { readonly host: string; readonly port: number } | string {
  const match = /^tcp:(\/\/)?(\[[0-9a-f:.]+\]|[^:/[\]]+):(\d+)\/?$/i.exec(address);
  const [, slashes, host = "", digits = ""] = match ?? [];
  const port = Number(digits);
  if (match !== null && (port < 1 || port > 65_535))
    return `the port number ${digits.slice(0, 20)} is out of range (1 to 65535)`;
  if (match === null || slashes === undefined) return "must be tcp://host:port";
  return { host: host.replace(/^\[|\]$/g, ""), port };
}

function connected(socket: Socket, address: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (reason: unknown) => {
      done();
      socket.destroy();
      reject(reason);
    };
    const detail = { address };
    const onError = (cause: Error) =>
      refuse(new GatewayError("link.unavailable", `${address} cannot be reached: ${cause.message}`, { detail, cause }));
    const onAbort = () => refuse(signal?.reason);
    const timer = setTimeout(
      () => refuse(new GatewayError("link.timeout", `${address} does not respond`, { detail })),
      timeoutMs,
    );
    const done = () => {
      clearTimeout(timer);
      socket.removeListener("error", onError);
      signal?.removeEventListener("abort", onAbort);
    };
    socket.once("error", onError);
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => {
      done();
      resolve();
    });
  });
}

class TcpPort implements Port {
  readonly address: string;
  readonly incoming = new Incoming();
  readonly #socket: Socket;
  #closed = false;

  constructor(address: string, socket: Socket) {
    this.address = address;
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.incoming.push(chunk));
    socket.on("error", (cause) => this.#lost(cause));
    socket.on("close", () => this.#lost(undefined));
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#socket.destroyed || !this.#socket.writable) return Promise.reject(this.#error(undefined));
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (cause) => {
        if (cause === null || cause === undefined) resolve();
        else reject(this.#error(cause));
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.incoming.end();
    this.#socket.destroy();
  }

  #lost(cause: Error | undefined): void {
    if (!this.#closed) this.incoming.end(this.#error(cause));
  }

  #error(cause: Error | undefined): GatewayError {
    return new GatewayError("link.lost", `${this.address} was closed by the other side`, {
      detail: { address: this.address },
      ...withoutUndefined({ cause }),
    });
  }
}
