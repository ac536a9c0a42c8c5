import { withoutUndefined } from "../../base/defined.ts";
import { isRecordId, type JobId } from "../../base/id.ts";
import { classifyCommand, switchesProfile } from "../../codec/euicc/es5/classify.ts";
import { isCapdu } from "../../codec/ota/script.ts";
import type { AdminScript } from "../../link/scp81/admin-store.ts";
import type { Job, JobWork } from "../model/job.ts";
import { askedByBody } from "../scripts/script-verdict.ts";
import { targetedApplication } from "../scripts/secure-channel-use.ts";

type Script = Exclude<JobWork, { kind: "packet" }>;

/** One part of a job as an administration session carries it. */
export function adminScript(
  job: Job,
  work: Script,
  part: { readonly body: Uint8Array; readonly index: number },
  channel: string | undefined,
): AdminScript {
  const aid = targetedApplication(work);
  const { commands } = askedByBody(part.body);
  const last = commands.some(({ tag, value }) => isCapdu(tag) && switchesProfile(classifyCommand(value)));
  return {
    id: `${job.id}.${job.attempts}.${part.index}`,
    job: job.id,
    kind: "gp",
    body: part.body,
    ...withoutUndefined({ target: aid, budgetMs: job.request.budgetMs }),
    ...(last ? { last } : {}),
    ...withoutUndefined({ secureChannel: channel }),
  };
}

/** The job that a script of {@link adminScript} belongs to. */
export function jobOfScript(id: string): JobId | undefined {
  const job = id.split(".")[0] ?? id;
  return isRecordId("job", job) ? job : undefined;
}
