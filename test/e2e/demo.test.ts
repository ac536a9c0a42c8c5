import { expect, it } from "vitest";
import { pcscLabProblem } from "../../simulators/pcsc-lab.ts";
import { ptyAvailable } from "../simulators/pty.ts";
import { Product, usesProgram } from "./product.ts";

usesProgram();

const pty = await ptyAvailable();
if (!pty) console.warn("skipped: the demonstration (no pseudo-terminals)");
const problem = pcscLabProblem();
if (problem !== undefined) console.warn(`skipped: the demonstration behind pcscd (${problem})`);

it.skipIf(!pty || problem !== undefined)(
  "the demonstration does all that it promises, behind pcscd",
  async () => {
    await using product = new Product();
    const { code, stdout } = await product.run(["demo"], { timeoutMs: 120_000 });
    expect(stdout).toMatch(/behind pcscd and vpcd/);
    expect(stdout).toMatch(/all \d+ steps succeeded/);
    expect(stdout).not.toContain("✗");
    expect(code).toBe(0);
  },
  150_000,
);

it.skipIf(!pty)(
  "the demonstration works in one process, and reports as JSON",
  async () => {
    await using product = new Product();
    const ended = await product.run(["demo", "--in-process", "--json"], { timeoutMs: 120_000 });
    const report = ended.json<{ failed: number; checks: { what: string; held: boolean }[] }>();
    expect(report.checks.filter((check) => !check.held)).toEqual([]);
    expect(report.checks.length).toBeGreaterThan(10);
    expect(ended.code).toBe(0);
  },
  150_000,
);
