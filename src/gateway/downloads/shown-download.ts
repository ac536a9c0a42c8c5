import { withoutUndefined } from "../../base/defined.ts";
import { type OctetText, octetText } from "../../base/octet-text.ts";
import type { Download } from "../model/download.ts";
import type { Job } from "../model/job.ts";

/** How far a download is. */
interface DownloadProgress {
  /** Blocks that the card has answered. */
  readonly block: number;
  readonly blocks: number;
  /** Estimate, milliseconds; absent before the first block was answered. */
  readonly remainingMs?: number;
}

/** A download with its progress. */
export interface FollowedDownload {
  readonly download: Download;
  readonly progress: DownloadProgress;
}

/** How far a download is, from the job of its stage. */
export function progressOf(download: Download, job: Job | undefined, now: number): DownloadProgress {
  const { blocks } = download.package;
  const { stage, outcome, response } = download;
  if (stage.at !== "loading") {
    const all = outcome?.kind === "installed" || stage.at === "enabling" || stage.at === "verifying";
    return { block: all ? blocks : (response?.block ?? 0), blocks };
  }
  const block = Math.min(job?.result?.executed ?? 0, blocks);
  const since = job?.startedAt;
  if (block === 0 || since === undefined) return { block, blocks };
  return { block, blocks, remainingMs: Math.round(((now - since) / block) * (blocks - block)) };
}

/** A download as clients see it: without keys and handshakes. */
export function shownDownload({ download, progress }: FollowedDownload) {
  const { id, target, eid, isdP, smDp, order, package: facts, stage, attempt, steps } = download;
  const { response, outcome, createdAt, endedAt, cancelled } = download;
  return {
    id,
    target,
    eid,
    isdP,
    smDp,
    package: facts,
    order: { ...order },
    stage: stage.at,
    attempt,
    progress,
    steps: steps.map((step) => ({ ...step })),
    ...withoutUndefined({ response: response && shownResponse(response), outcome, cancelled, endedAt }),
    createdAt,
  };
}

function shownResponse(response: NonNullable<Download["response"]>): OctetText<typeof response> {
  return octetText(response);
}
