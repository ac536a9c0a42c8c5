import type { Command } from "commander";
import type { CliContext } from "../../face/cli/context.ts";

/** `demo`: the whole way on simulated hardware, shown step by step. */
export function registerDemo(program: Command, context: CliContext): void {
  program
    .command("demo")
    .description("show the whole way on a simulated eUICC: audit, enable, notification, disable")
    .option("--in-process", "without pcscd, even where it is installed")
    .action(async (options: { inProcess?: boolean }) => {
      const { runDemo } = await import("../../lab/demo/run.ts");
      process.exitCode = await runDemo(context, options);
    });
}
