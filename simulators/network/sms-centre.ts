import { withoutUndefined } from "../../src/base/defined.ts";
import { isGatewayError } from "../../src/base/gateway-error.ts";
import type { DeliveryAnswer, SubmitAnswer } from "./radio.ts";
import {
  type Address,
  addressText,
  deliverOctets,
  numberAddress,
  readSubmit,
  type Submit,
  statusReportOctets,
  timestamp,
} from "./tpdu.ts";

/** A mobile-originated message on its way through the centre. */
export interface MoMessage {
  /** Number of the sender, with `+`. */
  readonly from: string;
  readonly to: string;
  readonly submit: Submit;
  readonly tpdu: Uint8Array;
}

/**
 * Looks at mobile-originated messages before they are routed: `taken` ends the way here, a number refuses with that RP
 * cause, undefined lets them pass.
 */
type MoHook = (message: MoMessage) => Promise<"taken" | number | undefined> | "taken" | number | undefined;

/** Outcome of a message in the end. */
type Outcome =
  | { readonly at: "delivered"; readonly report?: Uint8Array }
  | { readonly at: "refused"; readonly cause: number; readonly report?: Uint8Array }
  | { readonly at: "expired" };

/** How a centre behaves. */
interface SmsCentreOptions {
  /** Its own address. */
  readonly address: string;
  /** Time between attempts while a phone is away or full; a phone that comes back is tried at once. */
  readonly retryMs: number;
  /** For messages that name no validity period. */
  readonly validityMs: number;
  readonly now: () => number;
  /** Hands a TPDU to the phone with this number; undefined when it is not reachable. */
  readonly page: (msisdn: string, tpdu: Uint8Array) => Promise<DeliveryAnswer | undefined>;
}

interface Stored {
  readonly msisdn: string;
  readonly expires: number;
  readonly tpdu: (moreToSend: boolean) => Uint8Array;
  readonly done: (outcome: Outcome) => void;
}

const rpMemoryExceeded = 22;
const rpCongestion = 42;

/**
 * Store and forward: every number has a line of its own, delivered in order; what cannot be delivered now waits for the
 * phone, a retry, or its validity period. User data, PID and DCS pass untouched. 3GPP TS 23.040 §3
 */
export class SmsCentre {
  readonly #options: SmsCentreOptions;
  readonly #lines = new Map<string, Stored[]>();
  readonly #busy = new Set<string>();
  readonly #again = new Set<string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #hooks = new Set<MoHook>();

  constructor(options: SmsCentreOptions) {
    this.#options = options;
  }

  get address(): string {
    return this.#options.address;
  }

