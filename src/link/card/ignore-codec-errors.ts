import { GatewayError } from "../../base/gateway-error.ts";

/** Whether an error says that octets do not follow their format. */
export function isCodecError(error: unknown): boolean {
  return error instanceof GatewayError && error.code.startsWith("codec.");
}

/** What a decoder makes of octets that a card may have filled with anything; undefined when they are malformed. */
export function ignoreCodecErrors<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (isCodecError(error)) return undefined;
    throw error;
  }
}
