import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What a pure test reaches by none of its imports: sockets, processes, threads, the store. */
const outside =
  /^(node:(net|tls|http|https|dgram|child_process|worker_threads|cluster)|better-sqlite3|serialport|fastify)$/;
const imported = /(?:\bfrom\s+|\bimport\s+|\bimport\()"([^"]+)"/g;

/** Files whose tests need a process of their own, below `test/`, with the reason. */
const isolated = [
  // They measure what this process does, or change what belongs to all of it: modules, timers, signals, memory.
  "app/doctor",
  "app/earlier-store",
  "drivers/pcsc/fake-pcscd",
  "drivers/pcsc/pcsclite-fallback",
  "face/http/import-lag",
  "face/http/lag",
  "face/http/resources",
  "gateway/upstream/relay",
  "link/smpp/checklist-esme",
  "link/upstream/http-client",
  "link/smpp/fuzz",
  "link/smpp/pure-parts",
  "store/damage",
  "store/earlier-store",
  "store/sqlite-store",
];

/** How the test files below `root` are run: see the projects of `vitest.config.ts`. */
export function testGroups(root: string): Readonly<Record<"pure" | "shared" | "isolated", string[]>> {
  const pure = new Set(pureTests(root));
  const alone = new Set(isolated.map((name) => `test/${name}.test.ts`));
  const rest = allTests(root).filter((file) => !pure.has(file));
  const isAlone = (file: string) => alone.has(file) || file.startsWith("test/interop/modem-");
  return { pure: [...pure], shared: rest.filter((file) => !isAlone(file)), isolated: rest.filter(isAlone) };
}

function allTests(root: string): string[] {
  return readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `test/${name}`)
    .sort();
}

/** The test files below `root` that need nothing but the processor, by what they and the files that they import import. */
function pureTests(root: string): string[] {
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
  return allTests(root).filter((file) => isPure(join(root, file)));
}
