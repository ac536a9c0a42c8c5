import { expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { checkPackage } from "../../../src/codec/profile-package/check/check-package.ts";
import { describePackage } from "../../../src/codec/profile-package/describe.ts";
import { diffPackages } from "../../../src/codec/profile-package/diff.ts";
import { readProfilePackage } from "../../../src/codec/profile-package/element.ts";
import { packageOctets } from "../../../src/codec/profile-package/package-input.ts";
import { rewritten } from "../../../src/codec/profile-package/rewrite.ts";
import { revealSecrets } from "../../../src/codec/profile-package/secrets.ts";
import { packagePersonalizer } from "../../../src/crypto/personalize-package.ts";
import * as fc from "../../fast-check.ts";
import { onlyCatalogued } from "../mutated.ts";
import { es8Vectors, packageOf } from "./vectors.ts";

const packages = es8Vectors("package").map(({ package: hex = "" }) => fromHex(hex));

/** Octets changed, put in, taken out, moved and cut off anywhere in a package. */
const mutation = fc.tuple(
  fc.constantFrom("set", "insert", "remove", "copy", "cut"),
  fc.nat(),
  fc.oneof(fc.nat(255), fc.constantFrom(0x80, 0x82, 0x30, 0xa0, 0xa1, 0x00, 0xff)),
  fc.integer({ min: 1, max: 40 }),
);

const mutatedPackage = fc
  .tuple(fc.constantFrom(...packages), fc.array(mutation, { minLength: 1, maxLength: 8 }))
  .map(([seed, mutations]) => {
    const octets = [...seed];
    for (const [kind, place, value, count] of mutations) {
      const at = place % (octets.length + 1);
      if (kind === "set" && at < octets.length) octets[at] = value;
      else if (kind === "insert") octets.splice(at, 0, value);
      else if (kind === "remove") octets.splice(at, count);
      else if (kind === "copy") octets.splice(at, 0, ...octets.slice(at, at + count * 10));
      else if (kind === "cut" && count === 1) octets.length = at;
    }
    return Uint8Array.from(octets);
  });

/** Values that every package of the vectors has. */
const values = {
  iccid: "8900012000000000017",
  imsi: "001010000000013",
  k: "11".repeat(16),
  opc: "22".repeat(16),
  pin1: "1234",
  adm1: "87654321",
};

it("the packages themselves take the values that mutated ones are given", () => {
  for (const octets of [packageOf("package-small"), packageOf("package-large")])
    expect(describePackage(readProfilePackage(packagePersonalizer(octets)(values))).imsi).toBe(values.imsi);
});

// OTAGATE_TEST_SEEDS=100 tries 100 000 of them.
it("mutated packages give findings and catalogued errors, nothing else, and are written as they were read", () => {
  const whole = readProfilePackage(packageOf("package-large"));
  fc.assert(
    fc.property(fc.oneof({ weight: 9, arbitrary: mutatedPackage }, fc.uint8Array({ maxLength: 400 })), (octets) => {
      expect(checkPackage(octets).length).toBeLessThanOrEqual(500);
      onlyCatalogued(() => {
        const read = readProfilePackage(octets);
        JSON.stringify([
          describePackage(read),
          revealSecrets(read),
          diffPackages(read, whole),
          diffPackages(whole, read),
        ]);
        const [first] = read.elements;
        const same = first === undefined ? octets : rewritten(read, new Map([[first, first.octets]]));
        expect(toHex(same)).toBe(toHex(octets));
        expect(diffPackages(read, read)).toEqual([]);
      });
      onlyCatalogued(() => packageOctets(octets));
      onlyCatalogued(() => packagePersonalizer(octets)(values));
    }),
    { numRuns: 1000 },
  );
});

it("text of any kind gives octets or an error with the place", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[0-9a-fA-F:\s#;x'H-]{0,80}$/));
  fc.assert(fc.property(text, (input) => onlyCatalogued(() => packageOctets(new TextEncoder().encode(input)))));
});

it.each([
  ["lengths inside each other", "A080".repeat(20_000)],
  ["elements inside each other", "A1820FF0".repeat(10_000)],
  ["many small elements", `A012800102810103830A89000123456789012341${"A300".repeat(20_000)}`],
  ["many small fields", `A382FFF0${"A000".repeat(16_380)}`],
  ["many files of one name", `A182FFF8A182FFF43082FFF0${"6200".repeat(32_760)}`],
  ["many PINs", `A282FFF8A182FFF4A082FFF0${"3003800101".repeat(13_104)}`],
])("takes time in proportion to its octets: %s", (_, hex) => {
  const octets = fromHex(hex);
  const before = process.cpuUsage();
  checkPackage(octets);
  onlyCatalogued(() => {
    const read = readProfilePackage(octets);
    describePackage(read);
    diffPackages(read, read);
    diffPackages(read, readProfilePackage(packageOf("package-small")));
  });
  const { user, system } = process.cpuUsage(before);
  // A quadratic reader takes minutes of processor time for these.
  expect((user + system) / 1e6).toBeLessThan(20);
});

it.each([
  ["1024 profile elements", `A012800102810103830A89000123456789012341${"A300".repeat(500_000)}`],
  ["65536 TLVs", `A38307A120${"A000".repeat(250_000)}`],
])("a package of 1 MB with more than %s is refused at once", (limit, hex) => {
  const octets = fromHex(hex);
  const before = process.cpuUsage();
  expect(() => readProfilePackage(octets)).toThrow(`the package has more than ${limit}`);
  expect(checkPackage(octets)).toMatchObject([{ severity: "refused" }]);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(5);
});
