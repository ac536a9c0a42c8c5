import { createSocket } from "node:dgram";
import { createConnection } from "node:net";
import { withoutUndefined } from "../../../base/defined.ts";
import type { Destination } from "./rules.ts";
import type { BipConnector, BipSocket, SocketEvents } from "./sockets.ts";

/** How long a closed stream waits for the other end to close as well, ms. */
const lingerMs = 5_000;

function connectTcp(to: Destination, events: SocketEvents, signal: AbortSignal): Promise<BipSocket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: to.host, port: to.port, noDelay: true });
    let done = false;
    const finish = (error?: Error) => {
      if (done) return;
      done = true;
      events.onEnd(error);
    };
    const onAbort = () => socket.destroy(new Error("the connection attempt was aborted"));
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    socket.once("error", reject);
    socket.once("connect", () => {
      signal.removeEventListener("abort", onAbort);
      socket.off("error", reject);
      socket.on("data", (chunk) => {
        if (!done) events.onData(chunk);
      });
      socket.on("error", finish);
      socket.on("end", () => finish());
      socket.on("close", () => finish());
      resolve({
        ...withoutUndefined({ localPort: socket.localPort }),
        write: (octets) =>
          new Promise((written, failed) => {
            socket.write(octets, (error) => (error ? failed(error) : written()));
          }),
        pause: () => void socket.pause(),
        resume: () => void socket.resume(),
        end: () => {
          done = true;
          socket.end();
          // Later data is discarded; without a reader the socket would never close.
          socket.resume();
          socket.setTimeout(lingerMs, () => socket.destroy());
        },
        destroy: () => {
          done = true;
          socket.destroy();
        },
      });
    });
  });
}

function connectUdp(to: Destination, events: SocketEvents, signal: AbortSignal): Promise<BipSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(to.host.includes(":") ? "udp6" : "udp4");
    let closed = false;
    let paused = false;
    const close = () => {
      if (closed) return;
      closed = true;
      socket.close();
    };
    const onAbort = () => {
      close();
      reject(new Error("the connection attempt was aborted"));
    };
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("error", reject);
    socket.connect(to.port, to.host, () => {
      signal.removeEventListener("abort", onAbort);
      socket.off("error", reject);
      // UDP has no connection that an ICMP error could end: the card has its own time-outs.
      socket.on("error", () => undefined);
      socket.on("message", (datagram) => {
        if (!paused && !closed) events.onData(datagram);
      });
      resolve({
        write: (octets) =>
          new Promise((written, failed) => {
            if (closed) failed(new Error("the socket is closed"));
            else socket.send(octets, (error) => (error ? failed(error) : written()));
          }),
        pause: () => {
          paused = true;
        },
        resume: () => {
          paused = false;
        },
        end: close,
        destroy: close,
      });
    });
  });
}

/** Sockets of the host: node:net for TCP, node:dgram for UDP. */
export const nodeSockets: BipConnector = {
  connect: (to, events, signal) =>
    to.protocol === "tcp" ? connectTcp(to, events, signal) : connectUdp(to, events, signal),
};
