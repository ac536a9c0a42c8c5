import { expect, it } from "vitest";
import { toHex } from "../../../src/base/hex.ts";
import { checkPackage } from "../../../src/codec/profile-package/check/check-package.ts";
import { describePackage } from "../../../src/codec/profile-package/describe.ts";
import { diffPackages } from "../../../src/codec/profile-package/diff.ts";
import { type PackageNode, readProfilePackage } from "../../../src/codec/profile-package/element.ts";
import { onlyCatalogued } from "../mutated.ts";
import { packageOf } from "./vectors.ts";

const original = readProfilePackage(packageOf("package-small"));

function* secretsIn(node: PackageNode): Generator<string> {
  if (node.field?.secret === true) yield toHex(node.value);
  for (const child of node.children) yield* secretsIn(child);
}

const secrets = original.elements.flatMap((element) => [...secretsIn(element)]);

it("no key, PIN or PUK is shown of a package in which one bit is wrong", () => {
  expect(secrets).toHaveLength(12);
  for (let at = 0; at < original.octets.length; at++) {
    for (const bit of [0x10, 1 << (at % 8)]) {
      const octets = Uint8Array.from(original.octets);
      octets[at] = (octets[at] ?? 0) ^ bit;
      onlyCatalogued(() => {
        const read = readProfilePackage(octets);
        const shown = JSON.stringify([describePackage(read), checkPackage(octets), diffPackages(read, original)]);
        const clear = secrets.filter((secret) => shown.includes(secret));
        if (clear.length > 0) expect({ at, bit, clear }).toBe("nothing");
      });
    }
  }
});
