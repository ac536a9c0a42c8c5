type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The same object without keys whose value is undefined. */
export function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Defined<T>;
}
