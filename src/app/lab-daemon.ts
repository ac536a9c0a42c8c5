import type { StartLabDaemon } from "../lab/lab-daemon.ts";
import { silentLog } from "../link/driver.ts";
import { parseConfig } from "./config/config.ts";
import { Daemon } from "./daemon.ts";

/** {@link StartLabDaemon} with the daemon of the product. */
export const startLabDaemon: StartLabDaemon = (settings, state, env) =>
  Daemon.start({ config: parseConfig(settings), state, env, log: silentLog });
