import { z } from "zod";
import { GatewayError } from "../../src/base/gateway-error.ts";
import type { Driver, DriverDeps } from "../../src/link/driver.ts";
import type { PcscClient, ReaderSnapshot } from "./pcsc-client.ts";
import { pcscReader, readerEvents, readerState } from "./reader-events.ts";
import { SocketPcscClient } from "./socket-client.ts";

/** Where pcscd listens unless configured otherwise. */
export const defaultPcscdSocket = "/run/pcscd/pcscd.comm";

/** How to reach the PC/SC service. */
const PcscOptions = z.strictObject({
  /** Path of pcscd's socket; `$PCSCLITE_CSOCK_NAME`, else `/run/pcscd/pcscd.comm`. */
  socket: z.string().min(1).optional(),
  /**
   * `socket`: our own client of pcscd's socket. `pcsclite`: the optional npm package of that name (macOS, Windows, a
   * pcscd that speaks an unknown protocol). `auto`: the socket on Linux, the package where that cannot work.
   */
  client: z.enum(["auto", "socket", "pcsclite"]).default("auto"),
});
export type PcscOptions = z.output<typeof PcscOptions>;

/** PC/SC readers. */
export const driver: Driver<PcscOptions> = {
  scheme: "pcsc",
  options: PcscOptions,

  async listReaders(options, deps) {
    const client = await openPcscClient(options, deps);
    const snapshot = await firstSnapshot(client);
    return snapshot.map((reader) => ({ reader: pcscReader(client, reader.name), state: readerState(reader) }));
  },

  async *watchReaders(options, deps, signal) {
    yield* readerEvents(await openPcscClient(options, deps), deps, signal);
  },
};

/** The client that the options ask for. Never throws for a missing service; that shows when the client is used. */
export async function openPcscClient(options: PcscOptions, deps: Pick<DriverDeps, "log">): Promise<PcscClient> {
  const path = options.socket ?? process.env.PCSCLITE_CSOCK_NAME ?? defaultPcscdSocket;
  if (options.client === "socket") return new SocketPcscClient(path);
  if (options.client === "pcsclite") return fallbackClient();
  if (process.platform !== "linux") return fallbackClient();
  const own = new SocketPcscClient(path);
  try {
    await firstSnapshot(own);
  } catch (error) {
    if (!(error instanceof GatewayError && error.code === "link.driver")) return own;
    deps.log.warn({ code: error.code, ...error.detail }, `${error.message}; trying the pcsclite package`);
    return fallbackClient().catch(() => own);
  }
  return own;
}

async function fallbackClient(): Promise<PcscClient> {
  const { PcscliteClient } = await import("./pcsclite-fallback.ts");
  return PcscliteClient.load();
}

async function firstSnapshot(client: PcscClient): Promise<readonly ReaderSnapshot[]> {
  const stop = new AbortController();
  try {
    for await (const snapshot of client.watch(stop.signal)) return snapshot;
    return [];
  } finally {
    stop.abort();
  }
}
