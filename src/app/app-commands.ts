import type { Command } from "commander";
import type { CliContext } from "../face/cli/context.ts";
import { registerDaemon } from "./commands/daemon.ts";
import { registerDemo } from "./commands/demo.ts";
import { registerDoctor } from "./commands/doctor.ts";
import { registerRun } from "./commands/run.ts";
import { registerSim } from "./commands/sim.ts";

/** Commands that need drivers or run the product itself, and so belong to the composition root. */
export function registerAppCommands(
  program: Command,
  context: CliContext,
  globals: () => { readonly config?: string },
): void {
  registerDaemon(program, context, globals);
  registerSim(program, context);
  registerDoctor(program, context, globals);
  registerDemo(program, context);
  registerRun(program, context);
}
