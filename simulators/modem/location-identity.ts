import { createHash } from "node:crypto";
import type { PlainCardOptions } from "./plain-card.ts";

/** Who a modem and the plain card in it are. */
interface LocationIdentity {
  readonly imei: string;
  readonly card: Required<Pick<PlainCardOptions, "iccid" | "imsi" | "msisdn">>;
}

/**
 * Identifiers made from where a modem is plugged in: several modems on one network are distinguished, and each stays
 * the same from start to start.
 */
export function identityOf(place: string): LocationIdentity {
  const hash = createHash("sha256").update(place).digest();
  const number = String(hash.readUIntBE(0, 6) % 10_000_000).padStart(7, "0");
  return {
    imei: withLuhn(`3500000${number}`),
    card: { iccid: withLuhn(`89001010000${number}`), imsi: `00101000${number}`, msisdn: `+1555${number}` },
  };
}

/** The digits with their check digit. ITU-T E.118, 3GPP TS 23.003 annex B */
function withLuhn(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const doubled = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}
