import { readFileSync } from "node:fs";

/** One vector as its file holds it; fields are read through {@link at}. */
export type Vector = Readonly<Record<string, unknown>> & { readonly id: string };

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isVector(value: unknown): value is Vector {
  return isRecord(value) && typeof value.id === "string";
}

function load(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`vectors/${name}`, import.meta.url), "utf8"));
}

/** Vectors of one group of `scp80.json`. */
export function scp80Vectors(group: string): readonly Vector[] {
  const found = at(load("scp80.json"), `groups.${group}`);
  if (!Array.isArray(found)) throw new Error(`no group ${group}`);
  return found.filter(isVector);
}

/** Vectors of `scp80_published.json` of one kind. */
export function publishedVectors(kind: "command" | "response" | "negative_response"): readonly Vector[] {
  const found = at(load("scp80_published.json"), "vectors");
  if (!Array.isArray(found)) throw new Error("no vectors");
  return found.filter(isVector).filter((vector) => vector.kind === kind);
}

/** The value at a dotted path, or undefined. */
export function at(value: unknown, path: string): unknown {
  let here = value;
  for (const key of path.split(".")) here = isRecord(here) ? here[key] : undefined;
  return here;
}

/** The text at a dotted path; empty when absent or null. */
export function textAt(value: unknown, path: string): string {
  const found = at(value, path);
  return typeof found === "string" ? found : "";
}

/** The number at a dotted path; undefined when absent or null. */
export function numberAt(value: unknown, path: string): number | undefined {
  const found = at(value, path);
  return typeof found === "number" ? found : undefined;
}

/** The texts at a dotted path; a single text counts as a list of one. */
export function textsAt(value: unknown, path: string): readonly string[] {
  const found = at(value, path);
  if (typeof found === "string") return [found];
  return Array.isArray(found) ? found.filter((one): one is string => typeof one === "string") : [];
}
