import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LimitedLog } from "../../src/base/limited-log.ts";
import type { Log } from "../../src/base/log.ts";

interface Line {
  readonly level: string;
  readonly facts: Record<string, unknown>;
  readonly message: string;
}

function bench(burst = 3, everyMs = 1_000) {
  const lines: Line[] = [];
  const write = (level: string) => (facts: object, message: string) =>
    void lines.push({ level, facts: { ...facts }, message });
  const log: Log = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  const clock = { monotonic: () => Date.now() };
  return { lines, log: new LimitedLog(log, clock, { burst, everyMs }) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a log with a limit per kind of line", () => {
  it("writes a burst, then one line a period with the number of those left out", () => {
    const { lines, log } = bench();
    for (let i = 0; i < 1_000; i++) log.warn({ i }, "malformed");
    expect(lines).toHaveLength(3);
    vi.setSystemTime(Date.now() + 1_000);
    log.warn({ i: 1_000 }, "malformed");
    expect(lines.at(-1)).toEqual({ level: "warn", facts: { i: 1_000, leftOut: 997 }, message: "malformed" });
  });

  it("reports what was left out when no line of the kind follows", () => {
    const { lines, log } = bench();
    for (let i = 0; i < 10; i++) log.info({}, "left");
    vi.advanceTimersByTime(1_000);
    expect(lines.at(-1)).toEqual({
      level: "info",
      facts: { line: "left", leftOut: 7 },
      message: "log lines were left out",
    });
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(4);
  });

  it("reports what was left out when it ends", () => {
    const { lines, log } = bench(1, 60_000);
    log.error({}, "x");
    log.error({}, "x");
    log[Symbol.dispose]();
    expect(lines.at(-1)?.facts).toEqual({ line: "x", leftOut: 1 });
  });

  it("keeps levels, messages and clients apart, so that strangers hide no client's line", () => {
    const { lines, log } = bench(1);
    for (let i = 0; i < 100; i++) log.warn({ peer: `10.0.0.${i}` }, "refused");
    log.warn({ client: "smsr" }, "refused");
    log.error({}, "refused");
    log.warn({}, "another");
    expect(lines.map(({ level, message, facts }) => `${level} ${message} ${facts.client ?? ""}`.trim())).toEqual([
      "warn refused",
      "warn refused smsr",
      "error refused",
      "warn another",
    ]);
  });

  it("holds no more than a fixed number of kinds, and still counts", () => {
    const { lines, log } = bench(1);
    for (let kind = 0; kind < 5_000; kind++) for (let i = 0; i < 2; i++) log.warn({}, `message ${kind}`);
    expect(lines.length).toBeLessThan(300);
    log[Symbol.dispose]();
    const told = lines.map(({ facts }) => Number(facts.leftOut ?? 0)).reduce((sum, one) => sum + one, 0);
    const written = lines.filter(({ message }) => message !== "log lines were left out").length;
    expect(told + written).toBe(10_000);
  });
});
