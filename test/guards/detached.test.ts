import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";

/** Names of functions that return promises somewhere, and that the language or others use for ones that do not. */
const both = new Set(["delete", "push", "write", "close", "end", "destroy", "pause", "resume", "send", "bytes", "u8"]);

/** The simulators run in programs of their own, or in tests, where a failure shall show itself. */
function sources(folder: string): string[] {
  return readdirSync(join(packageRoot, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.startsWith("simulated"))
    .map((file) => join(folder, file));
}

/** Promises that are thrown away with `void`: `void NAME(…)`, where NAME is asynchronous somewhere. */
function discarded(file: string, text: string, asynchronous: ReadonlySet<string>): string[] {
  return text.split("\n").flatMap((line, index) => {
    const [, called] = /(?:^\s*|=> |else |\) )void ((?:[\w#.?]|\([^()]*\))+)\(/.exec(line) ?? [];
    const name = called?.split(".").at(-1) ?? "";
    return asynchronous.has(name) || /\.(then|catch|finally)$/.test(called ?? "")
      ? [`${file}:${index + 1}: ${line.trim()}`]
      : [];
  });
}

describe("promises that nobody awaits", () => {
  const files = [...sources("src"), ...sources("drivers")].map((file) => ({
    file,
    text: readFileSync(join(packageRoot, file), "utf8"),
  }));
  const asynchronous = new Set(
    files
      .flatMap(({ text }) => [
        ...text.matchAll(/async (?:function )?([#\w]+)\s*[(<]/g),
        ...text.matchAll(/([#\w]+)\([^()]*\): Promise</g),
      ])
      .map(([, name = ""]) => name)
      .filter((name) => !both.has(name)),
  );

  it("have a handler for their failure: detach() of src/base/detach.ts, never void", () => {
    expect(asynchronous.size).toBeGreaterThan(300);
    expect(files.flatMap(({ file, text }) => discarded(file, text, asynchronous))).toEqual([]);
  });

  it("would be found", () => {
    const text =
      "    void gateway.jobs.wake(target);\n  wake: (target) => void this.#look(target),\n  else void x.then(y);\n";
    expect(discarded("a.ts", text, new Set(["wake", "#look"]))).toHaveLength(3);
    expect(discarded("a.ts", "  listeners: () => void;\n  () => void set.delete(x);", asynchronous)).toEqual([]);
  });
});
