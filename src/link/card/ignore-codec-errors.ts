import { GatewayError } from "../../base/gateway-error.ts";

/** Whether an error means that octets are malformed. */
export function isCodecError(error: unknown): boolean {
  return error instanceof GatewayError && error.code.startsWith("codec.");
}

/** Result of decoding untrusted octets of a card; undefined when they are malformed. */
export function ignoreCodecErrors<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (isCodecError(error)) return undefined;
    throw error;
  }
}
