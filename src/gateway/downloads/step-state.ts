import { judgeState } from "../../crypto/scp03/scp03t-verdict.ts";
import type { Download, DownloadStage } from "../model/download.ts";
import { created, endedWith, type FreshValues, failedWithIsdP, type Move, move, removed } from "./move.ts";
import { lastCommand, type StepAnswer } from "./step-answer.ts";
import { installed } from "./step-package.ts";

/** How often the state is read, and a deletion repeated, in one attempt. */
const maxReads = 4;

/** The life-cycle octet of the ISD-P by GET STATUS: `absent`, or undefined if the card did not state it. */
function lifeCycleIn(now: Download, answer: StepAnswer): number | "absent" | undefined {
  if (answer.kind !== "answered") return undefined;
  if (lastCommand(answer)?.sw === 0x6a88) return "absent";
  for (const { answer: read } of answer.executed) {
    if (read?.kind !== "domains") continue;
    return read.domains.find(({ aid }) => aid === now.isdP)?.lifeCycle;
  }
  return undefined;
}

/** What GET STATUS states decides how a step ended whose answer is lost. SGP.02 §4.1.1.5 */
export function afterState(
  now: Download,
  stage: Extract<DownloadStage, { at: "state" }>,
  at: number,
  answer: StepAnswer,
  fresh: FreshValues,
): Move {
  const lifeCycle = lifeCycleIn(now, answer);
  if (lifeCycle === undefined) return unread(now, stage, at);
  const verdict = judgeState(lifeCycle === "absent" ? undefined : lifeCycle);
  switch (verdict.kind) {
    case "absent":
      return absent(now, stage, at);
    case "installed": {
      const card = lifeCycle === 0x3f ? "enabled" : "disabled";
      // The card has refused the package, or its deletion, and has the profile nevertheless.
      if (stage.of === "clean-up") return endedWith({ ...now, card }, at, stage.failure, card);
      if (card === "enabled") return endedWith({ ...now, card: "enabled" }, at, undefined, "enabled");
      return installed(now, at, "the card states that the profile is installed");
    }
    case "incomplete": {
      const here: Download = { ...now, card: "created" };
      if (stage.of === "isd-p") return created(here, at, fresh);
      const deletions = stepsOf(now, "clean-up");
      if (stage.of === "package" || deletions < 2) return failedWithIsdP(here, at, stage.failure);
      return endedWith(here, at, stage.failure, "the ISD-P cannot be deleted");
    }
  }
}

function stepsOf({ steps, attempt }: Download, stage: DownloadStage["at"]): number {
  return steps.filter((step) => step.attempt === attempt && step.stage === stage).length;
}

function unread(now: Download, stage: Extract<DownloadStage, { at: "state" }>, at: number): Move {
  if (stepsOf(now, "state") < maxReads && now.cancelled !== true) return move(now, at, stage, "no answer");
  return endedWith({ ...now, card: "unknown" }, at, stage.failure, "no answer");
}

/** No ISD-P: nothing is to be deleted. */
function absent(now: Download, stage: Extract<DownloadStage, { at: "state" }>, at: number): Move {
  const { failure } = stage;
  const begun = now.attempt <= now.order.retries && now.cancelled !== true && failure.kind !== "refused";
  if (stage.of === "isd-p" && stepsOf(now, "isd-p") < 2 && now.cancelled !== true)
    return move({ ...now, card: "absent" }, at, { at: "isd-p" }, "not executed");
  return removed(now, at, { at: "clean-up", failure, next: begun ? "begin-again" : "end" });
}
