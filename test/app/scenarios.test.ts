import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { startLabDaemon } from "../../src/app/lab-daemon.ts";
import { packageRoot } from "../../src/app/version.ts";
import { outcomesJunit, playScenario, type ScenarioOutcome } from "../../src/lab/scenario/play.ts";
import { parseScenario } from "../../src/lab/scenario/scenario.ts";

const folder = `${packageRoot}/scenarios`;
const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));

async function play(text: string, file = "test.yaml"): Promise<ScenarioOutcome> {
  return playScenario(parseScenario(text, file), {
    signal: new AbortController().signal,
    startDaemon: startLabDaemon,
    realBench: async () => {
      throw new Error("these scenarios bring their card along");
    },
  });
}

describe("the scenarios that come with otagate", () => {
  it("are at least ten", () => expect(files.length).toBeGreaterThanOrEqual(10));

  it.each(files)(
    "%s passes",
    async (file) => {
      const outcome = await play(readFileSync(`${folder}/${file}`, "utf8"), file);
      expect(outcome.steps.filter((step) => step.state !== "passed")).toEqual([]);
      expect(outcome.passed).toBe(true);
    },
    60_000,
  );
});

describe("a scenario", () => {
  it("can take a key set out of the target: no job is sent with it any more", async () => {
    const steps = ["  - forgetKeys: 1", "  - es5: auditStatus", "    expect: { state: failed, error: target.no-key }"];
    const outcome = await play(["name: forgotten keys", "card: {}", "steps:", ...steps].join("\n"));
    expect(outcome.steps.map(({ state }) => state)).toEqual(["passed", "passed"]);
  }, 30_000);

  it("ends at the first expectation that is not met, and the report says where", async () => {
    const outcome = await play(
      [
        "name: wrong <on> purpose",
        "card: {}",
        "steps:",
        "  - es5: auditStatus",
        "  - es5: deleteProfile",
        "    profile: 1",
        "  - sleep: 1ms",
      ].join("\n"),
    );
    expect(outcome.passed).toBe(false);
    expect(outcome.steps.map(({ state, line }) => [state, line])).toEqual([
      ["passed", 4],
      ["failed", 5],
      ["not-reached", 7],
    ]);
    expect(outcome.steps[1]?.error).toMatchObject({
      code: "scenario.failed",
      message: expect.stringContaining("the job is failed, not done (job.script"),
      detail: { sw: "6985" },
    });
    const junit = outcomesJunit([outcome]);
    expect(junit).toContain('name="wrong &lt;on&gt; purpose" tests="3" failures="1" errors="0" skipped="1"');
    expect(junit).toContain("test.yaml:5");
  }, 30_000);

  it("that finds no stage reports all its steps as not reached", async () => {
    const outcome = await play("name: a\ntarget: x\nsteps:\n  - sleep: 1ms\n  - sleep: 2ms\n");
    expect(outcome.passed).toBe(false);
    expect(outcome.steps.map(({ name, state }) => [name, state])).toEqual([
      ["the stage", "failed"],
      ["sleep 1", "not-reached"],
      ["sleep 2", "not-reached"],
    ]);
  });

  it.each([
    ["name: a\nsteps: [", 2, "", "Flow sequence"],
    ["name: a\ncard: {}\n", 1, "steps", ""],
    ["name: a\ncard: { profils: 3 }\nsteps:\n  - sleep: 1s\n", 2, "card.profils", "is not known here"],
    ["name: a\ncard: {}\nsteps:\n  - sleep: 1s\n  - enable: 2\n", 5, "steps.2", "nothing a step can do"],
    ["name: a\ncard: {}\nsteps:\n  - sleap: 1s\n", 4, "steps.1", "did you mean 'sleep'?"],
    ["name: a\ncard: {}\nsteps:\n  - sleep: 1s\n    link: up\n", 4, "steps.1", "one thing"],
    ["name: a\ncard: {}\nsteps:\n  - es5: auditStatus\n    expect:\n      sv: 9000\n", 6, "steps.1.expect.sv", ""],
    ["name: a\ncard: {}\nsteps:\n  - name: x\n    sleep: long\n", 5, "steps.1.sleep", ""],
    [
      'name: a\ncard: { misbehave: "por-mac,dance" }\nsteps:\n  - sleep: 1s\n',
      2,
      "card.misbehave",
      "no misbehaviour 'dance'",
    ],
    ["name: a\ncard: {}\nsteps:\n  - misbehave: dance\n", 4, "steps.1.misbehave", "no misbehaviour 'dance'"],
    ["name: a\ncard: {}\nsteps:\n  - es5: enableProfil\n", 4, "steps.1.es5", "did you mean 'enableProfile'?"],
    ["name: a\ncard:\n  fallback: 9\nsteps:\n  - sleep: 1s\n", 3, "card.fallback", "the card has 2"],
    [
      'name: a\ncard:\n  pol1:\n    "3": [deletion-not-allowed]\nsteps:\n  - sleep: 1s\n',
      4,
      "card.pol1.3",
      "there is no profile 3",
    ],
    ["name: a\ncard: {}\nsteps:\n  - sleep: *time\n", 4, "", "Unresolved alias"],
    ["name: a\ncard: {}\ntarget: x\nsteps:\n  - sleep: 1s\n", 1, "", "not both"],
  ])("that is wrong is refused with line and field: %j", (text, line, field, message) => {
    expect(() => parseScenario(text, "bad.yaml")).toThrow(
      expect.objectContaining({
        code: "scenario.invalid",
        message: expect.stringContaining(message),
        detail: { file: "bad.yaml", line, field },
      }),
    );
  });
});
