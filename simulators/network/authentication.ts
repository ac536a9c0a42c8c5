import { concatBytes, equalBytes, fromHex } from "../../src/base/hex.ts";
import { algorithmOf } from "../euicc/algorithms/algorithm.ts";
import { xor } from "../euicc/algorithms/vector.ts";
import type { PhoneSide } from "./radio.ts";

/** What the network has of a subscription's secrets; hex. */
export interface SubscriberKeys {
  readonly algorithm: "milenage" | "tuak" | "xor";
  readonly k: string;
  /** OPc, or TOPc of TUAK. */
  readonly opc: string;
}

interface Entry {
  readonly compute: ReturnType<typeof algorithmOf>;
  /** Sequence number without its index, and the index of the next vector. */
  sequence: number;
  index: number;
}

const amf = fromHex("8000");
const octets6 = (value: number) => fromHex(value.toString(16).padStart(12, "0"));

/** The authentication centre of a network: makes challenges and judges what comes back. TS 33.102 §6.3 */
export class AuthenticationCentre {
  readonly #entries = new Map<string, Entry>();
  readonly #random: (octets: number) => Uint8Array;

  constructor(random: (octets: number) => Uint8Array) {
    this.#random = random;
  }

  /** Adds a subscription or gives it other keys; its sequence number starts again. */
  provision(imsi: string, { algorithm, k, opc }: SubscriberKeys): void {
    this.#entries.set(imsi, { compute: algorithmOf({ algorithm, ki: k, opc }), sequence: 0, index: 0 });
  }

  /** Whether the phone is the subscriber; always true for one without keys. A card that asks for it is resynchronised once. */
  async admits(imsi: string, phone: PhoneSide): Promise<boolean> {
    const entry = this.#entries.get(imsi);
    if (entry === undefined) return true;
    if (phone.authenticate === undefined) return false;
    for (let attempt = 0; attempt < 2; attempt++) {
      const rand = this.#random(16);
      const sqn = nextSequence(entry);
      const { ak, macA, res } = entry.compute(rand, sqn, amf);
      const answer = await phone.authenticate(rand, concatBytes(xor(sqn, ak), amf, macA)).catch(() => undefined);
      if (answer?.at === "response") return equalBytes(answer.res, res);
      if (answer?.at !== "resynchronise" || !resynchronised(entry, rand, answer.auts)) return false;
    }
    return false;
  }
}

/** Each vector has the next index and a higher number. TS 33.102 annex C.1.1 */
function nextSequence(entry: Entry): Uint8Array {
  entry.sequence += 1;
  entry.index = (entry.index + 1) % 32;
  return octets6(entry.sequence * 32 + entry.index);
}

/** Continues from the card's number if AUTS is the card's. TS 33.102 §6.3.5 */
function resynchronised(entry: Entry, rand: Uint8Array, auts: Uint8Array): boolean {
  const none = new Uint8Array(2);
  const { akStar } = entry.compute(rand, new Uint8Array(6), none);
  const sqn = xor(auts.slice(0, 6), akStar);
  const { macS } = entry.compute(rand, sqn, none);
  if (auts.length !== 14 || !equalBytes(macS, auts.slice(6))) return false;
  entry.sequence = Math.floor(sqn.reduce((value, octet) => value * 256 + octet, 0) / 32);
  return true;
}
