import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** What a pure test reaches by none of its imports: sockets, processes, threads, the store. */
const outside =
  /^(node:(net|tls|http|https|dgram|child_process|worker_threads|cluster)|better-sqlite3|serialport|fastify)$/;
const imported = /(?:\bfrom\s+|\bimport\s+|\bimport\()"([^"]+)"/g;

/** The test files below `root` that need nothing but the processor, by what they and the files that they import import. */
export function pureTests(root: string): string[] {
  const verdicts = new Map<string, boolean>();
  const isPure = (file: string): boolean => {
    const known = verdicts.get(file);
    if (known !== undefined) return known;
    // Files that import each other: the one that is asked for first decides.
    verdicts.set(file, true);
    // A file that is not there fails its test, not the run.
    const text = existsSync(file) ? readFileSync(file, "utf8").replace(/^import type .*$/gm, "") : "";
    const pure = [...text.matchAll(imported)].every(([, name = ""]) =>
      name.startsWith(".") ? !name.endsWith(".ts") || isPure(join(dirname(file), name)) : !outside.test(name),
    );
    verdicts.set(file, pure);
    return pure;
  };
  return readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(root, "test", name))
    .filter(isPure)
    .map((file) => relative(root, file))
    .sort();
}
