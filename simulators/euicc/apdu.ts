import { GatewayError, isGatewayError } from "../../src/base/gateway-error.ts";

/** A command APDU taken apart. ISO/IEC 7816-4 §5.1 */
export interface CommandApdu {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  readonly data: Uint8Array;
  /** 1 to 256, or undefined when the command asks for no data. */
  readonly le: number | undefined;
}

/** The outcome of a command. */
export interface ResponseApdu {
  readonly data: Uint8Array;
  readonly sw: number;
}

const nothing = new Uint8Array(0);

/** Ends the command with this status word. @throws card.status, always */
export function refuse(sw: number): never {
  throw new GatewayError("card.status", `SW ${sw.toString(16).toUpperCase()}`, { detail: { sw } });
}

/** The status word of whatever a command handler threw: its own, 6A80 for malformed data, 6F00 for the rest. */
export function statusOf(error: unknown): number {
  if (isGatewayError(error, "card.status") && typeof error.detail.sw === "number") return error.detail.sw;
  if (isGatewayError(error) && error.code.startsWith("codec.")) return 0x6a80;
  return 0x6f00;
}

/** Takes a short APDU apart. @throws card.status 6700 when the lengths do not fit */
export function parseApdu(bytes: Uint8Array): CommandApdu {
  const [cla, ins, p1, p2, p3] = bytes;
  if (cla === undefined || ins === undefined || p1 === undefined || p2 === undefined) return refuse(0x6700);
  const header = { cla, ins, p1, p2 };
  if (p3 === undefined) return { ...header, data: nothing, le: undefined };
  if (bytes.length === 5) return { ...header, data: nothing, le: p3 || 256 };
  const data = bytes.subarray(5, 5 + p3);
  if (p3 === 0 || data.length < p3) return refuse(0x6700);
  if (bytes.length === 5 + p3) return { ...header, data, le: undefined };
  if (bytes.length === 6 + p3) return { ...header, data, le: bytes[5 + p3] || 256 };
  return refuse(0x6700);
}

/** Octets of a response: data, SW1, SW2. */
export function responseBytes({ data, sw }: ResponseApdu): Uint8Array {
  const bytes = new Uint8Array(data.length + 2);
  bytes.set(data);
  bytes[data.length] = sw >> 8;
  bytes[data.length + 1] = sw & 0xff;
  return bytes;
}

/** A response of a status word alone. */
export function status(sw: number): ResponseApdu {
  return { data: nothing, sw };
}

/** A response of data and 9000. */
export function answer(data: Uint8Array): ResponseApdu {
  return { data, sw: 0x9000 };
}

/** Whether the command went well enough for a script to continue: 90xx, 91xx, 61xx (and 9Fxx). */
export function succeeded(sw: number): boolean {
  const sw1 = sw >> 8;
  return sw1 === 0x90 || sw1 === 0x91 || sw1 === 0x61 || sw1 === 0x9f;
}
