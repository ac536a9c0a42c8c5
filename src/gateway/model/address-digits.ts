/** Digits of an address, without a leading `+` or other prefix characters. */
export function digits(address: string | undefined): string | undefined {
  return address?.replace(/^\+/, "");
}
