import type { TargetId } from "../../base/id.ts";
import type { Secret } from "../../base/secret.ts";
import { isdRTar, type Tar } from "../../codec/euicc/aid.ts";

/** Cipher and MAC algorithms of a SCP80 key set (TS 102 225 §5.1.2, §5.1.3). */
type Scp80Algorithm = "AES" | "3DES" | "DES";

/** A key set without its values: safe to display. */
export interface KeySetInfo {
  readonly id: string;
  readonly target: TargetId;
  readonly type: "SCP80" | "SCP81" | "SCP03" | "token" | "receipt";
  /** Key version number: 1–15 SCP80, 48–63 SCP03, 64–79 SCP81. */
  readonly kvn: number;
  /** TARs it serves, hexadecimal; empty = those of the ISD-R and its ISD-Ps. */
  readonly tars: readonly Tar[];
  readonly algorithm: Scp80Algorithm | "PSK";
  /** Number of octets of the RC/CC that this key set requires (4 or 8). */
  readonly ccLength: number;
  /** Last SCP80 counter handed out. */
  readonly cntr: number;
  /** PSK identity as the card sends it, if it does not have the SGP.02 form. */
  readonly pskIdentity?: string;
}

/** A key set with its values: SCP80 = KIc, KID, KIK (DEK); SCP81 = PSK, DEK. */
export interface KeySet extends KeySetInfo {
  /** By key identifier (1 = KIc or PSK, 2 = KID, 3 = KIK). */
  readonly keys: ReadonlyMap<number, Secret>;
}

export interface KeySetRepository {
  /** Inserts or replaces the set with the same target, type, KVN and TARs. The counter never goes down. */
  put(set: KeySet): Promise<void>;
  list(target: TargetId): Promise<KeySetInfo[]>;
  /** Sets of this type with values, lowest KVN first. */
  open(target: TargetId, type: KeySetInfo["type"]): Promise<KeySet[]>;
  /** Every set with this PSK identity, letters in any case, without values. */
  withPskIdentity(identity: string): Promise<KeySetInfo[]>;
  remove(id: string): Promise<boolean>;
  /** The next counter value, reserved permanently. @throws crypto.key when the counter is exhausted */
  nextCounter(id: string): Promise<number>;
  /**
   * Accepts the counter of a packet that the card secured with this key set; false if the same or a higher counter was
   * accepted before.
   */
  acceptCounter(id: string, cntr: number): Promise<boolean>;
  /** Moves the counter up to at least `floor`; never down. */
  raiseCounter(id: string, floor: number): Promise<void>;
}

/** The largest CNTR (five octets). */
export const maxCounter = 0xff_ff_ff_ff_ff;

/** Whether a SCP80 key set serves this TAR: named ones, or by default ISD-R (000001) and ISD-Ps (000010–00FFFF). */
export function servesTar(set: KeySetInfo, tar: Tar): boolean {
  if (set.tars.length > 0) return set.tars.includes(tar);
  return tar === isdRTar || (tar >= "000010" && tar <= "00FFFF");
}
