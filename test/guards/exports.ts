import { posix } from "node:path";
import type { SourceFile } from "./sources.ts";

/** What a file takes from another by a relative path: the names, or `any` where the path is imported as a whole. */
interface Taken {
  readonly path: string;
  readonly names: readonly string[];
  /** `import * as all`, `export *`, or a dynamic import: every word of the file may be a name. */
  readonly any: boolean;
}

const withoutComments = (text: string) => text.replace(/^\s*(\/\/|\/?\*).*$/gm, "");

/** Names in braces: `a`, `type b`, `c as d` (of which `c` is the name that the other file exports). */
function bracedNames(braced: string): string[] {
  return braced.split(",").flatMap((one) => /^\s*(?:type\s+)?(\w+)/.exec(one)?.[1] ?? []);
}

function taken(code: string): Taken[] {
  const found: Taken[] = [];
  for (const [, braced, path = ""] of code.matchAll(
    /\b(?:import|export)\s+(?:type\s+)?(?:\{([^}]*)\}|\*(?:\s+as\s+\w+)?)\s+from\s*"(\.[^"]+)"/g,
  ))
    found.push({ path, names: bracedNames(braced ?? ""), any: braced === undefined });
  for (const [, path = ""] of code.matchAll(/\bimport\(\s*"(\.[^"]+)"/g)) found.push({ path, names: [], any: true });
  return found;
}

/** The names that a source exports. */
export function exportsOf(text: string): string[] {
  const code = withoutComments(text);
  const declared = code.matchAll(
    /^export (?:abstract |async |declare )*(?:const|let|function\*?|class|interface|type|enum) (\w+)/gm,
  );
  const listed = [...code.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, braced = ""]) =>
    braced.split(",").flatMap((one) => /(\w+)\s*$/.exec(one)?.[1] ?? []),
  );
  // A type and a value may have one name.
  return [...new Set([...[...declared].map(([, name = ""]) => name), ...listed])];
}

/** An export with the files that import it. */
export interface Export {
  readonly path: string;
  readonly name: string;
  readonly importers: readonly string[];
  /** Its own file uses it besides declaring it. */
  readonly usedInside: boolean;
}

/** Every export of `sources`, with the files of `users` (and of `sources`) that import it by name. */
export function exportsWithImporters(sources: readonly SourceFile[], users: readonly SourceFile[]): Export[] {
  const importers = new Map<string, Set<string>>();
  const note = (path: string, name: string, by: string) => {
    const key = `${path}#${name}`;
    importers.set(key, (importers.get(key) ?? new Set()).add(by));
  };
  for (const { path, text } of [...sources, ...users]) {
    const code = withoutComments(text);
    for (const { path: to, names, any } of taken(code)) {
      const target = posix.normalize(posix.join(posix.dirname(path), to));
      for (const name of any ? new Set(code.match(/\b[A-Za-z_]\w*\b/g) ?? []) : names) note(target, name, path);
    }
  }
  return sources.flatMap(({ path, text }) => {
    const code = withoutComments(text);
    return exportsOf(text).map((name) => ({
      path,
      name,
      importers: [...(importers.get(`${path}#${name}`) ?? [])],
      usedInside: (code.match(new RegExp(`\\b${name}\\b`, "g"))?.length ?? 0) > 1,
    }));
  });
}
