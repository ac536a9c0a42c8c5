import { eisFactShapes } from "./target-shape.ts";

/** Facts of an EIS that are stored in addition to the target's own fields. */
export type StoredEis = Readonly<Record<string, unknown>>;

const domainFacts = ["aid", "sin", "sdin"] as const;

/**
 * The facts of a description or of a stored EIS for which a target has no field. Key sets are not included.
 */
export function factsIn(described: unknown): StoredEis {
  if (typeof described !== "object" || described === null) return {};
  const given = new Map<string, unknown>(Object.entries(described));
  const facts = Object.keys(eisFactShapes).flatMap((name): [string, unknown][] => {
    const value = given.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const isdR = given.get("isdR");
  if (typeof isdR === "object" && isdR !== null) {
    const parts = new Map<string, unknown>(Object.entries(isdR));
    const kept = domainFacts.flatMap((name): [string, unknown][] => {
      const value = parts.get(name);
      return value === undefined ? [] : [[name, value]];
    });
    if (kept.length > 0) facts.push(["isdR", Object.fromEntries(kept)]);
  }
  const xml = given.get("xml");
  if (typeof xml === "string") facts.push(["xml", xml]);
  return Object.fromEntries(facts);
}
