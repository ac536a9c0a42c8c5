const names = [
  "PoR OK",
  "RC/CC/DS failed",
  "CNTR low",
  "CNTR high",
  "CNTR blocked",
  "ciphering error",
  "unidentified security error",
  "insufficient memory",
  "more time",
  "TAR unknown",
  "insufficient security level",
  "actual response to be sent by SMS-SUBMIT",
  "actual response to be sent by USSD",
] as const;

/** Response status codes by name. ETSI TS 102 225 §5.2, 3GPP TS 31.115 §7 */
export const porStatus = {
  ok: 0x00,
  checkFailed: 0x01,
  counterLow: 0x02,
  counterHigh: 0x03,
  counterBlocked: 0x04,
  cipheringError: 0x05,
  unidentifiedSecurityError: 0x06,
  insufficientMemory: 0x07,
  moreTime: 0x08,
  tarUnknown: 0x09,
  insufficientSecurityLevel: 0x0a,
  answerBySubmit: 0x0b,
  answerByUssd: 0x0c,
} as const;

/** Name of a response status code. */
export function porStatusName(status: number): string {
  return names[status] ?? (status >= 0xc0 && status <= 0xfe ? "proprietary" : "reserved");
}

/** A response status in a sentence, from its name. */
export function porWords(name: string): string {
  return name.startsWith("PoR") ? name : `PoR ${name}`;
}

/** True for the statuses after which the final PoR still comes: more time, by SMS-SUBMIT, by USSD. */
export function porFollows(status: number): boolean {
  return status === 0x08 || status === 0x0b || status === 0x0c;
}
