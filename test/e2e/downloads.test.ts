import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { es8Vector } from "../es8-vectors.ts";
import { documentedEid as eid, eventually, Product } from "./product.ts";

const { package: octets } = es8Vector("download", "download-large");

interface ShownDownload {
  readonly id: string;
  readonly steps: readonly { readonly stage: string }[];
}

function withPackage(): { product: Product; file: string } {
  const product = new Product({ readers: { enabled: false }, scp81: { enabled: true } });
  const file = join(product.folder, "profile.der");
  writeFileSync(file, octets);
  return { product, file };
}

describe("otagate download with the card of daemon --simulate", () => {
  it("plans, downloads, enables, verifies and reports, with the daemon killed while the package is sent", {
    timeout: 120_000,
  }, async () => {
    const { product: made, file } = withPackage();
    await using product = made;
    expect((await product.run(["sm-dp", "init", join(product.folder, "other")])).code).toBe(0);
    const daemon = await product.daemon(["--simulate"]);
    expect((await product.run(["profile", "show", file])).stdout).toContain("end");
    const plan = await product.run(["download", file, "--target", eid, "--dry-run", "--json"]);
    expect(plan).toMatchObject({ code: 0, stderr: "" });
    expect(plan.json()).toMatchObject({ smDp: "simulated-sm-dp", obstacles: [] });

    const order = ["--target", eid, "--one-session", "--block", "40", "--retry", "3", "--enable", "--verify"];
    const started = await product.run(["download", "start", file, ...order, "--detach", "--json"]);
    const { id } = started.json<ShownDownload>();
    await eventually(async () => {
      const { steps } = await product.api.get<ShownDownload>(`/v1/downloads/${id}`);
      return steps.some(({ stage }) => stage === "loading") || undefined;
    });
    const gone = new Promise((resolve) => daemon.child.once("exit", resolve));
    daemon.child.kill("SIGKILL");
    await gone;
    await product.daemon(["--simulate"]);

    // The card lost power with the daemon, so that it does not resume its session by itself.
    expect((await product.run(["target", "trigger", eid])).code).toBe(0);
    const watched = await product.run(["download", "watch", id, "--json"], { timeoutMs: 60_000 });
    expect(watched.code).toBe(0);
    expect((await product.run(["download", "show", id, "--json"])).json()).toMatchObject({
      outcome: { kind: "installed", card: "enabled" },
    });
    const junit = join(product.folder, "report.xml");
    expect((await product.run(["download", "report", id, "--format", "junit", "-o", junit])).code).toBe(0);
    expect(readFileSync(junit, "utf8")).toContain(`EID ${eid}`);
  });

  it("writes both reports at the end, which cannot be cancelled", { timeout: 120_000 }, async () => {
    const { product: made, file } = withPackage();
    await using product = made;
    await product.daemon(["--simulate"]);
    const [report, junit] = [join(product.folder, "report.json"), join(product.folder, "report.xml")];
    const order = ["--target", eid, "--one-session"];
    const done = await product.run(["download", file, ...order, "--report", report, "--junit", junit]);
    expect(done).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(report, "utf8"))).toMatchObject({
      outcome: { kind: "installed", card: "disabled" },
    });
    expect(readFileSync(junit, "utf8")).toContain("<testsuite");
    // The ICCID is on the card now.
    const again = await product.run(["download", file, "--target", eid, "--dry-run", "--json"]);
    expect(again.code).toBe(1);
    expect((await product.run(["download", "cancel", JSON.parse(readFileSync(report, "utf8")).id])).code).not.toBe(0);
  });
});
