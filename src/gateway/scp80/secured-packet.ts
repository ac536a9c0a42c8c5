import { GatewayError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import type { TargetId } from "../../base/id.ts";
import { isdRTar, type Tar, tarFromOctets, tarOctets } from "../../codec/euicc/aid.ts";
import { type Eid, eidFromOctets } from "../../codec/euicc/eid.ts";
import { looksLikeNotification } from "../../codec/euicc/notification.ts";
import { type CommandPacket, parseCommandPacket } from "../../codec/ota/command-packet.ts";
import { kicOctet, kidOctet } from "../../codec/ota/key-identifier.ts";
import { porFollows, porStatusName } from "../../codec/ota/por-status.ts";
import { parseSpi, type Spi } from "../../codec/ota/spi.ts";
import { readSegment, segmentCount, segmentPacket } from "../../codec/sms/concatenation.ts";
import { type OpenedCommand, openCommand, wrapCommand } from "../../crypto/command-packet.ts";
import { PacketKeys } from "../../crypto/packet-keys.ts";
import { openResponse } from "../../crypto/response-packet.ts";
import type { OrderFacts } from "../jobs/packet-order.ts";
import type { ReassembledMessage } from "../model/inbox.ts";
import type { Job } from "../model/job.ts";
import { type KeySet, type KeySetInfo, type KeySetRepository, servesTar } from "../model/key-set.ts";
import type { PacketRecord } from "../model/packet.ts";
import type { Repositories } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { workBody } from "../scripts/script-body.ts";

/** The fields of a {@link PacketRecord} that describe the octets. */
type PacketPlan = Pick<PacketRecord, "userData"> &
  Partial<Pick<PacketRecord, "keySet" | "tar" | "cntr" | "spi" | "kic" | "kid">>;

/** SPI of the M2M eUICC (SGP.02 §2.4.3): CC, ciphered, counter higher; PoR always, CC, ciphered, by SMS-SUBMIT. */
const defaultSpi = Uint8Array.of(0x16, 0x39);

/** The key set whose keys and counter a job uses. @throws target.no-key */
function keySetFor<T extends KeySetInfo>(sets: readonly T[], tar: Tar, kvn: number | undefined): T {
  const found = sets.find((set) => servesTar(set, tar) && (kvn === undefined || set.kvn === kvn));
  if (found === undefined) {
    throw new GatewayError(
      "target.no-key",
      `the target has no SCP80 key set ${kvn === undefined ? "" : `with KVN ${kvn} `}for TAR ${tar}${coverage(sets)}`,
      { detail: { tar, kvn } },
    );
  }
  return found;
}

/** The TARs that key sets apply to, as the end of an error text. */
function coverage(sets: readonly KeySetInfo[]): string {
  const named = sets.slice(0, 5).map(({ kvn, tars }) => {
    const shown = tars.length > 5 ? `${tars.slice(0, 5).join(" ")} …` : tars.join(" ");
    return `KVN ${kvn}: ${shown === "" ? "ISD-R and ISD-Ps" : shown}`;
  });
  return named.length === 0 ? "" : `; its key sets apply to ${named.join(", ")}${sets.length > 5 ? " …" : ""}`;
}

/** KIc octet for a key set. */
function kicOf({ kvn, algorithm, keys }: KeySet): number {
  const ciphers = { AES: "AES", "3DES": triple(keys.get(1)), DES: "DES-CBC", PSK: "implicit" } as const;
  return kicOctet(kvn, ciphers[algorithm]);
}

/** KID octet for a key set; with RC it names the CRC instead of the key's algorithm. */
function kidOf({ kvn, algorithm, keys }: KeySet, spi: Spi): number {
  const integrities = [spi.command.integrity, spi.response.porIntegrity];
  if (integrities.includes("rc") && !integrities.includes("cc")) return kidOctet(kvn, "CRC-32");
  const macs = { AES: "AES-CMAC", "3DES": triple(keys.get(2)), DES: "DES", PSK: "implicit" } as const;
  return kidOctet(kvn, macs[algorithm]);
}

function triple(key: { readonly length: number } | undefined): "3DES-2" | "3DES-3" {
  return key?.length === 24 ? "3DES-3" : "3DES-2";
}

/** The octets that carry a job, and the keys that secure them; absent for a packet secured upstream. */
interface PlannedPacket {
  readonly plan: PacketPlan;
  readonly keySet?: KeySet;
}

/**
 * The octets that carry a job, secured under the next counter of one of the target's key sets, which is reserved in the
 * same unit of work; a packet secured upstream is unchanged.
 * @throws target.no-key, crypto.*, job.too-large
 */
export async function planPacket(
  job: Job,
  target: Target,
  sets: readonly KeySet[],
  keySets: Pick<KeySetRepository, "nextCounter">,
): Promise<PlannedPacket> {
  const { work } = job;
  if (work.kind === "packet") return { plan: { userData: work.userData, ...upstreamFacts(work.userData) } };
  const set = keySetFor(sets, work.tar, job.request.kvn);
  const sentSpi = spiFor(job, target);
  const spi = parseSpi(sentSpi);
  const kic = kicOf(set);
  const kid = kidOf(set, spi);
  const cntr = await keySets.nextCounter(set.id);
  const data = workBody(work, target);
  const tar = tarOctets(work.tar);
  const { packet } = wrapCommand({ spi, kic, kid, tar, cntr, data, ...ccOf(set) }, packetKeys(set));
  if (segmentCount(packet.length) > 255) {
    throw new GatewayError("job.too-large", `the script needs more than 255 short messages`, {
      detail: { octets: packet.length },
    });
  }
  const segments = segmentPacket(packet, "command", { reference: cntr % 256, referenceBits: 8 });
  const plan = {
    userData: segments,
    keySet: set.id,
    tar: work.tar,
    cntr,
    spi: sentSpi,
    kic: Uint8Array.of(kic),
    kid: Uint8Array.of(kid),
  };
  return { plan, keySet: set };
}

/**
 * The counter that the card will compare the packet of a job with, before the packet is secured.
 * @throws target.no-key
 */
export function orderFacts(job: Job, target: Target, sets: readonly KeySetInfo[]): OrderFacts {
  const { work } = job;
  if (work.kind === "packet") return upstreamFacts(work.userData);
  const scp80 = sets.filter((set) => set.type === "SCP80");
  const keySet = keySetFor(scp80, work.tar, job.request.kvn).id;
  return { keySet, tar: work.tar, spi: spiFor(job, target) };
}

/** The SPI that the job, its target or this gateway asks for. */
function spiFor(job: Job, target: Target): Uint8Array {
  return job.request.spi ?? target.settings.spi ?? defaultSpi;
}

/** Whether a packet was abandoned, or certainly never left while a later counter of its keys was handed out. */
export function mustBeReplaced(packet: PacketRecord, sets: readonly KeySetInfo[]): boolean {
  if (packet.state === "abandoned") return true;
  if (packet.transmissions > 0 || packet.cntr === undefined) return false;
  const set = sets.find((one) => one.id === packet.keySet);
  return set === undefined || set.cntr > packet.cntr;
}

/** Number of short messages that the job would take. */
export function segmentsOf(job: Pick<Job, "work">, target: Target): number {
  if (job.work.kind === "packet") return job.work.userData.length;
  const cipherAndCheck = 16 + 8 + 15;
  return segmentCount(workBody(job.work, target).length + cipherAndCheck);
}

const ccOf = (set: KeySet) => (set.algorithm === "AES" ? { ccLength: set.ccLength } : {});

/** Key schedules, kept as long as the values they are made of. */
const schedules = new WeakMap<KeySet["keys"], PacketKeys>();

function packetKeys({ keys, algorithm }: KeySet): PacketKeys {
  const known = schedules.get(keys);
  if (known !== undefined) return known;
  const implicit = algorithm === "PSK" ? undefined : algorithm;
  const made = new PacketKeys({ kic: keys.get(1)?.reveal(), kid: keys.get(2)?.reveal(), implicit });
  schedules.set(keys, made);
  return made;
}

/** The clear part of a packet secured upstream. */
function upstreamFacts(userData: readonly Uint8Array[]): Partial<PacketPlan> {
  const header = commandHeader(userData[0]);
  if (header === undefined) return {};
  return {
    tar: tarFromOctets(header.tar),
    spi: header.clear.subarray(3, 5),
    kic: Uint8Array.of(header.kic),
    kid: Uint8Array.of(header.kid),
  };
}

function commandHeader(first: Uint8Array | undefined): CommandPacket | undefined {
  if (first === undefined) return undefined;
  try {
    const segment = readSegment(first);
    if (segment.security !== "command") return undefined;
    // Only the header is read: CPL also counts the octets of later segments.
    const head = new Uint8Array(2 + (((segment.body[0] ?? 0) << 8) | (segment.body[1] ?? 0)));
    head.set(segment.body.subarray(0, head.length));
    return parseCommandPacket(head, { allowExcess: true });
  } catch {
    return undefined;
  }
}

/** SPI of the packet, if it is known. */
export function spiOf(packet: PacketRecord): Spi | undefined {
  if (packet.spi === undefined) return undefined;
  try {
    return parseSpi(packet.spi);
  } catch {
    return undefined;
  }
}

/** Whether the packet asks for a proof of receipt in any case. */
export function wantsAnswer(packet: PacketRecord): boolean {
  return spiOf(packet)?.response.por === "always";
}

/** Whether the card would run the same octets twice: SPI without a replay check. */
export function readsNoReplay(packet: PacketRecord): boolean {
  const counter = spiOf(packet)?.command.counter;
  return counter !== "higher" && counter !== "next";
}

/** A response packet as read with the keys of its command. */
export interface ReadAnswer {
  readonly status: number;
  readonly statusName: string;
  /** Its CC or DS verifies with the keys of the card. */
  readonly authenticated: boolean;
  /** It is secured as the SPI requested, which may be without any authentication. */
  readonly asAsked: boolean;
  /** It was ciphered with the keys of the card. */
  readonly ciphered: boolean;
  /** The final answer follows (08, 0B, 0C). */
  readonly intermediate: boolean;
  readonly data: Uint8Array;
  /** Irregularities, as text. */
  readonly note?: string;
}

/**
 * Reads the response packet to one of our command packets.
 * @throws packet.* when it answers something else or cannot be read
 */
export function readAnswer(set: KeySet, packet: PacketRecord, userData: readonly Uint8Array[]): ReadAnswer {
  const spi = spiOf(packet);
  if (spi === undefined || packet.tar === undefined)
    throw new GatewayError("packet.format", "the SPI, KIc and KID of the command are required");
  const segments = userData.map(readSegment);
  const pending = {
    spi,
    kic: packet.kic?.[0] ?? 0,
    kid: packet.kid?.[0] ?? 0,
    tar: tarOctets(packet.tar),
    cntr: packet.cntr,
    ...ccOf(set),
  };
  try {
    const opened = openResponse(concatBytes(...segments.map((segment) => segment.body)), pending, packetKeys(set), {
      udh: segments[0]?.header,
      lenient: true,
    });
    return {
      status: opened.status,
      statusName: porStatusName(opened.status),
      authenticated: opened.integrity === "cc" || opened.integrity === "ds",
      asAsked: true,
      ciphered: spi.response.porCiphered,
      intermediate: porFollows(opened.status),
      data: opened.data,
      ...(opened.ccVariant === "standard" ? {} : { note: `its CC was made ${opened.ccVariant}` }),
    };
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "packet.unauthenticated-status") throw error;
    const { status, cntr, tar } = error.detail;
    if (typeof status !== "number" || tar !== packet.tar || (cntr !== packet.cntr && cntr !== 0)) throw error;
    return {
      status,
      statusName: porStatusName(status),
      authenticated: false,
      asAsked: false,
      ciphered: false,
      intermediate: false,
      data: new Uint8Array(0),
    };
  }
}

