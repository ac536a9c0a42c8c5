import { existsSync } from "node:fs";
import { connect } from "node:net";
import { z } from "zod";
import { asGatewayError, GatewayError } from "../../src/base/gateway-error.ts";
import type { Driver, DriverDeps, DriverFinding } from "../../src/link/driver.ts";
import type { PcscClient, ReaderSnapshot } from "./pcsc-client.ts";
import { pcscReader, readerEvents, readerState } from "./reader-events.ts";
import { SocketPcscClient } from "./socket-client.ts";

/** Where pcscd listens unless configured otherwise. */
const defaultPcscdSocket = "/run/pcscd/pcscd.comm";

/** How to reach the PC/SC service. */
const PcscOptions = z.strictObject({
  /** Path of pcscd's socket; `$PCSCLITE_CSOCK_NAME`, otherwise `/run/pcscd/pcscd.comm`. */
  socket: z.string().min(1).optional(),
  /**
   * `socket`: our own client of pcscd's socket. `pcsclite`: the optional npm package of that name (macOS, Windows, a
   * pcscd that speaks an unknown protocol). `auto`: the socket on Linux, the package where that cannot work.
   */
  client: z.enum(["auto", "socket", "pcsclite"]).default("auto"),
});
type PcscOptions = z.output<typeof PcscOptions>;

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

  async diagnose(env, deps) {
    return [await serviceFinding(env.PCSCLITE_CSOCK_NAME ?? defaultPcscdSocket, deps)];
  },
};

async function serviceFinding(socket: string, deps: DriverDeps): Promise<DriverFinding> {
  const what = "pcscd";
  if (!(await listens(socket))) {
    const advice = existsSync("/usr/sbin/pcscd")
      ? "start it: systemctl start pcscd.socket (or run pcscd)"
      : "apt-get install -y pcscd libccid";
    return { what, verdict: "missing", detail: `no response at ${socket}`, advice };
  }
  try {
    const readers = (await driver.listReaders?.(PcscOptions.parse({ socket }), deps)) ?? [];
    return { what, verdict: "good", detail: `responds at ${socket}, ${readers.length} readers` };
  } catch (thrown) {
    const error = asGatewayError(thrown);
    if (error.code !== "link.denied") return { what, verdict: "bad", detail: error.message };
    const [detail = "", advice = ""] = error.message.split("; ");
    return { what, verdict: "bad", detail, advice: error.message.slice(detail.length + 2) || advice };
  }
}

function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** The client that the options ask for. Never throws for a missing service; that shows when the client is used. */
async function openPcscClient(options: PcscOptions, deps: Pick<DriverDeps, "log">): Promise<PcscClient> {
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
