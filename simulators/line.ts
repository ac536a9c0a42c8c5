/**
 * The device's end of a serial line: what a simulated modem sits behind, whether a pseudo-terminal, a TCP connection or
 * memory carries it. Octets sent before a listener is set are kept.
 */
export interface Line extends AsyncDisposable {
  /** Where a host finds it (`/dev/pts/7`, a symbolic link, `tcp://127.0.0.1:4001`). */
  readonly address: string;
  /** Sets the one receiver of what the host sends. */
  onData(listener: (chunk: Uint8Array) => void): void;
  /** Sets the one listener for the end of the line; not called for our own dispose. */
  onClose(listener: () => void): void;
  /**
   * Octets towards the host. Like a UART it never blocks: what a host that does not read leaves beyond
   * {@link lineBacklog} octets is lost. False when it was.
   */
  write(bytes: Uint8Array): boolean;
}

/** How much a line keeps for a host that does not read. */
export const lineBacklog = 256 * 1024;
