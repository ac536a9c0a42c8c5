import { concatBytes } from "../../base/hex.ts";
import { parseCommandBody, parseCommandPacket } from "../../codec/ota/command-packet.ts";
import { porFollows } from "../../codec/ota/por-status.ts";
import { parseResponseBody, parseResponsePacket } from "../../codec/ota/response-packet.ts";
import { readSegment } from "../../codec/sms/concatenation.ts";
import type { KeySet } from "../model/key-set.ts";
import type { PacketRecord } from "../model/packet.ts";
import { mayAnswer, openedCounter, readAnswer, spiOf } from "./secured-packet.ts";

/** How a response matches a packet that its owner secured. */
interface UpstreamMatch {
  /** `yes` by TAR and CNTR, `maybe` when only the TAR can be compared. */
  readonly match: "yes" | "maybe";
  /** The target's keys verify it. */
  readonly proven: boolean;
  /** Whether it announces the final answer; undefined when its status cannot be read. */
  readonly follows: boolean | undefined;
}

/**
 * Whether a response answers a packet secured upstream: read with the target's keys if they are those of the packet,
 * otherwise from the clear parts of both. Undefined when it does not.
 */
export function matchUpstream(
  sets: readonly KeySet[],
  packet: PacketRecord,
  userData: readonly Uint8Array[],
): UpstreamMatch | undefined {
  const spi = spiOf(packet);
  const body = bodyOf(userData);
  if (body === undefined || !mayAnswer(packet, body) || spi?.response.por === "never") return undefined;
  for (const set of sets) {
    const cntr = openedCounter(set, packet);
    if (cntr === undefined) continue;
    try {
      const { authenticated, ciphered, intermediate } = readAnswer(set, { ...packet, cntr }, userData);
      return { match: "yes", proven: authenticated || ciphered, follows: intermediate };
    } catch {
      return undefined;
    }
  }
  const response = spi?.response.porCiphered === false ? clearResponse(body) : undefined;
  if (response === undefined) return { match: "maybe", proven: false, follows: undefined };
  const asked = clearCounter(packet);
  if (asked !== undefined && asked !== response.cntr) return undefined;
  const match = asked === undefined ? "maybe" : "yes";
  return { match, proven: false, follows: porFollows(response.status) };
}

function bodyOf(userData: readonly Uint8Array[]): Uint8Array | undefined {
  try {
    return concatBytes(...userData.map((octets) => readSegment(octets).body));
  } catch {
    return undefined;
  }
}

function clearResponse(body: Uint8Array): { readonly cntr: number; readonly status: number } | undefined {
  try {
    const { secured, checkLength } = parseResponsePacket(body);
    return parseResponseBody(secured, checkLength);
  } catch {
    return undefined;
  }
}

function clearCounter({ userData }: PacketRecord): number | undefined {
  const body = bodyOf(userData);
  if (body === undefined) return undefined;
  try {
    const { spi, secured, checkLength } = parseCommandPacket(body, { allowExcess: true });
    return spi.command.ciphered ? undefined : parseCommandBody(secured, checkLength).cntr;
  } catch {
    return undefined;
  }
}
