import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keyLogTo } from "../../src/app/key-log.ts";
import { TraceLog } from "../../src/face/http/trace-log.ts";
import { type Log, silentLog } from "../../src/link/driver.ts";
import { traceFrame } from "../../src/link/trace.ts";

let folder: string;
let told: string[];
const log: Log = {
  ...silentLog,
  error: (facts, text) => told.push(`${text} ${JSON.stringify(facts)}`),
  warn: (facts, text) => told.push(`${text} ${JSON.stringify(facts)}`),
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otagate-sinks-"));
  told = [];
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("what is written beside the work", () => {
  it("a key log that cannot be written: the handshake goes on, told once, and once when it is over", () => {
    const file = join(folder, "missing", "keys");
    const write = keyLogTo(file, log);
    for (let i = 0; i < 3; i++) write(Buffer.from("CLIENT_RANDOM 00 00\n"));
    expect(told).toEqual([expect.stringMatching(/^the key log cannot be written; work continues without it .*ENOENT/)]);
    rmSync(join(folder, "missing"), { recursive: true, force: true });
    const other = keyLogTo(join(folder, "keys"), log);
    other(Buffer.from("CLIENT_RANDOM 01 01\n"));
    expect(readFileSync(join(folder, "keys"), "utf8")).toBe("CLIENT_RANDOM 01 01\n");
    expect(told).toHaveLength(1);
  });

  it("a trace that cannot be written: frames still reach those who watch, and the file again when it can be", async () => {
    const traces = join(folder, "traces");
    writeFileSync(traces, "a file where the folder should be");
    await using kept = new TraceLog(traces, log);
    await kept.start();
    const seen: number[] = [];
    kept.onFrame(({ seq }) => seen.push(seq));
    const all = async () => {
      const read: string[] = [];
      for await (const frame of kept.read(() => true)) read.push(frame.text ?? "");
      return read;
    };
    traceFrame({ kind: "at", dir: "in", link: "m", text: "one" });
    traceFrame({ kind: "at", dir: "in", link: "m", text: "two" });
    expect(await all()).toEqual([]);
    expect(seen).toHaveLength(2);
    expect(told).toEqual([expect.stringContaining("the trace cannot be written; work continues without it")]);
    rmSync(traces);
    traceFrame({ kind: "at", dir: "in", link: "m", text: "three" });
    expect(await all()).toEqual(["three"]);
    expect(told[1]).toMatch(/^the trace can be written again; lines in between were lost .*"lost":2/);
  });
});
