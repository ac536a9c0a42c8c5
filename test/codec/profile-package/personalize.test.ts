import { describe, expect, it } from "vitest";
import { isGatewayError } from "../../../src/base/gateway-error.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { checkPackage } from "../../../src/codec/profile-package/check/check-package.ts";
import { describePackage } from "../../../src/codec/profile-package/describe.ts";
import { diffPackages } from "../../../src/codec/profile-package/diff.ts";
import { childOf, readProfilePackage } from "../../../src/codec/profile-package/element.ts";
import { contentOf, filesOf } from "../../../src/codec/profile-package/package-files.ts";
import { milenageOpc, packagePersonalizer, personalizePackage } from "../../../src/crypto/personalize-package.ts";
import * as fc from "../../fast-check.ts";
import { onlyCatalogued } from "../mutated.ts";
import { es8Vectors, packageOf } from "./vectors.ts";

const small = packageOf("package-small");
const packages = es8Vectors("package").map(({ package: hex = "" }) => fromHex(hex));

/** What a change of the package changes, as `element: field`; secrets in clear. */
function changes(octets: Uint8Array, values: Record<string, string>): Record<string, string | undefined> {
  const made = personalizePackage(octets, values);
  const found = diffPackages(readProfilePackage(octets), readProfilePackage(made), true);
  return Object.fromEntries(found.map(({ element, field, after }) => [`${element}: ${field}`, after]));
}

/** The first file of a name of a package. */
function contentIn(octets: Uint8Array, name: string, count: number): string {
  const files = readProfilePackage(octets).elements.flatMap(filesOf);
  const file = files.find((one) => one.name === name);
  return file === undefined ? "absent" : toHex(contentOf(file, count));
}

function failure(octets: Uint8Array, values: Record<string, string>) {
  try {
    personalizePackage(octets, values);
  } catch (error) {
    if (isGatewayError(error)) return { code: error.code, message: error.message, ...error.detail };
    throw error;
  }
  return undefined;
}

/** The small package with other files in its USIM, in place of or behind those it has. */
function withUsimFields(...fields: readonly Uint8Array[]): Uint8Array {
  const read = readProfilePackage(small);
  const parts = read.elements.map((element) => {
    if (element.type !== "usim") return element.octets;
    const tags = fields.map((field) => field[0]);
    const kept = element.children.filter(({ octets }) => !tags.includes(octets[0])).map(({ octets }) => octets);
    const template = 2;
    const all = [...kept.slice(template), ...fields].sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
    return tlvBytes(0xb3, ...kept.slice(0, template), ...all);
  });
  return concatBytes(...parts);
}

describe("values of the same length", () => {
  it("ICCID stands in the header in order, and swapped in EF.ICCID", () => {
    const octets = personalizePackage(small, { iccid: "8900012000000000017" });
    expect(octets).toHaveLength(small.length);
    expect(describePackage(readProfilePackage(octets))).toMatchObject({
      iccid: "8900012000000000017",
      iccidFile: "8900012000000000017",
    });
    expect(contentIn(octets, "ef-iccid", 10)).toBe("980010020000000010F7");
    expect(Object.keys(changes(small, { iccid: "8900012000000000017" }))).toEqual([
      "header: ICCID",
      "mf: ef-iccid / content",
    ]);
  });

  it("IMSI sets the access class by its last digit", () => {
    expect(changes(small, { imsi: "001010000000013" })).toEqual({
      "usim: ef-imsi / content": "080910100000000031",
      "usim: ef-acc / content": "0008",
    });
    expect(changes(small, { imsi: "001010000000013", acc: "8000" })).toMatchObject({
      "usim: ef-acc / content": "8000",
    });
    expect(contentIn(personalizePackage(small, { imsi: "00101000000001" }), "ef-imsi", 9)).toBe("0801101000000000F1");
  });

  it("K and OPc, PIN, PUK and ADM, keys of security domains", () => {
    const key = "00112233445566778899AABBCCDDEEFF";
    expect(
      changes(small, { k: key, opc: key, pin1: "4711", pin2: "08154711", puk1: "11223344", adm1: "F".repeat(16) }),
    ).toEqual({
      "akaParameter: algorithm configuration / algorithm / K": key,
      "akaParameter: algorithm configuration / algorithm / OPc or TOPc": key,
      "pukCodes: PUK codes / PUK 1 / PUK": "3131323233333434",
      "pinCodes (1): PIN codes / PINs / PIN 1 / PIN": "34373131FFFFFFFF",
      "pinCodes (1): PIN codes / PINs / PIN 10 / PIN": "FFFFFFFFFFFFFFFF",
      "pinCodes (2): PIN codes / PINs / PIN 129 / PIN": "3038313534373131",
    });
  });

  it("keys of the MNO-SD by word, by version and identifier, and by AID", () => {
    const key = "00112233445566778899AABBCCDDEEFF";
    const same = ["kid", "key.mno-sd.01.02", "key.sd1.01.kid", "KEY.A000000151000000.01.02", "kid@8"];
    const personalize = packagePersonalizer(small);
    const made = same.map((name) => toHex(personalize({ [name]: key })));
    expect(new Set(made).size).toBe(1);
    expect(made[0]).toContain(key);
    expect(Object.values(changes(small, { kid: key }))).toEqual([key]);
  });

  it("OPc is derived of OP and the K that is given, or stands there", () => {
    // 3GPP TS 35.208, test set 1.
    const k = "465B5CE8B199B49FAA5F0A2EE238A6BC";
    const op = "CDC202D5123E20F62B6D676AC72CB318";
    const opc = "CD63CB71954A9F4E48A5994E37A02BAF";
    expect(toHex(milenageOpc(fromHex(k), fromHex(op)))).toBe(opc);
    const both = personalizePackage(small, { op, k });
    expect(toHex(both)).toBe(toHex(personalizePackage(small, { opc, k })));
    expect(toHex(personalizePackage(personalizePackage(small, { k }), { op }))).toBe(toHex(both));
  });

  it("every package takes every value of its own and stays as it was", () => {
    for (const [index, octets] of packages.entries()) {
      const facts = es8Vectors("package")[index]?.facts ?? {};
      const { iccid = "", imsi = "", k = "", opc = "" } = facts;
      const made = personalizePackage(octets, { iccid, imsi, k, opc });
      expect(diffPackages(readProfilePackage(octets), readProfilePackage(made)).map(({ field }) => field)).toEqual(
        contentIn(octets, "ef-acc", 2) === contentIn(made, "ef-acc", 2) ? [] : ["ef-acc / content"],
      );
    }
  });
});

