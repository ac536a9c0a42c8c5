import { GatewayError, isGatewayError } from "../base/gateway-error.ts";

/** Octets that complete a block. */
export function paddingFor(length: number, blockSize: number): number {
  return (blockSize - (length % blockSize)) % blockSize;
}

/** Runs `work`; a codec error becomes `packet.format` with the same facts. */
export function asFormatError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isGatewayError(error) || !error.code.startsWith("codec.")) throw error;
    throw new GatewayError("packet.format", error.message, { detail: error.detail, cause: error });
  }
}
