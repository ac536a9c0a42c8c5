import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { isdRTar, parseAid } from "../../../src/codec/euicc/aid.ts";
import { CardAudits } from "../../../src/gateway/eis/card-audits.ts";
import { withEnabled } from "../../../src/gateway/targets/eis.ts";
import { saveTarget } from "../../../src/gateway/targets/target-lookup.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { benchWith, euicc, plainEis } from "../bench.ts";

const cli = { face: "cli" } as const;
type Rule = { action: "ENABLE" | "DISABLE" | "DELETE"; qualification: "Not-Allowed" | "Auto-Delete" };

/** A bench whose card's EIS has these rules for profile 1 (enabled) and 2. */
async function withRules(first: Rule[], second: Rule[], more: Record<string, unknown> = {}) {
  const { bench, card, link } = await benchWith(euicc({ profiles: 3 }));
  const eis = plainEis(card) as { profiles: Record<string, unknown>[] };
  Object.assign(eis.profiles[0] ?? {}, { pol2: first, ...more });
  Object.assign(eis.profiles[1] ?? {}, { pol2: second });
  await bench.targets.import(eis);
  const [a = "", b = ""] = card.state.profiles.map((profile) => profile.aid);
  const call = (name: string, aid: string) => ({
    target: card.state.eid,
    work: { kind: "es5" as const, function: name, params: { aid } },
    origin: cli,
  });
  return { bench, card, link, a, b, call };
}

/** A bench whose EIS has the fall-back attribute at profile 3, while the card has it at profile 1. */
async function withWrongFallback() {
  const scene = await withRules([], []);
  const eis = plainEis(scene.card) as { profiles: Record<string, unknown>[] };
  Object.assign(eis.profiles[0] ?? {}, { fallback: false });
  Object.assign(eis.profiles[2] ?? {}, { fallback: true });
  await scene.bench.targets.import(eis, { replace: true });
  return scene;
}

const never = (action: Rule["action"]): Rule => ({ action, qualification: "Not-Allowed" });

describe("POL2", () => {
  it.each([
    ["enableProfile", "b", [], [never("ENABLE")], "ENABLE"],
    ["enableProfile", "b", [never("DISABLE")], [], "DISABLE"],
    ["disableProfile", "a", [never("DISABLE")], [], "DISABLE"],
    ["deleteProfile", "b", [], [never("DELETE")], "DELETE"],
  ] as const)("refuses %s of profile %s and names the rule", async (name, which, first, second, action) => {
    const scene = await withRules([...first], [...second]);
    await using bench = scene.bench;
    const order = scene.call(name, which === "a" ? scene.a : scene.b);
    await expect(bench.gateway.jobs.submit(order)).rejects.toMatchObject({
      code: "target.policy",
      detail: { function: name, rule: { action, qualification: "Not-Allowed" } },
    });
    expect(scene.link.submitted).toHaveLength(0);
    expect(await bench.store.read((r) => r.jobs.list({}, undefined, 10))).toHaveLength(0);
  });

  it("holds for relayed scripts, whatever their octets are called", async () => {
    const scene = await withRules([], [never("DELETE")]);
    await using bench = scene.bench;
    const apdu = `80E40040124F10${scene.b}00`;
    const body = `AA1A2218${apdu}`;
    for (const work of [
      { kind: "script", tar: isdRTar, apdus: [apdu] } as const,
      { kind: "body", tar: isdRTar, body } as const,
    ])
      await expect(
        bench.gateway.jobs.submit({ target: scene.card.state.eid, work: readWork(work), origin: { face: "upstream" } }),
      ).rejects.toMatchObject({ code: "target.policy" });
  });

  it("is looked at again before the command leaves", async () => {
    const scene = await withRules([], []);
    await using bench = scene.bench;
    scene.link.up = false;
    const { job } = await bench.gateway.jobs.submit(scene.call("deleteProfile", scene.b));
    const eis = plainEis(scene.card) as { profiles: Record<string, unknown>[] };
    Object.assign(eis.profiles[1] ?? {}, { pol2: [never("DELETE")] });
    await bench.targets.import(eis);
    scene.link.up = true;
    bench.gateway.links.changed(scene.link.id);
    expect(await bench.ended(job.id)).toMatchObject({ state: "failed", error: { code: "target.policy" } });
    expect(scene.link.submitted).toHaveLength(0);
  });

  it("only warns of POL1 and states: the card has the last word", async () => {
    const scene = await withRules([], []);
    await using bench = scene.bench;
    const { job } = await bench.gateway.jobs.submit(scene.call("deleteProfile", scene.a));
    expect(job.warnings).toEqual([
      expect.stringContaining("is enabled in the EIS"),
      expect.stringContaining("fall-back attribute"),
    ]);
    expect(await bench.ended(job.id)).toMatchObject({ state: "failed", error: { detail: { sw: "6985" } } });
    expect((await bench.gateway.jobs.get(job.id)).warnings).toHaveLength(2);
  });

  it("Auto-Delete deletes the profile that was left, once the switch is confirmed", async () => {
    const scene = await withRules([], [{ action: "DELETE", qualification: "Auto-Delete" }]);
    await using bench = scene.bench;
    await bench.run(scene.call("enableProfile", scene.b));
    await bench.until(async () => ((await bench.events()).includes("switch.confirmed") ? true : undefined));
    expect(scene.card.state.profiles).toHaveLength(3);
    await bench.run(scene.call("enableProfile", scene.a));
    await bench.until(async () =>
      scene.card.state.profiles.some((profile) => profile.aid === scene.b) ? undefined : true,
    );
    const { target } = await bench.until(async () => {
      const shown = await bench.targets.show(scene.card.state.eid);
      return shown.target.esimProfiles.some((profile) => profile.aid === scene.b) ? undefined : shown;
    });
    expect(target.esimProfiles).toHaveLength(2);
  });
});

