import { spawnSync } from "node:child_process";
import { existsSync, openSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exportEis } from "../../simulators/euicc/eis.ts";
import { SimulatedEuicc } from "../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../simulators/euicc/fixture.ts";
import { Product, program, usesProgram } from "./product.ts";

usesProgram();

interface Findings {
  readonly findings: readonly { readonly what: string; readonly verdict: string; readonly detail: string }[];
}

const eis = exportEis(new SimulatedEuicc({ state: createEuiccState() }).state);

/** A state folder with keys whose daemon was killed. */
async function killed(product: Product): Promise<void> {
  const daemon = await product.daemon();
  const imported = await product.run(["target", "import", product.file("eis.json", eis)]);
  expect(imported.code, imported.stderr).toBe(0);
  expect(await daemon.stop("SIGKILL")).toBe("SIGKILL");
}

describe("what was lost from the state folder", () => {
  it("the log: named at each start and by doctor, recovered by hand, and then everything works again", async () => {
    await using product = new Product();
    await killed(product);
    const log = join(product.state, "otagate.db-wal");
    truncateSync(log, statSync(log).size - 100);
    for (const command of [["job", "list"], ["daemon"]]) {
      const { code, stderr } = await product.run(command);
      expect([code, stderr], command.join(" ")).toEqual([7, expect.stringContaining("store.rewound: ")]);
      expect(stderr).toContain('"otagate store recover"');
    }
    const doctor = await product.run(["doctor", "--json"]);
    expect(doctor.code).toBe(7);
    expect(doctor.json<Findings>().findings).toContainEqual(
      expect.objectContaining({ what: "store", verdict: "bad", detail: expect.stringContaining("store recover") }),
    );
    const recovered = await product.run(["store", "recover", "--json"]);
    expect(recovered.json()).toMatchObject({ missing: expect.any(Number), endedJobs: [] });
    const after = await product.run(["doctor", "--json"]);
    expect(after.json<Findings>().findings).toContainEqual(expect.objectContaining({ what: "store", verdict: "good" }));
    expect((await product.run(["job", "list"])).code).toBe(0);
  });

  it("the master key: never made again while there are keys, and a wrong one is told at once", async () => {
    await using product = new Product();
    await killed(product);
    const key = join(product.state, "master.key");
    rmSync(key);
    for (const command of [["job", "list"], ["daemon"], ["store", "recover"]]) {
      const { code, stderr } = await product.run(command);
      expect([code, stderr], command.join(" ")).toEqual([7, expect.stringMatching(/crypto\.master-key: .*is missing/)]);
    }
    expect((await product.run(["doctor"])).code).toBe(7);
    expect(existsSync(key)).toBe(false);
    writeFileSync(key, `${"ab".repeat(32)}\n`, { mode: 0o600 });
    const { code, stderr } = await product.run(["job", "list"]);
    expect([code, stderr]).toEqual([7, expect.stringContaining("not the one that sealed the keys")]);
  });
});

describe("output that cannot be written", () => {
  it("ends a command with the reason, and is no reason for a daemon to end", async () => {
    await using product = new Product();
    const full = openSync("/dev/full", "w");
    const help = spawnSync(process.execPath, [program, "--help"], {
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    expect(help.status).toBe(1);
    expect(help.stderr).toContain("the output cannot be written: ENOSPC");
    const report = await product.run(["trace", "export", "-o", "/dev/full"]);
    expect([0, 2]).toContain(report.code);
    const missing = await product.run(["trace", "export", "-o", join(product.folder, "no", "such", "folder")]);
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("--output: ")]);
  });
});
