/** A short message as a phone gets or sends it. */
export interface SimulatedSms {
  readonly from: string;
  readonly to: string;
  readonly userData: Uint8Array;
  readonly userDataHeader: boolean;
  readonly protocolId: number;
  /** TP-DCS. */
  readonly dataCoding: number;
}

/** Meaning of the phone: taken, or an RP cause. */
export type SimulatedVerdict = { readonly ack: true } | { readonly ack: false; readonly cause: number };

/** A phone, modem or card behind the SMSC. */
type SimulatedHandset = (sms: SimulatedSms) => Promise<SimulatedVerdict>;

type StoredState = "enroute" | "delivered" | "undeliverable" | "expired" | "deleted";

/** A submitted message in the SMSC's memory. */
export interface StoredMessage {
  readonly number: number;
  readonly owner: string;
  readonly sms: SimulatedSms;
  readonly source: { readonly ton: number; readonly npi: number; readonly addr: string };
  readonly destination: { readonly ton: number; readonly npi: number; readonly addr: string };
  readonly wantsReceipt: boolean;
  readonly userMessageReference?: number;
  readonly responseId: string;
  readonly receiptId: string;
  state: StoredState;
  submittedAt: number;
  doneAt?: number;
}

/** Something waiting for an ESME. */
export interface StoredDelivery {
  readonly owner: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly done: () => void;
}

/**
 * What outlives a restart of the simulated SMSC: its messages, what waits for ESMEs, and the phones by number. Phones
 * under `*` take every number that is not assigned.
 */
export class SmscStore {
  readonly handsets = new Map<string, SimulatedHandset>();
  readonly messages = new Map<string, StoredMessage>();
  readonly deliveries: StoredDelivery[] = [];
  /** Messages a phone is taking at the moment. */
  readonly delivering = new Set<StoredMessage>();
  /** Called when something waits for ESMEs; the SMSC that is up sets it. */
  changed: () => void = () => {};
  #last = 0;

  /** A number for a new message. */
  nextNumber(): number {
    this.#last += 1;
    return this.#last;
  }

  /** Puts a phone behind a number (digits, with or without `+`; `*` for all others); returns its removal. */
  attach(msisdn: string, handset: SimulatedHandset): () => void {
    const key = msisdn.replace(/^\+/, "");
    this.handsets.set(key, handset);
    return () => void (this.handsets.get(key) === handset && this.handsets.delete(key));
  }

  /** The phone of a number. */
  handset(msisdn: string): SimulatedHandset | undefined {
    return this.handsets.get(msisdn.replace(/^\+/, "")) ?? this.handsets.get("*");
  }
}
