import { swText } from "../../codec/apdu/status-word.ts";
import type { Download, DownloadFailure, DownloadStage } from "../model/download.ts";
import type { DownloadMaterial } from "./material.ts";
import { created, endedWith, type FreshValues, type Move, move, removed, stayed, verifiedOrEnded } from "./move.ts";
import { lastCommand, notSent, type StepAnswer } from "./step-answer.ts";
import { afterKeys } from "./step-keys.ts";
import { afterPackage } from "./step-package.ts";
import { afterState } from "./step-state.ts";

/** What happens to a download. `at` is wall clock, ms. */
export type DownloadEvent = { readonly at: number } & (
  | { readonly kind: "started" }
  /** The job of its stage has ended. */
  | { readonly kind: "answered"; readonly answer: StepAnswer }
  /** The profile switch that EnableProfile began has ended. */
  | { readonly kind: "switched"; readonly outcome: "confirmed" | "rolled-back" | "lapsed" }
);

/**
 * The state machine of downloads, without I/O, clock and chance: the download after an event, and what else changes. A
 * stage is left only by the answer to its job. SGP.02 §3.1
 */
export function stepDownload(
  now: Download,
  event: DownloadEvent,
  material: DownloadMaterial,
  fresh: FreshValues,
): Move {
  const next = taken(now, event, material, fresh);
  return now.cancelled === true ? withCancel(next, event.at) : next;
}

function taken(now: Download, event: DownloadEvent, material: DownloadMaterial, fresh: FreshValues): Move {
  switch (event.kind) {
    case "started":
      return now.stage.at === "planned" ? move(now, event.at, { at: "isd-p" }) : stayed(now);
    case "switched":
      return now.stage.at === "enabling" ? afterSwitch(now, event.at, event.outcome) : stayed(now);
    case "answered":
      return answered(now, event.at, event.answer, material, fresh);
  }
}

/**
 * The end of a download that the gateway cannot continue, because its credentials are missing or a job was refused: what
 * the card last stated is the last word.
 */
export function stuckDownload(now: Download, at: number, failure: DownloadFailure): Move {
  return now.stage.at === "ended" ? stayed(now) : endedWith(now, at, failure);
}

function answered(now: Download, at: number, answer: StepAnswer, material: DownloadMaterial, fresh: FreshValues): Move {
  const { stage } = now;
  switch (stage.at) {
    case "planned":
    case "ended":
      return stayed(now);
    case "isd-p":
      return afterIsdP(now, at, answer, fresh);
    case "certificate":
    case "keys":
    case "opening":
    case "authenticating":
      return afterKeys(now, at, answer, fresh);
    case "loading":
      return afterPackage(now, stage, at, answer, material);
    case "state":
      return afterState(now, stage, at, answer, fresh);
    case "clean-up":
      return afterCleanUp(now, stage, at, answer);
    case "enabling":
      return afterEnable(now, at, answer);
    case "verifying":
      return afterVerify(now, at, answer);
  }
}

function afterIsdP(now: Download, at: number, answer: StepAnswer, fresh: FreshValues): Move {
  if (answer.kind === "lost") {
    const failure: DownloadFailure = { kind: "broken", message: `CreateISDP: ${answer.why.message}` };
    return move(now, at, { at: "state", of: "isd-p", failure }, "the answer is lost");
  }
  if (answer.kind === "not-sent") return endedWith(now, at, notSent("CreateISDP", answer));
  const last = answer.kind === "answered" ? lastCommand(answer) : undefined;
  if (last?.sw === 0x9000) return created(now, at, fresh);
  const sw = last === undefined ? "without a status word" : `with ${swText(last.sw)}`;
  const message = `the card refused CreateISDP ${sw}${last?.sw === 0x6985 ? ": the AID is in use" : ""}`;
  return endedWith(now, at, { kind: "card", message, ...(last && { detail: { sw: swText(last.sw) } }) });
}

function afterCleanUp(
  now: Download,
  stage: Extract<DownloadStage, { at: "clean-up" }>,
  at: number,
  answer: StepAnswer,
): Move {
  const last = answer.kind === "answered" ? lastCommand(answer) : undefined;
  if (last?.sw === 0x9000 || last?.sw === 0x6a88) return removed(now, at, stage);
  if (answer.kind === "not-sent") return endedWith(now, at, stage.failure, `not deleted: ${answer.why.message}`);
  const why = last === undefined ? "the answer is lost" : `refused with ${swText(last.sw)}`;
  return move(now, at, { at: "state", of: "clean-up", failure: stage.failure }, why);
}

function afterEnable(now: Download, at: number, answer: StepAnswer): Move {
  const last = answer.kind === "answered" ? lastCommand(answer) : undefined;
  // The profile switch decides; its end is an event of its own.
  if (last?.sw === 0x9000) return stayed(now);
  if (answer.kind === "lost") return move(now, at, { at: "verifying" }, "the answer is lost");
  return verifiedOrEnded({ ...now, enabled: "failed" }, at, last === undefined ? "not sent" : swText(last.sw));
}

function afterSwitch(now: Download, at: number, outcome: "confirmed" | "rolled-back" | "lapsed"): Move {
  const card = outcome === "confirmed" ? "enabled" : outcome === "rolled-back" ? "disabled" : "unknown";
  return verifiedOrEnded({ ...now, card, enabled: outcome }, at, outcome);
}

function afterVerify(now: Download, at: number, answer: StepAnswer): Move {
  const domains = answer.kind === "answered" ? answer.executed.flatMap((one) => one.answer ?? []) : [];
  const found = domains
    .flatMap((one) => (one.kind === "domains" ? one.domains : []))
    .find(({ aid }) => aid === now.isdP);
  if (found?.lifeCycle === undefined) return endedWith(now, at, undefined, "the card did not state its state");
  const card = found.lifeCycle === 0x3f ? "enabled" : found.lifeCycle === 0x1f ? "disabled" : "created";
  return endedWith({ ...now, card }, at, undefined, card);
}

/** Stages on the way to an installed profile, which a cancelled download does not begin. */
const forward: ReadonlySet<DownloadStage["at"]> = new Set([
  "isd-p",
  "certificate",
  "keys",
  "opening",
  "authenticating",
  "loading",
  "enabling",
]);

function withCancel(next: Move, at: number): Move {
  const { download } = next;
  if (download.waiting || !forward.has(download.stage.at)) return next;
  const failure: DownloadFailure = { kind: "cancelled", message: "the download was cancelled" };
  if (download.card === "absent") return endedWith(download, at, failure);
  if (download.card !== "created") return endedWith(download, at, undefined, "cancelled");
  if (download.order.keep) return endedWith(download, at, failure);
  return { ...next, download: { ...download, stage: { at: "clean-up", failure, next: "end" } } };
}
