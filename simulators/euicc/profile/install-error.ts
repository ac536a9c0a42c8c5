/** Status codes of an EUICCResponse. TCA eUICC Profile Package §8.11 */
export const installStatus = {
  ok: 0,
  elementNotSupported: 1,
  memoryFailure: 2,
  badValues: 3,
  notEnoughMemory: 4,
  invalidFormat: 5,
  invalidParameter: 6,
  runtimeNotSupported: 7,
  libraryNotSupported: 8,
  templateNotSupported: 9,
  featureNotSupported: 10,
  pinCodeMissing: 11,
  unsupportedVersion: 31,
} as const;

/** Why the card does not take an element. */
export class InstallError extends Error {
  readonly status: number;
  /** Place in the element, from its first tag octet. */
  readonly offset: number | undefined;
  readonly additional: number | undefined;

  constructor(status: number, offset?: number, additional?: number) {
    super(`status ${status}`);
    this.status = status;
    this.offset = offset;
    this.additional = additional;
  }

  /** Whether an element that is not mandated is left out because of it, instead of the whole package. */
  get skippable(): boolean {
    const { elementNotSupported, runtimeNotSupported, libraryNotSupported, templateNotSupported, featureNotSupported } =
      installStatus;
    const lacking: readonly number[] = [
      elementNotSupported,
      runtimeNotSupported,
      libraryNotSupported,
      templateNotSupported,
      featureNotSupported,
    ];
    return lacking.includes(this.status);
  }
}

/** Ends the element with this status. @throws InstallError, always */
export function reject(status: keyof typeof installStatus, offset?: number, additional?: number): never {
  throw new InstallError(installStatus[status], offset, additional);
}
