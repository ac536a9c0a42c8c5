import type { Secret } from "../../base/secret.ts";
import type {
  AfterCleanUp,
  CardWord,
  Download,
  DownloadFailure,
  DownloadOutcome,
  DownloadStage,
} from "../model/download.ts";

/** Random values of a step, drawn before it. */
export interface FreshValues {
  readonly ephemeral: Secret;
  /** 8 octets. */
  readonly hostChallenge: Uint8Array;
}

/** What a step changes besides the download itself, in the same unit of work. */
export type DownloadEffect =
  /** The card has the keys. */
  | { readonly kind: "keys-established" }
  /** The sequence counter of the card's secure channels. */
  | { readonly kind: "sequence"; readonly sequence: number }
  /** The profile is on the card, disabled. */
  | { readonly kind: "installed" }
  /** The ISD-P is gone, and its keys with it. */
  | { readonly kind: "gone" };

/** A download after an event, and what else changes. */
export interface Move {
  readonly download: Download;
  readonly effects: readonly DownloadEffect[];
}

/** The event changes nothing. */
export function stayed(download: Download): Move {
  return { download, effects: [] };
}

/** The next stage, whose job is not ordered yet; the stage before it is closed with its result. */
export function move(
  now: Download,
  at: number,
  stage: DownloadStage,
  result?: string,
  effects: readonly DownloadEffect[] = [],
): Move {
  const rest = { ...now, waiting: false };
  const steps = [...closedSteps(now, at, result), { stage: stage.at, attempt: now.attempt, startedAt: at }];
  return { download: { ...rest, stage, steps }, effects };
}

function closedSteps({ steps, stage }: Download, at: number, result: string | undefined): Download["steps"] {
  const last = steps.at(-1);
  if (last === undefined || last.endedAt !== undefined || last.stage !== stage.at) return steps;
  return [...steps.slice(0, -1), { ...last, endedAt: at, ...(result === undefined ? {} : { result }) }];
}

/** The ISD-P is on the card: keys follow. */
export function created(now: Download, at: number, fresh: FreshValues): Move {
  const secrets = { ephemeral: fresh.ephemeral };
  return move({ ...now, card: "created", secrets }, at, { at: "certificate" }, "ok");
}

/** The end of a download whose profile is installed, after a look at the card if that was ordered. */
export function verifiedOrEnded(now: Download, at: number, result: string): Move {
  const look = now.order.verify || now.card === "unknown";
  return look ? move(now, at, { at: "verifying" }, result) : endedWith(now, at, undefined, result);
}

/** Failures after which beginning again may help: the card did not judge package or keys. */
const repeatable: ReadonlySet<DownloadFailure["kind"]> = new Set(["broken", "card"]);

/**
 * What follows a failure while the ISD-P is on the card: it stays if the client wants to keep it, otherwise it is
 * deleted, and the download begins again if attempts are left. SGP.02 §3.1.2
 */
export function failedWithIsdP(now: Download, at: number, failure: DownloadFailure): Move {
  const again = now.attempt <= now.order.retries && repeatable.has(failure.kind) && now.cancelled !== true;
  const next: AfterCleanUp = again ? "begin-again" : "end";
  if (now.order.keep && !again) return endedWith(now, at, failure, failure.message);
  return move(now, at, { at: "clean-up", failure, next }, failure.message);
}

/** The ISD-P is gone: the end, or the next attempt. */
export function removed(now: Download, at: number, stage: Extract<DownloadStage, { at: "clean-up" }>): Move {
  const gone: Download = { ...now, card: "absent", secrets: {} };
  if (stage.next === "end") {
    const ended = endedWith(gone, at, stage.failure, "deleted");
    return { ...ended, effects: [{ kind: "gone" }, ...ended.effects] };
  }
  const { download } = move(gone, at, { at: "isd-p" }, "deleted");
  const attempt = now.attempt + 1;
  const steps = download.steps.map((step, index) =>
    index === download.steps.length - 1 ? { ...step, attempt } : step,
  );
  return { download: { ...download, attempt, steps }, effects: [{ kind: "gone" }] };
}

/** The end of a download; without a failure the profile is installed. */
export function endedWith(now: Download, at: number, failure?: DownloadFailure, result?: string): Move {
  const { enabled, ...rest } = { ...now, waiting: false };
  const outcome: DownloadOutcome = {
    kind: outcomeKind(now.card, failure),
    card: now.card,
    text: outcomeText(now.card, failure),
    ...(failure === undefined ? {} : { failure }),
    ...(enabled === undefined ? {} : { enabled }),
  };
  const steps = closedSteps(now, at, result ?? failure?.message);
  return {
    download: { ...rest, stage: { at: "ended" }, secrets: {}, steps, outcome, endedAt: at },
    effects: [],
  };
}

function outcomeKind(card: CardWord, failure: DownloadFailure | undefined): DownloadOutcome["kind"] {
  if (failure === undefined) return "installed";
  if (card === "unknown") return "unknown";
  return failure.kind === "cancelled" ? "cancelled" : "failed";
}

const cardTexts: Readonly<Record<CardWord, string>> = {
  absent: "the card has no ISD-P of this download",
  created: "the ISD-P is on the card without a profile",
  disabled: "the profile is on the card, disabled",
  enabled: "the profile is on the card, enabled",
  unknown: "what is on the card is unknown: audit it (`es5 auditStatus`)",
};

function outcomeText(card: CardWord, failure: DownloadFailure | undefined): string {
  return failure === undefined ? cardTexts[card] : `${failure.message}; ${cardTexts[card]}`;
}
