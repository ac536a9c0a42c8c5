import { expect, it } from "vitest";
import { isdRTar } from "../../src/codec/euicc/aid.ts";
import { readWork } from "../../src/store/octet-rows.ts";

const lower = "a0000005591010ffffffff8900001200";

it("an AID that an earlier version stored in lower case is read in upper case", () => {
  const script = readWork({ kind: "script", tar: isdRTar, aid: lower, apdus: ["80CA005A00"] });
  const body = readWork({ kind: "body", tar: isdRTar, aid: lower, body: "AE00" });
  expect([script, body]).toMatchObject([{ aid: lower.toUpperCase() }, { aid: lower.toUpperCase() }]);
});

it("work without an AID stays without one", () => {
  expect(readWork({ kind: "body", tar: isdRTar, body: "AE00" })).not.toHaveProperty("aid");
});
