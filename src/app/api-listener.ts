import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { GatewayError } from "../base/gateway-error.ts";
import { fromNetwork } from "../face/http/access.ts";
import type { ApiConfig } from "./config/api.ts";
import { apiTls, readTls } from "./tls-settings.ts";

/** The API over TCP: the same routes as on the control socket, for clients with credentials. */
export class ApiListener implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens as configured. @throws link.unavailable, config.invalid when a certificate or key is not usable */
  static async open(api: FastifyInstance, config: ApiConfig): Promise<ApiListener> {
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      fromNetwork(request);
      api.routing(request, response);
    };
    const server = serverFor(config, handle);
    server.on("clientError", refuseMalformed);
    const { host, port } = config;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host, port: port ?? 0 }, resolve);
      });
    } catch (cause) {
      throw new GatewayError("link.unavailable", `the API cannot listen on ${host}:${port}`, {
        detail: { host, port },
        cause,
      });
    }
    return new ApiListener(server);
  }

  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

/** Time limits for receiving a request; answers have none. */
const limits = { headersTimeout: 30_000, requestTimeout: 120_000, keepAliveTimeout: 65_000, maxHeaderSize: 16_384 };

function serverFor(config: ApiConfig, handle: (request: IncomingMessage, response: ServerResponse) => void): Server {
  if (config.tls === undefined) return createServer(limits, handle);
  const { cert, key, ca } = readTls(apiTls(config), Date.now());
  return createTlsServer(
    {
      ...limits,
      cert,
      key,
      minVersion: "TLSv1.2",
      // A client without a certificate, or with an unknown one, may still have a token.
      ...(ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: false }),
    },
    handle,
  );
}

/** Answers anything that is not HTTP with one short response, if the socket is still open. */
function refuseMalformed(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const status = error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
  const body = JSON.stringify({
    type: "api.usage",
    title: "The request or command line is not valid",
    status: Number(status.slice(0, 3)),
    detail: "request: not valid HTTP",
  });
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}
