import { fromHex, toHex } from "../../src/base/hex.ts";

/** AID of the ISD-R in hexadecimal. SGP.02 §2.2.3 */
export const isdRAid = "A0000005591010FFFFFFFF8900000100";

/** An EID from its first 30 digits: the two check digits make the whole number leave 1 on division by 97. ISO/IEC 7064 */
export function eidOf(first30: string): string {
  let remainder = 0;
  for (const digit of `${first30}00`) remainder = (remainder * 10 + Number(digit)) % 97;
  return first30 + String(98 - remainder).padStart(2, "0");
}

/** The agent id by which an eUICC's security domain names itself in `X-Admin-From`. SGP.02 §2.4.4 */
export function agentIdOf(eid: string, aid = isdRAid): string {
  return `//se-id/eid/${eid};//aa-id/aid/${aid.slice(0, 10)}/${aid.slice(10)}`;
}

/** PSK identity of an eUICC's security domain: 90 hexadecimal digits. SGP.02 §2.4.3, table 4 */
export function pskIdentityOf(eid: string, kvn: number, keyId: number, aid = isdRAid): string {
  const octet = (value: number) => toHex(Uint8Array.of(value));
  return `800102${`8110${eid}`}4F${octet(fromHex(aid).length)}${aid}8201${octet(keyId)}8301${octet(kvn)}`;
}
