/** What kind of secret a command carries. */
export type SecretKind = "pin" | "key";

/** VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN. ETSI TS 102 221 §10.1.2 */
const pinInstructions = new Set([0x20, 0x24, 0x26, 0x28, 0x2c]);

/** PUT KEY. GP Card Specification §11.8 */
const putKey = 0xd8;

/**
 * What secret the data of a command APDU hold; undefined for none. Only the header is looked at, so that a malformed
 * command is hidden just as well.
 */
export function secretOfCommand(apdu: Uint8Array): SecretKind | undefined {
  const ins = apdu[1] ?? 0;
  if (pinInstructions.has(ins)) return "pin";
  return ins === putKey ? "key" : undefined;
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
