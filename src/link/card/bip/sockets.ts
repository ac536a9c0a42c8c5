import type { Destination } from "./rules.ts";

/** Callbacks of a socket to its channel. */
export interface SocketEvents {
  /** Octets of a stream, or one whole datagram. */
  onData(octets: Uint8Array): void;
  /** The other end closed (FIN, RST, error): no more data follow. Called at most once. */
  onEnd(error?: Error): void;
}

/** A connected socket as a channel uses it. */
export interface BipSocket {
  /** Port of the host's own end, by which a listener on this host identifies the connection. */
  readonly localPort?: number;
  /** Writes octets in order; resolves when the host has accepted them, rejects when the socket is closed. */
  write(octets: Uint8Array): Promise<void>;
  /**
   * Stops and resumes `onData`; a stream's sender is slowed down by flow control. Octets in transit may still arrive.
   */
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
