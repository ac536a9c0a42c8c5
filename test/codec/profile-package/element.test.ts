import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import {
  childOf,
  childrenOf,
  numberIn,
  type PackageNode,
  readProfilePackage,
} from "../../../src/codec/profile-package/element.ts";
import { rewritten, withValue } from "../../../src/codec/profile-package/rewrite.ts";
import { errorCode } from "../mutated.ts";
import { es8Vectors, packageOf } from "./vectors.ts";

const small = readProfilePackage(packageOf("package-small"));

function* allNodes(node: PackageNode): Generator<PackageNode> {
  yield node;
  for (const child of node.children) yield* allNodes(child);
}

function node(found: PackageNode | undefined): PackageNode {
  if (found === undefined) throw new Error("absent");
  return found;
}

describe("the tree of a package", () => {
  it.each(es8Vectors("package").map((vector) => [vector.id, vector]))("%s: elements as expected", (_, vector) => {
    const octets = fromHex(vector.package ?? "");
    const read = readProfilePackage(octets);
    expect(
      read.elements.map(({ type, offset, octets: { length }, header }) => ({
        type,
        offset,
        octets: length,
        ...header,
      })),
    ).toEqual(expect.arrayContaining([expect.objectContaining({ type: "header", offset: 0 })]));
    const expected = vector.expect.elements;
    if (!Array.isArray(expected)) throw new Error("no elements expected");
    expect(read.elements).toHaveLength(expected.length);
    for (const [index, element] of read.elements.entries()) {
      const { type, offset, header } = element;
      expect(expected[index]).toMatchObject({ type, offset, octets: element.octets.length, ...header });
    }
    expect(read.faults).toEqual([]);
    expect(toHex(concatBytes(...read.elements.map((element) => element.octets), read.trailing))).toBe(toHex(octets));
  });

  it("names every field of the packages", () => {
    for (const { package: hex = "" } of es8Vectors("package")) {
      for (const element of readProfilePackage(fromHex(hex)).elements) {
        const unknown = [...allNodes(element)].filter(({ field }) => field === undefined);
        expect(unknown.map(({ tag, offset }) => ({ tag, offset }))).toEqual([]);
      }
    }
  });

  it("reads fields of one tag by their order", () => {
    const domain = small.elements.find(({ type }) => type === "securityDomain");
    const instance = childOf(domain, "instance");
    expect(toHex(node(childOf(instance, "classAID")).value)).toBe("A000000151535041");
    expect(toHex(node(childOf(instance, "instanceAID")).value)).toBe("A000000151000000");
    const rfm = small.elements.findLast(({ type }) => type === "rfm");
    expect(childrenOf(childOf(rfm, "tarList"), "TAR").map(({ value }) => toHex(value))).toEqual(["B00010"]);
    expect(rfm?.header).toEqual({ mandated: false, identification: 10 });
  });

  it("reads integers as cards do: leading zeros, no sign", () => {
    for (const { element = "", expect: expected } of es8Vectors("element")) {
      const [found] = readProfilePackage(fromHex(element)).elements;
      expect(found).toMatchObject({ type: expected.type, header: { identification: expected.identification } });
      const codes = childrenOf(childOf(found, "pukCodes"), "PUK").map((puk) => ({
        reference: numberIn(childOf(puk, "keyReference")),
        tries: numberIn(childOf(puk, "maxNumOfAttemps-retryNumLeft")),
      }));
      expect(codes).toEqual(expected.codes);
    }
  });

  it("reads elements with tags of two octets", () => {
    const [element] = readProfilePackage(fromHex("BF2012A005800081010B81070667810F0102118203A200")).elements;
    expect(element).toMatchObject({ type: "iot", tag: 0xbf20, header: { identification: 11 } });
  });

  it("reads an indefinite length, and reports it", () => {
    const header = node(small.elements[0]);
    const octets = concatBytes(
      fromHex("A080"),
      header.value,
      fromHex("0000"),
      small.octets.subarray(header.octets.length),
    );
    const read = readProfilePackage(octets);
    expect(read.elements.map(({ type }) => type)).toEqual(small.elements.map(({ type }) => type));
    expect(read.faults).toEqual([expect.objectContaining({ kind: "indefinite", offset: 0 })]);
    expect(toHex(node(childOf(read.elements[0], "iccid")).value)).toBe("8900012846614985534F");
  });

  it("keeps octets behind the end element apart", () => {
    expect(toHex(readProfilePackage(packageOf("package-stray-octets")).trailing)).toBe("3000");
  });

  it("reports a cut inside an element, and reads on behind the element", () => {
    const octets = Uint8Array.from(small.octets);
    const imsi = node(
      childOf(
        small.elements.find(({ type }) => type === "usim"),
        "ef-imsi",
      ),
    );
    octets[imsi.offset + 1] = 0x7f;
    const read = readProfilePackage(octets);
    expect(read.elements).toHaveLength(small.elements.length);
    expect(read.faults).toEqual([expect.objectContaining({ kind: "cut", offset: imsi.valueOffset })]);
  });

  it.each([
    ["package-cut", "codec.truncated"],
    ["package-empty", "codec.truncated"],
    ["package-not-der", "codec.truncated"],
    ["package-indefinite", "codec.truncated"],
  ])("%s: %s", (id, code) => {
    expect(errorCode(() => readProfilePackage(packageOf(id)))).toBe(code);
  });

  it.each([
    ["3003020101", "codec.tag"],
    ["A084000000", "codec.length"],
    ["A0", "codec.truncated"],
    ["BF", "codec.truncated"],
    ["BF8101", "codec.tag"],
    [`${"A080".repeat(20)}${"0000".repeat(20)}`, "codec.length"],
  ])("refuses %s", (hex, code) => {
    expect(errorCode(() => readProfilePackage(fromHex(hex)))).toBe(code);
  });
});

