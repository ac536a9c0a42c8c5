import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Name of the control socket inside the state folder. */
export const socketName = "otagate.sock";

/** Where the configuration is looked for, first found wins. */
function configPaths(env: NodeJS.ProcessEnv): string[] {
  const home = env.XDG_CONFIG_HOME ?? join(homedir(), ".config");
  return [join(home, "otagate", "config.yaml"), "/etc/otagate/config.yaml"];
}

/** The configuration file that applies: the given one, `OTAGATE_CONFIG`, or the first of {@link configPaths} that exists. */
export function configFile(path: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  return path ?? env.OTAGATE_CONFIG ?? configPaths(env).find((candidate) => existsSync(candidate));
}

/** Where state is kept when neither configuration nor `OTAGATE_STATE` states. */
export function defaultState(env: NodeJS.ProcessEnv): string {
  if (env.OTAGATE_STATE !== undefined) return env.OTAGATE_STATE;
  if (env.STATE_DIRECTORY !== undefined) return env.STATE_DIRECTORY;
  return join(env.XDG_STATE_HOME ?? join(homedir(), ".local", "state"), "otagate");
}
