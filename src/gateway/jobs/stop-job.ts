import type { JobId } from "../../base/id.ts";
import type { Repositories, Store } from "../model/store.ts";
import { type FeedJob, wasTaken } from "./feed-job.ts";

/** Ends a job whose validity has ended, with the facts about its packets; nothing of it is sent again. */
export function expireJob(feed: FeedJob, store: Store, id: JobId, at: number): Promise<boolean> {
  return store.write(async (r) => wasTaken(await feed(r, id, { kind: "expired", at })));
}

/**
 * Cancels a job as part of a unit of work, which also determines whether anything of it has left. Returns `ended` when
 * it had ended; with `unsentOnly`, `sent` when a packet may have left: the job then continues.
 */
export async function cancelJobIn(
  feed: FeedJob,
  r: Repositories,
  id: JobId,
  at: number,
  options: { readonly unsentOnly?: boolean; readonly why?: string } = {},
): Promise<"cancelled" | "ended" | "sent"> {
  const taken = await feed(r, id, { kind: "cancelled", at, ...options });
  if (wasTaken(taken)) return "cancelled";
  return taken.refused === "sent" ? "sent" : "ended";
}
