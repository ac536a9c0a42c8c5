import { withoutUndefined } from "../../../src/base/defined.ts";
import { concatBytes, fromHex } from "../../../src/base/hex.ts";
import type { AuthenticationState } from "../installed-state.ts";
import { milenage } from "./milenage.ts";
import { tuak } from "./tuak.ts";
import { rotated, type Vector, xor } from "./vector.ts";

/** Which algorithm, with which keys and constants; hex. */
type AlgorithmKeys = Omit<AuthenticationState, "sqn" | "sqnByIndex" | "sqnDelta" | "sqnAgeLimit">;

/** The test USIM's XOR algorithm. TS 34.108 §8.1.2 */
function xorAlgorithm(ki: Uint8Array, rand: Uint8Array, sqn: Uint8Array, amf: Uint8Array): Vector {
  const res = xor(ki, rand);
  const ck = rotated(res, 1);
  const ak = res.slice(3, 9);
  const mac = xor(res.slice(0, 8), concatBytes(sqn, amf));
  return { macA: mac, macS: mac, res, ck, ik: rotated(res, 2), ak, akStar: ak };
}

/** The algorithm with its keys in place. */
export function algorithmOf(state: AlgorithmKeys) {
  const [ki, opc] = [fromHex(state.ki), fromHex(state.opc)];
  const { iterations, rotations, constants } = state;
  const own =
    rotations !== undefined || constants !== undefined
      ? { rotations: fromHex(rotations ?? "4000204060"), constants: fromHex(constants ?? standardConstants) }
      : undefined;
  return (rand: Uint8Array, sqn: Uint8Array, amf: Uint8Array): Vector => {
    if (state.algorithm === "milenage") return milenage(ki, opc, rand, sqn, amf, own);
    if (state.algorithm === "tuak") return tuak(ki, opc, rand, sqn, amf, withoutUndefined({ iterations }));
    return xorAlgorithm(ki, rand, sqn, amf);
  };
}

/** c1 to c5. TS 35.206 §4.1 */
const standardConstants = ["00", "01", "02", "04", "08"].map((last) => last.padStart(32, "0")).join("");
