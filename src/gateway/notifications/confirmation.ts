import { newId } from "../../base/id.ts";
import { isdRTar } from "../../codec/euicc/aid.ts";
import { es5Commands } from "../../codec/euicc/es5/functions.ts";
import { sequenceOf } from "../../codec/euicc/notification.ts";
import type { Links } from "../links/links.ts";
import type { QueueConfirmation } from "./notifications.ts";

/** The card stops waiting after its own timeout; a later confirmation is useless. */
const confirmationValidityMs = 10 * 60_000;

/** Queues HandleNotificationConfirmation before all other jobs. SGP.02 §4.1.1.12 */
export function confirmationsOver(links: Links): QueueConfirmation {
  return async (r, target, notification, at) => {
    const sequence = sequenceOf(notification.sequence);
    const link = links.find(notification.link);
    const { job } = await r.jobs.insert({
      id: newId("job", at),
      target: target.id,
      state: "queued",
      lane: "system",
      work: {
        kind: "script",
        tar: isdRTar,
        apdus: es5Commands({ name: "confirmNotification", sequence }),
        function: { name: "confirmNotification", params: { sequence: notification.sequence } },
      },
      // The card expects the answer over the reader that brought the notification.
      request: {
        bearer: "auto",
        maxPackets: 4,
        onAnswerLost: "repeat",
        ...(link?.kind === "reader" ? { link: link.id } : {}),
      },
      origin: { face: "system", reference: notification.id },
      attempts: 0,
      notBefore: at,
      validUntil: at + confirmationValidityMs,
      createdAt: at,
    });
    await r.events.append({ at, type: "job.queued", target: target.id, job: job.id, data: { origin: job.origin } });
    return job.id;
  };
}
