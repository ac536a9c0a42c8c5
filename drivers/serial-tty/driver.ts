import { z } from "zod";
import { withoutUndefined } from "../../src/base/defined.ts";
import { GatewayError } from "../../src/base/gateway-error.ts";
import type { Driver, DriverDeps, DriverFinding, PortEvent, PortInfo } from "../../src/link/driver.ts";
import { listTtys, ttyNames } from "./sysfs.ts";
import { TtyPort } from "./tty-port.ts";

/** How serial ports are opened and found. Settings of the hardware profile hold where these are absent. */
const TtyOptions = z.strictObject({
  /** Bits per second. USB modems ignore it. */
  baud: z.int().min(300).max(4_000_000).default(115_200),
  flow: z.enum(["none", "rtscts", "xonxoff"]).default("none"),
  /** Lock the port for this process. Programs that ignore the lock can still open it. */
  lock: z.boolean().default(true),
  /** Where `/sys` and `/dev` lie; for containers that mount them elsewhere, and for tests. */
  root: z.string().default(""),
  /** Time between two scans for added and removed ports. */
  pollMs: z.int().min(50).max(60_000).default(1_000),
});
export type TtyOptions = z.output<typeof TtyOptions>;

/** Serial ports and USB modems: `tty:/dev/ttyUSB2`, or `tty:usb-1-1.4/if02`, which survives renumbering. */
export const driver: Driver<TtyOptions> = {
  scheme: "tty",
  options: TtyOptions,
  listPorts: (options) => listTtys(options.root),
  watchPorts,

  portProblem: (address) =>
    address === "tty:" ? "the device is missing: tty:/dev/ttyUSB2, or tty:usb-1-1.4/if02" : undefined,

  async openPort(address, options, deps, signal) {
    signal?.throwIfAborted();
    const path = await devicePath(address, options);
    const { SerialPort } = await loadLibrary();
    const port = new SerialPort({
      path,
      baudRate: options.baud,
      rtscts: options.flow === "rtscts",
      xon: options.flow === "xonxoff",
      xoff: options.flow === "xonxoff",
      hupcl: false,
      lock: options.lock,
      autoOpen: false,
    });
    await open(port, address);
    deps.log.debug({ address, path }, "serial port opened");
    const opened = new TtyPort(address, port, { baud: options.baud, flow: options.flow });
    if (!signal?.aborted) return opened;
    await opened[Symbol.asyncDispose]();
    throw signal.reason;
  },

  uartOptions: ({ baud, flow }) => withoutUndefined({ baud, flow }),

  async diagnose() {
    return [await packageFinding()];
  },
};

async function packageFinding(): Promise<DriverFinding> {
  const what = "serialport";
  try {
    await import("serialport");
    return { what, verdict: "good", detail: "loaded (serial modems)" };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : "";
    const detail = `cannot be loaded, so no serial modems: ${why}`;
    return { what, verdict: "missing", detail, advice: "npm rebuild @serialport/bindings-cpp" };
  }
}

async function loadLibrary(): Promise<typeof import("serialport")> {
  try {
    return await import("serialport");
  } catch (cause) {
    throw new GatewayError("link.driver", "the npm package serialport is not installed or cannot be loaded", { cause });
  }
}

async function devicePath(address: string, options: TtyOptions): Promise<string> {
  const rest = address.replace(/^tty:/, "");
  if (rest.startsWith("/")) return rest;
  const found = (await listTtys(options.root)).find((port) => port.address === address);
  if (found === undefined)
    throw new GatewayError("link.unknown", `no port has the address ${address}`, { detail: { address } });
  return found.path;
}

function open(
  port: { open(done: (error: Error | null) => void): void; on(event: "error", listener: () => void): unknown },
  address: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    port.on("error", () => undefined);
    port.open((cause) => {
      if (cause === null) resolve();
      else reject(openError(address, cause));
    });
  });
}

function openError(address: string, cause: Error): GatewayError {
  const detail = { address };
  if (/lock|busy|temporarily unavailable/i.test(cause.message)) {
    return new GatewayError("link.busy", `${address} is in use by another program`, { detail, cause });
  }
  if (/no such file|cannot find|not found/i.test(cause.message)) {
    return new GatewayError("link.unknown", `${address} does not exist`, { detail, cause });
  }
  return new GatewayError("link.unavailable", `${address} cannot be opened: ${cause.message}`, { detail, cause });
}

/** Polls the names, and reads the details only when a name appeared, disappeared or belongs to another device. */
async function* watchPorts(options: TtyOptions, deps: DriverDeps, signal: AbortSignal): AsyncGenerator<PortEvent> {
  let known = new Map<string, PortInfo>();
  let names = "";
  for (let round = 0; !signal.aborted; round++) {
    const now = (await ttyNames(options.root)).join(" ");
    if (now !== names || round % 5 === 0) {
      names = now;
      const ports = new Map((await listTtys(options.root)).map((port) => [port.path, port]));
      for (const [path, port] of known) if (!same(port, ports.get(path))) yield { kind: "port-removed", port };
      for (const [path, port] of ports) if (!same(port, known.get(path))) yield { kind: "port-added", port };
      known = ports;
    }
    await deps.clock.sleep(options.pollMs, signal).catch(() => undefined);
  }
}

function same(a: PortInfo, b: PortInfo | undefined): boolean {
  return b !== undefined && a.address === b.address && a.usb === b.usb && a.usbSerial === b.usbSerial;
}
