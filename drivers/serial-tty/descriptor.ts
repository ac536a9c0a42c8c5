import { readSync, writeSync } from "node:fs";
import type { SerialPort } from "serialport";

/**
 * The file descriptor that the library opened, where the system has one. Reading and writing it directly saves the streams and
 * the thread pool between, which cost more than a short AT command.
 */
export interface Descriptor {
  readonly fd: number;
  /** Calls back once, when there is something to read or the port was closed. */
  readonly onReadable: (callback: (error: Error | null) => void) => void;
}

const chunkLength = 64 * 1024;
/** Consecutive empty reads after which the device counts as gone: a disconnected one returns them at once. */
const maxEmptyReads = 3;

/** The descriptor of an open port; undefined where the library has another way (Windows). */
export function descriptorOf({ port }: SerialPort): Descriptor | undefined {
  if (port === undefined || !("fd" in port) || !("poller" in port)) return undefined;
  const { fd, poller } = port;
  if (typeof fd !== "number" || typeof poller !== "object" || poller === null || !("once" in poller)) return undefined;
  const { once } = poller;
  if (typeof once !== "function") return undefined;
  return {
    fd,
    onReadable: (callback) => {
      once.call(poller, "readable", callback);
    },
  };
}

/** Reads until the device is gone; `gone` is called once, with the reason. */
export function readDescriptor(
  { fd, onReadable }: Descriptor,
  take: (chunk: Uint8Array) => void,
  gone: (cause: Error) => void,
): void {
  const buffer = Buffer.allocUnsafeSlow(chunkLength);
  let empty = 0;
  const arm = () => onReadable(ready);
  const ready = (error: Error | null) => {
    if (error !== null && error !== undefined) return gone(error);
    try {
      const length = readSync(fd, buffer, 0, buffer.length, null);
      empty = length === 0 ? empty + 1 : 0;
      if (empty >= maxEmptyReads) return gone(new Error("the device hung up"));
      if (length > 0) take(Uint8Array.prototype.slice.call(buffer, 0, length));
      arm();
    } catch (cause) {
      if (isTemporary(cause)) arm();
      else gone(cause instanceof Error ? cause : new Error(String(cause)));
    }
  };
  arm();
}

/** Writes what the device takes at once; the number of octets. Anything else is left to the library and its errors. */
export function writeDescriptor({ fd }: Descriptor, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes);
  } catch {
    return 0;
  }
}

function isTemporary(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && ["EAGAIN", "EWOULDBLOCK", "EINTR"].includes(String(cause.code));
}
