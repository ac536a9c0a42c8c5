import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex } from "../../../src/base/hex.ts";
import type { TargetId } from "../../../src/base/id.ts";
import { Secret } from "../../../src/base/secret.ts";
import { parseAid } from "../../../src/codec/euicc/aid.ts";
import { pskIdentityText } from "../../../src/codec/gp/psk-identity.ts";
import { PskDirectory } from "../../../src/gateway/scp81/psk-directory.ts";
import { withAudit } from "../../../src/gateway/targets/eis.ts";
import { describedTarget } from "../../../src/gateway/targets/target-import.ts";
import { saveTarget } from "../../../src/gateway/targets/target-lookup.ts";
import { KeySetShape } from "../../../src/gateway/targets/target-shape.ts";
import { Bench, euicc, plainEis } from "../bench.ts";

const importedShapes = (sets: readonly object[]) => sets.map((set) => KeySetShape.parse(set));

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

  it("distinguishes cards with copies of one profile by their EIDs", async () => {
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

describe("a second description of a target", () => {
  it("completes it: keys remove neither profiles nor numbers", async () => {
    await using bench = await Bench.open();
    const { target, eid } = await withEuicc(bench);
    const again = await bench.targets.import({ eid, keySets, settings: { spi: "1621" } });
    const { version: _, updatedAt: __, ...before } = target;
    expect(again.target).toMatchObject({ ...before, settings: { ...before.settings, spi: fromHex("1621") } });
    expect(again.target.esimProfiles).toEqual(target.esimProfiles);
    expect(again.target.msisdn).toBe(target.msisdn);
  });

  it("keeps what the gateway itself found out about the card", async () => {
    await using bench = await Bench.open();
    const { target, eid } = await withEuicc(bench);
    const addressing = { A3: fromHex("8105912143658709") };
    await bench.store.write((r) => saveTarget(r, { ...target, addressing, agentIds: ["agent-1"] }, 0, "told"));
    expect((await bench.targets.import({ eid, keySets })).target).toMatchObject({ addressing, agentIds: ["agent-1"] });
    const replaced = await bench.targets.import({ eid }, { replace: true });
    expect(replaced.target.agentIds).toEqual(["agent-1"]);
    expect(replaced.target.addressing).toBeUndefined();
  });

  it("changes what it says of a profile, and leaves the others", async () => {
    await using bench = await Bench.open();
    const { target, eid } = await withEuicc(bench);
    const [first, second] = target.esimProfiles;
    const named = { aid: second?.aid ?? "", state: "enabled", mnoId: "1.2.3" };
    const again = await bench.targets.import({ eid, profiles: [named] });
    const of = (aid: string | undefined) => again.target.esimProfiles.find((one) => one.aid === aid);
    expect(of(second?.aid)).toEqual({ ...second, state: "enabled", mnoId: "1.2.3" });
    expect(of(first?.aid)).toEqual({ ...first, state: "disabled" });
    expect(again.warnings.join()).toContain("are kept");
  });

  it("replaces it on request, but for id, name, tags and keys", async () => {
    await using bench = await Bench.open();
    const { target, eid } = await withEuicc(bench);
    await bench.targets.change(eid, { name: "mine", tags: ["lab"] });
    const again = await bench.targets.import({ eid, remainingMemory: 7 }, { replace: true });
    expect(again).toMatchObject({
      created: false,
      target: { id: target.id, name: "mine", tags: ["lab"], esimProfiles: [] },
    });
    expect(again.target.eis).toEqual({ remainingMemory: 7 });
    expect(again.target.msisdn).toBeUndefined();
    expect(again.keySets.length).toBeGreaterThan(0);
  });

  it("can be tried out: the outcome says what would change, keys by name only, and nothing does", async () => {
    await using bench = await Bench.open();
    const { target, eid } = await withEuicc(bench);
    const before = await bench.targets.show(eid);
    const tried = await bench.targets.import({ eid, name: "new", keySets }, { dryRun: true });
    expect(tried.changes).toEqual([
      { field: "name", after: "new" },
      { field: "keySets.SCP80 KVN 1", before: expect.any(String), after: expect.stringContaining("different keys") },
    ]);
    expect(JSON.stringify(tried.changes)).not.toContain("1111");
    expect(await bench.targets.show(eid)).toEqual(before);
    const events = await bench.store.read((r) => r.events.after(0, 100));
    expect(events.filter(({ target: id, type }) => id === target.id && type === "target.changed")).toEqual([]);
    const done = await bench.targets.import({ eid, name: "new", keySets });
    expect(done.changes).toEqual(tried.changes);
    expect((await bench.targets.import({ eid, name: "new", keySets })).changes).toEqual([]);
  });

  it("is tried out together with the others of its file", async () => {
    await using bench = await Bench.open();
    const iccids = ["8944000000000000017", "8944000000000000025"];
    const descriptions = iccids.map((iccid) => ({ shape: describedTarget({ iccid, name: "same" }) }));
    await expect(bench.targets.importAll(descriptions, { dryRun: true })).rejects.toMatchObject({
      code: "target.exists",
    });
    expect(await bench.targets.list({}, undefined, 10)).toEqual([]);
  });
});

describe("a file of descriptions", () => {
  const iccids = ["8944000000000000017", "8944000000000000025", "8944000000000000033"];

  it("is not taken in when one is refused", async () => {
    await using bench = await Bench.open();
    const names = ["one", "ONE", "three"];
    const descriptions = iccids.map((iccid, index) => ({ shape: describedTarget({ iccid, name: names[index] }) }));
    const refused: number[] = [];
    const taking = bench.targets.importAll(descriptions, {}, (error, index) => {
      refused.push(index);
      throw error;
    });
    await expect(taking).rejects.toMatchObject({ code: "target.exists" });
    expect(refused).toEqual([1]);
    expect(await bench.targets.list({}, undefined, 10)).toEqual([]);
  });

  it("is not taken in when one cannot be read", async () => {
    await using bench = await Bench.open();
    function* descriptions() {
      for (const iccid of iccids.slice(0, 2)) yield { shape: describedTarget({ iccid }) };
      throw new GatewayError("target.invalid", "the third");
    }
    await expect(bench.targets.importAll(descriptions())).rejects.toThrow("the third");
    expect(await bench.targets.list({}, undefined, 10)).toEqual([]);
  });
});

describe("what distinguishes targets", () => {
  const psk = (pskIdentity: string) => [
    { kvn: 64, type: "SCP81" as const, keys: [{ id: 1, value: "AB".repeat(16) }], pskIdentity },
  ];
  const [first, second] = ["8944000000000000017", "8944000000000000025"];

  it.each(["card-1", "CARD-1"])("a PSK identity is of one target: %s is refused, naming both", async (identity) => {
    await using bench = await Bench.open();
    const one = await bench.targets.import({ iccid: first, keySets: psk("card-1") });
    const refused = bench.targets.import({ iccid: second, keySets: psk(identity) });
    await expect(refused).rejects.toMatchObject({
      code: "target.exists",
      detail: { field: "pskIdentity", other: one.target.id },
    });
    await expect(refused).rejects.toThrow(new RegExp(`ICCID ${second}.*ICCID ${first}`));
    const two = await bench.targets.import({ iccid: second });
    await expect(bench.targets.putKeys(second, importedShapes(psk(identity)))).rejects.toThrow(one.target.id);
    await bench.targets.import({ iccid: first, keySets: psk("card-1") });
    await bench.targets.remove(first);
    await bench.targets.putKeys(two.target.id, importedShapes(psk(identity)));
  });

  it("the PSK identity of SGP.02 names the target's own EID and the version of its key", async () => {
    await using bench = await Bench.open();
    const eid = "89001012012341234012345678901224";
    const aid = "A0000005591010FFFFFFFF8900000100";
    const identity = (of: string, kvn: number) => pskIdentityText({ eid: of, aid, kid: 1, kvn });
    const other = "89044000000000000000000000000042";
    for (const wrong of [identity(other, 64), identity(eid, 65)])
      await expect(bench.targets.import({ eid, keySets: psk(wrong) })).rejects.toMatchObject({
        code: "target.invalid",
      });
    await bench.targets.import({ eid, keySets: psk(identity(eid, 64)) });
  });

  it("a name is no other target's name, number or id, in any case", async () => {
    await using bench = await Bench.open();
    const { target } = await bench.targets.import({ iccid: first, name: "Card", msisdn: "447700900111" });
    for (const name of ["card", "447700900111", target.id]) {
      const refused = bench.targets.import({ iccid: second, name });
      await expect(refused).rejects.toMatchObject({
        code: "target.exists",
        detail: { field: "name", other: target.id },
      });
    }
    await bench.targets.import({ iccid: second, name: "other" });
    await expect(bench.targets.change(second, { name: "CARD" })).rejects.toThrow(target.id);
    const third = bench.targets.import({ iccid: "8944000000000000033", name: "x", imsi: "001010123456789" });
    await third;
    await bench.targets.change(second, { name: "99900012345" });
    await expect(bench.targets.change("x", { msisdn: "99900012345" })).rejects.toMatchObject({ code: "target.exists" });
    expect((await bench.targets.show(first)).target.id).toBe(target.id);
  });

  it("a number of two targets is told when it comes about, and named when it is asked for", async () => {
    await using bench = await Bench.open();
    const one = await bench.targets.import({ iccid: first, msisdn: "447700900111" });
    const two = await bench.targets.import({ iccid: second, msisdn: "+44 7700 900111" });
    expect(two.warnings.join()).toContain(one.target.id);
    await expect(bench.targets.show("447700900111")).rejects.toThrow(`${one.target.id} and ${two.target.id}`);
  });

  it("a number is looked up as a number, whatever is named like it", async () => {
    await using bench = await Bench.open();
    await bench.targets.import({ iccid: first, name: "447700900555" });
    const found = (number: string) => bench.store.read((r) => r.targets.holding("msisdn", number));
    expect(await found("447700900555")).toBeUndefined();
  });

  it.each(["8944 0000 0000 0000 017", "8944000000000000017F", "8944000000000000017FF", "8944-0000-0000-0000-017"])(
    "a target is found by its ICCID however it is written: %s",
    async (reference) => {
      await using bench = await Bench.open();
      const { target } = await bench.targets.import({ iccid: first });
      expect((await bench.targets.show(reference)).target.id).toBe(target.id);
    },
  );
});

describe("the directory of PSKs", () => {
  it("keeps the first card's key when another target with its identity goes", async () => {
    await using bench = await Bench.open();
    using directory = new PskDirectory(bench.store);
    await directory.load();
    const iccids = ["8944000000000000017", "8944000000000000025"];
    const targets: TargetId[] = [];
    for (const iccid of iccids) targets.push((await bench.targets.import({ iccid })).target.id);
    // As a store of old may have it.
    const put = (target: TargetId, value: number) =>
      bench.store.write(async (r) => {
        const keys = new Map([[1, new Secret(new Uint8Array(16).fill(value))]]);
        const set = {
          id: `key_${value}`,
          target,
          type: "SCP81",
          kvn: 64,
          tars: [],
          algorithm: "PSK",
          ccLength: 8,
          cntr: 0,
        } as const;
        await r.keySets.put({ ...set, pskIdentity: "card", keys });
        await r.events.append({ at: 0, type: "target.changed", target, data: { why: "test", version: 1 } });
      });
    await put(targets[0] ?? "tgt_", 1);
    await put(targets[1] ?? "tgt_", 2);
    await bench.targets.remove(targets[1] ?? "tgt_");
    await expect.poll(() => directory.find("card")?.target, { timeout: 20_000 }).toBe(targets[0]);
    await bench.targets.remove(targets[0] ?? "");
    await expect.poll(() => directory.find("card"), { timeout: 20_000 }).toBeUndefined();
  });
});
