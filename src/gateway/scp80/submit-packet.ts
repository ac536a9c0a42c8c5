import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { asGatewayError, type GatewayError } from "../../base/gateway-error.ts";
import { canonicalId } from "../../codec/smpp/message-id.ts";
import { tpOfSmpp } from "../../codec/smpp/text.ts";
import type { OutboundSms, SmsBearer, SubmitOutcome } from "../../link/sms-bearer.ts";
import type { Job, JobWork } from "../model/job.ts";
import type { PacketRecord } from "../model/packet.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";

/** Defaults for settings that targets and jobs do not have. */
export interface SmsDefaults {
  readonly originator: string;
  readonly serviceCentre: string;
  readonly answerTimeoutMs: number;
  readonly envelopeAnswerTimeoutMs: number;
  /** Identical octets are sent again at most this many times when no answer arrives. */
  readonly retransmissions: number;
}

interface SubmitPacketDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly defaults: SmsDefaults;
  /** Writes without waiting for the disk. */
  readonly note: (unit: (r: Repositories) => Promise<unknown>) => void;
}

/** A packet on its way. */
export interface Sending {
  readonly job: Job;
  readonly target: Target;
  readonly packet: PacketRecord;
}

/**
 * Hands the short messages of a packet to a bearer, in order, and records the network's reference of each.
 * @throws GatewayError with `fate`
 */
export async function submitPacket(
  deps: SubmitPacketDeps,
  sending: Sending,
  bearer: SmsBearer,
  signal: AbortSignal,
): Promise<SubmitOutcome[]> {
  const { packet } = sending;
  const outcomes: SubmitOutcome[] = [];
  const gone = await partsGone(deps, packet, bearer);
  for (const position of packet.userData.keys()) {
    if (gone.has(position)) continue;
    if (signal.aborted) throw givenUp(signal.reason);
    const message = messageOf(deps, sending, bearer, position);
    const outcome = await bearer.submit(message, signal);
    outcomes.push(outcome);
    if (outcome.at !== "accepted") continue;
    const echo = bearer.echoOf?.(message.reference);
    const named = outcome.networkReference !== undefined || echo !== undefined;
    // A single short message without a reference cannot be found again.
    if (named || packet.userData.length > 1) noteTaken(deps, sending, position, bearer, outcome.networkReference, echo);
  }
  return outcomes;
}

/** A packet of which a part is missing cannot run. */
function givenUp(cause: unknown): GatewayError {
  return asGatewayError(cause).with({ fate: "not-sent" });
}

function messageOf(
  { defaults, clock }: SubmitPacketDeps,
  { job, target, packet }: Sending,
  bearer: SmsBearer,
  position: number,
): OutboundSms {
  const plain = job.work.kind === "packet" ? job.work : undefined;
  return {
    reference: `${packet.id}/${packet.transmissions}/${position}`,
    ...withoutUndefined({ to: target.msisdn }),
    from: plain?.from ?? target.settings.originator ?? defaults.originator,
    serviceCentre: target.settings.serviceCentre ?? defaults.serviceCentre,
    ...userDataOf(packet.userData[position] ?? new Uint8Array(0), plain, bearer.kind),
    protocolId: plain?.protocolId ?? 0x7f,
    moreToCome: position + 1 < packet.userData.length,
    validityMinutes: Math.max(1, Math.ceil((job.validUntil - clock.now()) / 60_000)),
    receipt: bearer.kind !== "envelope",
    ...withoutUndefined({ coding: job.request.smsCoding }),
  };
}

/** The TP-UD unchanged; a text of an SMPP client in the form that the bearer requires. */
function userDataOf(
  userData: Uint8Array,
  work: Extract<JobWork, { kind: "packet" }> | undefined,
  kind: SmsBearer["kind"],
): Pick<OutboundSms, "userData" | "userDataHeader" | "dataCoding" | "smppText" | "userDataLength"> {
  const { userDataHeader = true, dataCoding = 0xf6, smppText = false } = work ?? {};
  if (!smppText) return { userData, userDataHeader, dataCoding };
  if (kind === "smsc") return { userData, userDataHeader, dataCoding, smppText };
  const text = tpOfSmpp(userData, userDataHeader, dataCoding);
  if (text === undefined) return { userData, userDataHeader, dataCoding };
  return { userData: text.octets, userDataHeader, dataCoding: text.dcs, userDataLength: text.length };
}

/** Parts of this transmission that a network accepted before the interruption: they are not sent again. */
async function partsGone(
  { store }: SubmitPacketDeps,
  packet: PacketRecord,
  bearer: SmsBearer,
): Promise<ReadonlySet<number>> {
  if (bearer.kind === "envelope" || packet.userData.length === 1) return new Set();
  const parts = await store.read((r) => r.packets.parts(packet.id));
  return new Set(parts.filter((part) => part.transmission === packet.transmissions).map((part) => part.position));
}

/** Records the network's reference of a part, since its receipt may arrive after a restart. */
function noteTaken(
  { note, clock }: SubmitPacketDeps,
  { packet, target }: Sending,
  position: number,
  bearer: SmsBearer,
  name: string | undefined,
  reference: number | undefined,
): void {
  const at = clock.now();
  const { transmissions: transmission, link = bearer.id } = packet;
  const named = name === undefined ? {} : { networkReference: canonicalId(name) };
  const to = target.msisdn?.replace(/^\+/, "");
  const echoed = reference === undefined || to === undefined ? {} : { echo: { reference, to } };
  const part = { packet: packet.id, position, transmission, link, ...named, ...echoed, state: "taken", at } as const;
  note((r) => r.packets.putPart(part));
}
