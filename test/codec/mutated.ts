import { expect } from "vitest";
import { GatewayError } from "../../src/base/gateway-error.ts";
import * as fc from "../fast-check.ts";

/** Seeds with octets changed, cut off or put in, and plain noise. */
export function mutated(inputs: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(300), fc.nat(255));
  const changed = fc
    .tuple(fc.constantFrom(...inputs), fc.array(change, { maxLength: 6 }), fc.option(fc.nat(300)))
    .map(([seed, changes, cut]) => {
      const octets = Uint8Array.from(seed);
      for (const [at, value] of changes) octets[at % octets.length] = value;
      return cut === null ? octets : octets.slice(0, cut % (octets.length + 1));
    });
  return fc.oneof({ weight: 4, arbitrary: changed }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) });
}

/** Does it; of errors, only those of a codec with an offset pass. */
export function onlyCatalogued(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof GatewayError) || !error.code.startsWith("codec.")) throw error;
    expect(error.detail.offset).toBeTypeOf("number");
  }
}

/** The code of the error that it fails with; `none` when it does not. */
export function errorCode(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof GatewayError ? error.code : String(error);
  }
  return "none";
}
