import { describe, expect, it } from "vitest";
import { isGatewayError } from "../../src/base/gateway-error.ts";
import { concatBytes, fromHex, toHex } from "../../src/base/hex.ts";
import { porStatusName } from "../../src/codec/ota/por-status.ts";
import { parseSpi } from "../../src/codec/ota/spi.ts";
import { readSegment } from "../../src/codec/sms/concatenation.ts";
import { PacketKeys } from "../../src/crypto/packet-keys.ts";
import { openResponse, wrapResponse } from "../../src/crypto/response-packet.ts";
import { at, numberAt, publishedVectors, scp80Vectors, textAt, textsAt, type Vector } from "../scp80-vectors.ts";

function keysOf(vector: Vector): PacketKeys {
  return new PacketKeys({ kic: fromHex(textAt(vector, "in.kic_key")), kid: fromHex(textAt(vector, "in.kid_key")) });
}

function pendingOf(vector: Vector) {
  const tar = textAt(vector, "in.expect_tar");
  const cntr = textAt(vector, "in.expect_cntr");
  return {
    spi: parseSpi(fromHex(textAt(vector, "in.spi"))),
    kic: Number.parseInt(textAt(vector, "in.kic"), 16),
    kid: Number.parseInt(textAt(vector, "in.kid"), 16),
    tar: tar === "" ? undefined : fromHex(tar),
    cntr: cntr === "" ? undefined : Number.parseInt(cntr, 16),
    ccLength: numberAt(vector, "in.cc_len") || undefined,
  };
}

function packetOf(vector: Vector): Uint8Array {
  return readSegment(fromHex(textsAt(vector, "in.tp_ud")[0] ?? "")).body;
}

describe("vectors of group response", () => {
  it.each(scp80Vectors("response").map((vector) => [vector.id, vector] as const))("%s", (_, vector) => {
    const keys = keysOf(vector);
    const pending = pendingOf(vector);
    const opened = openResponse(packetOf(vector), pending, keys);
    expect({
      status: opened.status,
      status_name: porStatusName(opened.status),
      tar: toHex(opened.tar),
      cntr: opened.cntr.toString(16).toUpperCase().padStart(10, "0"),
      pcntr: opened.pcntr,
      rhl: opened.rhl,
      rpl: opened.rpl,
      rc_cc: toHex(opened.check),
      data: toHex(opened.data),
    }).toEqual(
      Object.fromEntries(
        ["status", "status_name", "tar", "cntr", "pcntr", "rhl", "rpl", "rc_cc", "data"].map((name) => [
          name,
          at(vector, `expect.${name}`),
        ]),
      ),
    );
    const { status, cntr, data } = opened;
    const again = wrapResponse({ ...pending, tar: opened.tar, cntr, status, data }, keys);
    expect(toHex(again.packet)).toBe(toHex(packetOf(vector)));
  });
});

describe("published responses", () => {
  it.each(publishedVectors("response").map((vector) => [vector.id, vector] as const))("%s", (_, vector) => {
    const opened = openResponse(packetOf(vector), pendingOf(vector), keysOf(vector));
    expect(toHex(opened.data)).toBe(textAt(vector, "expect.data"));
    expect(opened.status).toBe(numberAt(vector, "expect.status"));
    expect(opened.pcntr).toBe(numberAt(vector, "expect.pcntr"));
  });
});

describe("responses that must not pass", () => {
  const single = [...scp80Vectors("negative_response"), ...publishedVectors("negative_response")].filter(
    (vector) =>
      textsAt(vector, "in.tp_ud").length === 1 && !textsAt(vector, "expect.error_any_of").includes("incomplete"),
  );
  it.each(single.map((vector) => [vector.id, textAt(vector, "name"), vector] as const))("%s: %s", (_, __, vector) => {
    const segment = readSegment(fromHex(textsAt(vector, "in.tp_ud")[0] ?? ""));
    if (segment.security !== "response") return;
    let code = "";
    let status: unknown;
    try {
      openResponse(segment.body, pendingOf(vector), keysOf(vector));
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      code = error.code.replace("packet.", "");
      status = error.detail.status;
    }
    expect(textsAt(vector, "expect.error_any_of")).toContain(code);
    expect(status).toBe(at(vector, "expect.status"));
  });
});

describe("what the checksum covers", () => {
  const keys = new PacketKeys({ kic: new Uint8Array(16).fill(1), kid: new Uint8Array(16).fill(2) });
  const pending = { spi: parseSpi(fromHex("1609")), kic: 0x12, kid: 0x12, tar: fromHex("000001"), cntr: 9 };
  const input = { ...pending, status: 0, data: fromHex("AB0780010123029000") };

  function withCheckOver(udh: Uint8Array): Uint8Array {
    const { packet } = wrapResponse(input, keys);
    const covered = concatBytes(udh, packet.subarray(0, 13), packet.subarray(21));
    packet.set(keys.check("cc", 0x12, 8)(covered).subarray(0, 8), 13);
    return packet;
  }

  it("refuses a checksum without the header, and says that this is what happened", () => {
    const packet = withCheckOver(new Uint8Array(0));
    expect(() => openResponse(packet, pending, keys)).toThrow(
      expect.objectContaining({ code: "packet.cc", detail: expect.objectContaining({ ccVariant: "without-udh" }) }),
    );
    expect(openResponse(packet, pending, keys, { lenient: true }).ccVariant).toBe("without-udh");
  });

  it("takes a checksum over the header as it came in a concatenated response", () => {
    const udh = fromHex("0700036B02017100");
    expect(openResponse(withCheckOver(udh), pending, keys, { udh }).ccVariant).toBe("literal-udh");
  });

  it("cuts the status word of the ENVELOPE that follows the packet", () => {
    const { packet } = wrapResponse(input, keys);
    for (const sw of ["9000", "910B", "9137"]) {
      const opened = openResponse(concatBytes(packet, fromHex(sw)), pending, keys);
      expect(opened.packet.trailingSw).toBe(Number.parseInt(sw, 16));
      expect(toHex(opened.data)).toBe("AB0780010123029000");
    }
    expect(() => openResponse(concatBytes(packet, fromHex("90")), pending, keys)).toThrow(
      expect.objectContaining({ code: "packet.format" }),
    );
  });

  it("surfaces a bare status even without the keys that the answer should have used", () => {
    const bare = fromHex("000B0A00000100000000090009");
    const error = expect.objectContaining({
      code: "packet.unauthenticated-status",
      detail: expect.objectContaining({ status: 9, statusName: "TAR unknown" }),
    });
    expect(() => openResponse(bare, { ...pending, spi: parseSpi(fromHex("1639")) }, new PacketKeys({}))).toThrow(error);
    expect(() => openResponse(bare, { ...pending, spi: parseSpi(fromHex("1439")) }, keys)).toThrow(error);
    expect(() => openResponse(bare, { ...pending, spi: parseSpi(fromHex("1411")) }, keys)).toThrow(error);
  });
});
