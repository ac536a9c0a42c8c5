import { join } from "node:path";
import type { Command } from "commander";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import type { CliContext } from "../../face/cli/context.ts";
import { printStatus } from "../../face/cli/terminal.ts";
import { type Config, loadConfig } from "../config/config.ts";
import type { SmDpConfig } from "../config/sm-dp.ts";
import { simulatorSocket } from "../config/state-folder.ts";
import { simulatedSmDp } from "./sm-dp-test-set.ts";

/** `daemon`: runs until it is stopped. */
export function registerDaemon(own: Command, context: CliContext, globals: () => { readonly config?: string }): void {
  own
    .option(
      "--state <folder>",
      "state folder (default: $OTAGATE_STATE, $STATE_DIRECTORY, configuration, ~/.local/state/otagate)",
    )
    .option("--simulate", "run a simulated eUICC in the daemon and import it as a target")
    .option("--misbehave <list>", "faults of the simulated eUICC from the start, e.g. por-mac,delay=500")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate daemon\n  otagate daemon --simulate --state /tmp/bench\n  OTAGATE_STATE=/tmp/bench otagate reader list\n  OTAGATE_STATE=/tmp/bench otagate sim control misbehave drop-por\n",
    )
    .action(async (options: { state?: string; simulate?: boolean; misbehave?: string }) => {
      const { Daemon } = await import("../daemon.ts");
      const { jsonLog } = await import("../log.ts");
      const { simulateOne } = await import("../simulate.ts");
      const { config, path, state: configured } = loadConfig(globals().config, context.env);
      const state = options.state ?? configured;
      const log = jsonLog(config.log.level);
      if (options.misbehave !== undefined && options.simulate !== true)
        throw new GatewayError("api.usage", "--misbehave: applies to the card of --simulate only");
      const smDp = options.simulate === true ? simulatedSmDp(state, simulatedCard) : undefined;
      const simulated = smDp === undefined ? config : withSimulatedCard(config, smDp.config, options.misbehave);
      const daemon = await Daemon.start({ config: simulated, state, env: context.env, log });
      if (smDp !== undefined) await simulateOne(daemon, join(state, simulatedCard), smDp.made);
      log.info({ state, config: path ?? null, socket: daemon.socketPath }, "otagate is ready");
      if (context.terminal.fancy) printStatus(context.terminal, `listening on ${daemon.socketPath}`);
      // An unhandled rejection is a bug, but no reason to stop: the store is consistent at any moment.
      process.on("unhandledRejection", (thrown) => {
        log.error(
          { err: thrown instanceof Error ? thrown.stack : String(thrown) },
          "internal error: unhandled rejection; the daemon continues",
        );
      });
      const why = await Promise.race([stopped(), daemon.lost]);
      if (typeof why !== "string") {
        // The service manager restarts the daemon, which then resumes open work as after a crash.
        log.error({ error: why.toJSON() }, "the store failed; the daemon exits");
        process.exit(why.entry.exit);
      }
      log.info({ signal: why }, "stopping");
      await daemon[Symbol.asyncDispose]();
    });
}

/** Its file in the state folder. */
const simulatedCard = "euicc-1.json";

/** The configuration with one more simulated eUICC, the SM-DP that it trusts, and a socket for its faults. */
function withSimulatedCard(config: Config, smDp: SmDpConfig, misbehave: string | undefined): Config {
  const { euiccs, control = simulatorSocket, ...rest } = config.simulate;
  return {
    ...config,
    smDp: [...config.smDp, smDp],
    simulate: { ...rest, ...withoutUndefined({ misbehave }), control, euiccs: [...euiccs, simulatedCard] },
  };
}

function stopped(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}
