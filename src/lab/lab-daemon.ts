import type { SoftReader } from "../../simulators/reader.ts";
import type { SoftCard } from "../../simulators/soft-card.ts";
import type { Gateway } from "../gateway/gateway.ts";

/** A separate daemon for a program of the lab. */
interface LabDaemon extends AsyncDisposable {
  readonly gateway: Gateway;
  /** Its control socket. */
  readonly socketPath: string;
  /** Puts a software card into a reader of this process. */
  simulate(name: string, card: SoftCard): SoftReader;
}

/**
 * Starts a daemon without a log; the settings are those of a configuration file. The application provides it.
 * @throws store.*, config.*
 */
export type StartLabDaemon = (settings: object, state: string, env: NodeJS.ProcessEnv) => Promise<LabDaemon>;
