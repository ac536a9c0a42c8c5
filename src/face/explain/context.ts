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
  "profile-package",
  "euicc-response",
  "tls",
  "http",
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
  /** The C-APDUs of the script that is answered, in their order. */
  readonly commands?: readonly Uint8Array[] | undefined;
  /** TP-DCS and TP-UDL of the message whose TP-UD is read. */
  readonly message?: { readonly dcs: number; readonly length: number } | undefined;
  /** The packet is the first part of one in several messages. */
  readonly segmented?: boolean | undefined;
  /** A STORE DATA before this one began to store keys, and was not the last. */
  readonly storesKeys?: boolean | undefined;
  /** Keys, PINs and logins are shown. */
  readonly secrets?: boolean | undefined;
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