describe("values whose length changes", () => {
  it("lengths of everything around them follow", () => {
    const key = "00".repeat(32);
    const made = personalizePackage(small, {
      kic: key,
      "profile-type": "x".repeat(100),
      connectivity: "A00506039144F7",
    });
    expect(checkPackage(made)).toEqual([]);
    expect(describePackage(readProfilePackage(made))).toMatchObject({
      profileType: "x".repeat(100),
      connectivity: { octets: "A00506039144F7" },
    });
    expect(made.length).toBe(small.length + 16 + (100 - 14) + 1 - 4);
  });

  it("a field of the header that is absent stands where its order requires it", () => {
    const octets = packageOf("package-no-connectivity");
    const made = personalizePackage(octets, { "connectivity-smsc": "+447700900123", pol1: "02" });
    expect(checkPackage(made)).toEqual(checkPackage(octets));
    expect(describePackage(readProfilePackage(made))).toMatchObject({
      connectivity: { octets: "A009060791447700091032", serviceCentre: "+447700900123" },
      pol1: { octets: "02" },
    });
  });

  it("a file that only its template fills gets content", () => {
    const empty = withUsimFields(tlvBytes(0xb2), fromHex("AB00"));
    const made = personalizePackage(empty, { imsi: "001010000000013", smsc: "+447700900123" });
    expect(contentIn(made, "ef-acc", 2)).toBe("0008");
    expect(contentIn(made, "ef-smsp", 38)).toBe(`${"FF".repeat(10)}FD${"FF".repeat(12)}0791447700091032FFFFFFFFFFFFFF`);
    expect(checkPackage(made)).toEqual(checkPackage(empty));
  });

  it.each([
    ["in one piece", ""],
    ["behind what is skipped", "82010A"],
  ])("a record keeps what stands in it: %s", (_, skip) => {
    const record =
      skip === "82010A" ? "82010A8305FDAABBCCDD" : `8326${"41".repeat(10)}E1${"22".repeat(12)}${"FF".repeat(15)}`;
    const octets = withUsimFields(fromHex(`AB${(record.length / 2).toString(16).padStart(2, "0")}${record}`));
    const made = personalizePackage(octets, { smsc: "12345" });
    const content = contentIn(made, "ef-smsp", 38);
    expect(content.slice(46, 70)).toBe("04812143F5FFFFFFFFFFFFFF".slice(0, 24));
    expect(content.slice(0, 20)).toBe(skip === "82010A" ? "FF".repeat(10) : "41".repeat(10));
    expect(content.slice(22, 30)).toBe(skip === "82010A" ? "AABBCCDD" : "22222222");
  });

  it("the size of a transparent file grows, a record does not", () => {
    // EF.ACC with a size of one octet.
    const made = personalizePackage(withUsimFields(fromHex("B209A10782024121800101")), { acc: "0001" });
    const acc = readProfilePackage(made)
      .elements.flatMap(filesOf)
      .find(({ name }) => name === "ef-acc");
    expect(toHex(childOf(acc?.fcp, "efFileSize")?.value ?? new Uint8Array())).toBe("02");
    const short = withUsimFields(fromHex("AB08A10682044221001A"));
    expect(failure(short, { smsc: "123" })).toMatchObject({
      code: "codec.length",
      message: "smsc: a record of EF.SMSP has 26 octets, and 28 are needed",
      field: "smsc",
    });
  });

  it("a name in the GSM alphabet or UCS2; the display condition stays", () => {
    expect(contentIn(personalizePackage(small, { spn: "Ärzte@Home" }), "ef-spn", 17)).toBe(
      `025B727A746500486F6D65${"FF".repeat(6)}`,
    );
    expect(contentIn(personalizePackage(small, { spn: "Жук" }), "ef-spn", 17)).toBe(
      `028004160443043A${"FF".repeat(9)}`,
    );
    expect(failure(small, { spn: "seventeen letters" })).toMatchObject({ code: "codec.length", field: "spn" });
  });
});

