declare const brand: unique symbol;

/** A value that only its parser creates: an `Eid` is a string, but not every string is an `Eid`. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
