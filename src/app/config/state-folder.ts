import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Name of the control socket inside the state folder. */
export const socketName = "otagate.sock";

/** Name of the socket inside the state folder that takes control lines for the card of `daemon --simulate`. */
export const simulatorSocket = "simulator.sock";

/** Paths of the configuration; the first existing one is used. */
function configPaths(env: NodeJS.ProcessEnv): string[] {
  const home = given(env.XDG_CONFIG_HOME) ?? join(homedir(), ".config");
  return [join(home, "otagate", "config.yaml"), "/etc/otagate/config.yaml"];
}

/** A value of the environment; an empty one counts as unset. */
export function given(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

/** The configuration file that applies: the given one, `OTAGATE_CONFIG`, or the first of {@link configPaths} that exists. */
export function configFile(path: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  return given(path) ?? given(env.OTAGATE_CONFIG) ?? configPaths(env).find((candidate) => existsSync(candidate));
}

/** The default state folder, if neither the configuration nor `OTAGATE_STATE` contains one. */
export function defaultState(env: NodeJS.ProcessEnv): string {
  return (
    given(env.OTAGATE_STATE) ??
    given(env.STATE_DIRECTORY) ??
    join(given(env.XDG_STATE_HOME) ?? join(homedir(), ".local", "state"), "otagate")
  );
}
