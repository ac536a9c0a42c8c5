import { isGatewayError } from "../../base/gateway-error.ts";
import { swText } from "../../codec/apdu/status-word.ts";
import { scp03tTag } from "../../codec/euicc/scp03t.ts";
import { scriptItems } from "../../codec/ota/script-response.ts";
import type { EstablishmentAnswer } from "../../crypto/key-establishment/verdict.ts";
import { type EstablishmentStep, judgeEstablishment } from "../../crypto/key-establishment/verdict.ts";
import { judgeDownload } from "../../crypto/scp03/scp03t-verdict.ts";
import type { Download, DownloadFailure, DownloadStage } from "../model/download.ts";
import { establishmentOf, offerOf } from "./material.ts";
import { endedWith, type FreshValues, failedWithIsdP, type Move, move } from "./move.ts";
import { firstSequence } from "./stage-work.ts";
import { lastCommand, notSent, type StepAnswer } from "./step-answer.ts";

/** How often a step before the package may be taken in one attempt. */
const maxTries = 3;

/** The answer to a step from the certificate to the open channel. SGP.02 §4.1.3.1, §4.1.3.3 */
export function afterKeys(now: Download, at: number, answer: StepAnswer, fresh: FreshValues): Move {
  if (answer.kind === "not-sent") return unsent(now, at, answer, fresh);
  const { stage } = now;
  switch (stage.at) {
    case "certificate":
    case "keys":
      return afterEstablishment(now, stage, at, answer, fresh);
    case "opening":
    case "authenticating":
      return afterOpening(now, stage, at, answer, fresh);
    default:
      return { download: now, effects: [] };
  }
}

/** A step that did not reach the card is repeated in a new session, unless it waited for its whole validity. */
function unsent(
  now: Download,
  at: number,
  answer: Extract<StepAnswer, { kind: "not-sent" }>,
  fresh: FreshValues,
): Move {
  const failure = notSent(stepNames[now.stage.at] ?? now.stage.at, answer);
  if (answer.state === "failed") return again(now, at, failure, fresh);
  // Nothing is sent to a card that did not come for a whole validity.
  if (answer.state === "expired") return endedWith(now, at, failure, failure.message);
  return failedWithIsdP(now, at, failure);
}

const stepNames: Readonly<Partial<Record<DownloadStage["at"], string>>> = {
  certificate: "the certificate of the SM-DP",
  keys: "the key establishment",
  opening: "the SCP03t handshake",
  authenticating: "the SCP03t authentication",
};

/** Begins the keys or the channel again, as far back as nothing is sent twice. */
function again(now: Download, at: number, failure: DownloadFailure, fresh: FreshValues): Move {
  const { stage, attempt, steps } = now;
  const back = stage.at === "certificate" || stage.at === "keys" ? "certificate" : "opening";
  if (steps.filter((step) => step.attempt === attempt && step.stage === back).length >= maxTries)
    return failedWithIsdP(now, at, failure);
  if (back === "opening") return opening(now, at, fresh, { predicted: false, proving: false }, failure.message);
  return certificate(now, at, fresh, failure.message);
}

function certificate(now: Download, at: number, fresh: FreshValues, result: string): Move {
  return move({ ...now, secrets: { ephemeral: fresh.ephemeral } }, at, { at: "certificate" }, result);
}

function opening(
  now: Download,
  at: number,
  { hostChallenge }: FreshValues,
  how: { readonly predicted: boolean; readonly proving: boolean },
  result: string,
): Move {
  return move(now, at, { at: "opening", hostChallenge, ...how }, result);
}

function afterEstablishment(
  now: Download,
  stage: Extract<DownloadStage, { at: "certificate" | "keys" }>,
  at: number,
  answer: Exclude<StepAnswer, { kind: "not-sent" }>,
  fresh: FreshValues,
): Move {
  const commands = answer.kind === "answered" ? answer.commands.length : 0;
  const step: EstablishmentStep =
    stage.at === "keys"
      ? { at: "keys", establishment: establishmentOf(now) }
      : { at: commands === 1 ? "install" : "certificate" };
  const verdict = judgeEstablishment(step, establishmentAnswer(answer));
  switch (verdict.kind) {
    case "continue":
      return again(now, at, { kind: "broken", message: "the card answered INSTALL only" }, fresh);
    case "challenge":
      return move(now, at, { at: "keys", randomChallenge: verdict.randomChallenge }, "accepted");
    case "established": {
      const { keys } = verdict.keySet;
      const how = { predicted: now.order.predict, proving: false };
      const next = opening({ ...now, secrets: { keys } }, at, fresh, how, "the receipt is right");
      return { ...next, effects: [{ kind: "keys-established" }] };
    }
    case "failed":
      return establishmentFailed(now, at, verdict, fresh);
    case "unknown": {
      if (verdict.next === "repeat" || verdict.expected === undefined)
        return again(now, at, { kind: "broken", message: "the answer is lost" }, fresh);
      // The ephemeral key stays: with wrong keys the establishment begins again.
      const secrets = { ...now.secrets, keys: verdict.expected.keys };
      return opening({ ...now, secrets }, at, fresh, { predicted: false, proving: true }, "the receipt is lost");
    }
  }
}

