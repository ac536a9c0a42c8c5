import type { Socket } from "node:net";

/** Callbacks of a byte stream to its user. */
export interface StreamEvents {
  data(chunk: Uint8Array): void;
  /** After a `write` that returned false: there is room again. */
  drained(): void;
  /** Once, at the end; `error` when it was not an orderly one. */
  closed(error?: Error): void;
}

/** A connected, ordered byte stream under an SMPP session: TCP, TLS, or a pair in a test. */
export interface SmppStream {
  /** Peer for display and logs. */
  readonly peer: string;
  start(events: StreamEvents): void;
  /** Accepts the octets; false requests a stop until `drained`. */
  write(bytes: Uint8Array): boolean;
  pause(): void;
  resume(): void;
  /** Sends what was written, then closes. */
  end(): void;
  destroy(): void;
}

const keepAliveMs = 30_000;
/** Number of buffered octets above which a peer counts as not reading. */
const fullOctets = 256 << 10;
/** How long to wait for a peer to read the last PDU sent to it, ms. */
const lingerMs = 5_000;

/** A connected TCP or TLS socket (after its handshake) as a stream. */
export function socketStream(socket: Socket): SmppStream {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveMs);
  const peer = `${socket.remoteAddress ?? "?"}:${socket.remotePort ?? "?"}`;
  return {
    peer,
    start: (events) => {
      let failure: Error | undefined;
      socket.on("data", (chunk: Buffer) => events.data(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)));
      socket.on("drain", () => events.drained());
      socket.on("error", (error) => {
        failure = error;
      });
      socket.on("close", () => events.closed(failure));
      if (socket.destroyed) queueMicrotask(() => events.closed(failure));
    },
    write: (bytes) => {
      if (!socket.writable) return false;
      return socket.write(bytes) || socket.writableLength < fullOctets;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => {
      socket.end();
      setTimeout(() => socket.destroy(), lingerMs).unref();
    },
    destroy: () => void socket.destroy(),
  };
}
