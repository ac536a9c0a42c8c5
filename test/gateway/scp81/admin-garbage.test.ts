import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toHex } from "../../../src/base/hex.ts";
import { isdRTar, parseAid } from "../../../src/codec/euicc/aid.ts";
import { type Es5Function, es5Commands } from "../../../src/codec/euicc/es5/functions.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { testRandom } from "../../seed.ts";
import { AdminBench } from "./admin-bench.ts";

const isdP = parseAid("A0000005591010FFFFFFFF8900001300");
const functions: readonly Es5Function[] = [
  { name: "auditStatus" },
  { name: "auditStatus", isdP },
  { name: "auditResources" },
  { name: "auditEid" },
  { name: "auditKeys" },
  { name: "auditCounter" },
  { name: "auditForwarded", tags: [0x66] },
  { name: "createISDP", isdP },
  { name: "enableProfile", isdP },
  { name: "disableProfile", isdP },
  { name: "deleteProfile", isdP },
  { name: "confirmNotification", sequence: 1 },
  { name: "establishISDRKeySet", part: 1, certificate: Uint8Array.of(0x7f, 0x21, 0) },
];

describe("answers whose data mean nothing", () => {
  let bench: AdminBench;
  beforeAll(async () => {
    bench = await AdminBench.open();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  it.each(functions)("to $name end their job and never cut the link", async (fn) => {
    const random = testRandom(7);
    const octets = (count: number) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
    const tags = [0x4f, 0x9f70, 0xe3, 0x5a, 0xe0, 0xc0, 0xff21, 0xbf30, 0x80, 0x85, 0x86, 0x53, 0xc1];
    const data = [
      ...Array.from({ length: 12 }, (_, length) => octets(length * length)),
      ...tags.map((tag) => tlvBytes(tag, octets(5))),
      ...tags.map((tag) => tlvBytes(0xe3, tlvBytes(tag, octets(18)))),
      ...tags.map((tag) => tlvBytes(tag, new Uint8Array(0))),
    ];
    const cards = await bench.bareCards(data.length);
    await Promise.all(
      cards.map(async (card, index) => {
        const id = await bench.waiting(card, { kind: "script", tar: isdRTar, apdus: es5Commands(fn) });
        await card.begin();
        const rapdu = tlvBytes(0x23, data[index] ?? octets(0), Uint8Array.of(0x90, 0x00));
        expect(await card.answer(`AF80${toHex(rapdu)}0000`)).not.toBe("dropped");
        expect(["done", "failed"]).toContain((await bench.job(id)).state);
      }),
    );
  });
});
