import type { PackageNode, ProfileElement } from "../element.ts";

/** What a card does about it: `refused` by every card, `may be refused` by some, `odd` but installed by real cards. */
export type Severity = "refused" | "may be refused" | "odd";

/** Something in a package that a card may not take. */
export interface Finding {
  readonly severity: Severity;
  readonly message: string;
  /** Place of the element in the package, from 1; absent where it concerns the package. */
  readonly element?: number;
  readonly type?: string;
  /** Number in the PEHeader, which a card reports. */
  readonly identification?: number;
  /** Octets from the start of the package. */
  readonly offset: number;
  /** Octets from the start of the element, which a card reports. */
  readonly offsetInElement?: number;
  /** PEStatus that a card reports, or may report. eUICC Profile Package §8.11 */
  readonly status?: number;
}

/** A finding at a node of an element, or at the element itself. */
export function findingAt(
  element: ProfileElement,
  severity: Severity,
  status: number | undefined,
  message: string,
  node: PackageNode = element,
): Finding {
  const identification = element.header?.identification;
  return {
    severity,
    message,
    element: element.position + 1,
    type: element.type,
    offset: node.offset,
    offsetInElement: node.offset - element.offset,
    ...(identification === undefined ? {} : { identification }),
    ...(status === undefined ? {} : { status }),
  };
}

/** A finding about the package as a whole. */
export function findingOf(severity: Severity, status: number | undefined, offset: number, message: string): Finding {
  return { severity, message, offset, ...(status === undefined ? {} : { status }) };
}
