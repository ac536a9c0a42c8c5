import { randomBytes } from "node:crypto";
import { AuthenticationCentre, type SubscriberKeys } from "./authentication.ts";
import type {
  Attachment,
  AttachOutcome,
  AttachRequest,
  Cell,
  PacketAnswer,
  PhoneSide,
  RadioNetwork,
  SubmitAnswer,
} from "./radio.ts";
import { digitsOnly, SmsCentre } from "./sms-centre.ts";

/** Who may register, first match wins; without a match everybody may. */
interface RegistrationRule {
  /** Leading digits of the IMSI; empty matches all. */
  readonly imsi: string;
  readonly allow: boolean;
  /** EMM cause of a refusal, 11 (PLMN not allowed) unless given. */
  readonly cause?: number;
  /** How long the attach takes; otherwise the network's usual time. */
  readonly delayMs?: number;
  readonly roaming?: boolean;
}

/** A subscription: which number an IMSI has. */
interface Subscriber {
  readonly imsi: string;
  readonly msisdn: string;
  /** The card has to prove that it has these; without them everybody with the IMSI is admitted. */
  readonly keys?: SubscriberKeys;
}

/** What a {@link SimulatedNetwork} is like; every field has a default. */
export interface NetworkOptions {
  readonly cell?: Partial<Cell>;
  readonly rules?: readonly RegistrationRule[];
  readonly subscribers?: readonly Subscriber[];
  readonly attachMs?: number;
  readonly serviceCentre?: string;
  readonly smsRetryMs?: number;
  readonly smsValidityMs?: number;
  /** Access point names there are; any when not given. */
  readonly apns?: readonly string[];
  readonly now?: () => number;
  readonly random?: (octets: number) => Uint8Array;
}

/** Illegal UE: the answer to the challenge is wrong. TS 24.301 annex A.1 */
const illegalPhone = 3;

const testCell: Cell = {
  plmn: "00101",
  name: "Test PLMN 1-1",
  shortName: "Test",
  area: 0x1a2b,
  cell: 0x12c3d4,
  technology: 7,
};

interface Registered {
  readonly imsi: string;
  readonly msisdn: string;
  readonly phone: PhoneSide;
  readonly contexts: Map<number, string>;
  live: boolean;
}

/**
 * A small mobile network for any number of simulated phones: registration rules, an SMS centre, packet addresses.
 * Everything may be changed while phones are on it.
 */
export class SimulatedNetwork implements RadioNetwork {
  readonly sms: SmsCentre;
  readonly #options: NetworkOptions;
  readonly #cell: Cell;
  readonly #byNumber = new Map<string, Registered>();
  readonly #numbers = new Map<string, string>();
  readonly #authentication: AuthenticationCentre;
  #rules: readonly RegistrationRule[];
  #coverage = true;
  #address = 1;

  constructor(options: NetworkOptions = {}) {
    this.#options = options;
    this.#cell = { ...testCell, ...options.cell };
    this.#rules = options.rules ?? [];
    this.#authentication = new AuthenticationCentre(
      options.random ?? ((octets) => new Uint8Array(randomBytes(octets))),
    );
    for (const subscriber of options.subscribers ?? []) this.subscribe(subscriber);
    this.sms = new SmsCentre({
      address: options.serviceCentre ?? "+15551000000",
      retryMs: options.smsRetryMs ?? 30_000,
      validityMs: options.smsValidityMs ?? 2 * 86_400_000,
      now: options.now ?? Date.now,
      page: async (msisdn, tpdu) => {
        const there = this.#byNumber.get(msisdn);
        if (there === undefined || !there.live || !this.#coverage) return undefined;
        return await there.phone.deliver(tpdu, this.sms.address).catch(() => undefined);
      },
    });
  }

  get serviceCentre(): string {
    return this.sms.address;
  }

