import { expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { showing } from "../../../src/link/secrets/shown-frames.ts";

test("user name and password of a bearer are not shown, all else of the command is", () => {
  const answer = fromHex(
    "D036810301400182028182350702030403041F02390205780D08F4557365724C6F670D08F4557365725077643C0301AD9C3E0521010101019000",
  );
  const shown = showing(fromHex("8012000038")).answer(answer);
  expect(toHex(shown.bytes ?? new Uint8Array(0))).toBe(
    "D036810301400182028182350702030403041F02390205780D0800000000000000000D0800000000000000003C0301AD9C3E0521010101019000",
  );
  expect(shown.facts).toEqual({ hidden: "bearer-login" });
  const other = fromHex("D0098103010200820281829000");
  expect(showing(fromHex("801200000B")).answer(other)).toEqual({ bytes: other });
});
