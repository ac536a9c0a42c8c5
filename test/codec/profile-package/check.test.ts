import { describe, expect, it } from "vitest";
import { concatBytes, fromHex } from "../../../src/base/hex.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { checkPackage, isRefused } from "../../../src/codec/profile-package/check/check-package.ts";
import type { Severity } from "../../../src/codec/profile-package/check/finding.ts";
import { childOf, type PackageNode, readProfilePackage } from "../../../src/codec/profile-package/element.ts";
import { rewritten } from "../../../src/codec/profile-package/rewrite.ts";
import { es8Vectors, packageOf } from "./vectors.ts";

const small = readProfilePackage(packageOf("package-small"));

function found(node: PackageNode | undefined): PackageNode {
  if (node === undefined) throw new Error("absent");
  return node;
}

/** A field of the nth element of a type. */
function at(type: string, ...path: readonly string[]): PackageNode {
  return found(
    childOf(
      small.elements.find((element) => element.type === type),
      ...path,
    ),
  );
}

const element = (type: string) => found(small.elements.find((one) => one.type === type));

describe("a package without faults", () => {
  it.each(es8Vectors("package").map((vector) => [vector.id, vector]))("%s has no findings", (_, vector) => {
    expect(checkPackage(fromHex(vector.package ?? ""))).toEqual([]);
  });
});

describe("a faulty package", () => {
  it.each(es8Vectors("package-negative").map((vector) => [vector.id, vector]))("%s", (_, vector) => {
    const findings = checkPackage(fromHex(vector.package ?? ""));
    expect(findings).not.toEqual([]);
    expect(isRefused(findings)).toBe(vector.expect.ok !== true);
  });

  it.each<[string, PackageNode, Uint8Array, Severity, number | undefined, RegExp]>([
    ["PIN without its PUK", element("pukCodes"), none(), "refused", 3, /no PUK of application 1, which this PIN names/],
    ["no MF", element("mf"), none(), "refused", 5, /nothing creates the MF/],
    ["no IMSI file", at("usim", "ef-imsi"), none(), "refused", 5, /ef-imsi is missing/],
    ["no ICCID", at("header", "iccid"), none(), "refused", 5, /^ICCID is missing/],
    ["short ICCID", at("header", "iccid"), hex("8301 89"), "refused", 3, /ICCID must have 10 octets, not 1/],
    ["no MNO-SD before RFM", element("securityDomain"), none(), "may be refused", undefined, /no MNO-SD/],
    ["unknown template, mandated", at("usim", "templateID"), hex("8107 67810F01020409"), "refused", 9, /is unknown/],
    ["template of another element", at("usim", "templateID"), hex("8106 67810F010208"), "may be refused", 9, /isim/],
    ["version 4.0", at("header", "major-version"), hex("800104"), "may be refused", 31, /version 4.3/],
    ["version 1", at("header", "major-version"), hex("800101"), "may be refused", 31, /version 1.3/],
    [
      "other ICCID in the file",
      at("mf", "ef-iccid"),
      hex("A40C830A98001082641694583514"),
      "odd",
      undefined,
      /EF.ICCID/,
    ],
    ["unknown mandated element", element("pukCodes"), hex("AB07A0058000810103"), "refused", 1, /AB is unknown/],
    ["unknown element", element("pukCodes"), hex("BF2205A003810103"), "may be refused", 1, /BF22 is unknown/],
    ["no element header", at("end", "header"), none(), "refused", 5, /element header is missing/],
    ["number of an element twice", at("end", "header"), hex("A003810101"), "odd", undefined, /also that of element 2/],
    ["unknown field", at("end", "header"), hex("A003810163 8500"), "may be refused", 6, /unknown field 85/],
    ["unknown algorithm", aka("algorithmID"), hex("800109"), "refused", 10, /algorithm 9/],
    ["short K", aka("key"), hex("8201 00"), "refused", 3, /the key of Milenage must have 16 octets, not 1/],
    ["short OPc", aka("opc"), hex("8300"), "refused", 3, /must have 16 octets/],
    ["PIN for nothing", pin("keyReference"), hex("800109"), "refused", 3, /9 is not a reference of a PIN/],
    ["local PIN in the MF", pin("keyReference"), hex("80020081"), "may be refused", 3, /is local/],
    ["PIN of seven octets", pin("pinValue"), hex("8107 31313131FFFFFF"), "refused", 3, /PIN must have 8 octets/],
    ["PIN of letters", pin("pinValue"), hex("8108 41313131FFFFFFFF"), "odd", undefined, /four to eight digits/],
    [
      "key of ten octets",
      firstKey("keyComponents", "component", "keyData"),
      hex("860A 00000000000000000000"),
      "refused",
      3,
      /key 01-01 has 10 octets/,
    ],
    ["no such TAR", at("rfm", "tarList"), none(), "refused", 3, /no list of TARs/],
    ["ADF that is not there", at("usim", "adf-usim"), hex("A200"), "may be refused", 3, /no application of this AID/],
    [
      "skip too far",
      at("usim", "ef-imsi"),
      hex("A309 A103800109 82024000"),
      "may be refused",
      3,
      /is filled up to octet/,
    ],
  ])("%s", (_, node, octets, severity, status, message) => {
    const findings = checkPackage(rewritten(small, new Map([[node, octets]])));
    expect(findings).toContainEqual(
      expect.objectContaining({
        severity,
        message: expect.stringMatching(message),
        ...(status === undefined ? {} : { status }),
      }),
    );
  });

  it("names the element by its place, type and number, and the place in it", () => {
    const key = aka("key");
    const [finding] = checkPackage(rewritten(small, new Map([[key, hex("820100")]])));
    expect(finding).toEqual({
      severity: "refused",
      status: 3,
      element: 7,
      type: "akaParameter",
      identification: 5,
      offset: key.offset,
      offsetInElement: key.offset - element("akaParameter").offset,
      message: "the key of Milenage must have 16 octets, not 1",
    });
  });

  it("does not take elements behind the end", () => {
    const findings = checkPackage(concatBytes(small.octets, element("pukCodes").octets));
    expect(findings).toEqual([
      expect.objectContaining({
        severity: "may be refused",
        offset: small.octets.length,
        message: expect.stringContaining("follow the end"),
      }),
    ]);
  });

  it("does not refuse what real cards took: double numbers, integers with zeros, long lengths", () => {
    const puks = at("pukCodes", "pukCodes");
    const long = concatBytes(hex("A18200"), Uint8Array.of(puks.value.length), puks.value);
    const findings = checkPackage(rewritten(small, new Map([[puks, long]])));
    expect(findings.map(({ severity }) => severity)).toEqual(["odd"]);
    expect(isRefused(findings)).toBe(false);
  });
});

