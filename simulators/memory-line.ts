import { GatewayError } from "../src/base/gateway-error.ts";
import type { Port } from "../src/link/port.ts";
import type { Line } from "./line.ts";

/** A line without a system behind it: `line` is the device's end, `port` the host's. */
interface MemoryLine {
  readonly line: Line;
  readonly port: Port;
}

/** Connects a simulated device and a host in one process; disposing either end ends the other. */
export function memoryLine(address = "memory:"): MemoryLine {
  const queue: Uint8Array[] = [];
  let toDevice: ((chunk: Uint8Array) => void) | undefined;
  const early: Uint8Array[] = [];
  let wake: (() => void) | undefined;
  let onClose: () => void = () => {};
  let ended = false;
  const end = () => {
    ended = true;
    wake?.();
  };
  const line: Line = {
    address,
    onData(listener) {
      toDevice = listener;
      for (const chunk of early.splice(0)) listener(chunk);
    },
    onClose(listener) {
      onClose = listener;
    },
    write(bytes) {
      if (ended) return false;
      queue.push(Uint8Array.from(bytes));
      wake?.();
      return true;
    },
    async [Symbol.asyncDispose]() {
      end();
    },
  };
  async function* incoming(): AsyncGenerator<Uint8Array> {
    for (;;) {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield next;
      if (ended) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    }
  }
  const port: Port = {
    address,
    incoming: incoming(),
    async write(bytes) {
      if (ended) throw new GatewayError("link.lost", `${address} is closed`);
      const chunk = Uint8Array.from(bytes);
      // A device never answers inside the host's write.
      await Promise.resolve();
      if (toDevice === undefined) early.push(chunk);
      else toDevice(chunk);
    },
    async [Symbol.asyncDispose]() {
      if (!ended) onClose();
      end();
    },
  };
  return { line, port };
}
