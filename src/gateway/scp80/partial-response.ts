import type { TargetId } from "../../base/id.ts";
import { readSegment, type Segment } from "../../codec/sms/concatenation.ts";
import type { FeedJob } from "../jobs/feed-job.ts";
import type { Repositories } from "../model/store.ts";
import { mayAnswer } from "./secured-packet.ts";

/** One message of a response packet that takes several. */
interface Part {
  readonly segment: Segment;
  readonly userData: Uint8Array;
}

/**
 * Stores the received messages of a response with the oldest open packet of its TAR, so that the job reports them if
 * the others never arrive.
 */
export async function keepPartOfResponse(
  feed: FeedJob,
  r: Repositories,
  at: number,
  target: TargetId,
  parts: readonly Part[],
  total: number,
): Promise<void> {
  const [first] = parts;
  if (first?.segment.security !== "response") return;
  for (const packet of (await r.packets.unanswered(target, 1000)).reverse()) {
    if (!mayAnswer(packet, first.segment.body)) continue;
    const job = await r.jobs.get(packet.job);
    if (job === undefined || job.endedAt !== undefined) continue;
    await r.packets.patch(packet.id, { response: parts.map(({ userData }) => userData) });
    await feed(r, job, { kind: "noted", at, note: arrivedText(parts.length, total) });
    return;
  }
}

/** The missing messages of a response, as text; undefined when none is missing. */
export function missingOf(userData: readonly Uint8Array[]): string | undefined {
  const [first] = userData;
  if (first === undefined) return undefined;
  try {
    const total = readSegment(first).concatenation?.total ?? userData.length;
    return userData.length < total ? arrivedText(userData.length, total) : undefined;
  } catch {
    return undefined;
  }
}

function arrivedText(count: number, total: number): string {
  return `${count} of ${total} messages of the response arrived`;
}
