import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scp81KillTest } from "../../scripts/scp81-kill-test.ts";
import { documentedEid as eid, eventually, Product, program, usesProgram } from "./product.ts";

usesProgram();

const simulated = { readers: { enabled: false }, scp81: { enabled: true } };

describe("SCP81 with the card of daemon --simulate", () => {
  it("opens a session over BIP when asked, and carries jobs in it", async () => {
    await using product = new Product(simulated);
    await product.daemon(["--simulate"]);
    const done = await product.run(["es5", "auditStatus", "--target", eid, "--bearer", "https", "--json"]);
    expect(done.json()).toMatchObject({ state: "done", chosen: { bearer: "https", link: "scp81" } });
    const { id } = done.json<{ id: string }>();
    const traced = (await product.run(["trace", "export", "--job", id])).stdout.trim().split("\n");
    const frames = traced.map((line): { kind: string; dir: string } => JSON.parse(line));
    for (const dir of ["out", "in"]) expect(frames).toContainEqual(expect.objectContaining({ kind: "script", dir }));
    const triggered = await product.run(["target", "trigger", eid, "--wait", "60"]);
    expect(triggered).toMatchObject({ code: 0, stdout: expect.stringMatching(/^session \S+ (is open|was opened)/) });
    const opened = await eventually(async () => {
      const { items } = await product.api.get<{ items: { type: string }[] }>("/v1/events/log", { limit: 1000 });
      const count = items.filter(({ type }) => type === "session.opened").length;
      return count === 2 ? count : undefined;
    });
    expect(opened).toBe(2);
  });
});

describe("otagate sim fleet", () => {
  it("makes cards that a daemon knows, and lets them open sessions", async () => {
    await using product = new Product(simulated);
    await product.daemon();
    const file = join(product.folder, "fleet.json");
    expect((await product.run(["sim", "fleet", "--cards", "12", "--eis", file])).code).toBe(0);
    expect((await product.run(["target", "import", file])).code).toBe(0);
    const { listening } = await product.api.get<{ listening: { port: number } }>("/v1/sessions");
    const connect = `127.0.0.1:${listening.port}`;
    const known = await product.run(["sim", "fleet", "--cards", "12", "--rounds", "2", "--connect", connect]);
    expect(known).toMatchObject({ code: 0 });
    expect(known.json()).toMatchObject({ sessions: 24, ends: { complete: 24 }, posts: 24 });
    const strangers = await product.run(["sim", "fleet", "--cards", "3", "--seed", "other", "--connect", connect]);
    expect(strangers).toMatchObject({ code: 1 });
    expect(strangers.json()).toMatchObject({ ends: { "handshake-failed": 3 } });
  });

  it("names what is wrong with its flags", async () => {
    await using product = new Product(simulated);
    for (const [flag, value] of [
      ["--connect", "nowhere"],
      ["--drop", "2"],
      ["--deviations", '{"colour":1}'],
    ] as const) {
      const rest = flag === "--connect" ? [] : ["--connect", "127.0.0.1:1"];
      const ended = await product.run(["sim", "fleet", "--cards", "1", ...rest, flag, value]);
      expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(flag) });
    }
  });
});

it("reports every script once, as what it was, over kills of the daemon in mid-session", {
  timeout: 120_000,
}, async () => {
  const report = await scp81KillTest({
    kills: 3,
    cards: 6,
    jobsPerCard: 40,
    seed: 5,
    dropShare: 0.02,
    print: () => {},
  });
  expect(report).toMatchObject({ kills: 3, jobs: 240, wrong: [] });
});

it("shows all of it in the demo, without pcscd", { timeout: 120_000 }, async () => {
  const child = spawn(process.execPath, [program, "demo", "--in-process", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  await new Promise((resolve) => child.once("exit", resolve));
  const { checks } = JSON.parse(out.trim().split("\n").at(-1) ?? "{}") as { checks: { what: string; held: boolean }[] };
  const act = checks.slice(
    checks.findIndex(({ what }) => what.includes("SCP81 server listens")),
    checks.findIndex(({ what }) => what.startsWith("both modems")),
  );
  expect(act).toHaveLength(10);
  expect(act.filter(({ held }) => !held)).toEqual([]);
});
