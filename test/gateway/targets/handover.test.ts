import { describe, expect, it } from "vitest";
import { isdRTar } from "../../../src/codec/euicc/aid.ts";
import { KeySetShape } from "../../../src/gateway/targets/target-shape.ts";
import { Bench, euicc } from "../bench.ts";

const origin = { face: "cli" } as const;
const fresh = [1, 2, 3].map((id) => ({ id, type: "AES" as const, value: `0${id}`.repeat(16) }));

/** A card and a target with a second SCP80 key set, as a new SM-SR has made it. */
async function scene() {
  const bench = await Bench.open();
  await bench.gateway.start();
  const card = euicc();
  card.state.isdR.keySets.push({ kvn: 2, type: "SCP80", keys: fresh, cntr: "0000000000", ccLength: 8 });
  await bench.add(card);
  const target = card.state.eid;
  const call = (name: string, params: Record<string, unknown>, kvn: number) =>
    bench.run({ target, work: { kind: "es5", function: name, params }, request: { kvn }, origin });
  const sets = async () =>
    (await bench.targets.show(target)).keySets.map(({ type, kvn, tars }) => [type, kvn, ...tars]);
  return { bench, card, target, call, sets };
}

const keepNew = { keep: [{ kvn: 2, first: 1, last: 3 }] };

describe("the end of an SM-SR change", () => {
  it("takes out the key sets that the card deleted, and keeps their counters for the audit", async () => {
    const { bench: opened, call, sets } = await scene();
    await using bench = opened;
    const before = await call("auditStatus", {}, 1);
    expect(await sets()).toEqual([
      ["SCP80", 1],
      ["SCP80", 2],
      ["SCP81", 64],
    ]);
    expect(await call("finaliseISDRhandover", keepNew, 2)).toMatchObject({ state: "done" });
    expect(await sets()).toEqual([["SCP80", 2]]);
    const events = await bench.store.read((r) => r.events.after(0, 1000));
    const gone = events.find(({ type }) => type === "target.keys-gone");
    expect(gone?.data).toMatchObject({
      keySets: [
        { type: "SCP80", kvn: 1, cntr: 1 },
        { type: "SCP81", kvn: 64 },
      ],
    });
    const [packet] = await bench.store.read((r) => r.packets.ofJob(before.id));
    expect(gone?.data).toMatchObject({ keySets: [{ id: packet?.keySet }, {}] });
    expect(packet?.cntr).toBe(1);
    expect(await call("auditStatus", {}, 1)).toMatchObject({
      state: "failed",
      error: {
        code: "target.no-key",
        message: expect.stringContaining("its key sets apply to KVN 2: ISD-R and ISD-Ps"),
      },
    });
    expect(await call("auditStatus", {}, 2)).toMatchObject({ state: "done" });
  });

  it("leaves everything where the card refused", async () => {
    const { bench: opened, call, sets } = await scene();
    await using _bench = opened;
    const refused = await call("finaliseISDRhandover", { keep: [{ kvn: 9, first: 1, last: 3 }] }, 1);
    expect(refused).toMatchObject({ state: "failed", error: { detail: { sw: "6A88" } } });
    expect(await sets()).toHaveLength(3);
  });

  it("leaves key sets of other domains, also where the ISD-R shared them", async () => {
    const { bench: opened, target, call, sets } = await scene();
    await using bench = opened;
    await bench.targets.putKeys(target, [
      KeySetShape.parse({ kvn: 3, keys: fresh, cntr: 7, tars: ["B20100"] }),
      KeySetShape.parse({ kvn: 4, keys: fresh, cntr: 8, tars: [isdRTar, "B00010"] }),
    ]);
    await call("finaliseISDRhandover", keepNew, 2);
    expect(await sets()).toEqual([
      ["SCP80", 2],
      ["SCP80", 3, "B20100"],
      ["SCP80", 4, "B00010"],
    ]);
  });

  it("takes single keys out of a set that was kept in part", async () => {
    const { bench: opened, card, target, call } = await scene();
    await using bench = opened;
    await call("finaliseISDRhandover", { keep: [{ kvn: 2, first: 1, last: 2 }] }, 1);
    expect(card.state.isdR.keySets.map(({ keys }) => keys.map(({ id }) => id))).toEqual([[1, 2]]);
    const { id } = (await bench.targets.show(target)).target;
    const [left] = await bench.store.read((r) => r.keySets.open(id, "SCP80"));
    expect([...(left?.keys.keys() ?? [])]).toEqual([1, 2]);
    expect(await call("auditStatus", {}, 2)).toMatchObject({ state: "done" });
  });
});
