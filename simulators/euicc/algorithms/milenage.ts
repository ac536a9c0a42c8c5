import { concatBytes, fromHex } from "../../../src/base/hex.ts";
import { aesBlock } from "../secured/scp80-crypto.ts";
import { type Vector, xor } from "./vector.ts";

/** r1 to r5 in bits and c1 to c5 of an operator. TS 35.206 §4.1 */
interface MilenageConstants {
  readonly rotations: Uint8Array;
  readonly constants: Uint8Array;
}

const standard: MilenageConstants = {
  rotations: fromHex("4000204060"),
  constants: Uint8Array.from({ length: 80 }, (_, i) => (i % 16 === 15 && i > 15 ? 1 << ((i - 31) / 16) : 0)),
};

/** Rotated to the left by bits. */
function rotatedBits(block: Uint8Array, bits: number): Uint8Array {
  const [octets, rest] = [bits >> 3, bits & 7];
  const at = (i: number) => block[(i + octets) % 16] ?? 0;
  return block.map((_, i) => ((at(i) << rest) | (at(i + 1) >> (8 - rest))) & 0xff);
}

/** Milenage f1 to f5*. TS 35.206 §4.1 */
export function milenage(
  ki: Uint8Array,
  opc: Uint8Array,
  rand: Uint8Array,
  sqn: Uint8Array,
  amf: Uint8Array,
  { rotations, constants }: MilenageConstants = standard,
): Vector {
  const temp = aesBlock(ki, xor(rand, opc));
  const constant = (n: number) => constants.subarray((n - 1) * 16, n * 16);
  const turned = (block: Uint8Array, n: number) => rotatedBits(block, rotations[n - 1] ?? 0);
  const in1 = concatBytes(sqn, amf, sqn, amf);
  const out1 = xor(aesBlock(ki, xor(xor(temp, turned(xor(in1, opc), 1)), constant(1))), opc);
  const out = (n: number) => xor(aesBlock(ki, xor(turned(xor(temp, opc), n), constant(n))), opc);
  const out2 = out(2);
  return {
    macA: out1.slice(0, 8),
    macS: out1.slice(8),
    res: out2.slice(8),
    ak: out2.slice(0, 6),
    ck: out(3),
    ik: out(4),
    akStar: out(5).slice(0, 6),
  };
}
