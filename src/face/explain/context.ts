import type { Spi } from "../../codec/ota/spi.ts";
import type { PacketKeys } from "../../crypto/packet-keys.ts";
import type { Node } from "./tree.ts";

/** What octets can be read as; the names that `--as` takes. */
export const explainTypes = [
  "c-apdu",
  "r-apdu",
  "apdu-pair",
  "status-word",
  "sms-tpdu",
  "sms-deliver",
  "sms-submit",
  "sms-deliver-report",
  "sms-submit-report",
  "sms-deliver-report-error",
  "sms-submit-report-error",
  "sms-status-report",
  "sms-pdu",
  "tp-ud",
  "command-packet",
  "response-packet",
  "script",
  "script-response",
  "proactive-command",
  "envelope",
  "terminal-response",
  "terminal-profile",
  "cat-objects",
  "notification",
  "eid",
  "aid",
  "tar",
  "iccid",
  "imsi",
  "atr",
  "certificate",
  "card-data",
  "session-trigger",
  "psk-identity",
  "fcp",
  "tlv",
] as const;

export type ExplainType = (typeof explainTypes)[number];

/** What is known of the command packet that a response packet answers. */
export interface Answered {
  readonly spi: Spi;
  readonly kic?: number | undefined;
  readonly kid?: number | undefined;
  /** Three octets. */
  readonly tar?: Uint8Array | undefined;
  readonly cntr?: number | undefined;
}

/** What is known beside the octets, and how parts of another kind are read. */
export interface Context {
  /** Opens packets. */
  readonly keys?: PacketKeys | undefined;
  /** Opens response packets. */
  readonly answered?: Answered | undefined;
  /** The C-APDU that a R-APDU answers. */
  readonly command?: Uint8Array | undefined;
  /** Reads octets as one type. */
  readonly read: (type: ExplainType, octets: Uint8Array, base: number, context: Context) => Node;
  /** Reads octets as the most likely of some types; undefined when none of them is likely. */
  readonly guess: (
    types: readonly ExplainType[],
    octets: Uint8Array,
    base: number,
    context: Context,
  ) => Node | undefined;
}
