import { codecError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { tlvBytes } from "../kit/ber.ts";
import { encode } from "../kit/codec.ts";
import { StoredSessionParameters } from "./session-parameters.ts";

const blockOctets = 255;

/** The TLV that STORE DATA carries for session parameters; `85 00` removes them. GP Amendment B §3.8 */
export function sessionParametersTlv(mode: "replace" | "change", parameters: StoredSessionParameters): Uint8Array {
  return tlvBytes(mode === "replace" ? 0x85 : 0xa5, encode(StoredSessionParameters, parameters));
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
