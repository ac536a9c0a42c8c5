/**
 * Text of a row as the type that its record has. It is not checked again: only the store writes rows, and it writes
 * what a parser has made.
 */
export function stored<T extends string>(text: string): T {
  return text as T;
}
