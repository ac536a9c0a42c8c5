function table(polynomial: number): Uint32Array {
  const entries = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let value = i;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    entries[i] = value;
  }
  return entries;
}

const table16 = table(0x8408);
const table32 = table(0xedb88320);

function run(entries: Uint32Array, start: number, bytes: Uint8Array): number {
  let value = start;
  for (const octet of bytes) value = (value >>> 8) ^ (entries[(value ^ octet) & 0xff] ?? 0);
  return value;
}

/** CRC-16 of ISO/IEC 13239, most significant octet first. ETSI TS 102 225 §5.1.3.2 */
export function crc16(bytes: Uint8Array): Uint8Array {
  const value = run(table16, 0xffff, bytes) ^ 0xffff;
  return Uint8Array.of(value >> 8, value & 0xff);
}

/** CRC-32 of ISO/IEC 13239, most significant octet first. ETSI TS 102 225 §5.1.3.2 */
export function crc32(bytes: Uint8Array): Uint8Array {
  const value = ~run(table32, 0xffff_ffff, bytes);
  return Uint8Array.of((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
