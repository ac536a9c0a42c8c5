import { describe, expect, it } from "vitest";
import { parseAid } from "../../src/codec/euicc/aid.ts";
import { withAudit } from "../../src/gateway/eis.ts";
import { saveTarget } from "../../src/gateway/targets.ts";
import { Bench, euicc, plainEis } from "./bench.ts";

const keySets = [
  {
    kvn: 1,
    keys: [
      { id: 1, value: "11".repeat(16) },
      { id: 2, value: "22".repeat(16) },
    ],
  },
];

/** An eUICC that is known, and its profile's ICCID. */
async function withEuicc(bench: Bench) {
  const card = euicc();
  const { target } = await bench.targets.import(plainEis(card));
  return { target, eid: card.state.eid, profile: card.state.profiles[1]?.iccid ?? "", eis: plainEis(card) };
}

describe("the import of a target", () => {
  it("refuses the ICCID of a known eUICC's profile and names field and target", async () => {
    await using bench = await Bench.open();
    const { target, eid, profile } = await withEuicc(bench);
    const refused = bench.targets.import({ iccid: profile, name: "mine", keySets });
    await expect(refused).rejects.toMatchObject({
      code: "target.exists",
      message: expect.stringContaining(`iccid: ${profile}`),
      detail: { field: "iccid", target: target.id },
    });
    await expect(refused).rejects.toThrow(target.id);
    expect((await bench.targets.show(eid)).target).toEqual(target);
  });

  it("refuses the ICCID of another target under a new EID", async () => {
    await using bench = await Bench.open();
    const { target, profile } = await withEuicc(bench);
    const other = "89044000000000000000000000000042";
    await expect(bench.targets.import({ eid: other, iccid: profile, keySets })).rejects.toMatchObject({
      detail: { field: "iccid", target: target.id },
    });
    const plain = await bench.targets.import({ iccid: "8944000000000000017", keySets });
    await expect(bench.targets.import({ eid: other, iccid: "8944000000000000017" })).rejects.toMatchObject({
      detail: { field: "iccid", target: plain.target.id },
    });
  });

  it("takes the ICCID of one of its own profiles for the same EID", async () => {
    await using bench = await Bench.open();
    const { target, profile, eis } = await withEuicc(bench);
    const again = await bench.targets.import({ ...Object(eis), iccid: profile });
    expect(again).toMatchObject({ created: false, target: { id: target.id, iccid: profile } });
    const third = await bench.targets.import({ ...Object(eis), iccid: profile });
    expect(third).toMatchObject({ created: false, target: { id: target.id } });
  });

  it("replaces a plain UICC with the same ICCID", async () => {
    await using bench = await Bench.open();
    const first = await bench.targets.import({ iccid: "8944000000000000017", name: "first", keySets });
    const again = await bench.targets.import({ iccid: "8944000000000000017", keySets });
    expect(again).toMatchObject({ created: false, target: { id: first.target.id, name: "first" } });
  });

  it("never makes a plain UICC of an eUICC whose own ICCID is known", async () => {
    await using bench = await Bench.open();
    const { target, profile, eis } = await withEuicc(bench);
    await bench.targets.import({ ...Object(eis), iccid: profile });
    await expect(bench.targets.import({ iccid: profile, keySets })).rejects.toMatchObject({
      code: "target.exists",
      detail: { target: target.id },
    });
  });

  it("tells cards with copies of one profile apart by their EIDs", async () => {
    await using bench = await Bench.open();
    const { profile, eis } = await withEuicc(bench);
    const other = "89044000000000000000000000000042";
    await bench.targets.import({ ...Object(eis), eid: other });
    const { target } = await bench.targets.import({ ...Object(eis), eid: other, iccid: profile });
    expect(target.eid).toBe(other);
  });
});

describe("an MSISDN that a person set", () => {
  const audited = (card: ReturnType<typeof euicc>, enabled: number) =>
    card.state.profiles.map(({ aid }, index) => ({
      aid: parseAid(aid),
      state: index === enabled ? "ENABLED" : "DISABLED",
      remainingMemory: 4_711,
    }));

  it("stays through audits and other changes of the EIS, and is known again after a switch and back", async () => {
    await using bench = await Bench.open();
    const { target } = await withEuicc(bench);
    const card = euicc();
    const enabled = target.esimProfiles.findIndex(({ state }) => state === "enabled");
    const other = enabled === 0 ? 1 : 0;
    const esimProfiles = target.esimProfiles.map((profile, index) => ({
      ...profile,
      ...(index === enabled ? { msisdn: "111" } : index === other ? { msisdn: "333" } : {}),
    }));
    await bench.store.write((r) => saveTarget(r, { ...target, esimProfiles }, Date.now(), "test"));
    const set = await bench.targets.change(target.id, { msisdn: "222" });
    const after = withAudit(set, audited(card, enabled));
    expect(after.msisdn).toBe("222");
    expect(after.esimProfiles[enabled]?.freeMemory).toBe(4_711);
    const switched = withAudit(after, audited(card, other));
    expect(switched.msisdn).toBe("333");
    expect(withAudit(switched, audited(card, enabled)).msisdn).toBe("222");
  });

  it("stays when an audit is the first to name an enabled profile", async () => {
    await using bench = await Bench.open();
    const { target } = await withEuicc(bench);
    const esimProfiles = target.esimProfiles.map((profile) => ({
      ...profile,
      msisdn: "111",
      state: "disabled" as const,
    }));
    await bench.store.write((r) => saveTarget(r, { ...target, esimProfiles }, Date.now(), "test"));
    const set = await bench.targets.change(target.id, { msisdn: "222" });
    expect(withAudit(set, audited(euicc(), 0)).msisdn).toBe("222");
  });
});
