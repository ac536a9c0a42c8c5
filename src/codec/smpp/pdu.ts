import { codecError } from "../../base/gateway-error.ts";
import { type Codec, Reader, Writer } from "../kit/codec.ts";
import { type Body, bodies, type Command } from "./bodies.ts";

/** Identifier of each PDU. SMPP 3.4 §5.1.2.1 */
export const commandId = {
  generic_nack: 0x80000000,
  bind_receiver: 0x00000001,
  bind_receiver_resp: 0x80000001,
  bind_transmitter: 0x00000002,
  bind_transmitter_resp: 0x80000002,
  query_sm: 0x00000003,
  query_sm_resp: 0x80000003,
  submit_sm: 0x00000004,
  submit_sm_resp: 0x80000004,
  deliver_sm: 0x00000005,
  deliver_sm_resp: 0x80000005,
  unbind: 0x00000006,
  unbind_resp: 0x80000006,
  replace_sm: 0x00000007,
  replace_sm_resp: 0x80000007,
  cancel_sm: 0x00000008,
  cancel_sm_resp: 0x80000008,
  bind_transceiver: 0x00000009,
  bind_transceiver_resp: 0x80000009,
  outbind: 0x0000000b,
  enquire_link: 0x00000015,
  enquire_link_resp: 0x80000015,
  submit_multi: 0x00000021,
  submit_multi_resp: 0x80000021,
  alert_notification: 0x00000102,
  data_sm: 0x00000103,
  data_sm_resp: 0x80000103,
} as const satisfies Record<Command, number>;

/** PDUs that answer. */
export type ResponseCommand = Extract<Command, `${string}_resp`> | "generic_nack";
/** Request PDUs (and the notifications alert_notification and outbind). */
export type RequestCommand = Exclude<Command, ResponseCommand>;

/** A PDU as a value; error responses may come and go without a body. SMPP 3.4 §3.2 */
export type Pdu<C extends Command = Command> = {
  readonly [K in C]: {
    readonly command: K;
    /** command_status; 0 in requests. */
    readonly status: number;
    readonly sequence: number;
    readonly body: K extends ResponseCommand ? Body<K> | undefined : Body<K>;
  };
}[C];

/** The four integers every PDU starts with. SMPP 3.4 §5.1 */
interface PduHeader {
  readonly length: number;
  readonly id: number;
  readonly status: number;
  readonly sequence: number;
}

export const headerOctets = 16;

const names = new Map<number, Command>();
for (const name of Object.keys(commandId) as Command[]) names.set(commandId[name], name);

/** Name of a command_id, undefined for an unknown one. */
export function commandName(id: number): Command | undefined {
  return names.get(id);
}

/** True for a command_id with the response bit. */
export function isResponseId(id: number): boolean {
  return id >= 0x80000000;
}

/** True for PDUs that answer. */
export function isResponse(pdu: Pdu): pdu is Pdu<ResponseCommand> {
  return isResponseId(commandId[pdu.command]);
}

/** The response that belongs to a request. */
export function responseOf(command: RequestCommand): ResponseCommand {
  return responses.get(command) ?? "generic_nack";
}

const responses = new Map<Command, ResponseCommand>();
for (const [id, name] of names) {
  const response = names.get(id + 0x80000000);
  if (!isResponseId(id) && response !== undefined) responses.set(name, response as ResponseCommand);
}

/** Reads the header of a whole PDU, of known and unknown commands alike. @throws codec.truncated */
export function readHeader(bytes: Uint8Array): PduHeader {
  const from = new Reader(bytes);
  return {
    length: from.uint(4, "command_length"),
    id: from.uint(4, "command_id"),
    status: from.uint(4, "command_status"),
    sequence: from.uint(4, "sequence_number"),
  };
}

/**
 * Decodes one whole PDU. Octet fields are views of `bytes`.
 * @throws codec.tag for an unknown command_id, codec.* with `detail.field` as the specification names it
 */
export function decodePdu(bytes: Uint8Array): Pdu {
  const from = new Reader(bytes);
  const length = from.uint(4, "command_length");
  const id = from.uint(4, "command_id");
  const status = from.uint(4, "command_status");
  const sequence = from.uint(4, "sequence_number");
  if (length !== bytes.length) {
    throw codecError("codec.length", `command_length is ${length}, but the PDU has ${bytes.length} octets`, 0, {
      field: "command_length",
    });
  }
  const command = names.get(id);
  if (command === undefined) {
    throw codecError("codec.tag", `command_id ${id.toString(16).padStart(8, "0")} is unknown`, 4, {
      field: "command_id",
    });
  }
  const codec: Codec<unknown> = bodies[command];
  const body = from.ended && isResponseId(id) ? undefined : codec.read(from);
  from.end(`${command} body`);
  return { command, status, sequence, body } as Pdu;
}

/** Appends one PDU; nothing is left behind when it throws. @throws codec.* with `detail.field` */
export function writePdu(to: Writer, pdu: Pdu): void {
  const start = to.length;
  try {
    to.uint(0, 4).uint(commandId[pdu.command], 4).uint(pdu.status, 4).uint(pdu.sequence, 4);
    const codec: Codec<unknown> = bodies[pdu.command];
    if (pdu.body !== undefined) codec.write(to, pdu.body);
    to.patch(start, to.length - start, 4);
  } catch (error) {
    to.truncate(start);
    throw error;
  }
}

/** Octets of one PDU. @throws codec.* with `detail.field` */
export function encodePdu(pdu: Pdu): Uint8Array {
  const to = new Writer(256);
  writePdu(to, pdu);
  return to.finish();
}
