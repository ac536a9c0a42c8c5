import { asGatewayError } from "../../base/gateway-error.ts";
import type { CliContext } from "../../face/cli/context.ts";
import type { StartLabDaemon } from "../lab-daemon.ts";
import { openDemoBench } from "./demo-bench.ts";
import { DemoReporter } from "./demo-reporter.ts";
import type { DemoStep } from "./demo-step.ts";
import { envelopeStep } from "./envelope-step.ts";
import { modemStep } from "./modem-step.ts";
import { scp81Step } from "./scp81-step.ts";
import { smppStep } from "./smpp-step.ts";

const steps: readonly DemoStep[] = [envelopeStep, scp81Step, modemStep, smppStep];

/** Runs all steps; returns the exit code: 0 only if every step succeeds. */
export async function runDemo(
  context: CliContext,
  startDaemon: StartLabDaemon,
  options: { readonly inProcess?: boolean },
): Promise<number> {
  using reporter = new DemoReporter(context);
  await using bench = await openDemoBench(context, startDaemon, options.inProcess === true);
  for (const step of steps) {
    try {
      await step(bench, reporter);
    } catch (thrown) {
      const error = asGatewayError(thrown);
      reporter.check(`${error.code}: ${error.message}`, false);
    }
  }
  return reporter.finish();
}
