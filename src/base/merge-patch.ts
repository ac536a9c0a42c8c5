/**
 * A change of a value: a given field replaces the old one, null removes it, an absent field stays. Lists and octets are replaced.
 * RFC 7396
 */
export type MergePatch<T> = {
  readonly [K in keyof T]?:
    | (NonNullable<T[K]> extends readonly unknown[] | Uint8Array
        ? T[K]
        : NonNullable<T[K]> extends object
          ? MergePatch<T[K]>
          : T[K])
    | null
    | undefined;
};

/** A value with a patch merged into it. RFC 7396 §2 */
export function mergePatch<T extends object>(value: T, patch: MergePatch<T>): T {
  const entries: unknown[][] = Object.entries(merged(value, patch));
  return Object.fromEntries(entries);
}

function merged(value: object, patch: object): object {
  const fields = new Map<string, unknown>(Object.entries(value));
  for (const [name, change] of Object.entries(patch)) {
    if (change === undefined) continue;
    const before = fields.get(name);
    if (change === null) fields.delete(name);
    else fields.set(name, isObject(change) ? merged(isObject(before) ? before : {}, change) : change);
  }
  return Object.fromEntries(fields);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
