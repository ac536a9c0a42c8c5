import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { shownText } from "../../../src/codec/at/line-name.ts";
import { capduObject, compactScript, expandedScript } from "../../../src/codec/ota/script.ts";
import { parseSpi } from "../../../src/codec/ota/spi.ts";
import { showTpdu } from "../../../src/codec/secrets/message-secrets.ts";
import { showScript } from "../../../src/codec/secrets/script-secrets.ts";
import { shownPdu } from "../../../src/codec/secrets/shown-pdu.ts";
import { segmentPacket } from "../../../src/codec/sms/concatenation.ts";
import { readUserDataHeader } from "../../../src/codec/sms/user-data-header.ts";
import { wrapCommand } from "../../../src/crypto/command-packet.ts";
import { PacketKeys } from "../../../src/crypto/packet-keys.ts";
import { SegmentMemory } from "../../../src/link/secrets/segment-memory.ts";
import { showing } from "../../../src/link/secrets/shown-frames.ts";
import { deliverOf, envelopeOf, submitOf } from "../../codec/ota/carriers.ts";

const mark = "C0DE".repeat(8);
const putKey = `80D8000117018810${mark}03AABBCC`;
const storeKeys = `80E2880023811320${mark}${mark}`;
const pin = "0020000108C0DEC0DEC0DEC0DE";

function script(apdus: readonly string[], format: "compact" | "expanded-definite" | "expanded-indefinite"): Uint8Array {
  const octets = apdus.map(fromHex);
  return format === "compact" ? compactScript(octets) : expandedScript(octets.map(capduObject), format);
}

/** TP-UDs of a command packet, and what is clear of it when its script has no secrets. */
function packetOf(data: Uint8Array, { spi = "0200", reference = 7, limit = 140 } = {}) {
  const keys = new PacketKeys({ kic: new Uint8Array(16).fill(1), kid: new Uint8Array(16).fill(2) });
  const input = { spi: parseSpi(fromHex(spi)), kic: 0x12, kid: 0x12, tar: fromHex("000001"), cntr: 1, data };
  const { packet } = wrapCommand(input, keys);
  const shown = showScript(data);
  return {
    segments: segmentPacket(packet, "command", { reference, referenceBits: 8 }, limit),
    packet,
    shown: concatBytes(packet.subarray(0, packet.length - data.length), shown.bytes),
  };
}

const bodyOf = (userData: Uint8Array) => readUserDataHeader(userData).body;
const passing = (userData: Uint8Array, peer = "card") => ({ userData, userDataHeader: true, peer });

/** What is shown of the bodies, put together. */
function through(memory: SegmentMemory, segments: readonly Uint8Array[]): string {
  return toHex(concatBytes(...segments.map((one) => bodyOf(memory.show(passing(one))))));
}

const long = (octets: number) => `80E28800${octets.toString(16).padStart(2, "0")}${"5A".repeat(octets)}`.toUpperCase();
const apdus = [long(100), putKey, "80F24002024F00", storeKeys, long(60), pin, putKey];

