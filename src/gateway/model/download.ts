import type { DownloadId, TargetId } from "../../base/id.ts";
import type { Secret } from "../../base/secret.ts";
import type { Aid } from "../../codec/euicc/aid.ts";
import type { Eid } from "../../codec/euicc/eid.ts";
import type { Iccid } from "../../codec/euicc/iccid.ts";
import type { JobOrigin } from "./job.ts";

/** How a profile package is to be downloaded; every field has a value. */
export interface DownloadOrder {
  /** ISD-P to create; a free one is chosen when absent. */
  readonly aid?: Aid;
  /** Memory granted to the ISD-P, octets. */
  readonly quota?: number;
  /** Credentials of the SM-DP by name; those of the CI that the card trusts when absent. */
  readonly smDp?: string;
  /** Enable the profile once it is installed. */
  readonly enable: boolean;
  /** Read the state of the ISD-P from the card at the end. */
  readonly verify: boolean;
  /** Leave the ISD-P of a failed download on the card. */
  readonly keep: boolean;
  /** How often a download that broke off is begun again from CreateISDP. */
  readonly retries: number;
  /** Octets of the package in a block. */
  readonly blockOctets: number;
  /** Key version number of the SCP03 keys, 48 to 63. */
  readonly kvn: number;
  readonly keyOctets: 16 | 24 | 32;
  /** The card adds a random number to the key derivation. */
  readonly derivationRandom: boolean;
  /** Send the handshake in one script, with the challenge that follows from the new keys. */
  readonly predict: boolean;
  /** Carry all steps in one session; cards were seen with three. */
  readonly oneSession: boolean;
  /** How long a step may wait for its card. */
  readonly stepValidityMs: number;
  /** How long a card may process a script. */
  readonly budgetMs: number;
  /** Findings of the preflight that the client accepts, by code. */
  readonly accept: readonly string[];
}

/** Facts about the package, none of them secret. */
export interface PackageFacts {
  /** SHA-256 of its octets, hexadecimal. */
  readonly sha256: string;
  readonly octets: number;
  readonly blocks: number;
  readonly version?: string;
  readonly profileType?: string;
  readonly iccid?: Iccid;
  readonly imsi?: string;
}

/** Why a download ends without an installed profile, or why its outcome had to be read from the card. */
export interface DownloadFailure {
  /** `refused`: the card's EUICCResponse; `broken`: the link broke; `cancelled`: by the client. */
  readonly kind: "refused" | "broken" | "cancelled" | "card" | "keys" | "gateway";
  readonly message: string;
  readonly detail?: Readonly<Record<string, string | number | readonly number[]>>;
}

/** What is on the card, as the card itself stated it; `unknown` if nothing that it stated proves it. */
export type CardWord = "absent" | "created" | "disabled" | "enabled" | "unknown";

/** A challenge and an answer of an SCP03t handshake; neither is a secret. */
export interface HandshakeFacts {
  readonly hostChallenge: Uint8Array;
  /** Value of the card's answer 84. */
  readonly answer: Uint8Array;
}

/** What happens after an ISD-P was removed. */
export type AfterCleanUp = "begin-again" | "end";

/** Where a download is. Each state but the first and the last one waits for one job. SGP.02 §3.1 */
export type DownloadStage =
  | { readonly at: "planned" }
  /** CreateISDP. */
  | { readonly at: "isd-p" }
  /** INSTALL [for personalization] and the certificate of the SM-DP. */
  | { readonly at: "certificate" }
  /** The ephemeral key and its signature. */
  | { readonly at: "keys"; readonly randomChallenge: Uint8Array }
  /** INITIALIZE UPDATE of SCP03t, with EXTERNAL AUTHENTICATE if the card's challenge is predicted. */
  | {
      readonly at: "opening";
      readonly hostChallenge: Uint8Array;
      readonly predicted: boolean;
      /** Whether the card has the keys is not proved: its receipt was lost. */
      readonly proving: boolean;
    }
  /** EXTERNAL AUTHENTICATE alone. */
  | ({ readonly at: "authenticating" } & HandshakeFacts)
  /** The blocks of the package. */
  | ({ readonly at: "loading" } & HandshakeFacts)
  /** GET STATUS: the outcome of an earlier step is unknown, or is to be verified. */
  | { readonly at: "state"; readonly of: "isd-p" | "package" | "clean-up"; readonly failure: DownloadFailure }
  /** DeleteProfile of an ISD-P without a profile. */
  | { readonly at: "clean-up"; readonly failure: DownloadFailure; readonly next: AfterCleanUp }
  /** EnableProfile, and the profile switch that follows. */
  | { readonly at: "enabling" }
  /** GET STATUS of the installed profile. */
  | { readonly at: "verifying" }
  | { readonly at: "ended" };

