/** Turns the members of `T` that may be undefined into optional ones that are never undefined; the others stay as they are. */
type Defined<T extends object> = T extends readonly unknown[] | ((...args: never[]) => unknown)
  ? never
  : Flat<
      { [K in keyof T as undefined extends T[K] ? Dictionary<K> : K]: Exclude<T[K], undefined> } & {
        [K in keyof T as undefined extends T[K] ? Exclude<K, Dictionary<K>> : never]?: Exclude<T[K], undefined>;
      }
    >;

/** The key of an index signature, which needs no mark for keys that are missing. */
type Dictionary<K> = string extends K ? K : number extends K ? K : never;

type Flat<T> = { [K in keyof T]: T[K] };

/**
 * Copies a record without the keys whose value is undefined, in the same order. Only the outermost level is copied; null,
 * false, 0 and "" stay. For plain records: a class instance loses its prototype, keys that are symbols are left out, and so
 * is `__proto__`, which would set the prototype of the copy.
 */
export function withoutUndefined<T extends object>(value: T): Defined<T>;
export function withoutUndefined(value: Readonly<Record<string, unknown>>): object {
  const copy: Record<string, unknown> = {};
  // A list of entries would cost four times as much, and every job makes dozens of these.
  for (const key of Object.keys(value)) {
    const inner = value[key];
    if (inner !== undefined && key !== "__proto__") copy[key] = inner;
  }
  return copy;
}
