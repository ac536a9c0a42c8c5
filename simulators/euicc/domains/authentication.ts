import { concatBytes, equalBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { algorithmOf } from "../algorithms/algorithm.ts";
import { xor } from "../algorithms/vector.ts";
import { refuse } from "../apdu.ts";
import type { AuthenticationState } from "../installed-state.ts";

const counter = (sqn: Uint8Array) => sqn.reduce((value, octet) => value * 256 + octet, 0);

function gsmKey(ck: Uint8Array, ik: Uint8Array): Uint8Array {
  return xor(xor(ck.slice(0, 8), ck.slice(8)), xor(ik.slice(0, 8), ik.slice(8)));
}

/** Whether a sequence number is new enough; notes it when it is. TS 33.102 annex C.2 */
function acceptSequence(state: AuthenticationState, received: Uint8Array): boolean {
  const sqn = counter(received);
  const highest = counter(fromHex(state.sqn));
  const [sequence, index] = [Math.floor(sqn / 32), sqn % 32];
  const { sqnByIndex, sqnDelta, sqnAgeLimit } = state;
  if (sqnByIndex === undefined) {
    if (sqn <= highest) return false;
    state.sqn = toHex(received);
    return true;
  }
  const known = Math.floor(highest / 32);
  if (sequence <= counter(fromHex(sqnByIndex[index] ?? ""))) return false;
  if (sqnDelta !== undefined && sequence - known > counter(fromHex(sqnDelta))) return false;
  if (sqnAgeLimit !== undefined && known - sequence > counter(fromHex(sqnAgeLimit))) return false;
  state.sqnByIndex = sqnByIndex.map((one, i) =>
    i === index ? sequence.toString(16).toUpperCase().padStart(12, "0") : one,
  );
  if (sqn > highest) state.sqn = toHex(received);
  return true;
}

/**
 * AUTHENTICATE in the UMTS (P2 81) or GSM (P2 80) context. TS 31.102 §7.1.2
 * @throws card.status 9862 for a wrong MAC, 6700 and 6A86 for malformed commands
 */
export function authenticate(state: AuthenticationState, p2: number, data: Uint8Array): Uint8Array {
  const compute = algorithmOf(state);
  const rand = data.subarray(1, 17);
  if (data[0] !== 16 || rand.length < 16) return refuse(0x6700);
  if (p2 === 0x80) {
    const { res, ck, ik } = compute(rand, new Uint8Array(6), new Uint8Array(2));
    const sres = xor(res.slice(0, 4), res.slice(4, 8));
    return concatBytes(Uint8Array.of(4), sres, Uint8Array.of(8), gsmKey(ck, ik));
  }
  if (p2 !== 0x81) return refuse(0x6a86);
  const autn = data.subarray(18, 34);
  if (data[17] !== 16 || autn.length < 16 || data.length !== 34) return refuse(0x6700);
  const amf = autn.slice(6, 8);
  const { ak } = compute(rand, new Uint8Array(6), amf);
  const received = xor(autn.slice(0, 6), ak);
  const vector = compute(rand, received, amf);
  if (!equalBytes(vector.macA, autn.slice(8))) return refuse(0x9862);
  const own = fromHex(state.sqn);
  if (!acceptSequence(state, received)) {
    const resync = compute(rand, own, new Uint8Array(2));
    return concatBytes(Uint8Array.of(0xdc, 14), xor(own, resync.akStar), resync.macS);
  }
  const lv = (bytes: Uint8Array) => concatBytes(Uint8Array.of(bytes.length), bytes);
  return concatBytes(
    Uint8Array.of(0xdb),
    lv(vector.res),
    lv(vector.ck),
    lv(vector.ik),
    lv(gsmKey(vector.ck, vector.ik)),
  );
}
