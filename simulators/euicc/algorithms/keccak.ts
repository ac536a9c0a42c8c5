/** Keccak-f[1600] on 200 octets; node:crypto has only hash functions around it. FIPS 202 §3 */

const lanes = 25;
const mask = (1n << 64n) - 1n;

const rotl = (value: bigint, by: number) =>
  by === 0 ? value : ((value << BigInt(by)) | (value >> BigInt(64 - by))) & mask;

/** Offsets of ρ by lane x + 5y. FIPS 202 table 2 */
const offsets = (() => {
  const found = new Array<number>(lanes).fill(0);
  let [x, y] = [1, 0];
  for (let t = 0; t < 24; t++) {
    found[x + 5 * y] = (((t + 1) * (t + 2)) / 2) % 64;
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  return found;
})();

/** Round constants of ι from their shift register. FIPS 202 §3.2.5 */
const constants = (() => {
  let register = 1;
  const bit = () => {
    const out = register & 1;
    register = register & 0x80 ? ((register << 1) ^ 0x171) & 0xff : register << 1;
    return out;
  };
  return Array.from({ length: 24 }, () => {
    let value = 0n;
    for (let j = 0; j <= 6; j++) if (bit()) value |= 1n << BigInt(2 ** j - 1);
    return value;
  });
})();

function round(state: readonly bigint[], constant: bigint): bigint[] {
  const at = (x: number, y: number) => state[(x % 5) + 5 * (y % 5)] ?? 0n;
  const column = [0, 1, 2, 3, 4].map((x) => at(x, 0) ^ at(x, 1) ^ at(x, 2) ^ at(x, 3) ^ at(x, 4));
  const mixed = [0, 1, 2, 3, 4].map((x) => (column[(x + 4) % 5] ?? 0n) ^ rotl(column[(x + 1) % 5] ?? 0n, 1));
  const moved = new Array<bigint>(lanes).fill(0n);
  for (let x = 0; x < 5; x++)
    for (let y = 0; y < 5; y++)
      moved[y + 5 * ((2 * x + 3 * y) % 5)] = rotl(at(x, y) ^ (mixed[x] ?? 0n), offsets[x + 5 * y] ?? 0);
  const next = moved.map((lane, i) => {
    const [x, row] = [i % 5, i - (i % 5)];
    return lane ^ (~(moved[row + ((x + 1) % 5)] ?? 0n) & mask & (moved[row + ((x + 2) % 5)] ?? 0n));
  });
  next[0] = (next[0] ?? 0n) ^ constant;
  return next;
}

/** The permutation of 200 octets. */
export function keccakPermutation(input: Uint8Array): Uint8Array {
  const from = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let state = Array.from({ length: lanes }, (_, i) => from.getBigUint64(i * 8, true));
  for (const constant of constants) state = round(state, constant);
  const out = new Uint8Array(200);
  const to = new DataView(out.buffer);
  for (const [i, lane] of state.entries()) to.setBigUint64(i * 8, lane, true);
  return out;
}
