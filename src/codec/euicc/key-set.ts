import { ecCurve } from "./ec-curve.ts";

/** What a key set is for, by its version number. SGP.02 §2.2.5, GP Card Specification §11 */
export function keySetUse(kvn: number): string {
  if (kvn >= 0x01 && kvn <= 0x0f) return "SCP80";
  if (kvn === 0x11) return "DAP";
  if (kvn >= 0x20 && kvn <= 0x2f) return "SCP02";
  if (kvn >= 0x30 && kvn <= 0x3f) return "SCP03";
  if (kvn >= 0x40 && kvn <= 0x4f) return "SCP81";
  if (kvn === 0x70) return "token";
  if (kvn === 0x71) return "receipt";
  if (kvn >= 0x72 && kvn <= 0x75) return "CASD";
  return "unassigned";
}

/** What a key of a set is, by its identifier. */
export function keyRole(kvn: number, id: number): string | undefined {
  const roles: Readonly<Record<string, readonly string[]>> = {
    SCP80: ["KIc", "KID", "KIK"],
    SCP03: ["ENC", "MAC", "DEK"],
    SCP02: ["ENC", "MAC", "DEK"],
    SCP81: ["PSK", "DEK"],
  };
  return roles[keySetUse(kvn)]?.[id - 1];
}

const keyTypes: Readonly<Record<number, string>> = {
  128: "DES",
  129: "3DES",
  130: "3DES CBC",
  131: "DES ECB",
  132: "DES CBC",
  133: "PSK-TLS",
  136: "AES",
  144: "HMAC-SHA1",
  145: "HMAC-SHA1-160",
  160: "RSA public exponent",
  161: "RSA modulus",
  162: "RSA modulus",
  163: "RSA private exponent",
  164: "RSA CRT P",
  165: "RSA CRT Q",
  166: "RSA CRT PQ",
  167: "RSA CRT DP1",
  168: "RSA CRT DQ1",
  176: "ECC public key",
  177: "ECC private key",
  178: "ECC field P",
  179: "ECC field A",
  180: "ECC field B",
  181: "ECC field G",
  182: "ECC field N",
  183: "ECC field k",
  240: "ECC curve reference",
  255: "extended format",
};

/** Name of a key type octet; undefined when it is reserved. GP Card Specification §11.1.8 */
export function keyTypeName(type: number): string | undefined {
  return keyTypes[type];
}

/** Name of a curve reference; undefined when it is reserved. GP Amendment E §4.2.2 */
export function curveName(reference: number): string | undefined {
  return ecCurve(reference)?.name;
}