/** Name of a state. */
type DownloadStageName = DownloadStage["at"];

/** How a download has ended. */
export interface DownloadOutcome {
  readonly kind: "installed" | "failed" | "cancelled" | "unknown";
  /** What is on the card now. */
  readonly card: CardWord;
  /** Both in one sentence. */
  readonly text: string;
  readonly failure?: DownloadFailure;
  /** Whether the profile was enabled, if that was ordered. */
  readonly enabled?: "confirmed" | "rolled-back" | "lapsed" | "failed";
}

/** The card's EUICCResponse, opened. */
interface StoredResponse {
  readonly octets: Uint8Array;
  readonly text: string;
  /** Block that the card answered with it, from 1. */
  readonly block: number;
}

/** One step that was taken, for the report. */
interface DownloadStepRecord {
  readonly stage: DownloadStageName;
  /** Attempt that it belongs to, from 1. */
  readonly attempt: number;
  /** Number of its job, from 1; absent for a step without one. */
  readonly job?: number;
  readonly startedAt: number;
  readonly endedAt?: number;
  /** How it ended, as text. */
  readonly result?: string;
}

/** Secrets of a download while it needs them; sealed in the store. */
interface DownloadSecrets {
  /** Private key of the key establishment. */
  readonly ephemeral?: Secret;
  /** ENC, MAC and DEK of the new ISD-P. */
  readonly keys?: readonly Secret[];
}

/** Facts of the card's certificate that keys are made with. */
interface CardKey {
  /** Reference octet of the curve. GP Amendment E §4.2.2 */
  readonly curve: number;
  readonly point: Uint8Array;
}

/** The download of a profile package into a card. */
export interface Download {
  readonly id: DownloadId;
  readonly target: TargetId;
  /** EID of the card. */
  readonly eid: Eid;
  readonly order: DownloadOrder;
  readonly origin: JobOrigin;
  readonly package: PackageFacts;
  /** Name of the SM-DP credentials. */
  readonly smDp: string;
  readonly cardKey: CardKey;
  /** AID of the ISD-P. */
  readonly isdP: Aid;
  readonly stage: DownloadStage;
  /** From 1. */
  readonly attempt: number;
  /** Number of jobs that were ordered; the last one is that of the stage. */
  readonly ordered: number;
  /** The job of the stage was ordered. */
  readonly waiting: boolean;
  readonly cancelled?: boolean;
  /** How EnableProfile ended. */
  readonly enabled?: NonNullable<DownloadOutcome["enabled"]>;
  /** What the card last stated about the ISD-P; a step under way may change it. */
  readonly card: CardWord;
  readonly secrets: DownloadSecrets;
  readonly response?: StoredResponse;
  readonly steps: readonly DownloadStepRecord[];
  readonly outcome?: DownloadOutcome;
  readonly createdAt: number;
  readonly endedAt?: number;
}

export interface DownloadFilter {
  readonly target?: TargetId;
  readonly open?: boolean;
}

export interface DownloadRepository {
  /** Stores a new download with its package, which is kept sealed until the download has ended. */
  insert(download: Download, octets: Uint8Array, idempotencyKey?: string): Promise<void>;
  put(download: Download): Promise<void>;
  get(id: DownloadId): Promise<Download | undefined>;
  /** The package; undefined once the download has ended. */
  packageOf(id: DownloadId): Promise<Uint8Array | undefined>;
  /** The download that was ordered under this idempotency key. */
  byIdempotencyKey(key: string): Promise<Download | undefined>;
  /** Downloads that have not ended, oldest first. */
  open(): Promise<Download[]>;
  /** The download of the target that has not ended. */
  openOf(target: TargetId): Promise<Download | undefined>;
  /** Newest first, before the given id. */
  list(filter: DownloadFilter, before: string | undefined, limit: number): Promise<Download[]>;
}