  /** Messages that wait for this number, or for anyone. */
  waiting(msisdn?: string): number {
    if (msisdn !== undefined) return this.#lines.get(digitsOnly(msisdn))?.length ?? 0;
    return [...this.#lines.values()].reduce((sum, line) => sum + line.length, 0);
  }

  /** Adds a hook for mobile-originated messages; returns the function that removes it. */
  onMo(hook: MoHook): () => void {
    this.#hooks.add(hook);
    return () => void this.#hooks.delete(hook);
  }

  /** An SMS-DELIVER for a subscriber, from outside (SMPP, a test). Resolves with the outcome of it. */
  deliver(msisdn: string, tpdu: Uint8Array, validityMs = this.#options.validityMs): Promise<Outcome> {
    return this.#store(msisdn, validityMs, () => tpdu);
  }

  /** One attempt for a centre that stores by itself: the phone's answer, RP cause 27 when it is away. */
  async attempt(msisdn: string, tpdu: Uint8Array): Promise<DeliveryAnswer> {
    return (await this.#options.page(digitsOnly(msisdn), tpdu)) ?? { ack: false, cause: 27 };
  }

  /** A mobile-originated SMS-SUBMIT; a status report goes back to the sender when it asks for one. */
  async submit(from: string, tpdu: Uint8Array): Promise<SubmitAnswer> {
    const now = this.#options.now();
    const submit = parse(tpdu, now);
    if (submit === undefined) return { ack: false, cause: 96 };
    const message: MoMessage = { from, to: addressText(submit.to), submit, tpdu };
    for (const hook of this.#hooks) {
      const verdict = await hook(message);
      if (typeof verdict === "number") return { ack: false, cause: verdict };
      if (verdict === "taken") return { ack: true };
    }
    if (this.waiting(message.to) > 1000) return { ack: false, cause: rpCongestion };
    const time = timestamp(now);
    const outcome = this.#store(submit.to.digits, submit.validityMs ?? this.#options.validityMs, (moreToSend) =>
      deliverOf(submit, numberAddress(from), time, moreToSend),
    );
    if (submit.statusReport) void outcome.then((end) => this.#report(from, submit, time, end));
    return { ack: true };
  }

  /** The phone with this number can be reached (again). */
  reachable(msisdn: string): void {
    void this.#work(digitsOnly(msisdn));
  }

  /** Drops everything that waits. */
  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#lines.clear();
  }

  /** Sends a status report to the sender. TP-ST: 3GPP TS 23.040 §9.2.3.15 */
  #report(sender: string, submit: Submit, time: Uint8Array, end: Outcome): void {
    const status = end.at === "delivered" ? 0x00 : end.at === "expired" ? 0x46 : 0x41;
    const discharge = timestamp(this.#options.now());
    const tpdu = statusReportOctets({ reference: submit.reference, to: submit.to, time, discharge, status });
    void this.deliver(sender, tpdu);
  }

  #store(msisdn: string, validityMs: number, tpdu: Stored["tpdu"]): Promise<Outcome> {
    const number = digitsOnly(msisdn);
    return new Promise((done) => {
      const line = this.#lines.get(number) ?? [];
      this.#lines.set(number, line);
      line.push({ msisdn: number, expires: this.#options.now() + validityMs, tpdu, done });
      void this.#work(number);
    });
  }

  async #work(number: string): Promise<void> {
    if (this.#busy.has(number)) {
      this.#again.add(number);
      return;
    }
    this.#busy.add(number);
    clearTimeout(this.#timers.get(number));
    // A phone that came back during a failing attempt is tried once more.
    while ((await this.#next(number)) || this.#again.delete(number));
    this.#busy.delete(number);
    const line = this.#lines.get(number) ?? [];
    if (line.length === 0) return void this.#lines.delete(number);
    const expiry = Math.min(...line.map(({ expires }) => expires)) - this.#options.now();
    const wait = Math.max(1, Math.min(this.#options.retryMs, expiry));
    const timer = setTimeout(() => void this.#work(number), wait);
    timer.unref();
    this.#timers.set(number, timer);
  }

  /** Deals with the first of a line; false when the rest has to wait. */
  async #next(number: string): Promise<boolean> {
    const line = this.#lines.get(number) ?? [];
    const first = line[0];
    if (first === undefined) return false;
    if (first.expires <= this.#options.now()) {
      line.shift();
      first.done({ at: "expired" });
      return true;
    }
    const answer = await this.#options.page(number, first.tpdu(line.length > 1));
    if (answer === undefined || (!answer.ack && answer.cause === rpMemoryExceeded)) return false;
    line.shift();
    first.done(outcomeOf(answer));
    return true;
  }
}

function outcomeOf(answer: DeliveryAnswer): Outcome {
  const report = withoutUndefined({ report: answer.report });
  return answer.ack ? { at: "delivered", ...report } : { at: "refused", cause: answer.cause, ...report };
}

function parse(tpdu: Uint8Array, now: number): Submit | undefined {
  try {
    return readSubmit(tpdu, now);
  } catch (error) {
    if (isGatewayError(error)) return undefined;
    throw error;
  }
}

function deliverOf(submit: Submit, from: Address, time: Uint8Array, moreToSend: boolean): Uint8Array {
  const { pid, dcs, header, replyPath, length, userData } = submit;
  return deliverOctets({
    from,
    pid,
    dcs,
    header,
    replyPath,
    moreToSend,
    reportRequested: false,
    time,
    length,
    userData,
  });
}

/** Numbers are distinguished by their digits alone: `+1555…` and `1555…` reach the same phone. */
export function digitsOnly(number: string): string {
  return number.replace(/[^0-9*#]/g, "");
}