describe("a packet of several short messages in clear", () => {
  it.each(["expanded-definite", "expanded-indefinite", "compact"] as const)(
    "shows all but its keys and PINs, wherever it is cut (%s)",
    (format) => {
      for (let limit = 30; limit <= 140; limit++) {
        const { segments, shown } = packetOf(script(apdus, format), { limit });
        expect(segments.length).toBeGreaterThan(1);
        expect([limit, through(new SegmentMemory(), segments)]).toEqual([limit, toHex(shown)]);
        expect(toHex(shown)).not.toContain("C0DE");
      }
    },
  );

  it("is recognised among others, and when it is sent again", () => {
    const memory = new SegmentMemory();
    const one = packetOf(script(apdus, "compact"));
    const other = packetOf(script([long(120), long(120)], "compact"), { reference: 8 });
    const mixed = one.segments.flatMap((segment, at) => [segment, other.segments[at] ?? segment]);
    const shown = mixed.map((segment) => toHex(bodyOf(memory.show(passing(segment)))));
    expect(shown.filter((_, at) => at % 2 === 0).join("")).toBe(toHex(one.shown));
    expect(through(memory, one.segments)).toBe(toHex(one.shown));
    expect(through(memory, other.segments)).toBe(toHex(other.packet));
  });

  it("loses all of a segment that cannot be judged", () => {
    const { segments } = packetOf(script(apdus, "compact"));
    const [first, second, third] = segments;
    if (first === undefined || second === undefined || third === undefined) throw new Error("three segments");
    const memory = new SegmentMemory();
    const blank = (segment: Uint8Array, peer?: string) => {
      const shown = memory.show(passing(segment, peer));
      expect(shown.subarray(0, shown.length - bodyOf(shown).length)).toEqual(segment.subarray(0, 6));
      return bodyOf(shown).every((octet) => octet === 0);
    };
    expect(blank(second)).toBe(true);
    memory.show(passing(first));
    expect(blank(third)).toBe(true);
    expect(blank(second)).toBe(false);
    expect(blank(second, "another card")).toBe(true);
    // The same reference again, and its first segment is still to come.
    const next = packetOf(script([long(120), putKey, putKey, putKey, putKey, putKey], "compact")).segments;
    expect(blank(next[1] ?? first)).toBe(true);
    expect(blank(third)).toBe(true);
  });

  it("forgets the oldest packets, and shows nothing of what it forgot", () => {
    const memory = new SegmentMemory();
    const { segments, packet } = packetOf(script([long(120), long(120)], "compact"));
    const [first, second] = segments;
    if (first === undefined || second === undefined) throw new Error("two segments");
    memory.show(passing(first));
    expect(memory.show(passing(second))).toBe(second);
    for (let n = 0; n < 300; n++) memory.show(passing(first, `card ${n}`));
    expect(toHex(memory.show(passing(second)))).not.toContain(toHex(packet.subarray(-20)));
  });
});

describe("several short messages that hide nothing", () => {
  it("are shown as they are: ciphered packets, and texts", () => {
    const ciphered = packetOf(script(apdus, "compact"), { spi: "1639" });
    const memory = new SegmentMemory();
    for (const segment of ciphered.segments) expect(memory.show(passing(segment))).toBe(segment);
    for (const n of [1, 2]) {
      const text = concatBytes(fromHex(`0500030902${n.toString().padStart(2, "0")}`), new Uint8Array(100).fill(0x41));
      expect(memory.show(passing(text))).toBe(text);
    }
  });
});

const sarOf = (sarSegmentSeqnum: number) => ({ sarMsgRefNum: 300, sarTotalSegments: 3, sarSegmentSeqnum });

describe("what traces show of a long packet in clear", () => {
  const { segments, shown } = packetOf(script(apdus, "compact"));
  const expected = segments.map((segment, at) => {
    const before = segments.slice(0, at).reduce((sum, one) => sum + bodyOf(one).length, 0);
    return toHex(shown.subarray(before, before + bodyOf(segment).length));
  });
  const forms: Record<string, (memory: SegmentMemory, userData: Uint8Array, at: number) => string> = {
    "SMS TPDUs": (memory, userData) => toHex(showTpdu(deliverOf(userData), memory.show)),
    "ENVELOPE commands": (memory, userData) => {
      const apdu = envelopeOf(deliverOf(userData));
      return toHex(showing(apdu, memory.show).command(apdu).bytes ?? new Uint8Array(0));
    },
    "AT lines with ENVELOPE": (memory, userData) =>
      shownText(`AT+CSIM=200,"${toHex(envelopeOf(deliverOf(userData)))}"\r`, memory.show),
    "PDUs behind AT+CMGS": (memory, userData) => shownText(`00${toHex(deliverOf(userData))}\x1a`, memory.show),
    submit_sm: (memory, userData) => toHex(shownPdu(submitOf(userData), memory.show)),
    "submit_sm with sar parameters": (memory, userData, at) => {
      const body = bodyOf(userData);
      const pdu =
        at === 0 ? submitOf(concatBytes(fromHex("027000"), body), sarOf(1)) : submitOf(body, sarOf(at + 1), 0);
      return toHex(shownPdu(pdu, memory.show));
    },
  };

  it.each(Object.entries(forms))("hides its keys in %s", (_, form) => {
    const memory = new SegmentMemory();
    expect(segments).toHaveLength(3);
    for (const [at, userData] of segments.entries()) expect(form(memory, userData, at)).toContain(expected[at]);
  });

  it.each(Object.entries(forms))("keeps back what follows the first of %s when nothing is known of them", (_, form) => {
    for (const [at, userData] of [...segments.entries()].slice(1))
      expect(form(new SegmentMemory(), userData, at)).toContain("00".repeat(bodyOf(userData).length));
  });
});
