import { withoutUndefined } from "../../base/defined.ts";
import { isRecordId } from "../../base/id.ts";
import { octetText } from "../../base/octet-text.ts";
import { notificationTypeText } from "../../codec/euicc/notification.ts";
import { shownJob, shownPackets } from "../jobs/shown-job.ts";
import type { GatewayEvent } from "../model/event.ts";
import type { Repositories } from "../model/store.ts";
import type { Target } from "../model/target.ts";

/** An event as an upstream receives it. */
interface RelayedEvent {
  readonly id: string;
  readonly lane: string;
  readonly type: string;
  readonly body: string;
}

/**
 * The CloudEvents 1.0 form of an event, with everything that an SM-SR needs to continue: the job with its R-APDUs and
 * packets, the notification raw and decoded, the short messages unchanged. Its id does not change if it is created
 * again.
 */
export async function cloudEvent(r: Repositories, event: GatewayEvent, instance: string): Promise<RelayedEvent> {
  const target = event.target === undefined ? undefined : await r.targets.get(event.target);
  const id = `evt_${instance}_${event.seq}`;
  const type = `otagate.${event.type}`;
  const data = {
    ...event.data,
    ...(target === undefined ? {} : { target: namesOf(target) }),
    ...(await jobOf(r, event)),
    ...(await notificationOf(r, event)),
    ...(await messagesOf(r, event)),
  };
  const subject = target?.eid ?? event.target;
  const body = {
    specversion: "1.0",
    id,
    source: `urn:otagate:${instance}`,
    type,
    time: new Date(event.at).toISOString(),
    ...withoutUndefined({ subject }),
    datacontenttype: "application/json",
    sequence: String(event.seq).padStart(15, "0"),
    data,
  };
  return { id, lane: event.target ?? "", type: event.type, body: JSON.stringify(body) };
}

function namesOf({ id, kind, name, eid, iccid, imsi, msisdn }: Target) {
  return { id, kind, name, eid, iccid, imsi, msisdn };
}

async function jobOf(r: Repositories, event: GatewayEvent) {
  const job = event.job === undefined ? undefined : await r.jobs.get(event.job);
  if (job === undefined) return {};
  const packets = shownPackets(await r.packets.ofJob(job.id), job.work).map(
    ({ target: _, job: __, keySet: ___, ...packet }) => packet,
  );
  return { job: octetText(shownJob(job)), ...(packets.length === 0 ? {} : { packets: octetText(packets) }) };
}

async function notificationOf(r: Repositories, event: GatewayEvent) {
  const { notification: id } = event.data;
  const found = typeof id === "string" && isRecordId("ntf", id) ? await r.notifications.get(id) : undefined;
  return found === undefined ? {} : { notification: { ...octetText(found), text: notificationTypeText(found.type) } };
}

async function messagesOf(r: Repositories, event: GatewayEvent) {
  const { messages: ids } = event.data;
  if (!Array.isArray(ids)) return {};
  const messages = [];
  for (const id of ids) {
    const entry = await r.inbox.get(String(id));
    if (entry?.item.kind !== "message") continue;
    const { from, to, userData, userDataHeader, protocolId, dataCoding, tpdu } = entry.item;
    messages.push({
      id: entry.id,
      from,
      to,
      userData: octetText(userData),
      userDataHeader,
      protocolId,
      dataCoding,
      ...withoutUndefined({ tpdu: octetText(tpdu) }),
    });
  }
  return { messages };
}
