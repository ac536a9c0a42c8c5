import type { EuiccState, ProfileState } from "./card-state.ts";
import type { PendingAgreement } from "./domains/key-establishment.ts";
import type { Scp03Session } from "./domains/scp03.ts";
import type { Directory, ElementaryFile, FileSystem } from "./files/file-tree.ts";
import type { Misbehaviour } from "./misbehaviour.ts";
import type { PackageLoader } from "./profile/loader.ts";

/** What a command handler may know of a logical channel, or of a remote session that stands in for one. */
export interface Session {
  /** AID (hex) of the selected security domain, or undefined while files are selected. */
  domain: string | undefined;
  directory: Directory | undefined;
  adf: Directory | undefined;
  file: ElementaryFile | undefined;
  /** Current record, from 1; 0 = none. */
  record: number;
  /** `remote`: came in a secured packet or session. */
  readonly rights: "terminal" | "remote";
  /** Data encryption key of the session's key set, which deciphers keys of PUT KEY. */
  readonly dek: Uint8Array | undefined;
  /** Access domains of the application that a packet came to: reading and updating, administration. */
  readonly access: { readonly files: Uint8Array; readonly administration: Uint8Array } | undefined;
  /** AID (hex) of the domain that INSTALL [for personalization] named. */
  personalize: string | undefined;
  /** STORE DATA blocks that wait for their rest. */
  stored: Uint8Array;
  /** Page of the last GET STATUS answer. */
  statusPage: number;
}

/** The parts of the card that command handlers share. */
export interface CardCore {
  readonly state: EuiccState;
  /** Files of the enabled profile. */
  readonly files: FileSystem | undefined;
  /** PINs verified since the last reset, by their names in the profile. */
  readonly verified: Set<string>;
  /** Key agreements begun by DGI 3A01, by AID (hex). */
  readonly agreements: Map<string, PendingAgreement>;
  /** Secure channels of ISD-Ps, by AID (hex). */
  readonly channels: Map<string, Scp03Session>;
  /** Profile packages on their way in, by AID (hex). */
  readonly downloads: Map<string, PackageLoader>;
  readonly misbehaviour: Misbehaviour;
  readonly random: (octets: number) => Uint8Array;
  /** Makes the state durable. */
  commit(): void;
  /** Notes a switch that is carried out once the response is out. */
  requestSwitch(target: ProfileState, type: number): void;
  /** Closes the pending notification; returns AIDs (hex) of profiles that POL1 made it delete, or undefined. */
  confirm(sequence: number): readonly string[] | undefined;
}

/** A fresh session with the MF selected. */
export function openSession(
  card: Pick<CardCore, "files">,
  rights: Session["rights"],
  options: Partial<Pick<Session, "domain" | "dek" | "access">> = {},
): Session {
  return {
    domain: options.domain,
    directory: card.files?.mf,
    adf: undefined,
    file: undefined,
    record: 0,
    rights,
    dek: options.dek,
    access: options.access,
    personalize: undefined,
    stored: new Uint8Array(0),
    statusPage: 0,
  };
}
