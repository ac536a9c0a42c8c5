import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CampaignLab, lockedIn } from "./campaign-lab.ts";
import { eventually, program, usesProgram } from "./product.ts";

usesProgram();

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly reason?: string;
  readonly progress: { readonly counts: Readonly<Record<string, number>>; readonly total: number };
}

const start = ["campaign", "start"] as const;
const move = [...start, "--all", "--from", "8901", "--to", "8944"] as const;
const shown = async (lab: CampaignLab, id: string) => (await lab.run(["campaign", "show", id, "--json"])).json<Shown>();

/** The campaign once it has come to rest. */
const rested = (lab: CampaignLab, id: string, ms = 60_000) =>
  eventually(async () => {
    const one = await shown(lab, id);
    return one.state !== "running" && one.progress.counts.running === 0 ? one : undefined;
  }, ms);

describe("a fleet that changes its operator", () => {
  it.each([
    ["keeps", [], ["8901", "8944"]],
    ["deletes", ["--delete"], ["8944"]],
  ] as const)("%s the old profile, and is moved once", async (_, more, left) => {
    await using lab = new CampaignLab([undefined, undefined, undefined]);
    await lab.import("rack-1");
    await lab.daemon();
    const moved = await lab.run([...move, ...more, "--canary", "1", "--name", "A to B"]);
    expect(moved).toMatchObject({ code: 0, stdout: expect.stringContaining("A to B done") });
    expect(moved.stderr).toContain("0/3");
    expect(moved.stdout).toContain("3/3: 3 succeeded, 0 failed");
    for (const n of [0, 1, 2]) {
      expect(lab.operator(n)).toBe("8944");
      expect(lab.card(n).nextSequence).toBe(2);
      expect(
        lab
          .card(n)
          .profiles.map(({ iccid }) => iccid.slice(0, 4))
          .slice(0, -1),
      ).toEqual(left);
    }
    const again = await lab.run([...move, ...more, "--json"]);
    expect(again.code).toBe(0);
    expect(again.json<Shown>().progress.counts).toMatchObject({ skipped: 3, failed: 0 });
  });

  it("shows which target failed and why, in every form of the report", async () => {
    await using lab = new CampaignLab([undefined, lockedIn]);
    await lab.import("rack-1");
    await lab.daemon();
    const moved = await lab.run([...move, "--json"]);
    expect(moved.code).toBe(1);
    const { id, ...one } = moved.json<Shown & { failed: unknown[] }>();
    expect(one).toMatchObject({ state: "done", failed: [{ position: 1, error: { code: "job.script" } }] });
    expect(moved.stderr).toContain(`failed ${lab.cards[1]?.eid} at enableProfile: job.script`);
    const watched = await lab.run(["campaign", "watch", id]);
    expect(watched).toMatchObject({ code: 1, stdout: expect.stringContaining("69E1") });
    const file = join(lab.folder, "report.xml");
    expect(await lab.run(["campaign", "report", id, "--format", "junit", "-o", file])).toMatchObject({
      code: 0,
      stdout: "",
    });
    expect(readFileSync(file, "utf8")).toContain('tests="2" failures="1"');
    const csv = (await lab.run(["campaign", "report", id, "--format", "csv"])).stdout.split("\r\n");
    expect(csv[2]).toContain(`failed,false,${lab.cards[1]?.profiles[0]?.iccid},enableProfile,job.script`);
    const json = (await lab.run(["campaign", "report", id])).json<{ failures: unknown }>();
    expect(json.failures).toEqual({ "job.script": 1 });
    const nowhere = await lab.run(["campaign", "report", id, "-o", join(lab.folder, "no", "report.json")]);
    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot be written") });
  });

  it("stops at a canary that fails; paused it can be cancelled, and the rest is not touched", async () => {
    await using lab = new CampaignLab([lockedIn, undefined, lockedIn, undefined]);
    await lab.import("rack-1");
    await lab.daemon();
    const stopped = await lab.run([...move, "--canary", "1", "--json"]);
    expect(stopped.code).toBe(1);
    const { id, ...one } = stopped.json<Shown>();
    expect(one).toMatchObject({ state: "stopped", reason: "1 of 1 of the canary stage failed" });
    expect([1, 2, 3].map((n) => lab.card(n).nextSequence)).toEqual([1, 1, 1]);
    expect((await lab.run(["campaign", "pause", id])).code).toBe(1);
    expect((await lab.run(["campaign", "cancel", id])).stdout).toContain("cancelled by the operator");
    expect((await rested(lab, id)).progress.counts).toMatchObject({ failed: 1, cancelled: 3 });
    const shared = await lab.run([...move, "--stop-at", "0.3", "--concurrency", "1", "--json"]);
    expect(shared.json()).toMatchObject({ state: "stopped", reason: "2 of 4 of those tried failed" });
    expect([0, 1, 2, 3].map((n) => lab.operator(n))).toEqual(["8901", "8944", "8901", "8901"]);
    const resumed = await lab.run(["campaign", "resume", shared.json<Shown>().id, "--json"]);
    expect(await rested(lab, resumed.json<Shown>().id)).toMatchObject({ state: "done" });
    expect(lab.operator(3)).toBe("8944");
  });
});