/** Whether a response may answer a packet whose keys are not here: only the TAR can be compared. */
export function mayAnswer(packet: PacketRecord, response: Uint8Array): boolean {
  return packet.tar !== undefined && response.length >= 6 && tarFromOctets(response.subarray(3, 6)) === packet.tar;
}

/** The counter inside a packet secured upstream, if this key set opens it. */
export function openedCounter(set: KeySet, packet: PacketRecord): number | undefined {
  try {
    const body = concatBytes(...packet.userData.map((octets) => readSegment(octets).body));
    const { cntr, integrity } = openCommand(body, packetKeys(set), ccOf(set));
    return integrity === "none" ? undefined : cntr;
  } catch {
    return undefined;
  }
}

/** A notification extracted from its packet. */
interface OpenedNotification {
  readonly data: Uint8Array;
  /** The target whose keys verify its CC. */
  readonly provenBy?: TargetId;
  /** Its keys, and the counter, which must be higher than the last one if the SPI requires a counter. */
  readonly counted?: { readonly keySet: string; readonly cntr: number };
  /** It has neither CC nor any other check that could have failed. */
  readonly unsecured: boolean;
}

/**
 * Opens a command packet sent by a card (a notification). Without a matching key its clear part is read and marked
 * unverified; undefined when it is not a packet of the ISD-R.
 */
