import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { newId, type TargetId } from "../../base/id.ts";
import { octetText } from "../../base/octet-text.ts";
import { Notification } from "../../codec/euicc/notification.ts";
import { decode } from "../../codec/kit/codec.ts";
import type { Repositories } from "../model/store.ts";
import type { Notifications } from "../notifications/notifications.ts";

/** A notification in the first POST of a session. */
interface SessionNotification {
  /** The target of the session, proven by its PSK; undefined if only an upstream has the card. */
  readonly target: TargetId | undefined;
  readonly tlv: Uint8Array;
  readonly receivedAt: number;
}

const link = "scp81";

/**
 * Processes a session's notification. One that cannot be read is stored unchanged among the messages and does not end
 * the session: otherwise the card would repeat it in every session and its jobs would never run. True when it counts
 * for the session's target. SGP.02 §3.15.2
 */
export async function takeNotification(
  r: Repositories,
  notifications: Notifications,
  { target, tlv, receivedAt }: SessionNotification,
  wake: (target: TargetId) => void,
): Promise<boolean> {
  const read = readNotification(tlv);
  if (read.ok) {
    const way = { proven: target, unsecured: false, via: "https", link } as const;
    return (await notifications.record(r, { ...way, value: read.value, raw: tlv, receivedAt }, wake)).counts;
  }
  const { code, message, detail } = read.error;
  const id = newId("msg", receivedAt);
  await r.inbox.insert({
    id,
    link,
    ...withoutUndefined({ target }),
    item: { kind: "message", userData: tlv, userDataHeader: false, protocolId: 0, dataCoding: 0xf6 },
    state: "done",
    verdict: `notification that cannot be read: ${message}`,
    receivedAt,
  });
  await r.events.append({
    at: receivedAt,
    type: "notification.unreadable",
    ...withoutUndefined({ target }),
    data: { message: id, via: "https", raw: octetText(tlv), error: { code, message, detail } },
  });
  return false;
}

function readNotification(tlv: Uint8Array) {
  try {
    return { ok: true, value: decode(Notification, tlv) } as const;
  } catch (error) {
    if (error instanceof GatewayError) return { ok: false, error } as const;
    throw error;
  }
}
