import { describe, expect, it } from "vitest";
import type { Misbehaviour } from "../../../simulators/euicc/misbehaviour.ts";
import type { AgentDeviations, DropPoint } from "../../../simulators/scp81/agent-deviations.ts";
import type { Download } from "../../../src/gateway/model/download.ts";
import { es8Vector } from "../../es8-vectors.ts";
import { DownloadBench, testSet } from "./download-bench.ts";

const { package: large } = es8Vector("download", "download-large");
const oneSession = { oneSession: true };

/** What the download states about the card is what is on the card. */
function expectTrue(bench: DownloadBench, done: Download): void {
  expect(done.outcome?.card).toBe(bench.onCard(done.isdP));
}

describe("a download", () => {
  it("installs the package in three sessions", { timeout: 60_000 }, async () => {
    await using bench = await DownloadBench.open();
    const done = await bench.run(large);
    expect(done.outcome).toMatchObject({ kind: "installed", card: "disabled" });
    expect(done.response).toMatchObject({ text: "PEStatus 0: ok", block: 4 });
    expectTrue(bench, done);
    await bench.rig.agent.idle();
    expect(bench.rig.reports).toHaveLength(3);
    expect(done.steps.map(({ stage }) => stage)).toEqual(["isd-p", "certificate", "keys", "opening", "loading"]);
    const { target, keySets } = await bench.rig.bench.targets.show(bench.rig.eid);
    expect(target.esimProfiles.find(({ aid }) => aid === done.isdP)).toMatchObject({
      state: "disabled",
      iccid: done.package.iccid,
      imsi: done.package.imsi,
    });
    expect(keySets.find(({ type }) => type === "SCP03")).toMatchObject({ kvn: 0x30, cntr: 1, tars: ["000010"] });
  });

  it("enables and verifies the profile, whose identity the card then has", { timeout: 60_000 }, async () => {
    await using bench = await DownloadBench.open();
    const done = await bench.run(large, { ...oneSession, enable: true, verify: true });
    expect(done.outcome).toMatchObject({ kind: "installed", card: "enabled", enabled: "confirmed" });
    expectTrue(bench, done);
  });

  it.each([
    ["refused in the middle", { loadFails: { block: 2, status: 3 } }, "failed", "refused"],
    ["refused at the end", { loadFails: { block: 4, status: 4 } }, "failed", "refused"],
    ["aborted, and not deleted because of its POL1", { loadAborts: true }, "failed", "refused"],
    ["without a EUICCResponse", { loadSilent: true }, "installed", undefined],
    ["with a wrong R-MAC", { loadMac: true }, "installed", undefined],
  ] as const)("%s", { timeout: 60_000 }, async (_, fault: Misbehaviour, kind, why) => {
    await using bench = await DownloadBench.open();
    Object.assign(bench.rig.card.misbehaviour, fault);
    const done = await bench.run(large, oneSession);
    expect(done.outcome?.kind).toBe(kind);
    expect(done.outcome?.failure?.kind).toBe(why);
    if (fault.loadFails !== undefined) expect(done.response?.block).toBe(fault.loadFails.block);
    expectTrue(bench, done);
  });

  it("leaves the ISD-P of a refused package on the card if it is to be kept", { timeout: 60_000 }, async () => {
    await using bench = await DownloadBench.open();
    Object.assign(bench.rig.card.misbehaviour, { loadFails: { block: 1, status: 3 } });
    const done = await bench.run(large, { ...oneSession, keep: true });
    expect(done.outcome).toMatchObject({ kind: "failed", card: "created" });
    expectTrue(bench, done);
  });

  it("stops at the preflight if the card trusts another CI, and at the card if that is accepted", {
    timeout: 60_000,
  }, async () => {
    await using bench = await DownloadBench.open({ ecasd: testSet().ecasd });
    await expect(bench.start(large)).rejects.toMatchObject({ code: "download.preflight" });
    const accept = ["card-issuer", "card-signature", "card-authority-key"];
    const done = await bench.run(large, { ...oneSession, accept });
    expect(done.outcome?.failure).toMatchObject({ kind: "keys", detail: { fault: "certificate", sw: "6982" } });
    expectTrue(bench, done);
  });
});

/** Breaks the link once, at a POST of the first session. */
function breaking(at: DropPoint, post: number): AgentDeviations {
  let left = [{ at, post, how: "fin" as const }];
  return {
    get drops() {
      const now = left;
      left = [];
      return now;
    },
  };
}

describe("a download whose link breaks", () => {
  const points = (["before-execution", "after-execution"] as const).flatMap((at) =>
    [0, 1, 2, 3, 4, 5, 8].map((post) => [at, post] as const),
  );

  it.each(points)("%s of script %i states what is on the card", { timeout: 60_000 }, async (at, post) => {
    await using bench = await DownloadBench.open({ deviations: breaking(at, post) });
    const done = await bench.run(large, oneSession);
    expect(["installed", "failed"]).toContain(done.outcome?.kind);
    expectTrue(bench, done);
    expect(done.outcome?.card).not.toBe("unknown");
  });

  it.each(points.filter(([, post]) => post >= 4))(
    "%s of script %i succeeds with a retry",
    {
      timeout: 60_000,
    },
    async (at, post) => {
      await using bench = await DownloadBench.open({ deviations: breaking(at, post) });
      const done = await bench.run(large, { ...oneSession, retries: 1 });
      expect(done.outcome).toMatchObject({ kind: "installed", card: "disabled" });
      expectTrue(bench, done);
    },
  );
});