describe("a package with replaced nodes", () => {
  const iccid = node(childOf(small.elements[0], "iccid"));

  it("is the same where nothing is replaced", () => {
    expect(rewritten(small, new Map())).toBe(small.octets);
    expect(toHex(rewritten(small, new Map([[iccid, iccid.octets]])))).toBe(toHex(small.octets));
  });

  it("differs in the node alone where the length is the same", () => {
    const other = withValue(iccid, fromHex("89000111111111111113"));
    const octets = rewritten(small, new Map([[iccid, other]]));
    const expected = Uint8Array.from(small.octets);
    expected.set(fromHex("89000111111111111113"), iccid.valueOffset);
    expect(toHex(octets)).toBe(toHex(expected));
  });

  it("has new lengths in all that encloses a longer node", () => {
    const type = node(childOf(small.elements[0], "profileType"));
    const octets = rewritten(small, new Map([[type, tlvBytes(0x82, new Uint8Array(100).fill(0x41))]]));
    const again = readProfilePackage(octets);
    expect(again.faults).toEqual([]);
    expect(toHex(octets).startsWith("A0819F")).toBe(true);
    expect(again.elements.slice(1).map((element) => toHex(element.octets))).toEqual(
      small.elements.slice(1).map((element) => toHex(element.octets)),
    );
  });

  it("removes and adds nodes", () => {
    const [, , puks] = small.elements;
    const removed = rewritten(small, new Map([[node(puks), new Uint8Array()]]));
    expect(removed).toHaveLength(small.octets.length - 65);
    const doubled = rewritten(small, new Map([[node(puks), concatBytes(node(puks).octets, node(puks).octets)]]));
    expect(readProfilePackage(doubled).elements.filter(({ type }) => type === "pukCodes")).toHaveLength(2);
  });

  it("keeps long and indefinite lengths in their form", () => {
    const long = readProfilePackage(fromHex("AA8200078082000081008101"));
    expect(toHex(withValue(node(long.elements[0]), fromHex("0102")))).toBe("AA8200020102");
    const indefinite = readProfilePackage(fromHex("AA80A0058000810163 0000".replace(" ", "")));
    const header = node(childOf(indefinite.elements[0], "header"));
    const octets = rewritten(indefinite, new Map([[header, fromHex("A003810107")]]));
    expect(toHex(octets)).toBe("AA80A0038101070000");
  });
});
