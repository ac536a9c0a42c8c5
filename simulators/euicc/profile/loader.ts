import { concatBytes } from "../../../src/base/hex.ts";
import type { CardSettings } from "../card-state.ts";
import { type ElementStatus, euiccResponse } from "./euicc-response.ts";
import { identificationOf } from "./fields.ts";
import { InstallError, installStatus } from "./install-error.ts";
import { type InstalledProfile, Installer } from "./installer.ts";

/** What a piece of a package led to: more to come, or the EUICCResponse, with the profile if there is one. */
type LoadResult =
  | { readonly at: "more" }
  | { readonly at: "end"; readonly response: Uint8Array; readonly profile?: InstalledProfile };

/** Longest element that the card holds at a time. */
const elementLimit = 0x10000;

/** A package on its way in: keeps no more of it than the element that is not complete yet. */
export class PackageLoader {
  readonly #installer: Installer;
  #held: Uint8Array = new Uint8Array(0);
  #blocks = 0;

  constructor(settings: CardSettings, room: number) {
    this.#installer = new Installer(settings, room);
  }

  /** Blocks that came so far. */
  get blocks(): number {
    return this.#blocks;
  }

  /** Takes the next piece; elements are carried out as they become complete. */
  take(piece: Uint8Array): LoadResult {
    this.#blocks += 1;
    let rest = concatBytes(this.#held, piece);
    for (;;) {
      const length = elementLength(rest);
      if (length === "malformed") return this.#refused(new InstallError(installStatus.invalidFormat, 0), rest);
      if (length !== undefined && length > elementLimit)
        return this.#refused(new InstallError(installStatus.notEnoughMemory, 0), rest);
      if (length === undefined || length > rest.length) {
        this.#held = rest.slice();
        return { at: "more" };
      }
      const element = rest.subarray(0, length);
      rest = rest.subarray(length);
      try {
        this.#installer.take(element);
      } catch (error) {
        if (!(error instanceof InstallError)) throw error;
        return this.#refused(error, element);
      }
      const { profile, warnings } = this.#installer;
      if (profile) {
        const statuses = [...warnings, { status: installStatus.ok }];
        return { at: "end", response: euiccResponse(statuses, false), profile };
      }
    }
  }

  #refused({ status, offset, additional }: InstallError, element: Uint8Array): LoadResult {
    const identification = identificationOf(element);
    const last: ElementStatus = { status, identification, additional, offset };
    return { at: "end", response: euiccResponse([...this.#installer.warnings, last], true) };
  }
}

/** Octets of the element that begins here, undefined while its length is not there yet. */
function elementLength(bytes: Uint8Array): number | "malformed" | undefined {
  const [first] = bytes;
  if (first === undefined) return undefined;
  if ((first & 0xe0) !== 0xa0) return "malformed";
  const at = (first & 0x1f) === 0x1f ? 2 : 1;
  const length = bytes[at];
  if (length === undefined) return undefined;
  if (length < 0x80) return at + 1 + length;
  const octets = length - 0x80;
  if (octets === 0 || octets > 3) return "malformed";
  if (bytes.length < at + 1 + octets) return undefined;
  const start = at + 1 + octets;
  return start + bytes.subarray(at + 1, start).reduce((sum, octet) => sum * 256 + octet, 0);
}
