/** Digits of an address, without what some put in front of them. */
export function digits(address: string | undefined): string | undefined {
  return address?.replace(/^\+/, "");
}
