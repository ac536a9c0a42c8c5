import type { TargetId } from "../../base/id.ts";
import type { Aid } from "../../codec/euicc/aid.ts";
import type { Eid } from "../../codec/euicc/eid.ts";
import type { Iccid } from "../../codec/euicc/iccid.ts";
import type { Templates } from "../../codec/euicc/templates.ts";
import type { NotificationMode } from "./notification-mode.ts";

/** A profile on the eUICC, as contained in the EIS (SGP.02 EIS ProfileInfo). */
export interface EsimProfile {
  /** AID of the ISD-P. */
  readonly aid: Aid;
  readonly iccid?: Iccid;
  readonly imsi?: string;
  readonly msisdn?: string;
  readonly state: "created" | "disabled" | "enabled";
  readonly fallback: boolean;
  readonly mnoId?: string;
  readonly smdpId?: string;
  readonly profileType?: string;
  readonly allocatedMemory?: number;
  readonly freeMemory?: number;
  readonly pol1?: number;
  /** Connectivity parameters as last set: values of A0, A1 and A2. SGP.02 §4.1.3.4 */
  readonly connectivity?: Templates;
  /** POL2 rules of the EIS; checked before a command leaves. */
  readonly pol2?: readonly {
    readonly action: "ENABLE" | "DISABLE" | "DELETE";
    readonly qualification: "Not-Allowed" | "Auto-Delete";
  }[];
}

/** Where and how a target can be reached, as configured. Cards in readers are found by EID or ICCID on their own. */
interface Reach {
  /** Link of the modem or SMSC account that carries SMS to its MSISDN; absent = any that is up. */
  readonly smsLink?: string;
  /** The only reader to look in; absent = any reader. */
  readonly reader?: string;
}

/** Settings for the communication with this target. The gateway's defaults apply to absent ones. */
export interface TargetSettings {
  /** SPI of commands, two octets (TS 102 225 §5.1.1). */
  readonly spi?: Uint8Array;
  readonly scriptFormat?: "expanded-definite" | "expanded-indefinite" | "compact";
  /** Originating address of our SMS, digits. */
  readonly originator?: string;
  /** SMSC address shown to a card in a reader, digits. */
  readonly serviceCentre?: string;
  /** How long to wait for a proof of receipt. */
  readonly answerTimeoutMs?: number;
  /**
   * `local`: we confirm notifications; `relay`: the upstream does; `withhold`: no confirmation, so that the card rolls
   * back.
   */
  readonly notifications?: NotificationMode;
  /**
   * Notifications without any security (a bare E1, a packet without CC): only `show` them (default), or `accept` them
   * as sent by the card. A notification whose CC fails is never accepted.
   */
  readonly unsecuredNotifications?: "show" | "accept";
  /** Buffer of the card for one SCP81 script, octets. */
  readonly scp81Buffer?: number;
  /** SCP81 answers to this card: chunked or Content-Length. */
  readonly scp81Framing?: "chunked" | "content-length";
  /** The card's identity in `X-Admin-From`, if that is not its EID or ICCID. */
  readonly agentId?: string;
}

/** An eUICC or UICC that we address. */
export interface Target {
  readonly id: TargetId;
  readonly kind: "euicc" | "uicc";
  readonly name?: string;
  readonly eid?: Eid;
  readonly iccid?: Iccid;
  readonly imsi?: string;
  readonly msisdn?: string;
  readonly tags: readonly string[];
  readonly esimProfiles: readonly EsimProfile[];
  /** Where the card reaches its SM-SR: values of A3, A4 and A5. SGP.02 §4.1.1.10 */
  readonly addressing?: Templates;
  /** Agent ids that scripts wrote into the card, the latest last. GP Amendment B §3.8.5 */
  readonly agentIds?: readonly string[];
  readonly reach: Reach;
  readonly settings: TargetSettings;
  /** The imported EIS unchanged, without key values. */
  readonly eis?: unknown;
  /** Grows with each change. */
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface TargetFilter {
  readonly tag?: string;
  readonly eid?: Eid;
  readonly iccid?: Iccid;
  readonly msisdn?: string;
}

/** What identifies a card, as its parsers write it. */
export type IdentityKind = "eid" | "iccid" | "imsi" | "msisdn";

/** Another target with the same name or identifier. */
export interface Namesake {
  readonly alias: string;
  /** The kind of the shared name, for this target and for the other one. */
  readonly kind: AliasKind;
  readonly other: { readonly id: TargetId; readonly eid?: Eid; readonly kind: AliasKind };
}

/** The kind of a name of a target. */
export type AliasKind = "id" | IdentityKind | "name" | "profile";

export interface TargetRepository {
  insert(target: Target): Promise<void>;
  /** Replaces it when its stored version is `target.version - 1`. @throws store.conflict */
  update(target: Target): Promise<void>;
  remove(id: TargetId): Promise<boolean>;
  get(id: TargetId): Promise<Target | undefined>;
  /** By id, EID, ICCID (its own or of one of its profiles), IMSI, MSISDN or name: one match or none. */
  resolve(reference: string): Promise<Target | undefined>;
  /**
   * The target with this EID, ICCID, IMSI or MSISDN; names of targets are ignored. A target's own identifier takes
   * precedence over that of a profile. Undefined if several targets match equally.
   */
  holding(kind: IdentityKind, value: string): Promise<Target | undefined>;
  /** Other targets that share a name or identifier with this one, for the refusal of ambiguous names. */
  namesakes(target: Target): Promise<readonly Namesake[]>;
  list(filter: TargetFilter, after: string | undefined, limit: number): Promise<Target[]>;
}

/** The enabled profile, if the EIS contains one. */
export function enabledProfile(target: Target): EsimProfile | undefined {
  return target.esimProfiles.find((profile) => profile.state === "enabled");
}
