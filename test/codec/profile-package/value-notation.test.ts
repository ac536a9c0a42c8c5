import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/base/hex.ts";
import { oidText } from "../../../src/codec/euicc/certificate.ts";
import { type PackageNode, readProfilePackage } from "../../../src/codec/profile-package/element.ts";
import { packageOctets } from "../../../src/codec/profile-package/package-input.ts";
import { errorCode } from "../mutated.ts";
import { es8Vectors, packageOf } from "./vectors.ts";

const octetsOf = (text: string) => packageOctets(new TextEncoder().encode(text));

/** Writes a value as ASN.1 tools do. */
function written({ field, value, children }: PackageNode): string {
  switch (field?.type.is) {
    case "octets":
      return `'${toHex(value)}'H`;
    case "text":
      return `"${new TextDecoder().decode(value)}"`;
    case "integer":
      return String(value.reduce((sum, octet) => sum * 256 + octet, 0));
    case "null":
      return "NULL";
    case "oid":
      return `{ ${oidText(value)?.replaceAll(".", " ")} }`;
    case "choice":
      return children.map((child) => `${child.field?.id} : ${written(child)}`).join("");
    case "list": {
      const named = field.type.fields.length > 1;
      return `{\n${children.map((child) => (named ? `${child.field?.id} : ` : "") + written(child)).join(",\n")}\n}`;
    }
    default:
      return `{ ${children.map((child) => `${child.field?.id === "header" ? "x-header" : child.field?.id} ${written(child)}`).join(", ")} }`;
  }
}

describe("a package in ASN.1 value notation", () => {
  it.each(es8Vectors("package").map(({ id }) => [id]))("%s gives the same octets", (id) => {
    const octets = packageOf(id);
    const elements = readProfilePackage(octets).elements.map(
      (element, index) => `value${index + 1} ProfileElement ::= ${element.type} : ${written(element)}`,
    );
    expect(toHex(octetsOf(`-- made by a test\n${elements.join("\n")}`))).toBe(toHex(octets));
  });

  it("has numbers and arcs with names", () => {
    const text = `puks ProfileElement ::= pukCodes : {
      puk-Header { mandated NULL, identification 300 },
      pukCodes { { keyReference secondPUKAppl1, pukValue '31313131 31313131'H, maxNumOfAttemps-retryNumLeft 170 } }
    }
    other ProfileElement ::= nonStandard : {
      nonStandard-header { identification 1 }, issuerID { joint-iso-itu-t(2) 23 143 300 }, content ''H }`;
    const puks = "A31EA00680008102012CA11430128002008181083131313131313131820200AA";
    expect(toHex(octetsOf(text))).toBe(`${puks}A90EA003810101810567810F822C8200`);
  });

  it.each([
    "value1 ProfileElement ::= header",
    "value1 ProfileElement ::= header : { major-version 'AA'H }",
    "value1 ProfileElement ::= nothing : { }",
    "value1 ProfileElement ::= end : { end-header { identification 99999999999 } }",
    "value1 ProfileElement ::= mf : { mf { fillFileContent : 'A'H } }",
    "value1 ProfileElement ::= end : { end-header { identification 1 }",
    "value1 ProfileElement ::= end ; {",
  ])("is refused: %s", (text) => {
    expect(errorCode(() => octetsOf(text))).toBe("codec.text");
  });
});