it("a campaign goes on after kill -9 of the daemon, again and again, and each card is switched once", async () => {
  await using lab = new CampaignLab(Array<undefined>(12).fill(undefined));
  await lab.import("rack-1");
  let daemon = await lab.daemon();
  const { id } = (await lab.run([...move, "--concurrency", "2", "--detach", "--json"])).json<Shown>();
  for (const least of [2, 5, 8]) {
    await eventually(async () => {
      const { progress } = await lab.api.get<Shown>(`/v1/campaigns/${id}`);
      return (progress.counts.succeeded ?? 0) >= least || undefined;
    }, 60_000);
    expect(await daemon.stop("SIGKILL")).toBe("SIGKILL");
    daemon = await lab.daemon();
  }
  expect(await lab.run(["campaign", "watch", id])).toMatchObject({ code: 0 });
  for (const [n] of lab.cards.entries()) expect([n, lab.operator(n), lab.card(n).nextSequence]).toEqual([n, "8944", 2]);
  const { items } = await lab.api.get<{ items: { target: string; work: { function?: { name: string } } }[] }>(
    "/v1/jobs?limit=1000",
  );
  const switching = items.filter(({ work }) => work.function?.name === "enableProfile").map(({ target }) => target);
  expect(switching).toHaveLength(12);
  expect(new Set(switching).size).toBe(12);
});

describe("the command", () => {
  it.each([
    [["--tag", "nothing", "--function", "auditStatus"], 2, "no target has the tag 'nothing'"],
    [["--tag", "", "--function", "auditStatus"], 2, "--tag: must not be empty"],
    [["--target", "bogus", "--function", "auditStatus"], 3, "no target matches 'bogus'"],
    [["--all", "--tag", "rack-1", "--function", "auditStatus"], 2, "use only one of --all, --tag and --target"],
    [["--function", "auditStatus"], 2, "select the targets with --all, --tag or --target"],
    [["--all"], 2, "specify the action with --function, with --from and --to, or with --file"],
    [["--all", "--from", "8901"], 2, "--from and --to must be given together"],
    [["--all", "--from", "8901", "--to", "8944", "--function", "auditEid"], 2, "either --function"],
    [["--all", "--function", "auditEid", "--delete"], 2, "--delete requires --from and --to"],
    [["--all", "--function", "enableProfile"], 2, "action.profile: enableProfile requires a profile"],
    [["--all", "--function", "auditEid", "--concurrency", "many"], 2, "must be a whole number"],
    [["--all", "--function", "auditEid", "--stop-at", "10%"], 2, "must be a share from 0 to 1"],
    [["--file", "nofile.yaml"], 2, "nofile.yaml cannot be read"],
    [["--file", "nofile.yaml", "--all"], 2, "--file contains the whole campaign"],
  ])("refuses %j", async (args, code, message) => {
    await using lab = new CampaignLab([]);
    const refused = await lab.run([...start, ...args]);
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code, stdout: "" });
    expect(refused.stderr).toContain(message);
  });

  it("takes the order of the manual as YAML, and without a daemon does it itself", async () => {
    await using lab = new CampaignLab([undefined, undefined]);
    await lab.import("rack-1");
    const manual = readFileSync(join(import.meta.dirname, "..", "..", "docs", "campaigns.md"), "utf8");
    const order = /```yaml\n([\s\S]*?)```/.exec(manual)?.[1] ?? "";
    const done = await lab.run([...start, "--file", lab.file("tonight.yaml", order)]);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining("2/2: 2 succeeded") });
    expect([0, 1].map((n) => lab.operator(n))).toEqual(["8944", "8944"]);
  });

  it("says that a detached campaign waits when no daemon is running; the next daemon does it", async () => {
    await using lab = new CampaignLab([undefined]);
    await lab.import("rack-1");
    const left = await lab.run([...move, "--detach", "--json"]);
    expect(left).toMatchObject({ code: 0, stderr: expect.stringContaining("the campaign continues when one is") });
    await lab.daemon();
    expect(await rested(lab, left.json<Shown>().id)).toMatchObject({ state: "done" });
    expect([lab.operator(0), lab.card(0).nextSequence]).toEqual(["8944", 2]);
  });

  it.skipIf(!existsSync("/usr/bin/script"))("rewrites one line on a terminal while it goes on", async () => {
    await using lab = new CampaignLab([undefined, undefined]);
    await lab.import("rack-1");
    await lab.daemon();
    const line = [process.execPath, program, ...move].map((part) => `'${part}'`).join(" ");
    const child = spawn("script", ["-qec", line, "/dev/null"], {
      env: { ...lab.env, TERM: "xterm" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let seen = "";
    child.stdout.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
    });
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
    expect(seen.split("\r\u001b[K").length).toBeGreaterThan(2);
    expect(seen.split("\r\u001b[K").at(-1)).toContain("2/2: 2 succeeded");
  });
});
