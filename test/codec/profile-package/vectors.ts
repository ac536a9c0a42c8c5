import { readFileSync } from "node:fs";
import { fromHex } from "../../../src/base/hex.ts";

/** A vector of one kind of `test/vectors/es8.json`. */
export interface Es8Vector {
  readonly id: string;
  readonly kind: string;
  readonly package?: string;
  readonly element?: string;
  readonly octets?: string;
  readonly facts?: Readonly<Record<string, string>>;
  readonly expect: Readonly<Record<string, unknown>>;
}

const file: { readonly vectors: readonly Es8Vector[] } = JSON.parse(
  readFileSync(new URL("../../vectors/es8.json", import.meta.url), "utf8"),
);

/** Vectors of a kind. */
export function es8Vectors(kind: string): readonly Es8Vector[] {
  return file.vectors.filter((vector) => vector.kind === kind);
}

/** Octets of the package of a vector, by its identifier. */
export function packageOf(id: string): Uint8Array {
  return fromHex(file.vectors.find((vector) => vector.id === id)?.package ?? "");
}
