import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/** One packet or session script that the card accepted, and what it did. Commands that carry secrets appear as headers. */
export interface Executed {
  /** Wall clock, ISO 8601. */
  readonly at: string;
  readonly eid: string;
  readonly bearer: "sms" | "https";
  /** Three octets, hex. */
  readonly tar: string;
  /** Five octets, hex; absent on HTTPS. */
  readonly cntr?: string;
  readonly kvn?: number;
  readonly spi?: string;
  readonly apdus: readonly { readonly command: string; readonly sw: string }[];
}

/** Appends each record as a JSON line. */
export function executionFile(path: string): (record: Executed) => void {
  mkdirSync(dirname(path), { recursive: true });
  return (record) => appendFileSync(path, `${JSON.stringify(record)}\n`);
}
