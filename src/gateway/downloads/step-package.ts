import { euiccResponseText } from "../../codec/euicc/euicc-response.ts";
import { judgeDownload } from "../../crypto/scp03/scp03t-verdict.ts";
import type { Download, DownloadFailure, DownloadStage } from "../model/download.ts";
import { type DownloadMaterial, handshakeOf, sealedPackage } from "./material.ts";
import { failedWithIsdP, type Move, move, verifiedOrEnded } from "./move.ts";
import { notSent, type StepAnswer } from "./step-answer.ts";

/** The answer to the blocks of the package: the last one that arrived decides. SGP.02 §4.1.3.3 */
export function afterPackage(
  now: Download,
  stage: Extract<DownloadStage, { at: "loading" }>,
  at: number,
  answer: StepAnswer,
  { octets }: DownloadMaterial,
): Move {
  if (answer.kind === "not-sent") return failedWithIsdP(now, at, notSent("the package", answer));
  if (answer.kind === "lost") return unknown(now, at, `the link broke within the package: ${answer.why.message}`);
  if (answer.kind === "unknown-application")
    return failedWithIsdP(now, at, { kind: "card", message: "the card has no ISD-P with this AID" });
  const { channels, blocks } = sealedPackage(handshakeOf(now, stage), octets, now.order.blockOctets);
  const block = answer.bodies.length;
  const channel = channels[block - 1];
  const body = answer.bodies.at(-1);
  if (channel === undefined || body === undefined) return unknown(now, at, "the card answered no block");
  const verdict = judgeDownload({ at: "data", channel, last: block === blocks.length }, { kind: "script", body });
  switch (verdict.kind) {
    case "response": {
      const text = euiccResponseText(verdict.response);
      const response = { octets: verdict.octets, text, block };
      if (verdict.installed) return installed({ ...now, response }, at, text);
      const statuses = verdict.response.statuses.map(({ status }) => status);
      const failure: DownloadFailure = {
        kind: "refused",
        message: `the card refused the profile package at block ${block}: ${text}`,
        detail: { block, peStatus: statuses },
      };
      return failedWithIsdP({ ...now, response, card: "created" }, at, failure);
    }
    case "failed": {
      const what = verdict.refusal?.text ?? "its answer is not one of SCP03t";
      const message = `block ${block} of ${blocks.length}: ${what}`;
      return failedWithIsdP({ ...now, card: "created" }, at, { kind: "card", message, detail: { block } });
    }
    case "unknown":
      return unknown(now, at, doubts[verdict.doubt]);
    default:
      return unknown(now, at, `the card answered ${block} of ${blocks.length} blocks`);
  }
}

const doubts = {
  lost: "the answer is lost",
  "answer-mac": "the EUICCResponse is not authentic: its MAC is wrong",
  "no-response": "the card took the whole package and gave no EUICCResponse",
  format: "the answer to a block is not one of SCP03t",
} as const;

/** The profile is on the card. */
export function installed(now: Download, at: number, result: string): Move {
  const here: Download = { ...now, card: "disabled" };
  const effects = [{ kind: "installed" as const }];
  if (now.order.enable && now.cancelled !== true) return { ...move(here, at, { at: "enabling" }, result), effects };
  const next = verifiedOrEnded(here, at, result);
  return { download: next.download, effects: [...effects, ...next.effects] };
}

/** The card is asked how the package ended. */
function unknown(now: Download, at: number, message: string): Move {
  const failure: DownloadFailure = { kind: "broken", message };
  return move({ ...now, card: "unknown" }, at, { at: "state", of: "package", failure }, message);
}
