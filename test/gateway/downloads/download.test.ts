import { describe, expect, it } from "vitest";
import { es8Vector } from "../../es8-vectors.ts";
import { DownloadBench } from "./download-bench.ts";

const { package: large } = es8Vector("download", "download-large");

describe("a download", () => {
  it("installs the package on the card", async () => {
    await using bench = await DownloadBench.open();
    const done = await bench.run(large);
    expect(done.outcome).toMatchObject({ kind: "installed", card: "disabled" });
  });
});
