import type { z } from "zod";

/** Refuses a list of which two entries share what has to be unique, and names both. For `superRefine`. */
export function uniqueBy<T extends Readonly<Record<K, string>>, K extends string>(key: K) {
  return (list: readonly T[], context: z.RefinementCtx): void => {
    const first = new Map<string, number>();
    for (const [index, entry] of list.entries()) {
      const value = entry[key];
      const before = first.get(value);
      if (before === undefined) first.set(value, index);
      else {
        const message = `'${value}' is already the ${key} of entry ${before}; each entry needs its own`;
        context.addIssue({ code: "custom", path: [index, key], message });
      }
    }
  };
}
