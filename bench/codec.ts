/**
 * Wrap and unwrap per second, per algorithm, against the node:crypto primitives that a packet cannot do without, in the
 * same run: one context per ciphering, deciphering and checksum, over the same octets, and nothing else.
 * AES-CMAC is counted as the one CBC pass it needs; CRC as nothing.
 *
 *   npx tsx bench/codec.ts [seconds per measurement]
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { cmac } from "@noble/ciphers/aes.js";
import { fromHex, toHex } from "../src/base/hex.ts";
import { parseSpi } from "../src/codec/ota/spi.ts";
import { openCommand, wrapCommand } from "../src/crypto/command-packet.ts";
import { aesCmac } from "../src/crypto/mac.ts";
import { PacketKeys } from "../src/crypto/packet-keys.ts";
import { openResponse, wrapResponse } from "../src/crypto/response-packet.ts";

const seconds = Number(process.argv[2] ?? 1);

/** Runs per second, the best of three slices. */
function rate(work: () => void): number {
  for (let i = 0; i < 500; i++) work();
  let best = 0;
  for (let slice = 0; slice < 3; slice++) {
    const end = performance.now() + (seconds * 1000) / 3;
    const started = performance.now();
    let count = 0;
    while (performance.now() < end) {
      for (let i = 0; i < 50; i++) work();
      count += 50;
    }
    best = Math.max(best, (count * 1000) / (performance.now() - started));
  }
  return best;
}

interface Case {
  readonly name: string;
  readonly spi: string;
  readonly kic: number;
  readonly kid: number;
  readonly octets: number;
  /** Names of the primitives: cipher and checksum; undefined = nothing to do. */
  readonly cipher?: string;
  readonly mac?: string;
}

const cases: readonly Case[] = [
  {
    name: "AES-128 + CMAC-64",
    spi: "1639",
    kic: 0x12,
    kid: 0x12,
    octets: 16,
    cipher: "aes-128-cbc",
    mac: "aes-128-cbc",
  },
  {
    name: "AES-192 + CMAC-64",
    spi: "1639",
    kic: 0x12,
    kid: 0x12,
    octets: 24,
    cipher: "aes-192-cbc",
    mac: "aes-192-cbc",
  },
  {
    name: "AES-256 + CMAC-64",
    spi: "1639",
    kic: 0x12,
    kid: 0x12,
    octets: 32,
    cipher: "aes-256-cbc",
    mac: "aes-256-cbc",
  },
  { name: "3DES-2 + CC", spi: "1639", kic: 0x15, kid: 0x15, octets: 16, cipher: "des-ede3-cbc", mac: "des-ede3-cbc" },
  { name: "3DES-3 + CC", spi: "1639", kic: 0x19, kid: 0x19, octets: 24, cipher: "des-ede3-cbc", mac: "des-ede3-cbc" },
  { name: "DES + CC", spi: "1639", kic: 0x11, kid: 0x11, octets: 8, cipher: "des-ede3-cbc", mac: "des-ede3-cbc" },
  { name: "AES-128 + CRC-32", spi: "1535", kic: 0x12, kid: 0x15, octets: 16, cipher: "aes-128-cbc" },
  { name: "clear + CMAC-64", spi: "1209", kic: 0x12, kid: 0x12, octets: 16, mac: "aes-128-cbc" },
  { name: "no security", spi: "1001", kic: 0x00, kid: 0x00, octets: 16 },
];

const script = fromHex("AA1C221A80E28800153A03124F10A0000005591010FFFFFFFF8900001300");
const answer = fromHex("AB0780010123029000");

function keyFor(name: string | undefined, octets: number): Buffer {
  const key = Buffer.alloc(octets, 0x5a);
  return name === "des-ede3-cbc" ? Buffer.concat([key, key, key]).subarray(0, 24) : key;
}

/** What the primitives alone cost for one command built and opened: two checksums, one ciphering, one deciphering. */
function baseline(one: Case, secured: number, covered: number): () => void {
  const cipherKey = keyFor(one.cipher, one.octets);
  const macKey = keyFor(one.mac, one.octets);
  const block = (name: string) => (name.startsWith("aes") ? 16 : 8);
  const iv = Buffer.alloc(16);
  const whole = (octets: number, name: string) => Buffer.alloc(Math.ceil(octets / block(name)) * block(name));
  const { cipher, mac } = one;
  const clear = cipher === undefined ? iv : whole(secured, cipher);
  const message = mac === undefined ? iv : whole(covered, mac);
  return () => {
    if (mac !== undefined) {
      for (let i = 0; i < 2; i++) {
        createCipheriv(mac, macKey, iv.subarray(0, block(mac)))
          .setAutoPadding(false)
          .update(message);
      }
    }
    if (cipher === undefined) return;
    createCipheriv(cipher, cipherKey, iv.subarray(0, block(cipher)))
      .setAutoPadding(false)
      .update(clear);
    createDecipheriv(cipher, cipherKey, iv.subarray(0, block(cipher)))
      .setAutoPadding(false)
      .update(clear);
  };
}

const n = (value: number) => Math.round(value).toLocaleString("en").padStart(10);
const ratio = (ours: number, bare: number) => (bare === Number.POSITIVE_INFINITY ? "" : `${(ours / bare).toFixed(2)}×`);

console.log(`node ${process.version}, script of ${script.length} octets; runs per second\n`);
console.log("algorithm            command     primitives  ratio     response    primitives  ratio");
for (const one of cases) {
  const key = Uint8Array.from({ length: one.octets }, (_, i) => i * 5 + 1);
  const keys = new PacketKeys({ kic: key, kid: key });
  const spi = parseSpi(fromHex(one.spi));
  const input = { spi, kic: one.kic, kid: one.kid, tar: fromHex("000001"), cntr: 1, data: script };
  const { packet, macInput, cipherInput } = wrapCommand(input, keys);
  if (toHex(openCommand(packet, keys).data) !== toHex(script)) throw new Error(`${one.name} does not open`);
  const command = rate(() => void openCommand(wrapCommand(input, keys).packet, keys));
  const bare = baseline(one, cipherInput?.length ?? 0, macInput?.length ?? 0);
  const commandBare = one.cipher === undefined && one.mac === undefined ? Number.POSITIVE_INFINITY : rate(bare);
  const reply = { ...input, status: 0, data: answer };
  const response = rate(() => void openResponse(wrapResponse(reply, keys).packet, input, keys));
  const small = baseline(one, 7 + 8 + answer.length, 16 + answer.length);
  const responseBare = commandBare === Number.POSITIVE_INFINITY ? commandBare : rate(small);
  const bareText = (value: number) => (value === Number.POSITIVE_INFINITY ? "         –" : n(value));
  console.log(
    `${one.name.padEnd(18)}${n(command)} ${bareText(commandBare).padStart(14)}  ${ratio(command, commandBare).padStart(5)}   ` +
      `${n(response)} ${bareText(responseBare).padStart(13)}  ${ratio(response, responseBare).padStart(5)}`,
  );
}

console.log("\nAES-CMAC-128 over 64 octets");
const macKey = new Uint8Array(16).fill(7);
const message = new Uint8Array(64).fill(9);
const kept = aesCmac(macKey);
console.log(`  kept context      ${n(rate(() => void kept(message)))}`);
console.log(`  context each time ${n(rate(() => void aesCmac(macKey)(message)))}`);
console.log(`  @noble/ciphers    ${n(rate(() => void cmac(message, macKey)))}`);
