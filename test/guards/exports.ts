import { posix } from "node:path";
import { moduleOf } from "./modules.ts";
import type { SourceFile } from "./sources.ts";

const withoutComments = (text: string) => text.replace(/^\s*(\/\/|\/?\*).*$/gm, "");

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
  const modules = new Map([...sources, ...users].map((file) => [file, moduleOf(file)]));
  for (const [file, { imports }] of modules) {
    const { path } = file;
    for (const { path: to, names, all } of imports) {
      const target = posix.normalize(posix.join(posix.dirname(path), to));
      // Of a module that is taken as a whole, every word of the file may be a name.
      const words = all ? withoutComments(file.text).match(/\b[A-Za-z_]\w*\b/g) : undefined;
      for (const name of new Set([...names, ...(words ?? [])])) note(target, name, path);
    }
  }
  return sources.flatMap((file) => {
    const { path } = file;
    const code = withoutComments(file.text);
    return (modules.get(file)?.exports ?? []).map((name) => ({
      path,
      name,
      importers: [...(importers.get(`${path}#${name}`) ?? [])],
      usedInside: (code.match(new RegExp(`\\b${name}\\b`, "g"))?.length ?? 0) > 1,
    }));
  });
}
