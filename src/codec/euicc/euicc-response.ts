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

/** PEStatus values. TCA eUICC Profile Package §8.11 */
export const peStatus = {
  ok: 0,
  elementNotSupported: 1,
  memoryFailure: 2,
  badValues: 3,
  notEnoughMemory: 4,
  invalidFormat: 5,
  invalidParameter: 6,
  runtimeNotSupported: 7,
  libraryNotSupported: 8,
  templateNotSupported: 9,
  featureNotSupported: 10,
  pinCodeMissing: 11,
  versionNotSupported: 31,
} as const;

const names: Readonly<Record<number, string>> = {
  [peStatus.ok]: "ok",
  [peStatus.elementNotSupported]: "element not supported",
  [peStatus.memoryFailure]: "memory failure",
  [peStatus.badValues]: "bad values",
  [peStatus.notEnoughMemory]: "not enough memory",
  [peStatus.invalidFormat]: "invalid request format",
  [peStatus.invalidParameter]: "invalid parameter",
  [peStatus.runtimeNotSupported]: "runtime not supported",
  [peStatus.libraryNotSupported]: "library not supported",
  [peStatus.templateNotSupported]: "template not supported",
  [peStatus.featureNotSupported]: "feature not supported",
  [peStatus.pinCodeMissing]: "PIN code missing",
  [peStatus.versionNotSupported]: "unsupported profile version",
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
