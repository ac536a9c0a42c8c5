/** Settings of a serial line, as in hardware profiles. */
export interface UartSettings {
  /** Bits per second. */
  readonly baud?: number | undefined;
  readonly flow?: "none" | "rtscts" | "xonxoff" | undefined;
}

/**
 * A stream of octets to and from a device: serial line, TCP connection, pseudo-terminal. Without protocol and without
 * retries. One object per connection of the device: when the device disappears, `incoming` ends (or throws `link.lost`)
 * and the port is never reused.
 */
export interface Port extends AsyncDisposable {
  /** The address with which it was opened, for display and traces. */
  readonly address: string;
  /** Chunks as they arrive. Single consumer. */
  readonly incoming: AsyncIterable<Uint8Array>;
  /** The settings of the serial line in force; absent where there is no serial line. */
  readonly uart?: UartSettings;
  /** Resolves when the operating system has accepted the octets. @throws link.lost */
  write(bytes: Uint8Array): Promise<void>;
}
