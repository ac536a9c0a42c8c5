import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/base/hex.ts";
import { parseSpi } from "../../src/codec/ota/spi.ts";
import { segmentPacket } from "../../src/codec/sms/concatenation.ts";
import { openCommand, wrapCommand } from "../../src/crypto/command-packet.ts";
import { PacketKeys } from "../../src/crypto/packet-keys.ts";
import { at, numberAt, publishedVectors, scp80Vectors, textAt, textsAt, type Vector } from "../scp80-vectors.ts";

function keysOf(vector: Vector): PacketKeys {
  return new PacketKeys({ kic: fromHex(textAt(vector, "in.kic_key")), kid: fromHex(textAt(vector, "in.kid_key")) });
}

function inputOf(vector: Vector) {
  return {
    spi: parseSpi(fromHex(textAt(vector, "in.spi"))),
    kic: Number.parseInt(textAt(vector, "in.kic"), 16),
    kid: Number.parseInt(textAt(vector, "in.kid"), 16),
    tar: fromHex(textAt(vector, "in.tar")),
    cntr: Number.parseInt(textAt(vector, "in.cntr"), 16),
    data: fromHex(textAt(vector, "in.payload")),
    ccLength: numberAt(vector, "in.cc_len") || undefined,
  };
}

const shown = (octets: Uint8Array | undefined) => (octets === undefined ? null : toHex(octets));

describe.each(["command", "sgp02", "concat"])("vectors of group %s", (group) => {
  it.each(scp80Vectors(group).map((vector) => [vector.id, vector] as const))("%s", (_, vector) => {
    const input = inputOf(vector);
    const keys = keysOf(vector);
    const wrapped = wrapCommand(input, keys);
    expect({
      packet: toHex(wrapped.packet),
      cpl: wrapped.cpl,
      chl: wrapped.chl,
      pcntr: wrapped.pcntr,
      rc_cc: toHex(wrapped.rcCc),
      mac_input: shown(wrapped.macInput),
      cipher_input: shown(wrapped.cipherInput),
    }).toMatchObject({
      packet: textAt(vector, "expect.packet"),
      cpl: at(vector, "expect.cpl"),
      chl: at(vector, "expect.chl"),
      pcntr: at(vector, "expect.pcntr"),
      rc_cc: textAt(vector, "expect.rc_cc"),
      mac_input: at(vector, "expect.mac_input"),
      cipher_input: at(vector, "expect.cipher_input"),
    });
    const segments = segmentPacket(wrapped.packet, "command", {
      reference: numberAt(vector, "in.concat.ref") ?? 0,
      referenceBits: numberAt(vector, "in.concat.ref_bits") === 16 ? 16 : 8,
    });
    expect(segments.map(toHex)).toEqual(textsAt(vector, "expect.tp_ud"));
    const opened = openCommand(wrapped.packet, keys, { ccLength: input.ccLength });
    expect(toHex(opened.data)).toBe(textAt(vector, "in.payload"));
    expect(opened.cntr).toBe(input.cntr);
  });
});

describe.each(["endtoend", "published"])("packets of %s", (source) => {
  const vectors = source === "published" ? publishedVectors("command") : scp80Vectors(source);
  it.each(vectors.map((vector) => [vector.id, vector] as const))("%s", (_, vector) => {
    expect(toHex(wrapCommand(inputOf(vector), keysOf(vector)).packet)).toBe(textAt(vector, "expect.packet"));
  });
});

describe("deviations of fielded senders", () => {
  const keys = new PacketKeys({ kic: new Uint8Array(16).fill(1), kid: new Uint8Array(16).fill(2) });
  const spi = parseSpi(fromHex("1639"));
  const input = { spi, kic: 0x12, kid: 0x12, tar: fromHex("000001"), cntr: 7, data: new Uint8Array(9).fill(0xaa) };

  /** Pads for 8-octet blocks first and completes the 16-octet block behind CPL's back. */
  function shortPacket(raise: boolean): Uint8Array {
    const padded = { ...input, data: Uint8Array.from([...input.data, 0]) };
    const clear = wrapCommand({ ...padded, spi: parseSpi(fromHex("1239")) }, keys);
    const packet = new Uint8Array(clear.packet.length + 8);
    packet.set(clear.packet);
    const header = Uint8Array.from(packet.subarray(0, 16));
    header[3] = 0x16;
    header[15] = 1;
    const macInput = Uint8Array.from([...header, ...padded.data]);
    packet.set(header);
    packet.set(keys.check("cc", 0x12, 8)(macInput).subarray(0, 8), 16);
    packet.set(keys.cipher(0x12).encrypt(packet.subarray(10)), 10);
    if (raise) packet[1] = (packet[1] ?? 0) + 8;
    return packet;
  }

  it("refuses a CPL that leaves out 8 octets, unless asked to be lenient", () => {
    const packet = shortPacket(false);
    expect(packet.length % 16).toBe(10);
    expect(() => openCommand(packet, keys)).toThrow(expect.objectContaining({ code: "packet.format" }));
    const opened = openCommand(packet, keys, { lenient: true });
    expect(opened.oddities).toEqual(["cpl-short"]);
    expect(toHex(opened.data)).toBe(toHex(input.data));
  });

  it("names a CPL that was raised after the CC was made", () => {
    const packet = shortPacket(true);
    expect(() => openCommand(packet, keys)).toThrow(expect.objectContaining({ code: "packet.cc" }));
    expect(openCommand(packet, keys, { lenient: true }).oddities).toEqual(["cpl-raised"]);
  });

  it("does not take any other excess", () => {
    const packet = Uint8Array.from([...wrapCommand(input, keys).packet, 0, 0]);
    expect(() => openCommand(packet, keys, { lenient: true })).toThrow(
      expect.objectContaining({ code: "packet.format" }),
    );
  });
});

describe("key sets", () => {
  const spi = parseSpi(fromHex("1639"));
  const input = { spi, kic: 0x12, kid: 0x12, tar: fromHex("000001"), cntr: 1, data: fromHex("AA00") };

  it("never shows its keys", () => {
    const keys = new PacketKeys({ kic: new Uint8Array(16).fill(0x41), kid: new Uint8Array(16).fill(0x42) });
    expect(JSON.stringify({ keys })).toBe('{"keys":"[secret]"}');
  });

  it("says which key is missing", () => {
    expect(() => wrapCommand(input, new PacketKeys({ kid: new Uint8Array(16) }))).toThrow(
      expect.objectContaining({ code: "crypto.key", message: expect.stringContaining("KIc") }),
    );
  });

  it("uses what the card means by algorithm 0 only when told", () => {
    const material = { kic: new Uint8Array(16).fill(1), kid: new Uint8Array(16).fill(2) };
    const implicit = { ...input, kic: 0x10, kid: 0x10 };
    expect(() => wrapCommand(implicit, new PacketKeys(material))).toThrow(
      expect.objectContaining({ code: "crypto.algorithm" }),
    );
    const keys = new PacketKeys({ ...material, implicit: "AES" });
    expect(toHex(openCommand(wrapCommand(implicit, keys).packet, keys).data)).toBe("AA00");
  });

  it("insists on the CC length it is told", () => {
    const keys = new PacketKeys({ kic: new Uint8Array(16), kid: new Uint8Array(16) });
    const { packet } = wrapCommand({ ...input, ccLength: 4 }, keys);
    expect(openCommand(packet, keys).check.length).toBe(4);
    expect(() => openCommand(packet, keys, { ccLength: 8 })).toThrow(
      expect.objectContaining({ code: "packet.format" }),
    );
  });
});
