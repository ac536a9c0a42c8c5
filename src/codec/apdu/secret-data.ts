/** What kind of secret a command carries. */
export type SecretKind = "pin" | "key";

/** VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN. ETSI TS 102 221 §10.1.2 */
const pinInstructions = new Set([0x20, 0x24, 0x26, 0x28, 0x2c]);

/** PUT KEY. GP Card Specification §11.8 */
const putKey = 0xd8;

/** STORE DATA. GP Card Specification §11.11 */
const storeData = 0xe2;

/**
 * What secret the data of a command APDU hold; undefined for none. Of PIN commands and PUT KEY only the header is looked
 * at, so that a malformed one is hidden just as well; STORE DATA holds keys or PINs when a data group of it does.
 */
export function secretOfCommand(apdu: Uint8Array): SecretKind | undefined {
  const ins = apdu[1] ?? 0;
  if (pinInstructions.has(ins)) return "pin";
  return ins === putKey || (ins === storeData && storesKeys(apdu)) ? "key" : undefined;
}

export function isStoreData(apdu: Uint8Array): boolean {
  return apdu[1] === storeData;
}

/** Whether a secret STORE DATA goes on in the next block: it is not marked as the last one. */
export function secretGoesOn(apdu: Uint8Array): boolean {
  return isStoreData(apdu) && ((apdu[2] ?? 0) & 0x80) === 0;
}

/**
 * Groups 8000 to 8FFF are those whose content is confidential: PINs, keys, private keys. Cut off or not, they are found.
 * EMV Card Personalization Specification §2.2, GP Card Specification Amendment A §4
 */
function storesKeys(apdu: Uint8Array): boolean {
  const inTlvs = ((apdu[2] ?? 0) & 0x18) === 0x10;
  if (inTlvs) return false;
  for (let at = 5; at < apdu.length; ) {
    if ((apdu[at] ?? 0) >> 4 === 0x8) return true;
    const long = apdu[at + 2] === 0xff;
    const length = long ? ((apdu[at + 3] ?? 0) << 8) | (apdu[at + 4] ?? 0) : (apdu[at + 2] ?? 0);
    at += (long ? 5 : 3) + length;
  }
  return false;
}

/**
 * Whether octets of which the structure is lost may hold the data of PUT KEY or of a PIN command: a header of one stands
 * somewhere in them. Errs towards yes.
 */
export function mayHoldSecret(octets: Uint8Array): boolean {
  for (let at = 0; at + 5 < octets.length; at++) {
    const [cla = 0, ins = 0, p1 = 0, , p3 = 0, , keyType = 0x80] = octets.subarray(at, at + 7);
    if (ins === putKey && (cla & 0x80) !== 0 && p1 < 0x80 && (keyType >> 4 === 8 || keyType === 0xff)) return true;
    const pin = pinInstructions.has(ins) && ((cla & 0x80) === 0 || cla === 0xa0);
    if (pin && p1 === 0 && (p3 === 8 || p3 === 16)) return true;
  }
  return false;
}

/** Whether the answer of a command carries session keys: AUTHENTICATE, RUN GSM ALGORITHM. 3GPP TS 31.102 §7.1.2 */
export function answersWithKeys(apdu: Uint8Array): boolean {
  const ins = apdu[1] ?? 0;
  return ins === 0x88 || ins === 0x89;
}

/** The octets of a command with its secret overwritten by zeros, lengths kept; the same octets when it has none. */
export function withoutSecret(apdu: Uint8Array): Uint8Array {
  if (secretOfCommand(apdu) === undefined || apdu.length <= 5) return apdu;
  return Uint8Array.from(apdu).fill(0, 5);
}
