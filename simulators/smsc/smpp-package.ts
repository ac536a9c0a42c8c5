import type { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import type { Server, Socket } from "node:net";

/** A PDU of the package: fields by the specification's names, octets as Buffers once {@link smppPackage} tamed it. */
export interface PackagePdu {
  readonly command: string;
  readonly command_status: number;
  readonly sequence_number: number;
  readonly [field: string]: unknown;
  isResponse(): boolean;
  response(fields?: Readonly<Record<string, unknown>>): PackagePdu;
  toBuffer(): Buffer;
}

/** A session of the package. It needs an `error` listener and is of no use after one. */
export interface PackageSession extends EventEmitter {
  readonly socket: Socket;
  send(pdu: PackagePdu, answered?: (response: PackagePdu) => void, sent?: () => void): boolean;
  close(): void;
  destroy(): void;
}

interface FieldType {
  read(bytes: Buffer, offset: number, length?: number): unknown;
  write(value: unknown, bytes: Buffer, offset: number): void;
  size(value: unknown): number;
}

interface Field {
  type: FieldType;
  filter?: unknown;
}

/** The part of npm `smpp` that is used here. */
export interface SmppPackage {
  readonly PDU: {
    new (command: string, fields?: Readonly<Record<string, unknown>>): PackagePdu;
    maxLength: number;
  };
  readonly commands: Readonly<Record<string, { readonly params?: Readonly<Record<string, Field>> }>>;
  readonly tlvs: Readonly<Record<string, Field>>;
  createServer(
    options: Readonly<Record<string, unknown>>,
    listener: (session: PackageSession) => void,
  ): Server & { readonly sessions: readonly PackageSession[] };
  connect(options: Readonly<Record<string, unknown>>): PackageSession;
}

const maxPduOctets = 70_000;
const filtered = ["short_message", "message_payload", "validity_period", "schedule_delivery_time", "final_date"];

/** Reads a text parameter by its own length: the package's reader runs into the next one when the NUL is missing. */
const boundedText = (inner: FieldType): FieldType => ({
  ...inner,
  read: (bytes, offset, length = 0) => bytes.toString("latin1", offset, offset + length).replace(/\0+$/, ""),
});

function tame(smpp: SmppPackage): void {
  smpp.PDU.maxLength = maxPduOctets;
  for (const { params } of Object.values(smpp.commands)) {
    for (const [name, field] of Object.entries(params ?? {})) if (filtered.includes(name)) delete field.filter;
  }
  for (const [name, field] of Object.entries(smpp.tlvs)) {
    if (filtered.includes(name)) delete field.filter;
    if (name === "receipted_message_id") field.type = boundedText(field.type);
  }
}

/**
 * npm `smpp`, an implementation that shares nothing with ours, with the traps removed that a table can remove: character
 * coding of binary messages, dates relative to now, too small a length limit. Applies to the whole process.
 */
export function smppPackage(): SmppPackage {
  const smpp: SmppPackage = createRequire(import.meta.url)("smpp");
  tame(smpp);
  return smpp;
}
