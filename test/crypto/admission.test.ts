import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/base/hex.ts";
import { counterModes } from "../../src/codec/ota/spi.ts";
import { readSegment } from "../../src/codec/sms/concatenation.ts";
import { admitCommand } from "../../src/crypto/admission.ts";
import { acceptCounter } from "../../src/crypto/counter.ts";
import { PacketKeys } from "../../src/crypto/packet-keys.ts";
import { at, numberAt, scp80Vectors, textAt, textsAt } from "../scp80-vectors.ts";

describe("commands that a receiver refuses", () => {
  it.each(scp80Vectors("negative_command").map((vector) => [vector.id, textAt(vector, "name"), vector] as const))(
    "%s: %s",
    (_, __, vector) => {
      const admission = admitCommand(readSegment(fromHex(textsAt(vector, "in.tp_ud")[0] ?? "")).body, {
        keys: new PacketKeys({
          kic: fromHex(textAt(vector, "in.kic_key")),
          kid: fromHex(textAt(vector, "in.kid_key")),
        }),
        stored: Number.parseInt(textAt(vector, "in.stored_cntr"), 16),
        ccLength: numberAt(vector, "in.cc_len"),
        strict: true,
      });
      expect(admission).toMatchObject({ at: "refused", por: at(vector, "expect.por_sent") });
      expect(admission.at === "refused" ? (admission.status ?? null) : undefined).toBe(
        at(vector, "expect.reject_status"),
      );
    },
  );

  it("accepts the same packet with the right key and a lower counter", () => {
    const [, , replay] = scp80Vectors("negative_command");
    const admission = admitCommand(readSegment(fromHex(textsAt(replay, "in.tp_ud")[0] ?? "")).body, {
      keys: new PacketKeys({ kic: fromHex(textAt(replay, "in.kic_key")), kid: fromHex(textAt(replay, "in.kid_key")) }),
      stored: 1,
      ccLength: 8,
      strict: true,
    });
    expect(admission).toMatchObject({ at: "accepted", stored: 0x10, por: true });
    expect(admission.at === "accepted" ? toHex(admission.command.data) : "").toBe("AA0A220880F24002024F0000");
  });
});

describe("the counter rule", () => {
  it.each(scp80Vectors("counter").map((vector) => [vector.id, textAt(vector, "name"), vector] as const))(
    "%s: %s",
    (_, __, vector) => {
      const mode = counterModes[numberAt(vector, "in.spi1_b5b4") ?? 0] ?? "none";
      let stored = Number.parseInt(textAt(vector, "in.stored"), 16);
      const given = textsAt(vector, "in.sequence").map((cntr) => {
        const verdict = acceptCounter(mode, stored, Number.parseInt(cntr, 16));
        stored = verdict.stored;
        return verdict.status;
      });
      expect(given).toEqual(at(vector, "expect.status"));
    },
  );
});
