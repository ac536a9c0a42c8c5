/** What a phone indicates when it asks for service. */
export interface AttachRequest {
  readonly imsi: string;
  readonly imei: string;
  /** The number on the card, for subscribers unknown to the network. */
  readonly msisdn?: string;
}

/** Where the phone camps. */
export interface Cell {
  /** MCC and MNC, 5 or 6 digits. */
  readonly plmn: string;
  readonly name: string;
  readonly shortName: string;
  /** Tracking or location area, and cell. */
  readonly area: number;
  readonly cell: number;
  /** Access technology as +COPS counts: 0 GSM, 2 UTRAN, 7 E-UTRAN. 3GPP TS 27.007 §7.3 */
  readonly technology: number;
}

/** How the network answers {@link AttachRequest}. */
export type AttachOutcome =
  | { readonly at: "registered"; readonly roaming: boolean; readonly cell: Cell; readonly attachment: Attachment }
  /** `cause` is the EMM cause. 3GPP TS 24.301 §9.9.3.9 */
  | { readonly at: "denied"; readonly cell: Cell; readonly cause: number }
  | { readonly at: "no-cell" };

/** The phone's answer to a mobile-terminated message; `report` is its SMS-DELIVER-REPORT. */
export type DeliveryAnswer =
  | { readonly ack: true; readonly report?: Uint8Array }
  /** `cause` is the RP cause, 22 = memory capacity exceeded. 3GPP TS 24.011 §8.2.5.4 */
  | { readonly ack: false; readonly cause: number; readonly report?: Uint8Array };

/** The network's answer to a mobile-originated message. */
export type SubmitAnswer = { readonly ack: true } | { readonly ack: false; readonly cause: number };

/** The network's answer to a PDP context or PDN connection request; `cause` is the ESM cause. */
export type PacketAnswer =
  | { readonly ok: true; readonly address: string }
  | { readonly ok: false; readonly cause: number };

/** The card's answer to a challenge: RES, AUTS, or a MAC that it does not accept. TS 33.102 §6.3.3 */
export type ChallengeAnswer =
  | { readonly at: "response"; readonly res: Uint8Array }
  | { readonly at: "resynchronise"; readonly auts: Uint8Array }
  | { readonly at: "refused" };

/** What the network calls in a phone. */
export interface PhoneSide {
  /** RAND and AUTN for the card; a phone without it is no subscriber with keys. */
  authenticate?(rand: Uint8Array, autn: Uint8Array): Promise<ChallengeAnswer>;
  /** SMS-DELIVER or SMS-STATUS-REPORT, and the service centre it comes from. */
  deliver(tpdu: Uint8Array, serviceCentre: string): Promise<DeliveryAnswer>;
  /** Coverage is lost, or the network detached the phone (`cause`). */
  lost(reason: { readonly at: "no-cell" } | { readonly at: "detached"; readonly cause: number }): void;
}

/** A registered phone's way to the network. All calls fail softly once it is detached. */
export interface Attachment {
  readonly msisdn: string;
  submit(tpdu: Uint8Array, serviceCentre: string): Promise<SubmitAnswer>;
  openContext(cid: number, apn: string, type: string): Promise<PacketAnswer>;
  closeContext(cid: number): void;
  /** The phone has room for messages again (RP-SMMA). */
  memoryAvailable(): void;
  detach(): void;
}

/** A mobile network as a phone sees it, in this process or another. */
export interface RadioNetwork {
  /** Its duration follows the network's rules. An earlier attachment of the same IMSI ends. */
  attach(request: AttachRequest, phone: PhoneSide, signal?: AbortSignal): Promise<AttachOutcome>;
  /** The networks a scan finds. */
  scan(): Promise<readonly Cell[]>;
  /** The address of the service centre for subscribers who have none on the card. */
  readonly serviceCentre: string;
}
