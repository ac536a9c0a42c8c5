import { dgiBytes } from "./dgi.ts";
import { storeBlocks } from "./es5/apdu.ts";
import { type KeyEstablishment, keyEstablishmentBlock } from "./key-establishment.ts";

/**
 * The first step of a key establishment: STORE DATA of the off-card entity's certificate (7F21). A certificate of more
 * than 251 octets takes several blocks; only the last one is answered with data. An ISD-P is addressed by INSTALL
 * [for personalization] before them. SGP.02 §4.1.1.8, §4.1.3.1
 */
export function certificateBlocks(certificate: Uint8Array): Uint8Array[] {
  return storeBlocks(dgiBytes(0x3a01, certificate), { response: true, more: true });
}

/**
 * The second step, of the same sequence of STORE DATA as the first: `firstBlock` is the number of blocks that the
 * certificate took. SGP.02 §4.1.1.8, §4.1.3.1
 */
export function keyBlocks(value: KeyEstablishment, firstBlock = 1): Uint8Array[] {
  return storeBlocks(keyEstablishmentBlock(value), { response: true, firstBlock });
}
