import type { Clock } from "../../base/clock.ts";
import {
  canonicalId,
  formOf,
  isUselessId,
  type MessageIdForm,
  responseSpellings,
} from "../../codec/smpp/message-id.ts";
import type { Receipt } from "../../codec/smpp/receipt.ts";

/** A message that a receipt may refer to. */
interface Known {
  readonly reference: string;
  readonly to: string;
  readonly userMessageReference: number | undefined;
  id: string | undefined;
  answered: boolean;
  /** An earlier message to which the SMSC gave the same id. */
  duplicateId?: Known;
}

/** Number of messages on one page; the page before it is also searched. */
const pageSize = 50_000;
/** Number of messages with the same id that are searched for the right destination. */
const maxTwins = 64;

/** Messages by everything that may identify them. */
interface Page {
  readonly byReference: Map<string, Known>;
  readonly byId: Map<string, Known>;
  readonly byEcho: Map<number, Known>;
  /** Ids of messages that had their final receipt, which may be repeated. */
  readonly finalised: Map<string, string>;
}

function blankPage(): Page {
  return { byReference: new Map(), byId: new Map(), byEcho: new Map(), finalised: new Map() };
}

/**
 * Finds the message of a receipt: by the id of its response in any spelling, otherwise by the reference that the peer
 * echoes (perhaps modulo 256) together with the destination. A receipt that overtook its response waits for it; a
 * repeated receipt belongs to the same message.
 */
export class ReceiptMatcher {
  readonly #clock: Clock;
  readonly #holdMs: number;
  readonly #waiters = new Set<() => void>();
  #page = blankPage();
  #pageBefore = blankPage();
  #open = 0;
  #form: MessageIdForm;
  /** This SMSC has returned usable message ids. */
  #named = false;

  constructor(form: MessageIdForm, holdMs: number, clock: Clock) {
    this.#form = form;
    this.#holdMs = holdMs;
    this.#clock = clock;
  }

  /** The form of ids in use; `auto` until the first receipt has shown it. */
  get form(): MessageIdForm {
    return this.#form;
  }

