/**
 * SCP03t blocks sealed and opened per second of processor time, against the node:crypto primitives that a block cannot do without, in the
 * same run: AES-CBC over its octets and CMAC over the sealed block, each one CBC pass of a context of its own. `kept`
 * compares with contexts that are made once, which is the least that node:crypto can do.
 *
 *   npx tsx bench/scp03t.ts [seconds per measurement]
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { toHex } from "../src/base/hex.ts";
import { Secret } from "../src/base/secret.ts";
import { defaultBlockOctets } from "../src/codec/euicc/scp03t.ts";
import type { SecureChannel } from "../src/crypto/scp03/apdu-channel.ts";
import { predictHandshake } from "../src/crypto/scp03/handshake.ts";
import { authenticateBlock, openBlock, sealBlock } from "../src/crypto/scp03/scp03t-channel.ts";

const seconds = Number(process.argv[2] ?? 1);
const target = 0.5;

/** Runs per second of processor time, the best of ten slices, which take turns: other load hits all alike. */
function rates(works: readonly (() => void)[]): number[] {
  for (const work of works) for (let i = 0; i < 2000; i++) work();
  const best = works.map(() => 0);
  for (let slice = 0; slice < 10; slice++) {
    for (const [index, work] of works.entries()) {
      const end = performance.now() + seconds * 100;
      const started = process.cpuUsage();
      let count = 0;
      while (performance.now() < end) {
        for (let i = 0; i < 50; i++) work();
        count += 50;
      }
      const { user, system } = process.cpuUsage(started);
      best[index] = Math.max(best[index] ?? 0, (count * 1e6) / (user + system));
    }
  }
  return best;
}

const zero = Buffer.alloc(16);
const encryptor = (key: Uint8Array) => createCipheriv(`aes-${key.length * 8}-cbc`, key, zero).setAutoPadding(false);
const decryptor = (key: Uint8Array) => createDecipheriv(`aes-${key.length * 8}-cbc`, key, zero).setAutoPadding(false);

const n = (value: number) => Math.round(value).toLocaleString("en").padStart(10);
const ratio = (ours: number, bare: number) => `${(ours / bare).toFixed(2)}×`;
let missed = 0;

console.log(`node ${process.version}; blocks per second, and ours to the primitives (target ${target})\n`);
console.log("key      octets            ours  primitives  ratio        kept  ratio");
for (const keyOctets of [16, 24, 32]) {
  const key = Uint8Array.from({ length: keyOctets }, (_, i) => i * 5 + 1);
  const keys = { enc: new Secret(key), mac: new Secret(key.map((octet) => octet ^ 0x5a)) };
  const offer = { kvn: 0x30, keys, hostChallenge: new Uint8Array(8), aid: new Uint8Array(16) };
  for (const octets of [defaultBlockOctets, 100]) {
    const clear = Uint8Array.from({ length: octets }, (_, i) => i & 0xff);
    const opened = authenticateBlock(predictHandshake(offer, 1)).channel;
    const { block } = sealBlock(opened, clear);
    if (toHex(openBlock(opened, block).clear) !== toHex(clear)) throw new Error("the block does not open");

    const cipherText = Buffer.alloc((Math.floor(octets / 16) + 1) * 16);
    const covered = Buffer.alloc(Math.ceil((16 + block.length - 8) / 16) * 16);
    let channel: SecureChannel = opened;
    const [kept, keptBack, keptMac] = [encryptor(key), decryptor(key), encryptor(key)];
    const measurements = [
      {
        name: "seal",
        ours: () => {
          ({ channel } = sealBlock(channel, clear));
        },
        bare: () => {
          encryptor(key).update(cipherText);
          encryptor(key).update(covered);
        },
        kept: () => {
          kept.update(cipherText);
          keptMac.update(covered);
        },
      },
      {
        name: "open",
        ours: () => void openBlock(opened, block),
        bare: () => {
          decryptor(key).update(cipherText);
          encryptor(key).update(covered);
        },
        kept: () => {
          keptBack.update(cipherText);
          keptMac.update(covered);
        },
      },
    ];
    for (const { name, ...work } of measurements) {
      const [ours = 0, bare = 1, reused = 1] = rates([work.ours, work.bare, work.kept]);
      if (ours / bare < target) missed += 1;
      const label = `AES-${keyOctets * 8}  ${String(octets).padStart(5)} ${name}`;
      console.log(`${label} ${n(ours)}  ${n(bare)}  ${ratio(ours, bare)}  ${n(reused)}  ${ratio(ours, reused)}`);
    }
  }
}
console.log(missed === 0 ? "\nevery ratio reaches the target" : `\n${missed} ratios are below the target`);
process.exitCode = missed === 0 ? 0 : 1;
