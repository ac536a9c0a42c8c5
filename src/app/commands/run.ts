import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { GatewayError } from "../../base/gateway-error.ts";
import type { CliContext } from "../../face/cli/context.ts";
import { writeOutput } from "../../face/cli/output-file.ts";
import { paint, printStatus, result } from "../../face/cli/terminal.ts";
import type { ScenarioOutcome, StepOutcome } from "../../lab/scenario/play.ts";
import type { Scenario } from "../../lab/scenario/scenario.ts";
import { untilStopped } from "./sim.ts";

/** `run FILE…`: scenarios against real or simulated hardware. */
export function registerRun(own: Command, context: CliContext): void {
  own
    .argument("<file...>", "scenarios (docs/scenarios.md)")
    .option("--junit <file>", "write a JUnit report")
    .option("-t, --target <target>", "run on this target, regardless of the card or target in the scenario")
    .addHelpText(
      "after",
      "\nExamples:\n  otagate run scenarios/enable.yaml\n  otagate run scenarios/*.yaml --junit report.xml\n",
    )
    .action(async (files: string[], options: { junit?: string; target?: string }) => {
      const { parseScenario } = await import("../../lab/scenario/scenario.ts");
      const scenarios = files.map((file) => placed(parseScenario(read(file), file), options.target));
      const outcomes = await playAll(context, scenarios);
      result(context.terminal, outcomes, summary);
      if (outcomes.some((one) => !one.passed)) process.exitCode = 1;
      if (options.junit !== undefined) {
        const { outcomesJunit } = await import("../../lab/scenario/play.ts");
        writeOutput("junit", options.junit, outcomesJunit(outcomes));
      }
    });
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new GatewayError("scenario.invalid", `${file} cannot be read`, { detail: { file }, cause });
  }
}

/** The scenario with the requested hardware. @throws scenario.invalid if there is neither a card nor a target */
function placed(scenario: Scenario, target: string | undefined): Scenario {
  if (target !== undefined) {
    const { card: _, ...rest } = scenario;
    return { ...rest, target };
  }
  if (scenario.card === undefined && scenario.target === undefined)
    throw new GatewayError(
      "scenario.invalid",
      `${scenario.file}: the scenario has neither card nor target; use --target`,
      {
        detail: { file: scenario.file, field: "target" },
      },
    );
  return scenario;
}

async function playAll(context: CliContext, scenarios: readonly Scenario[]): Promise<ScenarioOutcome[]> {
  const { playScenario } = await import("../../lab/scenario/play.ts");
  const { startLabDaemon } = await import("../lab-daemon.ts");
  const signal = untilStopped();
  const outcomes: ScenarioOutcome[] = [];
  for (const scenario of scenarios) {
    printStatus(context.terminal, `${paint(context.terminal, "bold", scenario.name)} (${scenario.file})`);
    outcomes.push(
      await playScenario(scenario, {
        signal,
        startDaemon: startLabDaemon,
        realBench: async (target) => {
          const connection = await context.connect();
          return { api: connection.api, target, [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose]() };
        },
        onStep: (step, index) => printStatus(context.terminal, stepLine(context, step, index)),
      }),
    );
    if (signal.aborted) break;
  }
  return outcomes;
}

function stepLine({ terminal }: CliContext, step: StepOutcome, index: number): string {
  const marks = {
    passed: paint(terminal, "green", "ok  "),
    failed: paint(terminal, "red", "FAIL"),
    "not-reached": paint(terminal, "dim", "--  "),
  } as const;
  const note = step.note === undefined ? "" : paint(terminal, "dim", ` ${step.note}`);
  const error = step.error === undefined ? "" : `\n         line ${step.line}: ${step.error.message}`;
  const time = step.state === "not-reached" ? "" : paint(terminal, "dim", ` ${Math.round(step.tookMs)} ms`);
  return `  ${marks[step.state]} ${String(index + 1).padStart(2)} ${step.name}${time}${note}${error}`;
}

function summary(outcomes: readonly ScenarioOutcome[]): string {
  const passed = outcomes.filter((one) => one.passed).length;
  return `${passed} of ${outcomes.length} scenarios passed`;
}
