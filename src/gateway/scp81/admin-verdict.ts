import { withoutUndefined } from "../../base/defined.ts";
import { concatBytes } from "../../base/hex.ts";
import { scp03tTag } from "../../codec/euicc/scp03t.ts";
import { scriptItems } from "../../codec/ota/script-response.ts";
import type { AdminVerdict } from "../../link/scp81/admin-store.ts";
import type { AnswerVerdict } from "../jobs/job-events.ts";
import type { JobParts } from "../model/admin-dialog.ts";
import type { JobFailure } from "../model/failure.ts";
import type { Job, JobResult } from "../model/job.ts";
import { answeredScript, askedByBody, askedByWork, type OrderedScript } from "../scripts/script-verdict.ts";

/** A script that a card received, and its job. */
interface DeliveredScript {
  readonly job: Job;
  readonly body: Uint8Array;
  /** The result of the job's earlier parts; absent when the script is the whole job. */
  readonly parts?: JobParts;
}

/** What a verdict on a script means for its job, with the result of its parts if others follow. */
interface ScriptOutcome {
  readonly verdict: AnswerVerdict;
  readonly parts?: JobParts;
}

/** How a job continues or ends after the verdict on its script. */
export function scriptOutcome(delivered: DeliveredScript, verdict: AdminVerdict): ScriptOutcome {
  if (verdict.state === "answered") return answered(delivered, verdict.response);
  const error = failureOf(verdict);
  const data = verdict.state === "answered-unparseable" ? verdict.response : nothing;
  const result = data.length === 0 ? {} : { result: partialResult(delivered.parts, data) };
  return { verdict: { at: "failed", error, ...result } };
}

const nothing: Uint8Array = new Uint8Array(0);

/** The combined result of the answered parts of a job. */
function partialResult(parts: JobParts | undefined, data = nothing): JobResult {
  const all = concatBytes(parts?.data ?? nothing, data);
  return {
    ...(all.length === 0 ? {} : { data: all }),
    commands: parts?.results ?? [],
    ...withoutUndefined({ executed: parts?.ran }),
  };
}

function answered({ job, body, parts }: DeliveredScript, response: Uint8Array): ScriptOutcome {
  const whole = askedByWork(job.work);
  const asked: OrderedScript = parts === undefined ? whole : askedByBody(body);
  const place = parts === undefined ? {} : { before: parts.commands, total: whole.commands.length };
  const { result, failure } = answeredScript(asked, response, place);
  const left = parts?.left?.slice(1);
  const now: JobParts = {
    limit: parts?.limit ?? 0,
    remaining: Math.max((parts?.remaining ?? 0) - 1, 0),
    ...withoutUndefined({ left }),
    answered: (parts?.answered ?? 0) + 1,
    commands: (parts?.commands ?? 0) + asked.commands.length,
    ran: (parts?.ran ?? 0) + (result.executed ?? result.commands.length),
    results: [...(parts?.results ?? []), ...result.commands],
    data: concatBytes(parts?.data ?? nothing, response),
  };
  if (failure === undefined && now.remaining > 0 && hasFinalAnswer(response)) {
    const note = `the card gave its final answer, ${now.remaining} parts were not sent`;
    return { verdict: { at: "done", result: { ...partialResult(now), scriptStatus: "ok", note } } };
  }
  if (failure === undefined && now.remaining > 0) {
    const note = `the card answered ${now.answered} parts, ${now.remaining} are left`;
    return { parts: now, verdict: { at: "part", result: partialResult(now), note } };
  }
  const all = { ...partialResult(now), scriptStatus: "ok" };
  if (failure === undefined) return { verdict: { at: "done", result: all } };
  return { verdict: { at: "failed", error: failure, result: all } };
}

/** A card answers one block of a profile package with content, and takes no block after it. SGP.02 §4.1.3.3 */
function hasFinalAnswer(response: Uint8Array): boolean {
  return scriptItems(response).some(({ tag, value }) => tag === scp03tTag.data && value.length > 0);
}

function failureOf(verdict: Exclude<AdminVerdict, { state: "answered" }>): JobFailure {
  switch (verdict.state) {
    case "answered-unparseable":
      return {
        code: "scp81.protocol",
        message: "the card processed the script; its answer is not a response script",
        executed: "unknown",
        detail: {},
      };
    case "rejected":
      return {
        code: "scp81.rejected",
        message: `the card did not run the script: ${verdict.scriptStatus}`,
        executed: neverRan.has(verdict.scriptStatus) ? false : "unknown",
        detail: { scriptStatus: verdict.scriptStatus },
      };
    case "executed-response-lost":
      return {
        code: "packet.answer-lost",
        message:
          "the card processed the script and the link broke before its answer arrived: whether it ran it is unknown",
        executed: "unknown",
        detail: {},
      };
    case "not-delivered":
      return {
        code: "packet.no-answer",
        message: `the card did not process the script to its end: ${verdict.why}`,
        executed: "unknown",
        detail: { why: verdict.why },
      };
    case "fate-unknown":
      return {
        code: "packet.no-answer",
        message: "the card began another session without a word on this script",
        executed: "unknown",
        detail: {},
      };
  }
}

/** Script statuses of a card that passed the script to no application. GP Amendment B §3.4.1 */
const neverRan: ReadonlySet<string> = new Set(["unknown-application", "not-a-security-domain"]);
