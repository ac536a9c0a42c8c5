import { GatewayError, isGatewayError } from "../base/gateway-error.ts";
import { parseCommandPacket } from "../codec/ota/command-packet.ts";
import { porStatus } from "../codec/ota/por-status.ts";
import type { Spi } from "../codec/ota/spi.ts";
import { type OpenedCommand, openCommand } from "./command-packet.ts";
import { acceptCounter } from "./counter.ts";
import type { PacketKeys } from "./packet-keys.ts";

/** The receiving side of a key set: what a card stores and requires. */
interface Receiver {
  readonly keys: PacketKeys;
  /** Counter of the last accepted packet. */
  readonly stored: number;
  readonly ccLength?: number | undefined;
  /** Requires CC, ciphering and a rising counter, and drops other packets. SGP.02 §2.4.3 */
  readonly strict: boolean;
}

/** Outcome of a command packet. `por`: whether a response packet is sent. */
type Admission =
  | { readonly at: "accepted"; readonly command: OpenedCommand; readonly stored: number; readonly por: boolean }
  | {
      readonly at: "refused";
      /** Response status; absent if the packet is too malformed for a response. */
      readonly status?: number;
      readonly por: boolean;
      readonly reason: GatewayError;
      /** Present if the packet was authentic. */
      readonly command?: OpenedCommand;
    };

function belowLevel(spi: Spi): boolean {
  const { counter, ciphered, integrity } = spi.command;
  return integrity !== "cc" || !ciphered || (counter !== "higher" && counter !== "next");
}

function refusal(status: number, message: string): GatewayError {
  return new GatewayError("packet.por", message, { detail: { status } });
}

/**
 * Decides what a receiver does with a command packet (from CPL on): structure, level, checksum, counter, in this order.
 * Pure: the caller stores `stored`. ETSI TS 102 225 §5.1, SGP.02 §2.4.3
 */
export function admitCommand(packet: Uint8Array, receiver: Receiver): Admission {
  let spi: Spi | undefined;
  try {
    ({ spi } = parseCommandPacket(packet));
    if (receiver.strict && belowLevel(spi)) {
      const reason = refusal(porStatus.insufficientSecurityLevel, "below the security level of this application");
      return { at: "refused", status: porStatus.insufficientSecurityLevel, por: false, reason };
    }
    const command = openCommand(packet, receiver.keys, { ccLength: receiver.ccLength });
    const { status, stored } = acceptCounter(spi.command.counter, receiver.stored, command.cntr);
    if (status === porStatus.ok) return { at: "accepted", command, stored, por: spi.response.por === "always" };
    const reason = refusal(status, `CNTR ${command.cntr}, stored counter ${receiver.stored}`);
    return { at: "refused", status, por: spi.response.por !== "never", reason, command };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    if (spi === undefined || !isGatewayError(error, "packet.cc")) return { at: "refused", por: false, reason: error };
    const por = !receiver.strict && spi.response.por !== "never";
    return { at: "refused", status: porStatus.checkFailed, por, reason: error };
  }
}
