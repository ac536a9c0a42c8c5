import { type Node, parseSync, Visitor } from "oxc-parser";
import type { SourceFile } from "./sources.ts";

/** What a file takes from another by a relative path: the names, or `all` where the path is imported as a whole. */
export interface Import {
  /** As written: `./x.ts`. */
  readonly path: string;
  readonly names: readonly string[];
  /** `import * as all`, `export *`, `import("…")`, or an import for its effects. */
  readonly all: boolean;
}

/** A file as its parser sees it. */
export interface Module {
  readonly imports: readonly Import[];
  /** The names that it declares or passes on. */
  readonly exports: readonly string[];
}

/** Imports and exports of a TypeScript file: values, types, `import("…")` in code and in types, re-exports. */
export function moduleOf({ path, text }: SourceFile): Module {
  const { module, program } = parseSync(path, text);
  const imports: Import[] = [];
  const take = (from: string | undefined, names: readonly (string | null)[], all: boolean) => {
    if (from?.startsWith(".") === true) imports.push({ path: from, names: names.filter((name) => name !== null), all });
  };
  for (const { moduleRequest, entries } of module.staticImports)
    take(
      moduleRequest.value,
      entries.map(({ importName }) => importName.name),
      entries.length === 0 || entries.some(({ importName }) => importName.kind === "NamespaceObject"),
    );
  const exported = new Set<string>();
  for (const { moduleRequest, importName, exportName } of module.staticExports.flatMap(({ entries }) => entries)) {
    if (exportName.name !== null) exported.add(exportName.name);
    take(moduleRequest?.value, [importName.name], importName.name === null);
  }
  new Visitor({
    ImportExpression: ({ source }) => take(literal(source), [], true),
    TSImportType: ({ source }) => take(literal(source), [], true),
  }).visit(program);
  return { imports, exports: [...exported] };
}

/** The text of a string, or of a template without expressions. */
function literal(node: Node): string | undefined {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type === "TemplateLiteral" && node.expressions.length === 0)
    return node.quasis[0]?.value.cooked ?? undefined;
  return undefined;
}
