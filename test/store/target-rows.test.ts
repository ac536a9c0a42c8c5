import { expect, it } from "vitest";
import { fromHex } from "../../src/base/hex.ts";
import { parseAid } from "../../src/codec/euicc/aid.ts";
import type { Target } from "../../src/gateway/model/target.ts";
import { readTarget, writtenTarget } from "../../src/store/sqlite/target-rows.ts";

const aid = parseAid("A0000005591010FFFFFFFF8900001000");
const target = {
  id: "tgt_1",
  kind: "euicc",
  tags: [],
  esimProfiles: [{ aid, state: "enabled", fallback: false, connectivity: { A2: fromHex("350103") } }],
  addressing: { A3: fromHex("8105912143658709") },
  reach: {},
  settings: { spi: fromHex("1621") },
  eis: { smsr: { addressing: { A3: "8105912143658709" } } },
  version: 1,
  createdAt: 1,
  updatedAt: 1,
} as const satisfies Target;

it("templates are text in a row, sealed, and octets in the target", () => {
  const written = writtenTarget(target);
  expect(written).toEqual({
    open: {
      ...target,
      settings: { spi: "1621" },
      addressing: {},
      esimProfiles: [{ ...target.esimProfiles[0], connectivity: {} }],
      eis: { smsr: {} },
    },
    secrets: {
      addressing: { A3: "8105912143658709" },
      connectivity: { [aid]: { A2: "350103" } },
      smsr: { addressing: { A3: "8105912143658709" } },
    },
  });
  expect(readTarget(written)).toEqual(target);
});

it("a template of an earlier version that is not hexadecimal does not make its target unreadable", () => {
  const { open } = writtenTarget(target);
  const secrets = { addressing: { A3: "8105 912143658709", A5: "none" }, connectivity: { [aid]: { A2: "35010" } } };
  const { addressing, esimProfiles } = readTarget({ open, secrets });
  expect({ addressing, connectivity: esimProfiles[0]?.connectivity }).toEqual({
    addressing: target.addressing,
    connectivity: {},
  });
});
