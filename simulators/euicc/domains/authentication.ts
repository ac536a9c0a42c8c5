import { concatBytes, equalBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { refuse } from "../apdu.ts";
import type { ProfileState } from "../card-state.ts";
import { aesBlock } from "../secured/scp80-crypto.ts";

const xor = (a: Uint8Array, b: Uint8Array) => a.map((octet, i) => octet ^ (b[i] ?? 0));

function rotated(block: Uint8Array, octets: number): Uint8Array {
  return concatBytes(block.subarray(octets), block.subarray(0, octets));
}

interface Vector {
  readonly macA: Uint8Array;
  readonly macS: Uint8Array;
  readonly res: Uint8Array;
  readonly ck: Uint8Array;
  readonly ik: Uint8Array;
  readonly ak: Uint8Array;
  readonly akStar: Uint8Array;
}

/** Milenage f1 to f5*. TS 35.206 §4.1 */
export function milenage(ki: Uint8Array, opc: Uint8Array, rand: Uint8Array, sqn: Uint8Array, amf: Uint8Array): Vector {
  const temp = aesBlock(ki, xor(rand, opc));
  const in1 = concatBytes(sqn, amf, sqn, amf);
  const out1 = xor(aesBlock(ki, xor(temp, rotated(xor(in1, opc), 8))), opc);
  const out = (rotation: number, constant: number) => {
    const input = rotated(xor(temp, opc), rotation);
    input[15] = (input[15] ?? 0) ^ constant;
    return xor(aesBlock(ki, input), opc);
  };
  const out2 = out(0, 1);
  return {
    macA: out1.slice(0, 8),
    macS: out1.slice(8),
    res: out2.slice(8),
    ak: out2.slice(0, 6),
    ck: out(4, 2),
    ik: out(8, 4),
    akStar: out(12, 8).slice(0, 6),
  };
}

/** The test USIM's XOR algorithm. TS 34.108 §8.1.2 */
function xorAlgorithm(ki: Uint8Array, rand: Uint8Array, sqn: Uint8Array, amf: Uint8Array): Vector {
  const res = xor(ki, rand);
  const ck = rotated(res, 1);
  const ak = res.slice(3, 9);
  const mac = xor(res.slice(0, 8), concatBytes(sqn, amf));
  return { macA: mac, macS: mac, res, ck, ik: rotated(res, 2), ak, akStar: ak };
}

const counter = (sqn: Uint8Array) => sqn.reduce((value, octet) => value * 256 + octet, 0);

function gsmKey(ck: Uint8Array, ik: Uint8Array): Uint8Array {
  return xor(xor(ck.slice(0, 8), ck.slice(8)), xor(ik.slice(0, 8), ik.slice(8)));
}

/**
 * AUTHENTICATE in the UMTS (P2 81) or GSM (P2 80) context. TS 31.102 §7.1.2
 * @throws card.status 9862 for a wrong MAC, 6700 and 6A86 for malformed commands
 */
export function authenticate(profile: ProfileState, p2: number, data: Uint8Array): Uint8Array {
  const { algorithm, ki, opc, sqn } = profile.authentication;
  const compute = (rand: Uint8Array, s: Uint8Array, amf: Uint8Array) =>
    algorithm === "milenage"
      ? milenage(fromHex(ki), fromHex(opc), rand, s, amf)
      : xorAlgorithm(fromHex(ki), rand, s, amf);
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
  const own = fromHex(sqn);
  if (counter(received) <= counter(own)) {
    const resync = compute(rand, own, new Uint8Array(2));
    return concatBytes(Uint8Array.of(0xdc, 14), xor(own, resync.akStar), resync.macS);
  }
  profile.authentication.sqn = toHex(received);
  const lv = (bytes: Uint8Array) => concatBytes(Uint8Array.of(bytes.length), bytes);
  return concatBytes(
    Uint8Array.of(0xdb),
    lv(vector.res),
    lv(vector.ck),
    lv(vector.ik),
    lv(gsmKey(vector.ck, vector.ik)),
  );
}