describe("an audit", () => {
  it("shows where the EIS and the card differ, and adopts the card's word when told to", async () => {
    const scene = await withRules([], []);
    await using bench = scene.bench;
    const ghost = `${scene.a.slice(0, 26)}7777${scene.a.slice(30)}`;
    const eis = plainEis(scene.card) as { profiles: Record<string, unknown>[] };
    Object.assign(eis.profiles[1] ?? {}, { state: "enabled", fallback: true });
    Object.assign(eis.profiles[0] ?? {}, { state: "disabled", fallback: false });
    eis.profiles[2] = { aid: ghost, state: "disabled" };
    await bench.targets.import(eis, { replace: true });
    const desk = new CardAudits(bench.useCaseDeps);
    const third = scene.card.state.profiles[2]?.aid;
    const report = await desk.audit(scene.card.state.eid, { fix: false, origin: cli, waitMs: 5000 });
    expect(report.fixed).toBe(false);
    expect(report.differences).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ aid: scene.a, what: "state", eis: "disabled", card: "enabled" }),
        expect.objectContaining({ aid: scene.a, what: "fallback", eis: false, card: true }),
        expect.objectContaining({ aid: ghost, what: "profile", eis: "disabled" }),
        expect.objectContaining({ aid: third, what: "profile", card: "disabled" }),
      ]),
    );
    const again = await desk.audit(scene.card.state.eid, { fix: true, origin: cli, waitMs: 5000 });
    expect(again.differences).toEqual(report.differences);
    const after = await desk.audit(scene.card.state.eid, { fix: false, origin: cli, waitMs: 5000 });
    expect(after.differences).toEqual([]);
  });

  it("is not adopted when the card notified a switch meanwhile, but made again", async () => {
    const scene = await withWrongFallback();
    await using bench = scene.bench;
    const submit = bench.gateway.jobs.submit.bind(bench.gateway.jobs);
    let audits = 0;
    bench.gateway.jobs.submit = async (order) => {
      const made = await submit(order);
      audits += 1;
      if (audits > 1) return made;
      await bench.ended(made.job.id);
      // The answer is here, and the notification of a switch after it is too, before the answer is looked at.
      await systemClock.sleep(2);
      await bench.store.write(async (r) => {
        const target = await r.targets.get(made.job.target);
        if (target === undefined) throw new Error("no target");
        await saveTarget(r, withEnabled(target, parseAid(scene.b)), systemClock.now(), "notification");
      });
      const [a, b] = scene.card.state.profiles;
      Object.assign(a ?? {}, { state: "disabled" });
      Object.assign(b ?? {}, { state: "enabled" });
      return made;
    };
    const desk = new CardAudits(bench.useCaseDeps);
    const report = await desk.audit(scene.card.state.eid, { fix: true, origin: cli, waitMs: 15_000 });
    expect(audits).toBe(2);
    expect(report).toMatchObject({ fixed: true, jobs: [expect.any(String)] });
    const { target } = await bench.targets.show(scene.card.state.eid);
    expect(target.esimProfiles.find(({ aid }) => aid === scene.b)).toMatchObject({ state: "enabled" });
    expect(target.esimProfiles.find(({ aid }) => aid === scene.a)).toMatchObject({ state: "disabled" });
  });

  it("is given up when the EIS changes during each of its rounds", async () => {
    const scene = await withWrongFallback();
    await using bench = scene.bench;
    const submit = bench.gateway.jobs.submit.bind(bench.gateway.jobs);
    bench.gateway.jobs.submit = async (order) => {
      const made = await submit(order);
      await bench.ended(made.job.id);
      await systemClock.sleep(2);
      await bench.store.write(async (r) => {
        const target = await r.targets.get(made.job.target);
        if (target !== undefined) await saveTarget(r, target, systemClock.now(), "test");
      });
      return made;
    };
    const before = (await bench.targets.show(scene.card.state.eid)).target.esimProfiles;
    const desk = new CardAudits(bench.useCaseDeps);
    const order = { fix: true, origin: cli, waitMs: 15_000 };
    await expect(desk.audit(scene.card.state.eid, order)).rejects.toMatchObject({ code: "store.conflict" });
    expect((await bench.targets.show(scene.card.state.eid)).target.esimProfiles).toEqual(before);
  });
});
