import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { registerDoctor } from "../../src/app/commands/doctor.ts";
import { stateFolder } from "../../src/app/commands/durable-findings.ts";
import type { Finding } from "../../src/app/commands/finding.ts";
import { withoutUndefined } from "../../src/base/defined.ts";
import { ApiBench } from "../face/http/api-bench.ts";

const folder = mkdtempSync(join(tmpdir(), "otagate-doctor-"));
let bench: ApiBench;

beforeAll(async () => {
  bench = await ApiBench.open();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await bench[Symbol.asyncDispose]();
});

/** The findings of `doctor` with this environment and address. */
async function findings(env: NodeJS.ProcessEnv, url?: string): Promise<readonly Finding[]> {
  const parts: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      parts.push(chunk.toString());
      done();
    },
  });
  const command = new Command("doctor");
  const context = {
    terminal: { out: sink, err: sink, fancy: false, json: true },
    env: { OTAGATE_STATE: join(folder, "state"), XDG_CONFIG_HOME: folder, ...env },
    trace: () => false,
    onInterrupt: () => ({ [Symbol.dispose]: () => undefined }),
    connect: () => Promise.reject(new Error("doctor does not connect")),
  };
  registerDoctor(command, context, () => withoutUndefined({ url }));
  try {
    await command.parseAsync([], { from: "user" });
  } finally {
    process.exitCode = 0;
  }
  return JSON.parse(parts.join("")).findings;
}

describe("doctor", () => {
  it("checks the daemon that --url names", async () => {
    const token = await bench.token("doctor", ["read"]);
    const good = await findings({ OTAGATE_TOKEN: token }, bench.url);
    expect(good).toContainEqual(
      expect.objectContaining({ what: "daemon", verdict: "good", detail: expect.stringContaining(bench.url) }),
    );
    const stranger = await findings({}, bench.url);
    expect(stranger).toContainEqual(
      expect.objectContaining({ what: "daemon", verdict: "bad", advice: expect.stringContaining("OTAGATE_TOKEN") }),
    );
    await expect(findings({}, "daemon.example")).rejects.toThrow("--url: 'daemon.example' must be a URL");
  });

  it("reports a state folder that cannot be made, and makes none", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    for (const state of [join(file, "state"), "/proc/otagate/state"])
      expect(await findings({ OTAGATE_STATE: state })).toContainEqual(
        expect.objectContaining({ what: "state folder", verdict: "bad", detail: expect.stringContaining(state) }),
      );
    const fresh = join(folder, "a", "b");
    expect(stateFolder(fresh)).toBeUndefined();
    expect(readdirSync(folder)).not.toContain("a");
  });
});
