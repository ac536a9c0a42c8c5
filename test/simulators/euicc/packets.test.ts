import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { aesCmac, redundancyCheck } from "../../../simulators/euicc/secured/scp80-crypto.ts";
import {
  buildNotice,
  buildResponse,
  evaluateCounter,
  porStatus,
  readHeader,
  verifyCommand,
} from "../../../simulators/euicc/secured/scp80-packet.ts";
import { Reassembly } from "../../../simulators/euicc/sms.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { bench } from "./terminal.ts";

/** The shapes of the vector file that these tests read. */
interface Vector {
  id: string;
  name: string;
  in: Record<string, string> & { cc_len: number; tp_ud: string[]; sequence: string[]; spi1_b5b4: number };
  expect: Record<string, string> & {
    status: number[] & number;
    tp_ud: string[];
    envelope: string[];
    por_sent: boolean;
    reject_status: number | null;
    data: string;
    por: { data: string; status: number } | null;
    submitted?: { sms_submit: string[]; por: { data: string } };
  };
  provenance: string[];
}

const { groups }: { groups: Record<string, Vector[]> } = JSON.parse(
  readFileSync(new URL("../../vectors/scp80.json", import.meta.url), "utf8"),
);
const group = (name: string) => (groups[name] ?? []).map((vector) => [vector.id, vector] as const);

function keysOf(vector: Vector) {
  const ccLength = vector.in.cc_len === 4 ? 4 : 8;
  return { kic: fromHex(vector.in.kic_key ?? ""), kid: fromHex(vector.in.kid_key ?? ""), ccLength } as const;
}

describe("the card's own SCP80", () => {
  it.each([...group("command"), ...group("sgp02"), ...group("concat")])("opens %s", (_, vector) => {
    const packet = fromHex(vector.expect.packet ?? "");
    const header = readHeader(packet);
    if (!header) throw new Error("the lengths of the vector add up");
    const verdict = verifyCommand(packet, header, keysOf(vector));
    expect(verdict.at).toBe("authentic");
    if (verdict.at !== "authentic") return;
    expect(toHex(verdict.data)).toBe(vector.in.payload);
    expect(verdict.cntr).toBe(Number.parseInt(vector.in.cntr ?? "", 16));
  });

  const sendable = group("response").filter(
    ([
      ,
      {
        expect: { status },
      },
    ]) => status !== porStatus.unidentified,
  );

  it.each(sendable)("builds %s", (_, vector) => {
    const { spi = "", kic = "", kid = "", expect_tar: tar = "", expect_cntr: cntr = "" } = vector.in;
    const number = (hex: string) => Number.parseInt(hex, 16);
    const [spi1, spi2] = [number(spi.slice(0, 2)), number(spi.slice(2))];
    const header = { spi1, spi2, kic: number(kic), kid: number(kid), tar: number(tar), chl: 13 };
    const packet = buildResponse({
      header,
      keys: keysOf(vector),
      cntr: number(cntr),
      status: vector.expect.status,
      data: fromHex(vector.expect.data),
    });
    expect(`027100${toHex(packet)}`).toBe(vector.in.tp_ud[0]);
  });

  it.each(group("counter"))("judges %s", (_, vector) => {
    let stored = Number.parseInt(vector.in.stored ?? "", 16);
    const statuses = vector.in.sequence.map((cntr) => {
      const judged = evaluateCounter(vector.in.spi1_b5b4 << 3, Number.parseInt(cntr, 16), stored);
      stored = judged.stored;
      return judged.status;
    });
    expect(statuses).toEqual(vector.expect.status);
  });

  it.each(group("negative_command"))("refuses %s as SGP.02 wants it", async (_, vector) => {
    const { terminal, state } = bench();
    const [set] = state.isdR.keySets;
    if (!set) throw new Error("the fixture has a key set");
    set.cntr = vector.in.stored_cntr ?? "";
    set.keys = [
      { id: 1, type: "AES", value: vector.in.kic_key ?? "" },
      { id: 2, type: "AES", value: vector.in.kid_key ?? "" },
    ];
    await terminal.start();
    const answer = await terminal.download(vector.in.tp_ud[0] ?? "");
    const served = await terminal.serve(answer);
    expect(answer.length > 4).toBe(vector.expect.por_sent);
    expect(served.length > 0).toBe(vector.expect.por_sent);
    expect(set.cntr).toBe(vector.in.stored_cntr);
  });

  it.each(group("endtoend"))("answers like another card to %s", async (_, vector) => {
    const { terminal, state } = bench({ settings: { reportLimit: 250 } });
    const [profile] = state.profiles;
    const { kic = "", kic_key = "", kid_key = "", cntr = "" } = vector.in;
    const key = (id: number, value: string) => ({ id, type: "AES" as const, value });
    const keySet = {
      kvn: Number.parseInt(kic.slice(0, 1), 16),
      type: "SCP80" as const,
      keys: [key(1, kic_key), key(2, kid_key)],
      cntr: (BigInt(`0x${cntr}`) - 1n).toString(16).padStart(10, "0"),
      ccLength: 8 as const,
    };
    if (profile) profile.mnoKeySets = [keySet];
    await terminal.start();
    let answer = "";
    for (const part of vector.expect.envelope) answer = await terminal.apdu(part);
    const served = await terminal.serve(answer);
    expect(served.length > 0).toBe(vector.expect.submitted !== undefined);
    expect(answer.slice(0, 6)).toBe("027100");
    expect(answer).toHaveLength((vector.expect.por_tp_ud ?? "").length + 4);
  });

  it("segments long answers and takes command segments in any order, once", async () => {
    const reassembly = new Reassembly();
    const segment = (sequence: number, secured: boolean, octet: number) => ({
      originator: fromHex("04811032"),
      elements: [
        { id: 0, value: Uint8Array.of(7, 3, sequence) },
        ...(secured ? [{ id: 0x70, value: new Uint8Array(0) }] : []),
      ],
      payload: Uint8Array.of(octet),
    });
    expect(reassembly.take(segment(3, false, 3))).toBe("incomplete");
    expect(reassembly.take(segment(1, true, 1))).toBe("incomplete");
    expect(reassembly.take(segment(1, true, 1))).toBe("incomplete");
    expect(reassembly.take(segment(0, true, 9))).toBeUndefined();
    expect(reassembly.take(segment(2, false, 2))).toEqual(Uint8Array.of(1, 2, 3));
  });

  it("computes the published check values", () => {
    expect(toHex(redundancyCheck(2, fromHex("0102030405")))).toBe("22EC");
    expect(toHex(redundancyCheck(4, fromHex("0102030405")))).toBe("470B99F4");
    const key = fromHex("2B7E151628AED2A6ABF7158809CF4F3C");
    expect(toHex(aesCmac(key, new Uint8Array(0)))).toBe("BB1D6929E95937287FA37D129B756746");
    expect(toHex(aesCmac(key, fromHex("6BC1BEE22E409F96E93D7E117393172A")))).toBe("070A16B46B4D4144F79BDD9DD04A287C");
    expect(porStatus.ok).toBe(0);
    expect(buildNotice({ spi1: 0, kic: 0, kid: 0, tar: 1 }, undefined, Uint8Array.of(0xe1, 0))).toHaveLength(18);
  });
});
