import { createServer, type Server, type Socket } from "node:net";
import { GatewayError } from "../src/base/gateway-error.ts";
import { type Line, lineBacklog } from "./line.ts";

/** Where {@link listenForHosts} listens: a TCP port (0 = any free one), or a Unix socket (`\0name` = abstract). */
export type SocketAddress = { readonly port: number; readonly host?: string } | { readonly path: string };

/** A listening socket that turns each connection into a line, one host at a time or several. */
interface HostListener extends AsyncDisposable {
  /** `tcp://127.0.0.1:<port>` or the path. */
  readonly address: string;
  readonly port: number;
}

/**
 * Listens for hosts; each connection is a line of its own, as one more AT port of a module.
 * @throws link.busy when the address is in use
 */
export async function listenForHosts(where: SocketAddress, onHost: (line: Line) => void): Promise<HostListener> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => sockets.delete(socket));
    onHost(socketLine(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new GatewayError("link.busy", `cannot listen: ${cause.message}`, { cause })),
    );
    if ("path" in where) server.listen(where.path, resolve);
    else server.listen(where.port, where.host ?? "127.0.0.1", resolve);
  });
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  return {
    address: "path" in where ? where.path : `tcp://${where.host ?? "127.0.0.1"}:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function socketLine(socket: Socket): Line {
  let onClose: () => void = () => {};
  let ours = false;
  socket.on("error", () => {});
  socket.on("close", () => {
    if (!ours) onClose();
  });
  return {
    address: `tcp://${socket.remoteAddress ?? "local"}:${socket.remotePort ?? 0}`,
    onData: (listener) => void socket.on("data", (chunk: Buffer) => listener(chunk)),
    onClose(listener) {
      onClose = listener;
    },
    write(bytes) {
      if (socket.destroyed || socket.writableLength > lineBacklog) return false;
      socket.write(bytes);
      return true;
    },
    async [Symbol.asyncDispose]() {
      ours = true;
      socket.destroy();
    },
  };
}
