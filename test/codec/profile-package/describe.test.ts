import { describe, expect, it } from "vitest";
import { fromHex } from "../../../src/base/hex.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { describePackage } from "../../../src/codec/profile-package/describe.ts";
import { childOf, readProfilePackage } from "../../../src/codec/profile-package/element.ts";
import { rewritten } from "../../../src/codec/profile-package/rewrite.ts";
import { es8Vectors, packageOf } from "./vectors.ts";

/** The words in which the vectors expect a description. */
function asExpected(octets: Uint8Array): Readonly<Record<string, unknown>> {
  const found = describePackage(readProfilePackage(octets));
  return {
    version: found.version,
    profile_type: found.profileType,
    iccid: found.iccid,
    pol: found.pol1?.octets ?? null,
    services: found.services,
    templates: found.templates.map(({ oid }) => oid),
    connectivity: found.connectivity?.octets ?? null,
    octets: found.octets,
    trailing: found.trailing,
    iccid_file: found.iccidFile,
    imsi: found.imsi,
    aka: found.aka.map(({ algorithm, keyOctets }) => ({ algorithm: algorithm.toLowerCase(), key_octets: keyOctets })),
    security_domains: found.securityDomains.map(({ aid, privileges, parameters, keys }) => ({
      aid,
      privileges,
      c9: parameters,
      keys: keys.map(
        ({ version, identifier, components: [one] }) =>
          `${version}-${identifier} type ${one?.type}, ${one?.octets} octets`,
      ),
    })),
    rfm: found.rfm.map(({ aid, tars, msl }) => ({ aid, tars, msl })),
    elements: found.elements.map(({ position: _, files, ...rest }) =>
      rest.type === "genericFileManagement" ? { ...rest, files } : rest,
    ),
  };
}

describe("a package described", () => {
  it.each(es8Vectors("package").map((vector) => [vector.id, vector]))("%s", (_, vector) => {
    expect(asExpected(fromHex(vector.package ?? ""))).toEqual(vector.expect);
  });

  it("contains no secret", () => {
    for (const { package: hex = "", facts } of es8Vectors("package")) {
      const text = JSON.stringify(describePackage(readProfilePackage(fromHex(hex))));
      for (const secret of [facts?.k, facts?.opc]) expect(text).not.toContain(secret);
    }
  });

  const small = readProfilePackage(packageOf("package-small"));
  const usim = small.elements.find(({ type }) => type === "usim");
  const imsi = childOf(usim, "ef-imsi");
  if (usim === undefined || imsi === undefined) throw new Error("no USIM");
  const content = "080910107383688084";

  it.each([
    ["in pieces", `82020000${tlv("83", content.slice(0, 6))}${tlv("83", content.slice(6))}`],
    ["behind a skip back to nothing", tlv("83", content)],
    ["as a fill pattern", tlv("A1", tlv("A5", tlv("C1", content)))],
    ["over a pattern", `${tlv("A1", tlv("A5", "C10100"))}${tlv("83", content)}`],
  ])("finds an IMSI that stands %s", (_, file) => {
    const octets = rewritten(small, new Map([[imsi, tlvBytes(0xa3, fromHex(file))]]));
    expect(describePackage(readProfilePackage(octets)).imsi).toBe("001013738860848");
  });

  it.each([
    ["in a file created by its identifier", "80027FF0", "", "9"],
    ["in a file selected by its path", "80047FF06F07", "none", "9"],
  ])("finds an IMSI %s", (_, path, create) => {
    const commands = `${path}${create === "none" ? "" : "620E8202412183026F07800109880138"}8109${content}`;
    const generic = fromHex(tlv("A1", "A005800081010B", tlv("A1", tlv("30", commands))));
    const octets = rewritten(small, new Map([[usim, generic]]));
    expect(describePackage(readProfilePackage(octets))).toMatchObject({
      imsi: "001013738860848",
      imsis: [{ imsi: "001013738860848", element: 5 }],
    });
  });

  it("shows POL1, connectivity and demanded applications in words", () => {
    const large = describePackage(readProfilePackage(packageOf("package-large")));
    expect(large.pol1).toEqual({ octets: "02", rules: ["deletion is not allowed"] });
    expect(large.connectivity).toEqual({ octets: "A009060791447700098012", serviceCentre: "+447700900821" });
    expect(large.codes.map(({ name }) => name)).toContain("ADM1");
  });
});

function tlv(tag: string, ...values: readonly string[]): string {
  const value = values.join("");
  return `${tag}${(value.length / 2).toString(16).padStart(2, "0").toUpperCase()}${value}`;
}
