/**
 * An IMEI of 8 octets as text, wherever it stands: its fifteen digits, with what is odd about them; undefined for
 * octets that are not digits. ETSI TS 102 223 §8.20, 3GPP TS 24.008 §10.5.1.4
 */
export function imeiWords(octets: Uint8Array): string | undefined {
  const text = [...octets].map((octet) => `${(octet & 0x0f).toString(16)}${(octet >> 4).toString(16)}`).join("");
  if (octets.length !== 8 || !/^.\d{15}$/.test(text)) return undefined;
  const digits = text.slice(1);
  return text.startsWith("a") ? digits : `${digits}, with ${text.charAt(0)} in place of A as the type of identity`;
}
