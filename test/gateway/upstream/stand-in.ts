import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";

/** A request as the stand-in got it. */
export interface Got {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Answers a request; what it returns is the status, or it answers itself and returns nothing. */
export type Serve = (got: Got, response: ServerResponse) => number | undefined | Promise<number | undefined>;

/** An SM-SR's HTTP side for tests. */
export class SmsrStandIn implements AsyncDisposable {
  readonly got: Got[] = [];
  serve: Serve = () => 204;
  connections = 0;
  maxAtOnce = 0;
  #open = 0;
  readonly #server: Server;

  private constructor(tls: ServerOptions | undefined) {
    const handle = (request: IncomingMessage, response: ServerResponse) => void this.#take(request, response);
    this.#server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
    this.#server.on(tls === undefined ? "connection" : "secureConnection", (socket) => {
      this.connections++;
      this.#open++;
      // The end of one connection and the begin of the next may come out of the kernel in either order.
      setTimeout(() => {
        this.maxAtOnce = Math.max(this.maxAtOnce, this.#open);
      }, 10);
      socket.on("close", () => this.#open--);
    });
  }

  static async open(options: { tls?: ServerOptions; port?: number } = {}): Promise<SmsrStandIn> {
    const made = new SmsrStandIn(options.tls);
    await new Promise<void>((resolve) => made.#server.listen(options.port ?? 0, "127.0.0.1", resolve));
    return made;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** CloudEvents that came to a path, in order, repetitions included. */
  events(path = "/events"): { id: string; type: string; subject?: string; data: Record<string, unknown> }[] {
    return this.got.filter((one) => one.path === path).map((one) => JSON.parse(one.body.toString()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const { method = "", url: path = "", headers } = request;
    const got = { method, path, headers, body: Buffer.concat(chunks) };
    this.got.push(got);
    const status = await this.serve(got, response);
    if (status !== undefined) response.writeHead(status).end();
  }
}

/** Whether a webhook carries the signature that Standard Webhooks asks for. */
export function signedWell({ headers, body }: Got, secret: string): boolean {
  const id = String(headers["webhook-id"]);
  const at = String(headers["webhook-timestamp"]);
  const mac = createHmac("sha256", secret).update(`${id}.${at}.${body.toString()}`).digest("base64");
  return headers["webhook-signature"] === `v1,${mac}` && Math.abs(Date.now() / 1000 - Number(at)) < 60;
}
