import { codecError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { tlvBytes } from "../kit/ber.ts";
import { encode } from "../kit/codec.ts";
import { StoredDnsParameters, StoredSessionParameters } from "./session-parameters.ts";

/** Tag of a stored set: `85` and `F4` replace the whole set, `A5` and `F5` change only what they name. */
export type StoredSetTag = 0x85 | 0xa5 | 0xf4 | 0xf5;

const blockOctets = 255;

/** The TLV that STORE DATA carries for session parameters; `85 00` removes them. GP Amendment B §3.8 */
export function sessionParametersTlv(mode: "replace" | "change", parameters: StoredSessionParameters): Uint8Array {
  return tlvBytes(mode === "replace" ? 0x85 : 0xa5, encode(StoredSessionParameters, parameters));
}

/** The TLV that STORE DATA carries for name resolution. GP Amendment B §3.11 */
export function dnsParametersTlv(mode: "replace" | "change", parameters: StoredDnsParameters): Uint8Array {
  return tlvBytes(mode === "replace" ? 0xf4 : 0xf5, encode(StoredDnsParameters, parameters));
}

/**
 * STORE DATA commands in BER-TLV form for these TLVs, in blocks of at most 255 octets.
 * GP Card Specification §11.11
 * @throws codec.length beyond 256 blocks
 */
export function storeDataCommands(data: Uint8Array): Uint8Array[] {
  const blocks = Math.max(1, Math.ceil(data.length / blockOctets));
  if (blocks > 256) throw codecError("codec.length", `${data.length} octets need more than 256 blocks`, 0);
  return Array.from({ length: blocks }, (_, block) => {
    const part = data.subarray(block * blockOctets, (block + 1) * blockOctets);
    const p1 = block === blocks - 1 ? 0x90 : 0x10;
    return concatBytes(Uint8Array.of(0x80, 0xe2, p1, block, part.length), part);
  });
}

/** GET DATA for a whole stored set, or with `member` for one of its TLVs. GP Amendment B §3.8 */
export function readParametersCommand(set: "session" | "dns", member?: number): Uint8Array {
  if (member === undefined) return Uint8Array.of(0x80, 0xca, 0x00, set === "session" ? 0x85 : 0xf4, 0x00);
  return Uint8Array.of(0x80, 0xca, 0x00, set === "session" ? 0xa5 : 0xf5, 0x03, 0x5c, 0x01, member, 0x00);
}

/** STORE DATA data that sets the TLS versions of SCP `81` (DGI `C981`); `option` is the octet "i". GP Amendment B §3.2.1 */
export function scpOptionDgi(option: number): Uint8Array {
  return Uint8Array.of(0xc9, 0x81, 0x02, 0x81, option);
}
