import type { Command } from "commander";
import type { CliContext } from "../../face/cli/context.ts";

/** `demo`: end-to-end demonstration on simulated hardware. */
export function registerDemo(own: Command, context: CliContext): void {
  own
    .option("--in-process", "run without pcscd, even if it is installed")
    .action(async (options: { inProcess?: boolean }) => {
      const { runDemo } = await import("../../lab/demo/run.ts");
      const { startLabDaemon } = await import("../lab-daemon.ts");
      process.exitCode = await runDemo(context, startLabDaemon, options);
    });
}
