import { withoutUndefined } from "../../base/defined.ts";
import { asGatewayError, type GatewayError } from "../../base/gateway-error.ts";
import { type JunitCase, junitXml } from "../../codec/text/junit.ts";
import type { StartLabDaemon } from "../lab-daemon.ts";
import { performStep } from "./perform.ts";
import type { PlacedStep, Scenario } from "./scenario.ts";
import { type ScenarioBench, simulatedBench } from "./scenario-bench.ts";
import { ScenarioRun } from "./scenario-run.ts";

/** Outcome of a step. */
export interface StepOutcome {
  readonly name: string;
  readonly line: number;
  readonly state: "passed" | "failed" | "not-reached";
  readonly tookMs: number;
  /** Its result, as text. */
  readonly note?: string;
  readonly error?: ReturnType<GatewayError["toJSON"]>;
}

/** Outcome of a scenario. */
export interface ScenarioOutcome {
  readonly file: string;
  readonly name: string;
  readonly passed: boolean;
  readonly startedAt: number;
  readonly tookMs: number;
  readonly steps: readonly StepOutcome[];
}

/** Options for running scenarios. */
interface PlayOptions {
  readonly signal: AbortSignal;
  /** The bench for a scenario without a card of its own. */
  /** Starts the daemon of a simulated card. */
  readonly startDaemon: StartLabDaemon;
  readonly realBench: (target: string) => Promise<ScenarioBench>;
  /** Called after each step. */
  readonly onStep?: (step: StepOutcome, index: number) => void;
}

/** Runs a scenario to its end or to its first failure. A failed step is an outcome and is not thrown. */
export async function playScenario(scenario: Scenario, options: PlayOptions): Promise<ScenarioOutcome> {
  const startedAt = Date.now();
  const start = performance.now();
  const steps: StepOutcome[] = [];
  let played = 0;
  const add = (outcome: StepOutcome) => {
    steps.push(outcome);
    options.onStep?.(outcome, steps.length - 1);
  };
  try {
    await using bench = await openBench(scenario, options);
    const run = new ScenarioRun(bench, options.signal);
    await run.start();
    await playSteps(run, scenario.steps, (outcome) => {
      played++;
      add(outcome);
    });
    const { notificationsBefore: notifications } = run;
    if (notifications !== undefined && bench.card === undefined)
      await bench.api.v1.targets.change({ params: run.params, body: { settings: { notifications } } });
  } catch (thrown) {
    const error = asGatewayError(thrown).toJSON();
    add({ name: "the stage", line: 1, state: "failed", tookMs: performance.now() - start, error });
  }
  for (const { name, line } of scenario.steps.slice(played)) add({ name, line, state: "not-reached", tookMs: 0 });
  const passed = steps.every((step) => step.state === "passed");
  const { file, name } = scenario;
  return { file, name, passed, startedAt, tookMs: Math.round(performance.now() - start), steps };
}

async function openBench(scenario: Scenario, options: PlayOptions): Promise<ScenarioBench> {
  if (scenario.card !== undefined) return simulatedBench(scenario.card, scenario.notifications, options.startDaemon);
  return options.realBench(scenario.target ?? "");
}

async function playSteps(
  run: ScenarioRun,
  steps: readonly PlacedStep[],
  add: (outcome: StepOutcome) => void,
): Promise<void> {
  for (const { step, name, line } of steps) {
    const start = performance.now();
    try {
      const note = await performStep(run, step);
      const tookMs = Math.round(performance.now() - start);
      add({ name, line, state: "passed", tookMs, ...withoutUndefined({ note }) });
    } catch (thrown) {
      const error = asGatewayError(thrown).toJSON();
      add({ name, line, state: "failed", tookMs: Math.round(performance.now() - start), error });
      return;
    }
  }
}

/** The outcomes for continuous integration: one suite per scenario, one case per step. */
export function outcomesJunit(outcomes: readonly ScenarioOutcome[]): string {
  return junitXml(
    outcomes.map(({ file, name, startedAt, steps }) => ({
      name,
      at: startedAt,
      cases: steps.map(
        ({ name: step, line, state, tookMs, note, error }, index): JunitCase => ({
          name: `${index + 1} ${step}`,
          className: file,
          seconds: tookMs / 1000,
          ...(error === undefined
            ? {}
            : {
                failure: {
                  type: error.code,
                  message: error.message,
                  text: `${file}:${line} ${JSON.stringify(error.detail)}`,
                },
              }),
          ...(state === "not-reached" ? { skipped: "a step before it failed" } : {}),
          ...withoutUndefined({ output: note }),
        }),
      ),
    })),
  );
}
