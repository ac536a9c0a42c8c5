import { existsSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { withoutUndefined } from "../base/defined.ts";
import { GatewayError } from "../base/gateway-error.ts";
import { ApiClient } from "../face/cli/client.ts";
import type { Connection } from "../face/cli/context.ts";
import { paint, printStatus, type Terminal } from "../face/cli/terminal.ts";
import { configFile, defaultState, given, socketName } from "./config/state-folder.ts";

/** Options that locate the daemon. */
interface ConnectOptions {
  readonly config?: string;
  readonly url?: string;
}

/**
 * A connection to the running daemon, or to one inside this process for the duration of the command.
 * @throws api.usage, config.*, store.*
 */
export async function connect(
  options: ConnectOptions,
  terminal: Terminal,
  env: NodeJS.ProcessEnv,
  recordsOnly: boolean,
): Promise<Connection> {
  const url = given(options.url);
  if (url !== undefined) return running(remoteApi(url, env));
  const socketPath = join(await stateFolder(options.config, env), socketName);
  if (await answers(socketPath)) return running(new ApiClient({ socketPath }));
  const { Daemon } = await import("./daemon.ts");
  const { loadConfig } = await import("./config/config.ts");
  const { jsonLog } = await import("./log.ts");
  const { config, state } = loadConfig(options.config, env);
  if (terminal.fancy) printStatus(terminal, paint(terminal, "dim", "no daemon is running: working in this process"));
  const daemon = await Daemon.start({ config, state, env, log: jsonLog("error"), recordsOnly });
  return {
    api: new ApiClient({ socketPath: daemon.socketPath }),
    embedded: true,
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

/** A client of the daemon at a URL, with the token of the environment. @throws api.usage */
export function remoteApi(url: string, env: NodeJS.ProcessEnv): ApiClient {
  requireUrl(url);
  const token = given(env.OTAGATE_TOKEN);
  return new ApiClient({ url, ...withoutUndefined({ token }) });
}

/** The state folder; the configuration module is loaded only if there is a configuration file. @throws config.* */
async function stateFolder(path: string | undefined, env: NodeJS.ProcessEnv): Promise<string> {
  if (configFile(path, env) === undefined) return defaultState(env);
  const { loadConfig } = await import("./config/config.ts");
  return loadConfig(path, env).state;
}

function running(api: ApiClient): Connection {
  return { api, embedded: false, [Symbol.asyncDispose]: async () => {} };
}

/** @throws api.usage when it is not the URL of an HTTP server */
function requireUrl(text: string): void {
  if (URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol)) return;
  throw new GatewayError("api.usage", `--url: '${text}' must be a URL such as http://127.0.0.1:8080`, {
    detail: { field: "url" },
  });
}

function answers(socketPath: string): Promise<boolean> {
  if (!existsSync(socketPath)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connectSocket(socketPath, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
