import { withoutUndefined } from "../base/defined.ts";
import { GatewayError } from "../base/gateway-error.ts";
import { toHex } from "../base/hex.ts";
import { octetsOrNone } from "../base/octet-text.ts";
import type { EisKeySet } from "../codec/eis/read.ts";
import { aesKcv, unwrapKeyValue } from "./transport-key.ts";

/** Lengths of AES keys in octets. */
const aesLengths: readonly number[] = [16, 24, 32];

/**
 * A key set of an EIS with its values in clear, as an import describes it. Each value is compared with its check value;
 * a difference becomes a warning.
 * @throws target.invalid for a value that is not hexadecimal, crypto.key for one that cannot be unwrapped
 */
export function clearKeySet(
  { kvn, type, cntr, keys }: EisKeySet,
  transportKey: Uint8Array | undefined,
  warnings: string[],
): EisKeySet {
  const clear = keys.map(({ id, type: keyType, value, kcv }) => {
    const at = `Isd-r.Keyset ${kvn}.Key ${id}`;
    const given = octetsOrNone(value);
    if (given === undefined)
      throw new GatewayError("target.invalid", `${at}: must be hexadecimal`, { detail: { field: at } });
    const octets = transportKey === undefined ? given : unwrapKeyValue(given, transportKey);
    const checkable = aesLengths.includes(octets.length) && keyType === "88";
    if (kcv !== undefined && checkable && toHex(aesKcv(octets)) !== kcv.toUpperCase())
      warnings.push(`${at}: its check value is wrong`);
    return { id, type: keyType, value: toHex(octets) };
  });
  return { kvn, type, ...withoutUndefined({ cntr }), keys: clear };
}
