import { describe, expect, it } from "vitest";
import { csvTargets } from "../../../src/gateway/targets/target-csv.ts";
import { describedTarget } from "../../../src/gateway/targets/target-import.ts";
import { Bench } from "../bench.ts";

const iccid = (n: number) => `8944${String(n).padStart(14, "0")}1`;
const item = (n: number, more: object = {}) => ({ iccid: iccid(n), ...more });
const psk = (pskIdentity: string) => ({
  keySets: [{ kvn: 64, type: "SCP81", pskIdentity, keys: [{ id: 1, value: "1F".repeat(16) }] }],
});

/** Imports and says which item was refused and what is stored after it. */
async function refusedAt(
  bench: Bench,
  items: readonly object[],
): Promise<{ at: number; told: number; stored: number }> {
  let [at, told] = [-1, -1];
  const run = bench.targets.importAll(
    items.map((one) => ({ shape: describedTarget(one) })),
    {},
    (error, index, stored) => {
      [at, told] = [index, stored];
      throw error;
    },
  );
  await expect(run).rejects.toMatchObject({ code: "target.exists" });
  return { at, told, stored: (await bench.targets.list({}, undefined, 1000)).length };
}

const many = 70;
const list = (last: object) => [...Array.from({ length: many }, (_, n) => item(n + 1)), last];

describe("an import of many that is refused", () => {
  it.each([
    ["the same PSK identity twice", [item(1, psk("Y1")), item(2, psk("y1"))], 1],
    ["the same name twice", [item(1, { name: "n" }), item(2, { name: "N" })], 1],
    ["the same PSK identity far apart", [item(500, psk("Y1")), ...list(item(300, psk("Y1")))], many + 1],
    ["the same name far apart", [item(500, { name: "n" }), ...list(item(300, { name: "n" }))], many + 1],
    ["a name that is known", list(item(300, { name: "known" })), many],
    ["a PSK identity that is known", list(item(300, psk("KNOWN"))), many],
  ])("for %s stores none of them", async (_, items, at) => {
    await using bench = await Bench.open();
    await bench.targets.import({ iccid: iccid(999), name: "known", ...psk("known") });
    expect(await refusedAt(bench, items)).toEqual({ at, told: 0, stored: 1 });
  });

  it("for a line of a CSV stores none of its lines", async () => {
    await using bench = await Bench.open();
    const value = "1F".repeat(16);
    const { targets } = await csvTargets(`iccid,psk,psk_identity\n${iccid(1)},${value},Y1\n${iccid(2)},${value},Y1`);
    await expect(bench.targets.importAll(targets)).rejects.toThrow("pskIdentity");
    expect(await bench.targets.list({}, undefined, 10)).toEqual([]);
  });

  it("takes all of them when none is", async () => {
    await using bench = await Bench.open();
    const items = list(item(300, { name: "last" })).map((one) => ({ shape: describedTarget(one) }));
    expect(await bench.targets.importAll(items)).toHaveLength(many + 1);
    expect(await bench.targets.importAll(items)).toHaveLength(many + 1);
    expect(await bench.targets.list({}, undefined, 1000)).toHaveLength(many + 1);
  });
});
