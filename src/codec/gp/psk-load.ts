import { concatBytes } from "../../base/hex.ts";
import { tlvBytes } from "../kit/ber.ts";
import { putKeyCommand, putKeyData, type WrappedKey } from "./put-key.ts";

/** A PSK ready to be loaded: encrypted by the data encryption key of the channel that carries it. */
interface WrappedPsk extends Omit<WrappedKey, "type"> {
  readonly kvn: number;
  readonly kid: number;
  /** How the KCV was made when not by SHA-1: `11` is the AES way. GP Amendment B v1.2 §3.9.2 */
  readonly kcvAlgorithm?: number;
}

/** Data of PUT KEY: new version, then the key of type `85`. GP Amendment B §3.9.1 */
export function pskPutKeyData(psk: WrappedPsk): Uint8Array {
  return putKeyData(psk.kvn, [pskOf(psk)]);
}

/**
 * PUT KEY for a new key version, `replaces` names the version to be replaced. GP Card Specification §11.8
 * @throws codec.length for more than 255 octets of data
 */
export function pskPutKeyCommand(psk: WrappedPsk, replaces = 0): Uint8Array {
  return putKeyCommand(psk.kvn, psk.kid, [pskOf(psk)], { replaces });
}

function pskOf(psk: WrappedPsk): WrappedKey {
  return { ...psk, type: 0x85 };
}

/** The two DGIs that load a PSK by STORE DATA: `00B9` with its description, `8113` with the key. GP Amendment B §3.9.2 */
export function pskDgis(
  psk: WrappedPsk,
  access?: number,
): { readonly description: Uint8Array; readonly key: Uint8Array } {
  const attributes = tlvBytes(
    0xb9,
    tlvBytes(0x95, Uint8Array.of(0x3c)),
    access === undefined ? new Uint8Array() : tlvBytes(0x96, Uint8Array.of(access)),
    tlvBytes(0x80, Uint8Array.of(0x85)),
    tlvBytes(0x81, lengthOctets(psk.keyLength)),
    tlvBytes(0x82, Uint8Array.of(psk.kid)),
    tlvBytes(0x83, Uint8Array.of(psk.kvn)),
    tlvBytes(0x84, psk.kcv),
    psk.kcvAlgorithm === undefined ? new Uint8Array() : tlvBytes(0x85, Uint8Array.of(psk.kcvAlgorithm)),
  );
  return { description: dgi(0x00b9, attributes), key: dgi(0x8113, psk.encrypted) };
}

function lengthOctets(length: number): Uint8Array {
  return length < 0x100 ? Uint8Array.of(length) : Uint8Array.of(length >> 8, length & 0xff);
}

function dgi(tag: number, value: Uint8Array): Uint8Array {
  const length =
    value.length < 0xff ? Uint8Array.of(value.length) : Uint8Array.of(0xff, value.length >> 8, value.length & 0xff);
  return concatBytes(Uint8Array.of(tag >> 8, tag & 0xff), length, value);
}
