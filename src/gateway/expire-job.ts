import type { EndJob } from "./end-job.ts";
import type { Job } from "./job.ts";
import { mayHaveLeft } from "./packet.ts";
import type { Store } from "./store.ts";

/** Ends a job whose validity is over, with what is known of its packets; nothing of it is sent again. */
export async function expireJob(deps: { readonly store: Store; readonly endJob: EndJob }, job: Job): Promise<void> {
  const [now, packets] = await deps.store.read(async (r) => [await r.jobs.get(job.id), await r.packets.ofJob(job.id)]);
  const sent = mayHaveLeft(packets);
  const note = now?.note ?? job.note;
  const message = sent
    ? "no answer within the validity period; whether the card ran it is unknown"
    : `nothing was sent within the validity period${note === undefined ? "" : `: ${note}`}`;
  const detail = { executed: sent ? "unknown" : false, ...(sent && note !== undefined ? { note } : {}) };
  await deps.endJob(job.id, { state: "expired", error: { code: "job.expired", message, detail } });
}
