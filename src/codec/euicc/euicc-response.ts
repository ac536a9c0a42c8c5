import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { statusWordName } from "../apdu/status-word.ts";
import { readTlvs, type Tlv } from "../kit/ber.ts";

/** Outcome of one element of a profile package. TCA eUICC Profile Package §8.11 */
interface PeStatus {
  readonly status: number;
  /** Number of the element in its PEHeader. */
  readonly identification?: number;
  readonly additional?: number;
  /** Place in that element, octets. */
  readonly offset?: number;
}

/** The card's answer to a profile package. TCA eUICC Profile Package §8.11 */
export interface EuiccResponse {
  readonly statuses: readonly PeStatus[];
  /** The card gave the installation up. */
  readonly aborted: boolean;
  readonly message?: string;
}

const names: Readonly<Record<number, string>> = {
  0: "ok",
  1: "element not supported",
  2: "memory failure",
  3: "bad values",
  4: "not enough memory",
  5: "invalid request format",
  6: "invalid parameter",
  7: "runtime not supported",
  8: "library not supported",
  9: "template not supported",
  10: "feature not supported",
  11: "PIN code missing",
  31: "unsupported profile version",
};

/** Name of a PEStatus value; the ranges 6000 and 9000 are status words. TCA eUICC Profile Package §8.11 */
export function peStatusName(status: number): string {
  const word = (status >= 0x6000 && status <= 0x6fff) || (status >= 0x9000 && status <= 0x9fff);
  if (word) return statusWordName(status);
  return names[status] ?? (status >= 0xa000 ? "proprietary" : "reserved");
}

/**
 * Reads an EUICCResponse; undefined for octets that are none, as where they are enciphered.
 * TCA eUICC Profile Package §8.11
 */
export function readEuiccResponse(octets: Uint8Array): EuiccResponse | undefined {
  if (octets[0] !== 0x30) return undefined;
  try {
    const [sequence, ...more] = readTlvs(octets);
    if (sequence === undefined || more.length > 0) return undefined;
    return response(readTlvs(sequence.value));
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

function response(fields: readonly Tlv[]): EuiccResponse | undefined {
  const [list] = fields;
  if (list?.tag !== 0xa0 || fields.some(({ tag }) => tag !== 0xa0 && tag !== 0x81 && tag !== 0x82)) return undefined;
  const statuses: PeStatus[] = [];
  for (const { tag, value } of readTlvs(list.value)) {
    const inner = readTlvs(value);
    const status = integerOf(inner, 0x80);
    if (tag !== 0x30 || status === undefined) return undefined;
    const identification = integerOf(inner, 0x81);
    const additional = integerOf(inner, 0x82);
    const offset = integerOf(inner, 0x83);
    statuses.push({
      status,
      ...withoutUndefined({ identification, additional, offset }),
    });
  }
  const message = fields.find(({ tag }) => tag === 0x82);
  return {
    statuses,
    aborted: fields.some(({ tag }) => tag === 0x81),
    ...(message === undefined
      ? {}
      : {
          message: Buffer.from(message.value)
            .toString("utf8")
            .replace(/\p{Cc}/gu, " "),
        }),
  };
}

function integerOf(fields: readonly Tlv[], tag: number): number | undefined {
  const found = fields.find((field) => field.tag === tag);
  if (found === undefined || found.value.length === 0 || found.value.length > 4) return undefined;
  return found.value.reduce((value, octet) => value * 256 + octet, 0);
}

/** Whether the profile is installed: one element states ok, and the installation was not abandoned. */
export function isInstalled({ statuses, aborted }: EuiccResponse): boolean {
  return !aborted && statuses.some(({ status }) => status === 0);
}

/** An EUICCResponse as text. */
export function euiccResponseText({ statuses, aborted, message }: EuiccResponse): string {
  const all = statuses.map(
    ({ status, identification, offset }) =>
      `PEStatus ${status}: ${peStatusName(status)}${identification === undefined ? "" : `, element ${identification}`}${
        offset === undefined ? "" : `, offset ${offset}`
      }`,
  );
  const parts = [...(all.length === 0 ? ["no status"] : all), ...(aborted ? ["installation aborted"] : [])];
  return `${parts.join("; ")}${message === undefined ? "" : ` ("${message}")`}`;
}