  /** A message is about to be sent. */
  leaving(reference: string, to: string, userMessageReference?: number): void {
    const known: Known = { reference, to, userMessageReference, id: undefined, answered: false };
    if (Math.max(this.#page.byReference.size, this.#page.finalised.size) >= pageSize) this.#turnPage();
    this.#page.byReference.set(reference, known);
    if (userMessageReference !== undefined) this.#page.byEcho.set(userMessageReference, known);
    this.#open += 1;
  }

  /** The reference that the SMSC was asked to echo. */
  echoOf(reference: string): number | undefined {
    const known = this.#page.byReference.get(reference) ?? this.#pageBefore.byReference.get(reference);
    return known?.userMessageReference;
  }

  /** The SMSC accepted it under this id. */
  accepted(reference: string, id: string): void {
    const known = this.#page.byReference.get(reference) ?? this.#pageBefore.byReference.get(reference);
    if (known === undefined) return;
    known.id = id;
    this.#settled(known);
    if (isUselessId(id)) return;
    this.#named = true;
    const key = canonicalId(id);
    const duplicateId = this.#page.byId.get(key) ?? this.#pageBefore.byId.get(key);
    if (duplicateId !== undefined && duplicateId !== known) known.duplicateId = duplicateId;
    this.#page.byId.set(key, known);
  }

  /** It was not accepted (`gone`), or this is unknown: then a receipt may still arrive. */
  failed(reference: string, gone: boolean): void {
    const known = this.#page.byReference.get(reference) ?? this.#pageBefore.byReference.get(reference);
    if (known === undefined) return;
    this.#settled(known);
    if (gone) this.#forget(known);
  }

  /** The reference of the message; waits briefly while responses are outstanding. */
  async find(receipt: Receipt, to: string): Promise<string | undefined> {
    const deadline = this.#clock.monotonic() + this.#holdMs;
    for (;;) {
      const known = this.#match(receipt, to);
      if (typeof known === "string") return known;
      if (known !== undefined) {
        if (!receipt.intermediate && receipt.state !== "enroute" && receipt.state !== "accepted") this.#forget(known);
        return known.reference;
      }
      const left = deadline - this.#clock.monotonic();
      if (this.#open === 0 || left <= 0) return undefined;
      await this.#change(left);
    }
  }

  /** The message, or the reference of one that had its final receipt before. */
  #match(receipt: Receipt, to: string): Known | string | undefined {
    if (receipt.id !== undefined && !isUselessId(receipt.id)) {
      for (const spelling of responseSpellings(receipt.id, this.#form)) {
        const known = this.#byId(spelling, digits(to));
        if (known === undefined) continue;
        const guessed = this.#form === "auto" && spelling !== canonicalId(receipt.id);
        if (guessed && digits(known.to) !== digits(to)) continue;
        this.#learn(known.id ?? "", receipt.id);
        return known;
      }
    }
    const again = this.#finalised(receipt);
    if (again !== undefined || receipt.userMessageReference === undefined) return again;
    const known = this.#echoed(receipt.userMessageReference, digits(to));
    return known === undefined || this.#otherwiseNamed(known, receipt) ? undefined : known;
  }

  #finalised({ id }: Receipt): string | undefined {
    if (id === undefined || isUselessId(id)) return undefined;
    const key = canonicalId(id);
    return this.#page.finalised.get(key) ?? this.#pageBefore.finalised.get(key);
  }

  /** Whether the message has another id, if ids are known to be reliable. */
  #otherwiseNamed({ id }: Known, receipt: Receipt): boolean {
    const reliable = this.#form !== "auto" && receipt.id !== undefined && !isUselessId(receipt.id);
    return reliable && id !== undefined && !isUselessId(id);
  }

  /** The message to this number with this reference, or with one that is equal modulo 256. */
  #echoed(echo: number, to: string): Known | undefined {
    const exact = this.#byEcho(echo);
    if (exact !== undefined && digits(exact.to) === to) return exact;
    if (echo > 0xff) return undefined;
    let found: Known | undefined;
    for (let candidate = echo & 0xff; candidate < 0x10000; candidate += 0x100) {
      const known = this.#byEcho(candidate);
      if (known === undefined || digits(known.to) !== to) continue;
      if (!this.#named) return known;
      // If the SMSC returns usable ids, only a message without one may match this loosely, and only if there is exactly
      // one.
      if (known.id !== undefined) continue;
      if (found !== undefined) return undefined;
      found = known;
    }
    return found;
  }

  /** The message of this id; of several with one id, the newest to this number. */
  #byId(id: string, to: string): Known | undefined {
    let known = this.#page.byId.get(id) ?? this.#pageBefore.byId.get(id);
    if (known?.duplicateId === undefined) return known;
    for (let i = 0; known !== undefined && i < maxTwins; i++) {
      if (digits(known.to) === to && this.#page.byReference.get(known.reference) === known) return known;
      known = known.duplicateId;
    }
    return undefined;
  }

  #byEcho(echo: number): Known | undefined {
    return this.#page.byEcho.get(echo) ?? this.#pageBefore.byEcho.get(echo);
  }

  /** The form is determined only by a receipt that matches in one form alone. */
  #learn(responseId: string, receiptId: string): void {
    if (this.#form !== "auto") return;
    const form = formOf(responseId, receiptId);
    const numeric = /^\d+$/.test(responseId) && /^\d+$/.test(receiptId);
    if (form !== undefined && (form !== "same" || (numeric && responseId.length > 1))) this.#form = form;
  }

  #settled(known: Known): void {
    if (known.answered) return;
    known.answered = true;
    this.#open -= 1;
    for (const wake of [...this.#waiters]) wake();
  }

  async #change(ms: number): Promise<void> {
    const timer = new AbortController();
    let wake: () => void = () => {};
    const changed = new Promise<void>((resolve) => {
      wake = resolve;
      this.#waiters.add(resolve);
    });
    await Promise.race([changed, this.#clock.sleep(ms, timer.signal).catch(() => undefined)]);
    timer.abort();
    this.#waiters.delete(wake);
  }

  #forget(known: Known): void {
    this.#settled(known);
    const id = known.id === undefined ? undefined : canonicalId(known.id);
    const echo = known.userMessageReference;
    if (id !== undefined && !isUselessId(id)) this.#page.finalised.set(id, known.reference);
    for (const { byReference, byId, byEcho } of [this.#page, this.#pageBefore]) {
      if (byReference.get(known.reference) === known) byReference.delete(known.reference);
      if (id !== undefined && byId.get(id) === known) byId.delete(id);
      if (echo !== undefined && byEcho.get(echo) === known) byEcho.delete(echo);
    }
  }

  /** The oldest are discarded together, since removing them one by one is expensive. */
  #turnPage(): void {
    for (const known of this.#pageBefore.byReference.values()) this.#settled(known);
    this.#pageBefore = this.#page;
    this.#page = blankPage();
  }
}

function digits(address: string): string {
  return address.replace(/^\+/, "");
}
