import { describe, expect, it } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import { isdRTar, parseTar } from "../../../src/codec/euicc/aid.ts";
import type { Job } from "../../../src/gateway/model/job.ts";
import type { PacketRecord } from "../../../src/gateway/model/packet.ts";
import { verdictOf } from "../../../src/gateway/scp80/evaluate-response.ts";
import type { ReadAnswer } from "../../../src/gateway/scp80/secured-packet.ts";
import { job, target } from "../records.ts";

const packet: PacketRecord = {
  id: "pkt_1",
  job: "job_1",
  target: "tgt_1",
  keySet: "key_1",
  tar: isdRTar,
  cntr: 1,
  spi: Uint8Array.of(0x16, 0x39),
  userData: [],
  state: "sent",
  transmissions: 1,
  createdAt: 0,
};

/** Expanded answers, TS 102 226 §5.2.2: AF 80, R-APDUs 23, end of content. */
const success = Uint8Array.of(0xaf, 0x80, 0x23, 0x02, 0x90, 0x00, 0x00, 0x00);
const refused = Uint8Array.of(0xaf, 0x80, 0x23, 0x02, 0x69, 0x85, 0x00, 0x00);
/** A compact answer: one command, 9000. TS 102 226 §5.1.2 */
const compact = Uint8Array.of(0x01, 0x90, 0x00);
const none = new Uint8Array(0);

const proven: ReadAnswer = {
  status: 0,
  statusName: "PoR OK",
  authenticated: true,
  asAsked: true,
  ciphered: true,
  intermediate: false,
  data: success,
};
/** In clear, to a command that asked for no more. */
const clear = { authenticated: false, ciphered: false, asAsked: true } as const;
/** In clear, although the SPI asked for a CC. */
const bare = { authenticated: false, ciphered: false, asAsked: false } as const;

interface Case {
  readonly answer?: Partial<ReadAnswer>;
  readonly of?: Partial<PacketRecord>;
  readonly byCard?: boolean;
  readonly order?: Job;
}

function outcome({ answer, of, byCard = false, order = job() }: Case): string {
  const verdict = verdictOf(order, { ...packet, ...of }, target(), { ...proven, ...answer }, { byCard });
  if (verdict.at === "failed") return `failed: ${verdict.error.code}, executed ${verdict.error.executed}`;
  return verdict.at;
}

describe("the verdict on a response packet", () => {
  // Status of the response packet: TS 102 225 §5.2, table 5
  it.each<[string, Case, string]>([
    ["proven, every command succeeded", {}, "done"],
    ["proven, the command was refused", { answer: { data: refused } }, "failed: job.script, executed false"],
    ["01: RC/CC/DS failed", { answer: { status: 1, data: none } }, "failed: packet.por, executed false"],
    ["02: counter low, sent once", { answer: { status: 2, data: none } }, "again"],
    [
      "02: counter low, sent twice: the first one may have been run",
      { answer: { status: 2, data: none }, of: { transmissions: 2 } },
      "failed: packet.answer-lost, executed unknown",
    ],
    ["05: ciphering error", { answer: { status: 5, data: none } }, "failed: packet.por, executed false"],
    ["08: more time", { answer: { status: 8, data: none } }, "wait"],
    ["09: TAR unknown", { answer: { status: 9, data: none } }, "failed: packet.por, executed false"],
    ["0A: insufficient security", { answer: { status: 10, data: none } }, "failed: packet.por, executed false"],
    ["0B: the response follows by SMS-SUBMIT", { answer: { status: 11, data: none } }, "wait"],
    ["0C: the response follows by USSD", { answer: { status: 12, data: none } }, "wait"],
    ["good, but without the CC that was asked for", { answer: bare }, "unproven"],
    ["good, without the CC, from the reader", { answer: bare, byCard: true }, "unproven"],
    ["a refusal without the CC, by radio", { answer: { ...bare, status: 1, data: none } }, "unproven"],
    [
      "a refusal without the CC, from the card in a reader",
      { answer: { ...bare, status: 1, data: none }, byCard: true },
      "failed: packet.por, executed false",
    ],
    ["in clear as asked, from a sender that is not known", { answer: clear }, "unproven"],
    ["in clear as asked, accepted when it arrived", { answer: clear, of: { state: "answered" } }, "done"],
    ["ciphered without a CC, as asked", { answer: { ...clear, ciphered: true } }, "done"],
    [
      "compact, to a compact script",
      {
        answer: { data: compact },
        order: job({
          work: { kind: "script", tar: parseTar("B00010"), apdus: [fromHex("00A4000C023F00")], format: "compact" },
        }),
      },
      "done",
    ],
  ])("%s: %s", (_, given, expected) => {
    expect(outcome(given)).toBe(expected);
  });

  it("states the PoR with the failure", () => {
    const answer = { ...proven, status: 9, statusName: "TAR unknown", data: none };
    expect(verdictOf(job(), packet, target(), answer)).toMatchObject({
      error: {
        message: "the card refused the packet: TAR unknown",
        detail: { por: { status: 9, authenticated: true } },
      },
    });
  });

  it("names an unknown sender", () => {
    expect(verdictOf(job(), packet, target(), { ...proven, ...clear })).toEqual({
      at: "unproven",
      note: "PoR OK in clear, from a sender that is not known to be the card",
    });
  });
});
