import { concatBytes } from "../../../src/base/hex.ts";
import { keccakPermutation } from "./keccak.ts";
import type { Vector } from "./vector.ts";

const name = new TextEncoder().encode("TUAK1.0");

const reversed = (octets: Uint8Array) => octets.slice().reverse();

/** Input of the permutation: everything with its last octet first, K filled to 32 octets, padding. TS 35.231 §6 */
function permuted(
  topc: Uint8Array,
  instance: number,
  rand: Uint8Array,
  amf: Uint8Array,
  sqn: Uint8Array,
  k: Uint8Array,
  iterations: number,
): Uint8Array {
  const parts = [topc, Uint8Array.of(instance), name, rand, amf, sqn, k].map(reversed);
  let state: Uint8Array = new Uint8Array(200);
  state.set(concatBytes(...parts));
  state[96] = 0x1f;
  state[135] = 0x80;
  for (let i = 0; i < iterations; i++) state = keccakPermutation(state);
  return state;
}

/** Lengths of RES in octets and how INSTANCE names them. TS 35.231 §6.4 */
const resLengths: Readonly<Record<number, number>> = { 4: 0x00, 8: 0x08, 16: 0x10, 32: 0x20 };

/** TUAK f1 to f5* with MAC of 64 bits, CK and IK of 128 bits. TS 35.231 §6 */
export function tuak(
  k: Uint8Array,
  topc: Uint8Array,
  rand: Uint8Array,
  sqn: Uint8Array,
  amf: Uint8Array,
  options: { readonly iterations?: number; readonly resLength?: number } = {},
): Vector {
  const { iterations = 1, resLength = 8 } = options;
  const long = k.length === 32 ? 0x01 : 0x00;
  const none = new Uint8Array(8);
  const run = (instance: number, sequence: Uint8Array, field: Uint8Array) =>
    permuted(topc, instance | long, rand, field, sequence, k, iterations);
  const take = (state: Uint8Array, at: number, octets: number) => reversed(state.subarray(at, at + octets));
  const answers = run(0x40 | (resLengths[resLength] ?? 0x08), none.subarray(0, 6), none.subarray(0, 2));
  return {
    macA: take(run(0x08, sqn, amf), 0, 8),
    macS: take(run(0x88, sqn, amf), 0, 8),
    res: take(answers, 0, resLength),
    ck: take(answers, 32, 16),
    ik: take(answers, 64, 16),
    ak: take(answers, 96, 6),
    akStar: take(run(0xc0, none.subarray(0, 6), none.subarray(0, 2)), 96, 6),
  };
}
