import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { GatewayError, isGatewayError } from "../base/gateway-error.ts";
import { fromHex } from "../base/hex.ts";
import type { Secret } from "../base/secret.ts";
import { readEcPrivateKey } from "../crypto/certificates/ec-key.ts";
import { reasonOf } from "../face/cli/input-file.ts";
import type { SmDpCredentials } from "../gateway/downloads/credentials.ts";
import type { Seal } from "../gateway/model/store.ts";
import type { SmDpConfig } from "./config/sm-dp.ts";
import { readSecret } from "./secrets.ts";

/** The purpose that sealed keys of SM-DPs are bound to, and the text before them. */
const sealPurpose = "sm-dp key";
const sealedPrefix = "otagate-sealed:";

/** A private key in PEM as it is stored, sealed with the master key. */
export function sealedKey(pem: Uint8Array, seal: Seal): string {
  return `${sealedPrefix}${Buffer.from(seal.seal(pem, sealPurpose)).toString("base64")}\n`;
}

/** The configured SM-DPs. @throws config.invalid, config.secret, config.unreadable naming the SM-DP and the field */
export function smDpCredentials(
  configured: readonly SmDpConfig[],
  seal: () => Seal,
  env: NodeJS.ProcessEnv,
): SmDpCredentials[] {
  return configured.map(({ name, certificate, key, ci, eums }) => {
    const field = (part: string) => `smDp '${name}': ${part}`;
    return {
      name,
      certificate: certificateFile(field("certificate"), certificate),
      key: named(field("key"), () => readEcPrivateKey(pemOf(readSecret(key, env), seal))),
      ...(ci === undefined ? {} : { ci: x509File(field("ci"), ci) }),
      eums: eums.map((file) => x509File(field("eums"), file)),
    };
  });
}

function pemOf(secret: Secret, seal: () => Seal): string {
  const text = Buffer.from(secret.reveal()).toString("latin1");
  if (!text.startsWith(sealedPrefix)) return text;
  const octets = Buffer.from(text.slice(sealedPrefix.length), "base64");
  return Buffer.from(seal().open(octets, sealPurpose)).toString("latin1");
}

function fileOctets(field: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new GatewayError("config.unreadable", `${field}: cannot read ${file}${reasonOf(cause)}`, {
      detail: { file },
      cause,
    });
  }
}

/** 7F21 as octets or as hexadecimal text; what is in it is checked when it is used. */
function certificateFile(field: string, file: string): Uint8Array {
  const octets = fileOctets(field, file);
  if (octets[0] === 0x7f) return new Uint8Array(octets);
  const text = octets.toString("latin1").replace(/\s+/g, "");
  if (/^7f21([0-9a-f]{2})+$/i.test(text)) return fromHex(text);
  throw new GatewayError("config.invalid", `${field}: ${file} is not a certificate (7F21)`, { detail: { file } });
}

function x509File(field: string, file: string): X509Certificate {
  const octets = fileOctets(field, file);
  try {
    return new X509Certificate(octets);
  } catch (cause) {
    throw new GatewayError("config.invalid", `${field}: ${file} is not an X.509 certificate`, {
      detail: { file },
      cause,
    });
  }
}

/** An error about a key with the name of its SM-DP. */
function named<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isGatewayError(error) || error.code === "config.secret") throw error;
    throw new GatewayError(error.code, `${field}: ${error.message}`, { detail: error.detail, cause: error });
  }
}
