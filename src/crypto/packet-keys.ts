import { GatewayError } from "../base/gateway-error.ts";
import {
  type CipherAlgorithm,
  cipherAlgorithm,
  crcAlgorithm,
  type MacAlgorithm,
  macAlgorithm,
} from "../codec/ota/key-identifier.ts";
import type { Protection } from "../codec/ota/spi.ts";
import { type BlockCipher, blockCipher } from "./block-cipher.ts";
import { crc16, crc32 } from "./crc.ts";
import { type Mac, macOf } from "./mac.ts";

/** Key values, and facts that a packet does not contain. */
interface KeyMaterial {
  /** KIc; may be absent when nothing is ciphered. */
  readonly kic?: Uint8Array | undefined;
  /** KID; may be absent when nothing carries a CC. */
  readonly kid?: Uint8Array | undefined;
  /** The algorithm that nibble 0 of KIc and KID means on this card. */
  readonly implicit?: "AES" | "3DES" | "DES" | undefined;
}

const implicitCiphers = { AES: "AES", DES: "DES-CBC" } as const;

/**
 * The keys of one SCP80 key set, ready for use: key schedules are made once and kept as long as this object lives.
 * Prints as `[secret]`.
 */
export class PacketKeys {
  readonly #material: KeyMaterial;
  readonly #ciphers = new Map<CipherAlgorithm, BlockCipher>();
  readonly #macs = new Map<MacAlgorithm, Mac>();

  constructor(material: KeyMaterial) {
    this.#material = material;
  }

  /** The cipher a KIc octet names. @throws crypto.key, crypto.algorithm */
  cipher(kic: number): BlockCipher {
    const algorithm = this.#cipherOf(kic);
    let cipher = this.#ciphers.get(algorithm);
    if (cipher === undefined) {
      cipher = blockCipher(algorithm, present(this.#material.kic, "KIc"));
      this.#ciphers.set(algorithm, cipher);
    }
    return cipher;
  }

  /** The checksum of the kind SPI names, by the algorithm a KID octet names. @throws crypto.key, crypto.algorithm */
  check(integrity: Exclude<Protection, "none">, kid: number, length: number): Mac {
    if (integrity === "ds") throw new GatewayError("crypto.algorithm", "digital signatures are not supported");
    if (integrity === "rc") return crcOf(kid, length);
    const algorithm = this.#macOf(kid);
    let mac = this.#macs.get(algorithm);
    if (mac === undefined) {
      mac = macOf(algorithm, present(this.#material.kid, "KID"));
      this.#macs.set(algorithm, mac);
    }
    return mac;
  }

  #cipherOf(kic: number): CipherAlgorithm {
    const named = cipherAlgorithm(kic);
    if (named !== "implicit" && named !== "reserved") return named;
    const implicit = this.#material.implicit;
    if (named === "reserved" || implicit === undefined) throw unusable("KIc", kic);
    if (implicit === "3DES") return this.#material.kic?.length === 24 ? "3DES-3" : "3DES-2";
    return implicitCiphers[implicit];
  }

  #macOf(kid: number): MacAlgorithm {
    const named = macAlgorithm(kid);
    if (named !== "implicit" && named !== "reserved") return named;
    const implicit = this.#material.implicit;
    if (named === "reserved" || implicit === undefined) throw unusable("KID", kid);
    if (implicit === "3DES") return this.#material.kid?.length === 24 ? "3DES-3" : "3DES-2";
    return implicit === "AES" ? "AES-CMAC" : "DES";
  }

  toJSON(): string {
    return "[secret]";
  }
}

function unusable(field: "KIc" | "KID", octet: number): GatewayError {
  const hex = octet.toString(16).toUpperCase().padStart(2, "0");
  return new GatewayError("crypto.algorithm", `${field} ${hex} selects no supported algorithm`, {
    detail: { field, octet },
  });
}

function present(key: Uint8Array | undefined, field: "KIc" | "KID"): Uint8Array {
  if (key === undefined || key.length === 0) {
    throw new GatewayError("crypto.key", `the packet requires a ${field} key, and the key set has none`, {
      detail: { field },
    });
  }
  return key;
}

function crcOf(kid: number, length: number): Mac {
  const named = crcAlgorithm(kid);
  if (named === "reserved") throw unusable("KID", kid);
  if (named === "implicit") {
    if (length === 2) return crc16;
    if (length === 4) return crc32;
    throw unusable("KID", kid);
  }
  return named === "CRC-16" ? crc16 : crc32;
}