describe("refusals name the value and the place", () => {
  it.each([
    ["an unknown name", { imsy: "1" }, "codec.text", "imsy is not the name of a value: is imsi meant?"],
    ["an IMSI with a letter", { imsi: "00101a" }, "codec.text", "IMSI: character 6 is not a digit"],
    ["a key that is not hexadecimal", { k: "xyz" }, "codec.text", "k: character 1 is not a hexadecimal digit"],
    [
      "a K of another length",
      { k: "00".repeat(24) },
      "codec.length",
      /Milenage takes 16 octets, not 24, in element 7 \(akaParameter\), offset \d+/,
    ],
    [
      "a PIN that is too short",
      { pin1: "123" },
      "codec.text",
      "pin1 must have 4 to 8 digits, or 16 hexadecimal digits",
    ],
    ["a PIN that is absent", { adm7: "12345678" }, "codec.tag", "adm7: the package has no ADM7"],
    ["a file that is absent", { msisdn: "+1" }, "codec.tag", "msisdn: the package has no EF.MSISDN"],
    ["a key that is absent", { psk: "00".repeat(16) }, "codec.tag", "psk: the package has no such key"],
    [
      "an AES key of another length",
      { kic: "00".repeat(20) },
      "codec.length",
      "kic must have 16 or 24 or 32 octets, not 20",
    ],
    [
      "two values for a field",
      { k: "00".repeat(16), "k@7": "11".repeat(16) },
      "codec.value",
      /^k and k@7 set the same field/,
    ],
    ["an element of another type", { "imsi@1": "001010000000013" }, "codec.tag", "imsi@1: element 1 has no EF.IMSI"],
  ])("%s", (_, values, code, message) => {
    const found = failure(small, Object.fromEntries(Object.entries(values)));
    expect(found?.code).toBe(code);
    expect(found?.message).toMatch(message);
    expect(found).toHaveProperty("offset");
    for (const text of Object.values(values)) if (text.length > 8) expect(JSON.stringify(found)).not.toContain(text);
  });
});

const hex = (octets: number) => fc.uint8Array({ minLength: octets, maxLength: octets }).map(toHex);

it("arbitrary values give a package that reads back as they are", () => {
  const digits = (count: number) => fc.stringMatching(new RegExp(`^\\d{${count}}$`));
  const values = fc.record(
    {
      iccid: digits(19),
      imsi: digits(15),
      k: hex(16),
      opc: hex(16),
      pin1: digits(4),
      puk1: digits(8),
      "key.mno-sd.01.kic": hex(16),
    },
    { requiredKeys: ["iccid", "imsi"] },
  );
  fc.assert(
    fc.property(fc.constantFrom(...packages), values, (octets, given) => {
      const made = personalizePackage(octets, given);
      expect(describePackage(readProfilePackage(made))).toMatchObject({
        iccid: given.iccid,
        iccidFile: given.iccid,
        imsi: given.imsi,
      });
      for (const key of [given.k, given.opc, given["key.mno-sd.01.kic"]])
        if (key !== undefined) expect(toHex(made)).toContain(key);
      const allowed = /ICCID|ef-iccid|ef-imsi|ef-acc|K$|OPc|PIN$|PUK$|keys/;
      for (const { kind, field } of diffPackages(readProfilePackage(octets), readProfilePackage(made))) {
        expect(kind).toBe("changed");
        expect(field).toMatch(allowed);
      }
    }),
    { numRuns: 100 },
  );
});

it("mutated packages give packages or catalogued errors", () => {
  const values = {
    iccid: "8900012000000000017",
    imsi: "001010000000013",
    k: "00".repeat(16),
    op: "11".repeat(16),
    pin1: "1234",
    spn: "x",
    kic: "22".repeat(16),
  };
  const change = fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0x80, 0x82, 0x83, 0xa0, 0xa1, 0)));
  fc.assert(
    fc.property(
      fc.constantFrom(...packages),
      fc.array(change, { minLength: 1, maxLength: 6 }),
      fc.subarray(Object.entries(values), { minLength: 1 }),
      (seed, mutations, chosen) => {
        const octets = Uint8Array.from(seed);
        for (const [at, value] of mutations) octets[at % octets.length] = value;
        onlyCatalogued(() => {
          const made = personalizePackage(octets, Object.fromEntries(chosen));
          readProfilePackage(made);
        });
      },
    ),
    { numRuns: 400 },
  );
});
