import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { aidFromOctets, parseAid } from "../../../src/codec/euicc/aid.ts";
import { certificateSigned, GpCertificate, oidText } from "../../../src/codec/euicc/certificate.ts";
import { Dgis } from "../../../src/codec/euicc/dgi.ts";
import { eidFromOctets, parseEid } from "../../../src/codec/euicc/eid.ts";
import { classifyCommand } from "../../../src/codec/euicc/es5/classify.ts";
import { es5Answer } from "../../../src/codec/euicc/es5/functions.ts";
import { iccidFromOctets, imsiFromOctets } from "../../../src/codec/euicc/iccid.ts";
import { Notification } from "../../../src/codec/euicc/notification.ts";
import { decode, encode } from "../../../src/codec/kit/codec.ts";
import * as fc from "../../fast-check.ts";
import { mutated, onlyCatalogued } from "../mutated.ts";

const commands = [
  "80E28800153A03124F10A0000005591010FFFFFFFF890000130000",
  "80E60C004510A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010A0000005591010FFFFFFFF89000014000380C0000CC90481020370EF04830280000000",
  "80F24002174F10A0000005591010FFFFFFFF89000013005C034F9F7000",
  "80E40040124F10A0000005591010FFFFFFFF890000120000",
  "80E400000AF203010103F20341010200",
  "80E288000F3A070CA30A81080B911234567890F100",
  "80E288000D3A070AA00806069144770010F100",
  "80E28901193A0217A61590020309950110800188810110820101830102910000",
].map(fromHex);
const answers = [
  "E3194F10A0000005591010FFFFFFFF89000013009F70013F530101",
  "FF210D810102820400077E3083023A92",
  "80124F10A0000005591010FFFFFFFF8900001200",
  "E00CC00401018810C00402018810",
].map(fromHex);
const notification = fromHex(
  "E1354C10890010120123412340123456789012244D01024E0200012F10A0000005591010FFFFFFFF890000130014081122334455667788",
);

describe("any octets", () => {
  test("as a C-APDU are named, never thrown at", () => {
    fc.assert(
      fc.property(mutated(commands), (octets) => {
        const seen = classifyCommand(octets);
        expect(seen.function.name).toBeTypeOf("string");
        if (seen.fault !== undefined) expect(seen.fault.code).toMatch(/^codec\./);
      }),
      { numRuns: 4000 },
    );
  });

  test("as an answer of any function decode, or fail with an offset", () => {
    const names = [
      "auditStatus",
      "auditResources",
      "auditEid",
      "auditKeys",
      "auditCounter",
      "auditForwarded",
      "confirmNotification",
      "establishISDRKeySet",
      "enableProfile",
    ] as const;
    fc.assert(
      fc.property(fc.constantFrom(...names), mutated(answers), (name, octets) => {
        onlyCatalogued(() => void es5Answer(name, octets));
      }),
      { numRuns: 4000 },
    );
  });

  test("as notification, certificate, groupings, EID, ICCID, IMSI, AID", () => {
    fc.assert(
      fc.property(mutated([notification]), (octets) => {
        onlyCatalogued(() => void decode(Notification, octets));
        onlyCatalogued(() => void decode(GpCertificate, octets));
        onlyCatalogued(() => void certificateSigned(octets));
        onlyCatalogued(() => void decode(Dgis, octets));
        onlyCatalogued(() => void eidFromOctets(octets));
        onlyCatalogued(() => void iccidFromOctets(octets));
        onlyCatalogued(() => void imsiFromOctets(octets));
        onlyCatalogued(() => void aidFromOctets(octets));
        oidText(octets);
      }),
      { numRuns: 2000 },
    );
  });

  test("as text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        onlyCatalogued(() => void parseEid(text));
        onlyCatalogued(() => void parseAid(text));
      }),
    );
  });
});

test("a notification that decodes is written back with its values", () => {
  fc.assert(
    fc.property(fc.nat(255), fc.nat(65535), fc.constantFrom(0x2f, 0xaf, 0x4f), (type, sequence, tag) => {
      const value = { ...decode(Notification, notification), type, sequence, tags: { isdP: tag } };
      const again = decode(Notification, encode(Notification, value));
      expect({ ...again, tags: undefined }).toEqual({ ...value, tags: undefined });
      expect(toHex(encode(Notification, again))).toBe(toHex(encode(Notification, value)));
    }),
  );
});