export async function openNotificationPacket(
  r: Repositories,
  target: TargetId | undefined,
  whole: ReassembledMessage,
): Promise<OpenedNotification | undefined> {
  let parsed: CommandPacket;
  try {
    parsed = parseCommandPacket(whole.body, { allowExcess: true });
  } catch {
    return undefined;
  }
  if (tarFromOctets(parsed.tar) !== isdRTar) return undefined;
  const clear = parsed.spi.command.ciphered ? undefined : parsed.secured.subarray(6 + parsed.checkLength);
  // The EID in the data identifies the sender; the link's card may still be unidentified while it is being activated.
  const sender = (clear === undefined ? undefined : await senderOf(r, clear)) ?? target;
  let data = clear;
  for (const set of sender === undefined ? [] : await r.keySets.open(sender, "SCP80")) {
    // Keys of other domains of the card do not authenticate its ISD-R.
    const opened = servesTar(set, isdRTar) ? tryOpen(whole.body, set) : undefined;
    if (opened?.integrity === "cc") {
      const { counter } = parsed.spi.command;
      const counts = counter === "higher" || counter === "next";
      const counted = counts ? { counted: { keySet: set.id, cntr: opened.cntr } } : {};
      return { data: opened.data, provenBy: set.target, unsecured: false, ...counted };
    }
    data ??= opened?.data;
  }
  const { ciphered, integrity } = parsed.spi.command;
  return data === undefined ? undefined : { data, unsecured: integrity === "none" && !ciphered };
}

/** The target that a notification in clear names by its EID. */
async function senderOf(r: Repositories, notification: Uint8Array): Promise<TargetId | undefined> {
  const eid = looksLikeNotification(notification) ? eidIn(notification) : undefined;
  return eid === undefined ? undefined : (await r.targets.holding("eid", eid))?.id;
}

/** The EID, which comes first in a notification; undefined if it is none. SGP.02 §4.1.1.11 */
function eidIn(notification: Uint8Array): Eid | undefined {
  const at = notification[1] === 0x81 ? 5 : 4;
  try {
    return eidFromOctets(notification.subarray(at, at + 16));
  } catch {
    return undefined;
  }
}

function tryOpen(body: Uint8Array, set: KeySet): OpenedCommand | undefined {
  try {
    return openCommand(body, packetKeys(set), { lenient: true });
  } catch {
    return undefined;
  }
}
