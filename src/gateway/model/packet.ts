import type { JobId, PacketId, TargetId } from "../../base/id.ts";
import type { Tar } from "../../codec/euicc/aid.ts";
import type { NetworkVerdict } from "../../link/sms-bearer.ts";

/**
 * A secured command packet with a counter. It is stored before it is sent, and sent again only with the same octets.
 */
export interface PacketRecord {
  readonly id: PacketId;
  readonly job: JobId;
  readonly target: TargetId;
  /** Key set whose counter it used; absent for packets secured upstream. */
  readonly keySet?: string;
  readonly tar?: Tar;
  readonly cntr?: number;
  /** SPI, KIc and KID as sent, two octets, one and one: what is needed to read the response packet. */
  readonly spi?: Uint8Array;
  readonly kic?: Uint8Array;
  readonly kid?: Uint8Array;
  /** TP-UDs in order. */
  readonly userData: readonly Uint8Array[];
  /** `reserved`: may have left; `sent`: the network or the card has all of it; the others are final. */
  readonly state: "reserved" | "sent" | "answered" | "abandoned";
  readonly link?: string;
  readonly transmissions: number;
  /** The response packet's TP-UDs unchanged. */
  readonly response?: readonly Uint8Array[];
  readonly createdAt: number;
  readonly sentAt?: number;
  readonly answeredAt?: number;
}

/** Whether any of a job's packets may have reached its card. */
export function mayHaveLeft(packets: readonly PacketRecord[]): boolean {
  return packets.some((packet) => packet.transmissions > 0);
}

export type PacketPatch = Partial<
  Pick<PacketRecord, "state" | "link" | "transmissions" | "response" | "sentAt" | "answeredAt">
>;

/** One short message of a packet, as a link took it. */
export interface PacketPart {
  readonly packet: PacketId;
  /** From 0. */
  readonly position: number;
  readonly transmission: number;
  readonly link: string;
  /** The reference of the network for it, as in receipts. */
  readonly networkReference?: string;
  /**
   * `taken`: accepted by the network; `delivered` or `failed`: according to its receipt; `unknown`: no answer in time.
   */
  readonly state: "taken" | "delivered" | "failed" | "unknown";
  readonly at: number;
  /** The reference that the network is to echo in receipts, and the destination number in digits. */
  readonly echo?: { readonly reference: number; readonly to: string };
  /** The last report of the network, unchanged. */
  readonly said?: NetworkVerdict;
}

export interface PacketRepository {
  insert(packet: PacketRecord): Promise<void>;
  patch(id: PacketId, patch: PacketPatch): Promise<void>;
  get(id: PacketId): Promise<PacketRecord | undefined>;
  ofJob(job: JobId): Promise<PacketRecord[]>;
  /** Packets of the target's open jobs that may have left and have no answer, oldest first. */
  inPlace(target: TargetId): Promise<PacketRecord[]>;
  /** Packets (of the target, or of all) that have had no answer, newest first, for matching a response packet. */
  unanswered(target: TargetId | undefined, limit: number): Promise<PacketRecord[]>;
  /** Stores the outcome of a part. The outcome that a receipt reported for the same transmission stays. */
  putPart(part: PacketPart): Promise<void>;
  /**
   * The newest part to this number with this reference (perhaps modulo 256) that has no network reference. With
   * `evenNamed`, one with a network reference is considered too if the whole reference is equal.
   */
  partEchoed(link: string, echo: NonNullable<PacketPart["echo"]>, evenNamed: boolean): Promise<PacketPart | undefined>;
  /** In order of their positions. */
  parts(packet: PacketId): Promise<PacketPart[]>;
  /**
   * The newest part with this network reference on this link, in one of the spellings; parts without a receipt take
   * precedence.
   */
  partNamed(link: string, references: readonly string[]): Promise<PacketPart | undefined>;
}
