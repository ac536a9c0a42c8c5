import { readPskIdentity } from "../../codec/gp/psk-identity.ts";
import { keyWords } from "../card/gp-command.ts";

/** A PSK identity as text: EID and key where it is an eUICC's, otherwise its text. SGP.02 §2.4.3 */
export function pskIdentityWords(octets: Uint8Array): string {
  const text = new TextDecoder("latin1").decode(octets);
  const read = readPskIdentity(text);
  return read === undefined ? `"${text}"` : `EID ${read.eid}, ${keyWords(read.kvn, read.kid)}`;
}
