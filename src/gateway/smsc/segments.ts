import { type JobId, newId } from "../../base/id.ts";
import type { Job, JobWork } from "../model/job.ts";
import type { HeldSegment, SegmentBody, SmscMessage } from "../model/smsc-message.ts";
import type { Repositories } from "../model/store.ts";

/** The number of a segment within its message, from its header or parameters. */
export interface SegmentPlace {
  readonly reference: number;
  readonly referenceBits: 8 | 16;
  readonly total: number;
  readonly sequence: number;
}

/** The contents of a job of one or several TP-UDs. */
type QueuedMessage = Omit<SegmentBody, "userData"> &
  Pick<Extract<JobWork, { kind: "packet" }>, "userData" | "userDataHeader">;

/** Equal for the segments of one message. 3GPP TS 23.040 §9.2.3.24.1 */
export function messageKey({ client, target, source }: SmscMessage, place: SegmentPlace): string {
  const { reference, referenceBits, total } = place;
  return [client, target, source.addr, referenceBits, reference, total].join("/");
}

/**
 * Holds a segment until the others have arrived, since a card joins segments only when no other message comes between
 * them. With the last one, all of them become one job, in order. Returns that job; undefined while some are missing.
 */
export async function holdSegment(
  r: Repositories,
  message: SmscMessage,
  segment: HeldSegment,
  now: number,
): Promise<JobId | undefined> {
  await r.smsc.hold(segment);
  const held = await r.smsc.held(segment.messageOf);
  const here = new Set(held.map(({ sequence }) => sequence));
  return here.size < segment.total ? undefined : releaseSegments(r, held, now, message);
}

/** Makes one job of the segments that have arrived; of duplicates, the first is used. Undefined without any. */
export async function releaseSegments(
  r: Repositories,
  held: readonly HeldSegment[],
  now: number,
  known?: SmscMessage,
): Promise<JobId | undefined> {
  const parts = new Map<number, HeldSegment>();
  const messages: SmscMessage[] = [];
  for (const segment of held) {
    await r.smsc.release(segment.message);
    const message = segment.message === known?.id ? known : await r.smsc.message(segment.message);
    if (message === undefined || message.finalAt !== undefined) continue;
    messages.push(message);
    if (!parts.has(segment.sequence)) parts.set(segment.sequence, segment);
  }
  const ordered = [...parts.values()];
  const [first] = ordered;
  const [earliest, ...others] = messages;
  if (first === undefined || earliest === undefined) return undefined;
  const notBefore = Math.max(...ordered.map(({ body }) => body.notBefore));
  const userData = ordered.map(({ body }) => body.userData);
  const whole = jobOfMessages([earliest, ...others], { ...first.body, notBefore, userData, userDataHeader: true }, now);
  await queueMessages(r, whole);
  const job = whole.id;
  const positions = [...parts.keys()];
  const sequences = new Map(held.map(({ message, sequence }) => [message, sequence]));
  for (const { id } of messages) await r.smsc.place(id, job, positions.indexOf(sequences.get(id) ?? 0));
  return job;
}

/** The job that carries these messages of one client to one target, valid until `until` at most. */
export function jobOfMessages(
  messages: readonly [SmscMessage, ...SmscMessage[]],
  { notBefore, ...packet }: QueuedMessage,
  now: number,
  until = Number.POSITIVE_INFINITY,
): Omit<Job, "seq"> {
  const validUntil = Math.min(until, ...messages.map((message) => message.validUntil));
  const [{ client, target, id: reference }] = messages;
  return {
    id: newId("job", now),
    target,
    state: "queued",
    lane: "normal",
    work: { kind: "packet", ...packet },
    request: { bearer: "short-message", maxPackets: 1, fireAndForget: true },
    origin: { face: "smpp", client, reference },
    attempts: 0,
    notBefore,
    validUntil,
    createdAt: now,
  };
}

/** Queues a job of messages. */
export async function queueMessages(r: Repositories, job: Omit<Job, "seq">): Promise<void> {
  const { id, target, origin, createdAt: at } = job;
  await r.jobs.insert(job);
  await r.events.append({ at, type: "job.queued", target, job: id, data: { origin } });
}