  /** Numbers of the phones that are registered now. */
  get registered(): readonly string[] {
    return [...this.#byNumber.values()].filter(({ live }) => live).map(({ msisdn }) => msisdn);
  }

  /** True for the number of a phone that is registered, or of a known subscription. */
  serves(msisdn: string): boolean {
    const digits = digitsOnly(msisdn);
    return this.#byNumber.has(digits) || [...this.#numbers.values()].some((number) => digitsOnly(number) === digits);
  }

  /** Adds or changes a subscription. */
  subscribe({ imsi, msisdn, keys }: Subscriber): void {
    this.#numbers.set(imsi, msisdn);
    if (keys) this.#authentication.provision(imsi, keys);
  }

  /** Changes the registration rules for attaches from now on. */
  setRules(rules: readonly RegistrationRule[]): void {
    this.#rules = rules;
  }

  /** Switches the transmitter off or on: phones lose the network, and find it when they search again. */
  setCoverage(on: boolean): void {
    this.#coverage = on;
    if (!on) for (const there of [...this.#byNumber.values()]) this.#drop(there, { at: "no-cell" });
  }

  /** Throws a phone out (EMM cause). */
  detach(msisdn: string, cause: number): void {
    const there = this.#byNumber.get(digitsOnly(msisdn));
    if (there !== undefined) this.#drop(there, { at: "detached", cause });
  }

  async attach(request: AttachRequest, phone: PhoneSide, signal?: AbortSignal): Promise<AttachOutcome> {
    const rule = this.#rules.find(({ imsi }) => request.imsi.startsWith(imsi));
    await pause(rule?.delayMs ?? this.#options.attachMs ?? 200, signal);
    if (!this.#coverage) return { at: "no-cell" };
    if (rule?.allow === false) return { at: "denied", cell: this.#cell, cause: rule.cause ?? 11 };
    if (!(await this.#authentication.admits(request.imsi, phone)))
      return { at: "denied", cell: this.#cell, cause: illegalPhone };
    const msisdn = this.#numberOf(request);
    const former = this.#byNumber.get(digitsOnly(msisdn));
    if (former !== undefined) former.live = false;
    const there: Registered = { imsi: request.imsi, msisdn, phone, contexts: new Map(), live: true };
    this.#byNumber.set(digitsOnly(msisdn), there);
    const roaming = rule?.roaming ?? !request.imsi.startsWith(this.#cell.plmn);
    // The phone learns that it is registered before the first message reaches it.
    setImmediate(() => this.sms.reachable(msisdn));
    return { at: "registered", roaming, cell: this.#cell, attachment: this.#attachment(there) };
  }

  async scan(): Promise<readonly Cell[]> {
    return this.#coverage ? [this.#cell] : [];
  }

  /** Ends the network: phones lose it, waiting messages are dropped. */
  close(): void {
    this.setCoverage(false);
    this.sms.close();
  }

  #numberOf({ imsi, msisdn }: AttachRequest): string {
    return this.#numbers.get(imsi) ?? (msisdn !== undefined && msisdn !== "" ? msisdn : `+1555${imsi.slice(-7)}`);
  }

  #drop(there: Registered, reason: Parameters<PhoneSide["lost"]>[0]): void {
    this.#forget(there);
    there.phone.lost(reason);
  }

  #forget(there: Registered): void {
    there.live = false;
    if (this.#byNumber.get(digitsOnly(there.msisdn)) === there) this.#byNumber.delete(digitsOnly(there.msisdn));
  }

  #attachment(there: Registered): Attachment {
    return {
      msisdn: there.msisdn,
      submit: async (tpdu): Promise<SubmitAnswer> => {
        if (!there.live || !this.#coverage) return { ack: false, cause: 41 };
        return await this.sms.submit(there.msisdn, tpdu);
      },
      openContext: async (cid, apn): Promise<PacketAnswer> => {
        if (!there.live) return { ok: false, cause: 38 };
        if (this.#options.apns !== undefined && !this.#options.apns.includes(apn)) return { ok: false, cause: 27 };
        const address = there.contexts.get(cid) ?? this.#nextAddress();
        there.contexts.set(cid, address);
        return { ok: true, address };
      },
      closeContext: (cid) => void there.contexts.delete(cid),
      memoryAvailable: () => this.sms.reachable(there.msisdn),
      detach: () => this.#forget(there),
    };
  }

  #nextAddress(): string {
    const n = this.#address++;
    return `10.45.${(n >> 8) & 0xff}.${n & 0xff}`;
  }
}

/** Waits; the signal ends the wait with its reason. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