function establishmentAnswer(answer: Exclude<StepAnswer, { kind: "not-sent" }>): EstablishmentAnswer {
  if (answer.kind === "lost") return { kind: "lost" };
  const last = answer.kind === "answered" ? lastCommand(answer) : undefined;
  return last === undefined ? { kind: "malformed" } : { kind: "answer", ...last };
}

type EstablishmentFailed = Extract<ReturnType<typeof judgeEstablishment>, { kind: "failed" }>;

const faults: Readonly<Record<EstablishmentFailed["fault"], string>> = {
  domain: "the ISD-P is not on the card",
  certificate: "the card refused the certificate of the SM-DP: it is not signed by the CI of the card",
  "certificate-form": "the card refused the certificate of the SM-DP: its form or its role",
  signature: "the card refused the signature or the ephemeral key",
  "no-certificate": "the card has accepted no certificate in this session",
  refused: "the card refused the key establishment",
  receipt: "the receipt of the card is wrong: it derived other keys",
  format: "the answer of the card does not have the form of a key establishment",
};

function establishmentFailed(now: Download, at: number, verdict: EstablishmentFailed, fresh: FreshValues): Move {
  const { fault, sw, next } = verdict;
  const message = `${faults[fault]}${sw === undefined ? "" : ` (${swText(sw)})`}`;
  const detail = { fault, ...(sw === undefined ? {} : { sw: swText(sw) }) };
  const failure: DownloadFailure = { kind: "keys", message, detail };
  const tries = now.steps.filter((step) => step.attempt === now.attempt && step.stage === "keys").length;
  if (next === "repeat" || (next === "repeat-once" && tries < 2)) return again(now, at, failure, fresh);
  return failedWithIsdP(now, at, failure);
}

function afterOpening(
  now: Download,
  stage: Extract<DownloadStage, { at: "opening" | "authenticating" }>,
  at: number,
  answer: Exclude<StepAnswer, { kind: "not-sent" }>,
  fresh: FreshValues,
): Move {
  if (answer.kind === "lost") return again(now, at, { kind: "broken", message: answer.why.message }, fresh);
  if (answer.kind === "unknown-application") return failedWithIsdP(now, at, { kind: "card", message: noSuchIsdP });
  const body = answer.bodies.at(-1) ?? new Uint8Array(0);
  if (stage.at === "authenticating") {
    const verdict = judgeDownload({ at: "authenticate" }, { kind: "script", body });
    if (verdict.kind !== "authenticated") return channelFailed(now, at, verdict);
    const { hostChallenge, answer: given } = stage;
    return move(now, at, { at: "loading", hostChallenge, answer: given }, "authenticated");
  }
  const { hostChallenge, predicted, proving } = stage;
  const offer = offerOf(now, hostChallenge);
  const given = initializeUpdateAnswer(body);
  const verdict = judgeDownload(
    { at: predicted ? "initialize-and-authenticate" : "initialize", offer },
    { kind: "script", body },
  );
  if (given === undefined || (verdict.kind !== "handshake" && verdict.kind !== "authenticated")) {
    if (proving) return certificate(now, at, fresh, "the card does not have the keys");
    // The card answered with another challenge than the predicted one: it is asked first.
    if (predicted && given !== undefined)
      return opening(now, at, fresh, { predicted: false, proving }, "other challenge");
    return channelFailed(now, at, verdict);
  }
  const { handshake } = verdict;
  const effects = [
    ...(proving ? [{ kind: "keys-established" as const }] : []),
    { kind: "sequence" as const, sequence: handshake?.sequence ?? firstSequence },
  ];
  const facts = { hostChallenge, answer: given };
  const proved = { ...now, secrets: { keys: now.secrets.keys ?? [] } };
  const to: DownloadStage = { at: verdict.kind === "handshake" ? "authenticating" : "loading", ...facts };
  return { ...move(proved, at, to, "the card has the keys"), effects };
}

const noSuchIsdP = "the card has no ISD-P with this AID";

function initializeUpdateAnswer(body: Uint8Array): Uint8Array | undefined {
  try {
    return scriptItems(body).find(({ tag }) => tag === scp03tTag.initializeUpdate)?.value;
  } catch (error) {
    if (isGatewayError(error)) return undefined;
    throw error;
  }
}

function channelFailed(now: Download, at: number, verdict: ReturnType<typeof judgeDownload>): Move {
  const fault = verdict.kind === "failed" ? verdict.fault : "format";
  const text = verdict.kind === "failed" ? verdict.refusal?.text : undefined;
  const message = text ?? channelFaults[fault];
  return failedWithIsdP(now, at, { kind: "card", message, detail: { fault } });
}

const channelFaults = {
  "unknown-application": noSuchIsdP,
  refused: "the card refused the SCP03t handshake",
  "card-cryptogram": "the card cryptogram is wrong: the card has other keys",
  "not-authenticated": "the card did not execute the SCP03t authentication",
  format: "the answer of the card is not one of SCP03t",
} as const;
