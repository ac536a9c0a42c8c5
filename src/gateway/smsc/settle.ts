import { withoutUndefined } from "../../base/defined.ts";
import { isRecordId, newId } from "../../base/id.ts";
import { canonicalId } from "../../codec/smpp/message-id.ts";
import type { MessageState } from "../../codec/smpp/message-state.ts";
import type { ArrivedItem } from "../model/inbox.ts";
import { endStates, type Job } from "../model/job.ts";
import type { JobEnd } from "../model/job-end.ts";
import type { PacketPart } from "../model/packet.ts";
import type { SmscMessage, SmscOutboxItem } from "../model/smsc-message.ts";
import type { Repositories } from "../model/store.ts";
import { errorText, type MessageVerdict, verdictOfEnd, verdictOfReceipt } from "./message-verdict.ts";

const finalStates: readonly MessageState[] = [
  "delivered",
  "expired",
  "deleted",
  "undeliverable",
  "rejected",
  "skipped",
];

/** Applies the end of a job to the messages it carried: their state, receipts, and the card's own reports. */
export async function messageEnded(r: Repositories, job: Job, end: JobEnd, at: number): Promise<void> {
  if (job.origin.face !== "smpp") return;
  const messages = await r.smsc.messagesOfJob(job.id);
  await postReports(r, job, messages.at(-1), end, at);
  const verdict = verdictOfEnd(job, end);
  // A receipt may have arrived before the end of the job.
  const told = verdict.final ? new Map<number, MessageVerdict>() : await partVerdicts(r, job, messages.length);
  for (const message of messages) {
    const { state, ...words } = told.get(message.position) ?? verdict;
    await settleMessage(r, message, state, { ...words, at });
  }
}

/** The receipts of the job's messages; for a message that was cut, only when all its parts have one. */
async function partVerdicts(r: Repositories, job: Job, messages: number): Promise<ReadonlyMap<number, MessageVerdict>> {
  const packet = (await r.packets.ofJob(job.id)).at(-1);
  const parts = packet === undefined ? [] : await r.packets.parts(packet.id);
  const told = parts.flatMap((part) => {
    const verdict = verdictOfPart(part);
    return verdict === undefined ? [] : [[part.position, verdict] as const];
  });
  if (packet === undefined || messages > 1 || packet.userData.length === 1) return new Map(told);
  const over = told.filter(([, { final }]) => final);
  const failed = over.find(([, { state }]) => state !== "delivered");
  const deciding = failed ?? (over.length === packet.userData.length ? over[0] : undefined);
  return deciding === undefined ? new Map() : new Map([[0, deciding[1]]]);
}

/** The latest receipt of a part, which may be an intermediate one. */
function verdictOfPart({ state, said }: PacketPart): MessageVerdict | undefined {
  const final = state === "delivered" || state === "failed";
  if (!final && said === undefined) return undefined;
  return verdictOfReceipt({
    kind: "receipt",
    state: final ? state : "pending",
    ...withoutUndefined({ verdict: said }),
  });
}

/** Response packets in the delivery reports themselves, each unchanged. */
async function postReports(
  r: Repositories,
  job: Job,
  message: SmscMessage | undefined,
  end: JobEnd,
  at: number,
): Promise<void> {
  if (message === undefined || job.work.kind !== "packet" || (end.result?.data?.length ?? 0) === 0) return;
  const packet = (await r.packets.ofJob(job.id)).at(-1);
  const { protocolId } = job.work;
  const dataCoding = message.dataCoding ?? job.work.dataCoding;
  for (const report of packet?.response ?? []) {
    await post(
      r,
      message.client,
      {
        id: newId("out", at),
        kind: "message",
        source: message.destination,
        destination: message.source,
        userData: report,
        userDataHeader: true,
        protocolId,
        dataCoding,
      },
      at,
    );
  }
}

