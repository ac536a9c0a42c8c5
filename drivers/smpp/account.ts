import { z } from "zod";
import { Secret } from "../../src/base/secret.ts";
import { messagingModes } from "../../src/codec/smpp/esm-class.ts";
import { messageIdForms } from "../../src/codec/smpp/message-id.ts";
import { statusClasses } from "../../src/codec/smpp/status.ts";

const octet = z.int().min(0).max(0xff);
const milliseconds = z.int().min(1).max(86_400_000);
const codeKey = z.string().regex(/^(0x[0-9a-fA-F]{1,8}|\d{1,10})$/, "must be a command_status such as 0x0B or 11");

/** TLS of a link; certificates and keys as PEM text or as the path of a PEM file. */
const Tls = z.strictObject({
  ca: z.string().optional(),
  cert: z.string().optional(),
  key: z.string().optional(),
  /** Name to verify, when it is not the host. */
  servername: z.string().optional(),
  /** Accept any certificate: for test benches only. */
  insecure: z.boolean().default(false),
});

const Source = z.strictObject({
  /** Digits, short code or letters; a message's own `from` comes first. */
  address: z.string().max(20).optional(),
  ton: octet.optional(),
  npi: octet.optional(),
});

const Destination = z.strictObject({
  ton: octet.default(1),
  npi: octet.default(1),
  plus: z.enum(["strip", "keep"]).default("strip"),
});

/** Settings of one account at an SMSC. Everything but the credentials has a default. */
export const SmppAccount = z.strictObject({
  host: z.string().min(1).optional(),
  port: z.int().min(1).max(65_535).optional(),
  tls: z.union([z.boolean(), Tls]).optional(),
  systemId: z.string().max(64).optional(),
  /** The password itself: the reader of the configuration resolves its reference. */
  password: z.union([z.string().max(64), z.instanceof(Secret)]).default(""),
  systemType: z.string().max(12).default(""),
  /** 0x34; some SMSCs never answer another one. */
  interfaceVersion: octet.default(0x34),
  addressTon: octet.default(0),
  addressNpi: octet.default(0),
  addressRange: z.string().max(40).default(""),
  /** `tx+rx`: each bind is a transmitter and a receiver. */
  bindMode: z.enum(["trx", "tx+rx", "tx", "rx"]).default("trx"),
  binds: z.int().min(1).max(16).default(1),
  window: z.int().min(1).max(1_000).default(10),
  inboundWindow: z.int().min(1).max(10_000).default(100),
  /** Messages per second; without it, as fast as the window allows. */
  rate: z.number().positive().optional(),
  queue: z.int().min(1).max(1_000_000).default(10_000),
  patienceMs: milliseconds.default(30_000),
  responseMs: milliseconds.optional(),
  connectMs: milliseconds.default(10_000),
  bindMs: milliseconds.default(10_000),
  enquireMs: milliseconds.default(30_000),
  enquireAnswerMs: milliseconds.default(10_000),
  reconnectFirstMs: milliseconds.default(1_000),
  reconnectMaxMs: milliseconds.default(60_000),
  source: Source.default({}),
  destination: Destination.prefault({}),
  serviceType: z.string().max(5).default(""),
  messagingMode: z.enum(messagingModes).default("default"),
  /** What this SMSC turns into TP-DCS F6; other codings go through as they are. */
  dataCoding: octet.default(0xf6),
  /** Replaces TP-PID; without it, each message's own. */
  protocolId: octet.optional(),
  /** TLV dest_addr_subunit: 3 = smart card. */
  destAddrSubunit: z.int().min(0).max(3).optional(),
  /** submit_sm, or data_sm (which has no protocol_id). */
  command: z.enum(["submit_sm", "data_sm"]).default("submit_sm"),
  /** Segments: header as it is, sar_* parameters instead of it, or all octets in message_payload. */
  carriage: z.enum(["udh", "sar", "payload"]).default("udh"),
  validity: z.enum(["relative", "absolute", "none"]).default("relative"),
  /** The SMSC's clock: quarter-hours east of UTC, in absolute times. */
  clockZoneQuarters: z.int().min(-48).max(48).default(0),
  /** registered_delivery of messages that request a receipt. */
  registeredDelivery: octet.default(1),
  /** TLV user_message_reference on messages that request a receipt. */
  userMessageReference: z.boolean().default(true),
  /** TLV more_messages_to_send on all segments but the last. */
  moreMessagesToSend: z.boolean().default(false),
  messageId: z.enum(messageIdForms).default("auto"),
  /** How long a receipt may overtake its response. */
  receiptHoldMs: milliseconds.default(5_000),
  /** Takes user data that starts with 02 70 00 or 02 71 00 for one with a header even without the indicator. */
  mendMissingUdhi: z.boolean().default(true),
  /** Class of a command_status that this SMSC uses with another meaning. */
  statusClasses: z.record(codeKey, z.enum(statusClasses)).default({}),
});
export type SmppAccount = z.infer<typeof SmppAccount>;

/** Password of an account as text. */
export function passwordOf(account: SmppAccount): string {
  const { password } = account;
  return typeof password === "string" ? password : Buffer.from(password.reveal()).toString("latin1");
}
