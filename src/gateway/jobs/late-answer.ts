import { octetText } from "../../base/octet-text.ts";
import type { AdminVerdict } from "../../link/scp81/admin-store.ts";
import type { Job } from "../model/job.ts";
import type { Repositories } from "../model/store.ts";

/** An answer to a job that had ended: its origin and contents. */
interface LateAnswer {
  readonly link: string;
  readonly status: string;
  /** Octets that are stored nowhere else. */
  readonly response?: Uint8Array;
}

/** Reports that a card answered a job after its end, whatever carried it. */
export async function reportLateAnswer(r: Repositories, job: Job, at: number, answer: LateAnswer): Promise<void> {
  await r.events.append({
    at,
    type: "job.late-answer",
    target: job.target,
    job: job.id,
    data: octetText({ ...answer }),
  });
}

/**
 * A session's verdict on a script whose job had ended, as a late answer; undefined when the card did not answer the
 * script.
 */
export function lateAnswerOf(verdict: AdminVerdict): LateAnswer | undefined {
  const link = "scp81";
  switch (verdict.state) {
    case "answered":
    case "answered-unparseable":
      return { link, status: "ok", response: verdict.response };
    case "rejected":
      return { link, status: verdict.scriptStatus };
    case "executed-response-lost":
      return { link, status: "processed, response lost" };
    case "not-delivered":
    case "fate-unknown":
      return undefined;
  }
}
