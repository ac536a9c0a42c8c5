import { posix } from "node:path";
import { moduleOf } from "./modules.ts";
import type { SourceFile } from "./sources.ts";

/** Files, and the files of ours that each imports. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** The graph of these files; imports of anything else are left out. */
export function graphOf(files: readonly SourceFile[]): ImportGraph {
  const known = new Set(files.map(({ path }) => path));
  return new Map(
    files.map((file) => {
      const { path } = file;
      const targets = moduleOf(file).imports.map(({ path: to }) =>
        posix.normalize(posix.join(posix.dirname(path), to)),
      );
      return [path, [...new Set(targets)].filter((to) => known.has(to))];
    }),
  );
}

/** Groups of nodes that reach each other, and nodes that reach themselves: the cycles of a graph (Tarjan). */
export function cyclesOf(graph: ImportGraph): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const open = new Set<string>();
  const cycles: string[][] = [];
  const visit = (node: string): number => {
    const index = order.size;
    order.set(node, index);
    low.set(node, index);
    stack.push(node);
    open.add(node);
    for (const next of graph.get(node) ?? []) {
      const reach = order.has(next) ? (open.has(next) ? order.get(next) : undefined) : visit(next);
      if (reach !== undefined) low.set(node, Math.min(low.get(node) ?? index, reach));
    }
    if (low.get(node) === index) {
      const group = stack.splice(stack.indexOf(node));
      for (const one of group) open.delete(one);
      if (group.length > 1 || graph.get(node)?.includes(node) === true) cycles.push(group);
    }
    return low.get(node) ?? index;
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return cycles;
}
