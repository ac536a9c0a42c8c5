/** Device identities of CAT. ETSI TS 102 223 §8.7 */
export const device = {
  keypad: 0x01,
  display: 0x02,
  earpiece: 0x03,
  uicc: 0x81,
  terminal: 0x82,
  network: 0x83,
  application: 0x84,
} as const;

/** What a device octet stands for; undefined when it is reserved. */
export function deviceName(octet: number): string | undefined {
  if (octet >= 0x10 && octet <= 0x17) return `additional card reader ${octet - 0x10}`;
  if (octet >= 0x21 && octet <= 0x27) return `channel ${octet - 0x20}`;
  if (octet >= 0x31 && octet <= 0x37) return `eCAT client ${octet - 0x30}`;
  for (const [name, value] of Object.entries(device)) if (value === octet) return name.toLowerCase();
  return undefined;
}

/** BIP channel a device octet addresses (1 to 7); undefined when it addresses none. */
export function deviceChannel(octet: number): number | undefined {
  return octet >= 0x21 && octet <= 0x27 ? octet - 0x20 : undefined;
}
