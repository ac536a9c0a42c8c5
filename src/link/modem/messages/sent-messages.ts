import { detach } from "../../../base/detach.ts";
import type { SmsStatusReport } from "../../../codec/sms/tpdu.ts";

interface Sent {
  readonly reference: string;
  readonly to: string;
  readonly at: number;
}

const maxKnown = 2_000;

/** Matches status reports to the messages sent: by TP-MR, which wraps at 255, and the recipient. */
export class SentMessages {
  readonly #byReference = new Map<number, Sent[]>();
  readonly #leaving = new Set<Promise<unknown>>();
  #count = 0;

  /** A message is being sent; its report may arrive before its result. */
  leaving(result: Promise<unknown>): void {
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#leaving.add(settled);
    detach(
      settled.then(() => this.#leaving.delete(settled)),
      () => undefined,
    );
  }

  /** Resolves when the messages that are being sent now have their results, at the latest after `patience`. */
  async settled(patience: Promise<unknown>): Promise<void> {
    if (this.#leaving.size > 0) await Promise.race([Promise.all(this.#leaving), patience]);
  }

  /** A message was sent under this TP-MR. */
  add(messageReference: number, to: string, reference: string, at: number): void {
    const known = this.#byReference.get(messageReference) ?? [];
    known.push({ reference, to: digits(to), at });
    this.#byReference.set(messageReference, known);
    this.#count++;
    if (this.#count > maxKnown) this.#forgetOldest();
  }

  /** The message of a report: the latest of that TP-MR and recipient. */
  find({ reference, recipient }: Pick<SmsStatusReport, "reference" | "recipient">): string | undefined {
    const known = this.#byReference.get(reference) ?? [];
    const wanted = digits(recipient.number);
    return known.findLast(({ to }) => to === wanted || sameTail(to, wanted))?.reference;
  }

  /** No further report follows. */
  done(reference: string): void {
    for (const [key, known] of this.#byReference) {
      const left = known.filter((sent) => sent.reference !== reference);
      if (left.length === known.length) continue;
      this.#count -= known.length - left.length;
      if (left.length === 0) this.#byReference.delete(key);
      else this.#byReference.set(key, left);
      return;
    }
  }

  #forgetOldest(): void {
    const all = [...this.#byReference.values()].flat().sort((a, b) => a.at - b.at);
    for (const { reference } of all.slice(0, maxKnown / 4)) this.done(reference);
  }
}

function digits(number: string): string {
  return number.replace(/\D/g, "");
}

/** National and international form of one number share their last digits. */
function sameTail(a: string, b: string): boolean {
  return a.length >= 7 && b.length >= 7 && a.slice(-7) === b.slice(-7);
}