/** A receipt of the network settles the part of a packet, and the message, that it belongs to. */
export async function receiptCame(r: Repositories, entry: ArrivedItem, at: number): Promise<string | undefined> {
  const { item } = entry;
  if (item.kind !== "receipt") return undefined;
  const named = await partOf(r, entry);
  if (named === undefined) return `receipt of an unknown message: ${item.state}`;
  if (named === "text") return undefined;
  const packet = await r.packets.get(named.packet);
  if (packet === undefined) return undefined;
  const { state, ...verdict } = verdictOfReceipt(item);
  const { final } = verdict;
  const network = item.networkReference === undefined ? named.networkReference : canonicalId(item.networkReference);
  await r.packets.putPart({
    ...named,
    packet: packet.id,
    link: entry.link,
    ...withoutUndefined({ networkReference: network }),
    state: item.state === "delivered" || item.state === "failed" ? item.state : "taken",
    at: final ? at : named.at,
    said: { ...item.verdict, state },
  });
  const job = await r.jobs.get(packet.job);
  // While a job still tries, it decides about the message.
  if (job === undefined || !endStates.includes(job.state)) return undefined;
  const messages = await r.smsc.messagesOfJob(packet.job);
  const cut = messages.length === 1 && packet.userData.length > 1;
  if (cut && item.state === "delivered") {
    const parts = await r.packets.parts(packet.id);
    if (parts.filter((part) => part.state === "delivered").length < packet.userData.length) return undefined;
  }
  const meant = cut ? messages : messages.filter((message) => message.position === named.position);
  for (const message of meant) await settleMessage(r, message, state, { ...verdict, at });
  const [first] = meant;
  if (first === undefined) return undefined;
  const data = { message: first.id, client: first.client, state };
  await r.events.append({ at, type: "smsc.settled", target: first.target, job: packet.job, data });
  return `receipt of message ${first.id}: ${state}`;
}

/**
 * The part that a receipt refers to: by the stored reference that the network assigned, otherwise by our own reference
 * as the link matched it, otherwise by another spelling of the network's, otherwise by the reference that the network
 * echoes. "text" if our reference is that of a plain text message, which has no packet.
 */
async function partOf(r: Repositories, { item, link }: ArrivedItem): Promise<PacketPart | "text" | undefined> {
  if (item.kind !== "receipt") return undefined;
  const { networkReference: name, otherReferences = [], reference, echo } = item;
  const named = name === undefined ? undefined : await r.packets.partNamed(link, [canonicalId(name)]);
  if (named !== undefined) return named;
  if (reference === undefined) {
    const other = await r.packets.partNamed(link, otherReferences);
    return other ?? (echo === undefined ? undefined : r.packets.partEchoed(link, echo, name === undefined));
  }
  const [packet = "", transmission, position] = reference.split("/");
  if (!isRecordId("pkt", packet)) return "text";
  const at = Number(position ?? 0);
  const known = (await r.packets.parts(packet)).find((part) => part.position === at);
  return known ?? { packet, position: at, transmission: Number(transmission ?? 1), link, state: "unknown", at: 0 };
}

/** A change of a message's state. */
interface Settlement extends Pick<MessageVerdict, "error" | "network"> {
  readonly at: number;
  /** The state is final; by default this depends on the state. */
  readonly final?: boolean;
}

/**
 * Stores a message's state, and notifies its client if requested. A final state stays, except `unknown`: a late outcome
 * is still reported.
 */
export async function settleMessage(
  r: Repositories,
  message: SmscMessage,
  state: MessageState,
  { error, network, at, final = finalStates.includes(state) }: Settlement,
): Promise<void> {
  const given = message.finalAt === undefined ? final || message.state !== state : message.state === "unknown" && final;
  if (!given || (message.finalAt !== undefined && state === "unknown")) return;
  const words = withoutUndefined({ network });
  const change = { state, error, ...words, ...(final ? { finalAt: at } : {}) };
  await r.smsc.changeState(message.id, change, await waitedFor(r, message, state, at));
  if (!wantsReceipt(message, state, final)) return;
  const reference = withoutUndefined({ userMessageReference: message.userMessageReference });
  const item = {
    id: newId("out", at),
    kind: "receipt" as const,
    source: message.destination,
    destination: message.source,
    messageId: message.id,
    state,
    intermediate: !final,
    submittedAt: message.submittedAt,
    doneAt: at,
    error: errorText({ error, ...words }),
    ...withoutUndefined({ networkError: network?.networkError }),
    ...reference,
  };
  await post(r, message.client, item, at);
}

/**
 * A message whose outcome is unknown is not awaited until the end of its validity; one that proved to be under way is.
 */
async function waitedFor(
  r: Repositories,
  message: SmscMessage,
  state: MessageState,
  at: number,
): Promise<number | undefined> {
  if (state === "unknown") return at;
  if (message.state !== "unknown" || message.job === undefined) return undefined;
  return (await r.jobs.get(message.job))?.validUntil;
}

/** registered_delivery of the message. SMPP 3.4 §5.2.17 */
function wantsReceipt({ receipt, intermediate }: SmscMessage, state: MessageState, final: boolean): boolean {
  if (!final) return intermediate;
  switch (receipt) {
    case "never":
      return false;
    case "always":
      return true;
    case "on-success":
      return state === "delivered";
    case "on-failure":
      return state !== "delivered";
  }
}

/** Puts something into a client's outbox. */
export async function post(r: Repositories, client: string, item: SmscOutboxItem, at: number): Promise<void> {
  await r.smsc.post(client, item, at);
  await r.events.append({ at, type: "smsc.outbox", data: { client, kind: item.kind } });
}