describe("a package for a certain card", () => {
  it.each([
    [{ version: "2.3.1" }, []],
    [{ version: "2.1" }, [31]],
    [{ memory: 100_000 }, []],
    [{ memory: 1000 }, [4]],
    [{ services: { milenage: true } }, []],
    [{ services: { milenage: false } }, [10]],
  ])("%j", (card, statuses) => {
    expect(checkPackage(small.octets, card).map(({ status }) => status)).toEqual(statuses);
  });
});

describe("what stands twice or not in its place", () => {
  it.each<[string, () => Uint8Array, RegExp]>([
    ["a second MF", () => twice("mf"), /a second mf element/],
    ["a second PUK element", () => twice("pukCodes"), /a second pukCodes element/],
    ["two RFM of one AID", () => twice("rfm"), /another instance has this AID/],
    [
      "a field twice",
      () => replacedBy(at("end", "header"), (octets) => concatBytes(octets, octets)),
      /stands there twice/,
    ],
    [
      "gsm-access without usim",
      () => replacedBy(element("usim"), () => hex("B80FA005800081010B810667810F010207A200")),
      /no usim element/,
    ],
    [
      "aka without application",
      () => replacedBy(element("usim"), () => none()),
      /no network application stands before/,
    ],
  ])("%s", (_, octets, message) => {
    expect(checkPackage(octets()).map((finding) => finding.message)).toContainEqual(expect.stringMatching(message));
  });
});

describe("files by their identifiers", () => {
  it.each<[string, string, RegExp]>([
    ["content without a file", "8101FF", /no file is selected/],
    ["a path that is cut", "80037F106F", /not one of file identifiers/],
    ["a file twice", "8000 620B 82024121 83026F01 800101 620B 82024121 83026F01 800101", /created twice/],
    ["a file without size", "8000 6208 82024121 83026F01", /without a file size/],
  ])("%s", (_, commands, message) => {
    const inner = fromHex(commands.replaceAll(" ", ""));
    const generic = concatBytes(hex("A005800081010B"), tlvBytes(0xa1, tlvBytes(0x30, inner)));
    const octets = replacedBy(element("pukCodes"), (old) => concatBytes(old, tlvBytes(0xa1, generic)));
    expect(checkPackage(octets).map((finding) => finding.message)).toContainEqual(expect.stringMatching(message));
  });
});

function aka(field: string): PackageNode {
  return at("akaParameter", "algoConfiguration", "algoParameter", field);
}

function pin(field: string): PackageNode {
  return at("pinCodes", "pinCodes", "pinconfig", "PIN", field);
}

function firstKey(...path: readonly string[]): PackageNode {
  return at("securityDomain", "keyList", "key", ...path);
}

function twice(type: string): Uint8Array {
  return replacedBy(element(type), (octets) => concatBytes(octets, octets));
}

function replacedBy(node: PackageNode, by: (octets: Uint8Array) => Uint8Array): Uint8Array {
  return rewritten(small, new Map([[node, by(node.octets)]]));
}

function hex(text: string): Uint8Array {
  return fromHex(text);
}

function none(): Uint8Array {
  return new Uint8Array();
}
