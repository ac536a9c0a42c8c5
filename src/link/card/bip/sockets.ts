import type { Destination } from "./rules.ts";

/** Callbacks of a socket to its channel. */
export interface SocketEvents {
  /** Octets of a stream, or one whole datagram. */
  onData(octets: Uint8Array): void;
  /** The other end is gone (FIN, RST, error): nothing more comes. Called at most once. */
  onEnd(error?: Error): void;
}

/** A connected socket as a channel uses it. */
export interface BipSocket {
  /** Port of the host's own end, by which a listener on this host identifies the connection. */
  readonly localPort?: number;
  /** Hands octets over in order; resolves when the host has taken them, rejects when the socket is gone. */
  write(octets: Uint8Array): Promise<void>;
  /** Stops and resumes `onData`; a stream's sender is slowed down by flow control. Octets already on their way may still come. */
  pause(): void;
  resume(): void;
  /** Sends what was written, then closes; no events after it. */
  end(): void;
  /** Closes at once; no events after it. */
  destroy(): void;
}

/** Opens sockets; the only access of the bearer independent protocol to the network. @throws when it cannot connect */
export interface BipConnector {
  connect(to: Destination, events: SocketEvents, signal: AbortSignal): Promise<BipSocket>;
}
