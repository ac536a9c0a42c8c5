import { describe, expect, it } from "vitest";
import { concatBytes, fromHex } from "../../../src/base/hex.ts";
import { diffPackages } from "../../../src/codec/profile-package/diff.ts";
import { childOf, type PackageNode, readProfilePackage } from "../../../src/codec/profile-package/element.ts";
import { rewritten } from "../../../src/codec/profile-package/rewrite.ts";
import { revealSecrets } from "../../../src/codec/profile-package/secrets.ts";
import { es8Vectors, packageOf } from "./vectors.ts";

const small = readProfilePackage(packageOf("package-small"));
const large = readProfilePackage(packageOf("package-large"));

function node(type: string, ...path: readonly string[]): PackageNode {
  const found = childOf(
    small.elements.find((element) => element.type === type),
    ...path,
  );
  if (found === undefined) throw new Error("absent");
  return found;
}

function changed(...changes: readonly (readonly [PackageNode, string])[]) {
  return readProfilePackage(rewritten(small, new Map(changes.map(([one, hex]) => [one, fromHex(hex)]))));
}

describe("two packages compared", () => {
  it("do not differ from themselves", () => {
    expect(diffPackages(small, readProfilePackage(Uint8Array.from(small.octets)))).toEqual([]);
  });

  it.each<[string, readonly (readonly [PackageNode, string])[], object]>([
    [
      "a value",
      [[node("header", "profileType"), "820141"]],
      { kind: "changed", element: "header", field: "profile type", before: '"Bench E16F5280"', after: '"A"' },
    ],
    [
      "a missing field",
      [[node("header", "connectivityParameters"), ""]],
      { kind: "removed", element: "header", field: "connectivity parameters", before: "A009060791447700099022" },
    ],
    [
      "a key",
      [[node("akaParameter", "algoConfiguration", "algoParameter", "key"), "821000000000000000000000000000000000"]],
      { kind: "changed", element: "akaParameter", field: "algorithm configuration / algorithm / K" },
    ],
    [
      "tries of a PUK",
      [[node("pukCodes", "pukCodes", "PUK", "maxNumOfAttemps-retryNumLeft"), "82020033"]],
      { kind: "changed", element: "pukCodes", field: "PUK codes / PUK 1 / tries", before: "153", after: "51" },
    ],
    [
      "a TAR",
      [[node("rfm", "tarList", "TAR"), "0403B00001"]],
      {
        kind: "changed",
        element: "rfm A00000055910100001",
        field: "TARs / TAR",
        before: "B00000",
        after: "B00001",
      },
    ],
  ])("differ in %s", (_, changes, difference) => {
    expect(diffPackages(small, changed(...changes))).toEqual([difference]);
  });

  it("differ in elements that are added, removed or moved", () => {
    const [first, second, ...others] = small.elements;
    if (first === undefined || second === undefined) throw new Error("absent");
    const without = readProfilePackage(concatBytes(first.octets, ...others.map(({ octets }) => octets)));
    expect(diffPackages(small, without)).toEqual([{ kind: "removed", element: "mf" }]);
    expect(diffPackages(without, small)).toEqual([{ kind: "added", element: "mf" }]);
    const order = [first, ...others.slice(0, -1), second, ...others.slice(-1)];
    const moved = readProfilePackage(concatBytes(...order.map(({ octets }) => octets)));
    expect(diffPackages(small, moved).every(({ kind }) => kind === "moved")).toBe(true);
  });

  it("differ in the form of a length alone", () => {
    const puks = small.elements.find(({ type }) => type === "pukCodes");
    if (puks === undefined) throw new Error("absent");
    const long = concatBytes(fromHex("A38200"), Uint8Array.of(puks.value.length), puks.value);
    const other = readProfilePackage(rewritten(small, new Map([[puks, long]])));
    expect(diffPackages(small, other)).toEqual([{ kind: "changed", element: "pukCodes", field: "encoding" }]);
  });

  it("compare files by folder and identifier, and hide contents that may be keys", () => {
    const file = (fid: string, content: string) =>
      readProfilePackage(
        concatBytes(small.octets.subarray(0, 75), fromHex(generic(fid, content)), small.octets.subarray(75)),
      );
    expect(diffPackages(file("6F07", "080910107383688084"), file("6F07", "080910107383688094"))).toEqual([
      {
        kind: "changed",
        element: "genericFileManagement",
        field: "7FF0/6F07 / content",
        before: "080910107383688084",
        after: "080910107383688094",
      },
    ]);
    expect(diffPackages(file("6F99", "000000000000000000"), file("6F99", "000000000000000001"))).toEqual([
      { kind: "changed", element: "genericFileManagement", field: "7FF0/6F99 / content" },
    ]);
  });

  it("contain no secret in what is shown, unless asked for", () => {
    const facts = es8Vectors("package").flatMap((vector) => [vector.facts?.k ?? "", vector.facts?.opc ?? ""]);
    const hidden = JSON.stringify(diffPackages(small, large));
    for (const secret of facts) expect(hidden).not.toContain(secret);
    const shown = JSON.stringify(diffPackages(small, large, true));
    for (const secret of facts.slice(0, 4)) expect(shown).toContain(secret);
  });
});

describe("secrets on demand", () => {
  it("are K, OPc, PINs, PUKs and keys, with their places", () => {
    const found = revealSecrets(small);
    const facts = es8Vectors("package")[0]?.facts;
    expect(found).toContainEqual({
      element: 7,
      type: "akaParameter",
      field: "algorithm configuration / algorithm / K",
      value: facts?.k,
    });
    expect(found.map(({ field }) => field)).toEqual(
      expect.arrayContaining(["PIN codes / PINs / PIN 10 / PIN", "keys / key 01-03 / components / component / key"]),
    );
  });

  it("include files of keys without a field of their own", () => {
    const octets = concatBytes(small.octets.subarray(0, 75), fromHex(generic("6F08", "0102030405060708FF")));
    expect(revealSecrets(readProfilePackage(octets))).toContainEqual(
      expect.objectContaining({ type: "genericFileManagement", field: "file 6F08", value: "0102030405060708FF" }),
    );
  });
});

/** A genericFileManagement that makes one file of nine octets in an ADF. */
function generic(identifier: string, content: string): string {
  return `A127A005800081010BA11E301C80027FF0620B820241218302${identifier}8001098109${content}`;
}
