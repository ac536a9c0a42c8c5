import { describe, expect, it } from "vitest";
import type { DownloadStage } from "../../../src/gateway/model/download.ts";
import { es8Vector } from "../../es8-vectors.ts";
import { DownloadBench } from "./download-bench.ts";

const { package: large } = es8Vector("download", "download-large");

describe("a gateway that is killed during a download", () => {
  const stages: readonly DownloadStage["at"][] = ["isd-p", "certificate", "keys", "opening", "loading", "enabling"];

  it.each(stages)("in the step %s continues, and states what is on the card", { timeout: 120_000 }, async (at) => {
    await using bench = await DownloadBench.open({ retry: { attempts: 9, delaySeconds: 1 } });
    const { id } = await bench.start(large, { oneSession: true, retries: 1, enable: true });
    await bench.reached(id, at);
    await bench.restart();
    const done = await bench.ended(id, 100_000);
    expect(done.outcome?.card).toBe(bench.onCard(done.isdP));
    expect(done.outcome).toMatchObject({ kind: "installed", card: "enabled" });
    // Nothing is sent twice that the card takes once.
    const created = bench.rig.executed.filter(({ apdus }) => apdus.some(({ command }) => command.startsWith("80E60C")));
    expect(created.length).toBeLessThanOrEqual(done.attempt);
  });
});
