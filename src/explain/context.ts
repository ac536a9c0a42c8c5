import type { Spi } from "../codec/ota/spi.ts";
import type { PacketKeys } from "../crypto/packet-keys.ts";
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
  "private-key",
  "text",
  "tlv",
] as const;

export type ExplainType = (typeof explainTypes)[number];

/** Facts about the command packet that a response packet answers. */
export interface Answered {
  readonly spi: Spi;
  readonly kic?: number | undefined;
  readonly kid?: number | undefined;
  /** Three octets. */
  readonly tar?: Uint8Array | undefined;
  readonly cntr?: number | undefined;
}

/** An object of a vendor under a tag of another object. */
interface VendorObject {
  readonly name: string;
  readonly render: (value: Uint8Array, offset: number) => string;
}

/** What a TPDU states about its TP-UD. */
interface MessageFacts {
  readonly dcs: number;
  /** TP-UDL. */
  readonly length: number;
  /** Who sent it, or to whom it goes. */
  readonly address: string;
}

/** One message of several, as its TP-UD has it. */
export interface ReceivedSegment {
  /** TP-UD with its header. */
  readonly userData: Uint8Array;
  readonly message: MessageFacts | undefined;
}

/** Data of SEND DATA or RECEIVE DATA. */
export interface ReceivedChannelData {
  readonly from: "card" | "terminal";
  /** 1 to 7; undefined if the octets do not contain it. */
  readonly channel: number | undefined;
  readonly octets: Uint8Array;
}

/** What a reading came upon: filled by the readers, used by those who read the next item. */
export interface Collected {
  /** C-APDUs of a script. */
  commands?: readonly Uint8Array[];
  /** A command packet. */
  answered?: Answered;
  readonly segments: ReceivedSegment[];
  readonly channelData: ReceivedChannelData[];
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
  /** The message whose TP-UD is read. */
  readonly message?: MessageFacts | undefined;
  /** The packet is the first part of one in several messages. */
  readonly segmented?: boolean | undefined;
  /** A STORE DATA before this one began to store keys, and was not the last. */
  readonly storesKeys?: boolean | undefined;
  /** The file that is selected holds keys: what is written to it is hidden, and what is read from it. */
  readonly keyFile?: boolean | undefined;
  /** Keys, PINs and logins are shown. */
  readonly secrets?: boolean | undefined;
  /** Objects that a vendor puts among those of COMPREHENSION-TLV, by their first octet. */
  readonly vendorObjects?: ReadonlyMap<number, VendorObject> | undefined;
  /** Where readers note what matters to the items that follow. */
  readonly collected?: Collected | undefined;
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
