/** Settings of a serial line, as hardware profiles give them. */
export interface UartSettings {
  /** Bits per second. */
  readonly baud?: number | undefined;
  readonly flow?: "none" | "rtscts" | "xonxoff" | undefined;
}

/**
 * A byte pipe to a device: serial line, TCP connection, pseudo-terminal. No protocol opinions, no retries.
 * One object per plug-in: when the device goes away `incoming` ends (or throws `link.lost`) and the port is never reused.
 */
export interface Port extends AsyncDisposable {
  /** Address it was opened by, for operators and traces. */
  readonly address: string;
  /** Chunks as they arrive. Single consumer. */
  readonly incoming: AsyncIterable<Uint8Array>;
  /** The settings of the serial line in force; absent where there is no serial line. */
  readonly uart?: UartSettings;
  /** Resolves when the octets were handed to the operating system. @throws link.lost */
  write(bytes: Uint8Array): Promise<void>;
}
