import { createPublicKey, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { euiccAid, parseTar } from "../../../src/codec/euicc/aid.ts";
import {
  certificateDate,
  certificateRole,
  certificateSigned,
  GpCertificate,
  oidText,
} from "../../../src/codec/euicc/certificate.ts";
import { classifyCommand, switchesProfile } from "../../../src/codec/euicc/es5/classify.ts";
import { masterDeleteSigned } from "../../../src/codec/euicc/es5/functions/master-delete.ts";
import { type Es5Function, es5Answer, es5Commands } from "../../../src/codec/euicc/es5/functions.ts";
import { es5StatusText } from "../../../src/codec/euicc/es5/status.ts";
import { ephemeralPoint, keyEstablishmentSigned } from "../../../src/codec/euicc/key-establishment.ts";
import { Notification, notificationTypeText } from "../../../src/codec/euicc/notification.ts";
import { decode, encode } from "../../../src/codec/kit/codec.ts";

const isdP = (tar: string) => euiccAid(parseTar(tar));
const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));

// Certificates and keys of a test PKI, made for the worked examples of an SGP.02 developer reference.
const certSr =
  "7F2181CA9305010203040542062B06010401825F20072B0601040182029501885F2404204912317319C80102C9149166240FEB8315EBE712F989B370AC73077A8CB47F4946B041044A372C2CEB5C58C026524B48060BC1960C3DBED4248620542BDED4E0E7419520CD07E1099259F8E22ABA7282595347E0AF40823047C5766571A1DFEAF24F943DF001005F3740A146FE2129CBCC786ADDDDCAC3549F0B7207C209CE15A40F2D605CE2AE6E18D2F6F67F31EEE668944409CB609460563CA394A92EF08BAAFDF97C853E6DA8D085";
const pkCi =
  "04958471C794EF1BCA09BEB11A0EB6AC95D67BFA51D26D22C465BC0FA802665105C2FD0FD698EA521BAF6A0313E7C5A77A2E8AA072246FAB40E4E1264673668751";
const control = {
  scenario: { id: 3, deleteKeys: true, derivationRandom: false, hostId: false, certificateVerified: true },
  usage: 0x10,
  keyType: 0x88,
  keyLength: 0x10,
  keyId: 1,
  kvn: 2,
  counter: new Uint8Array(0),
};
const ephemeralKey = fromHex(
  "04AF3EA868DC6861EA35893B3B1FDC0BBAF893CE6A6E8E95BE3EBB580734C51F7181BD7A89166DC3612C844BADEAE8FF96969B5779579112BE73D3E248BB49E677",
);
const signature = fromHex(
  "ACB5B2178A7462DC851FEBA1F20458F8304787EE575C319D47101D666DEA4B20E30833568B145F7ADF85009BB2F06F12C9E0F86D9A36A7B31D2A4A7D82E5CCD2",
);

const isdPParameters =
  "80E60C003F10A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010A0000005591010FFFFFFFF89000014000380C00006C9048102037000";
const reference = {
  providerId: latin1("ISDP1"),
  imageNumber: latin1("ISPSDIN\u0001"),
  applicationProviderId: latin1("GSMA\u0001").subarray(0, 5),
  tokenId: Uint8Array.of(1),
};

const examples: readonly (readonly [Es5Function, readonly string[]])[] = [
  [{ name: "enableProfile", isdP: isdP("000013") }, ["80E28800153A03124F10A0000005591010FFFFFFFF890000130000"]],
  [{ name: "disableProfile", isdP: isdP("000013") }, ["80E28800153A04124F10A0000005591010FFFFFFFF890000130000"]],
  [{ name: "confirmNotification", sequence: 1 }, ["80E28900073A08044E02000100"]],
  [{ name: "createISDP", isdP: isdP("000014") }, [`${isdPParameters}00`]],
  [
    { name: "createISDP", isdP: isdP("000014"), quota: 32768 },
    [
      "80E60C004510A0000005591010FFFFFFFF8900000D0010A0000005591010FFFFFFFF8900000E0010A0000005591010FFFFFFFF89000014000380C0000CC90481020370EF04830280000000",
    ],
  ],
  [{ name: "auditResources" }, ["80CAFF2100"]],
  [{ name: "auditEid" }, ["80CA005A00"]],
  [{ name: "auditKeys" }, ["80CA00E000"]],
  [{ name: "auditCounter" }, ["80CA00C100"]],
  [
    { name: "auditStatus", isdP: isdP("000013"), tags: [0x4f, 0x9f70] },
    ["80F24002174F10A0000005591010FFFFFFFF89000013005C034F9F7000"],
  ],
  [{ name: "auditForwarded", tags: [0x66] }, ["80CABF30035C016600"]],
  [{ name: "auditForwarded", tags: [0x7f21] }, ["80CABF30045C027F2100"]],
  [{ name: "deleteProfile", isdP: isdP("000012") }, ["80E40040124F10A0000005591010FFFFFFFF890000120000"]],
  [{ name: "setFallbackAttribute", isdP: isdP("000013") }, ["80E28800153A05124F10A0000005591010FFFFFFFF890000130000"]],
  [
    {
      name: "finaliseISDRhandover",
      keep: [
        { kvn: 1, first: 1, last: 3 },
        { kvn: 0x41, first: 1, last: 2 },
      ],
    },
    ["80E400000AF203010103F20341010200"],
  ],
  [
    { name: "updateSMSRAddressingParameters", addressing: { sms: { toa: 0x91, number: "21436587091" } } },
    ["80E288000F3A070CA30A81080B911234567890F100"],
  ],
  [
    {
      name: "updateConnectivityParameters",
      connectivity: { sms: { serviceCentre: { tonNpi: 0x91, digits: "447700011" } } },
    },
    ["80E288000D3A070AA00806069144770010F100"],
  ],
  [
    {
      name: "updatePOL1",
      pol1: { disablingNotAllowed: true, deletionNotAllowed: false, deleteWhenDisabled: false },
    },
    ["80E6200016000010A0000005591010FFFFFFFF8900000F0000000000", "80E28800063A060381010100"],
  ],
  [
    {
      name: "masterDelete",
      isdP: isdP("000013"),
      reference,
      token: fromHex("4B9BBA4161327B5D1B1DE65EBCA0381D"),
    },
    [
      "80E40040424F10A0000005591010FFFFFFFF8900001300B61C420549534450314508495350534449 4E015F200547534D41019301019E104B9BBA4161327B5D1B1DE65EBCA0381D00",
    ],
  ],
  [{ name: "establishISDRKeySet", part: 1, certificate: fromHex(certSr) }, [`80E20900D13A01CE${certSr}00`]],
  [
    { name: "establishISDRKeySet", part: 2, control, ephemeralKey, signature, block: 1 },
    [
      `80E28901A13A0217A615900203099501108001888101108201018301029100 7F4941${toHex(ephemeralKey)}5F3740${toHex(signature)}00`,
    ],
  ],
  [
    { name: "setEmergencyProfileAttribute", isdP: isdP("000013") },
    ["80E28800153A09124F10A0000005591010FFFFFFFF890000130000"],
  ],
  [{ name: "unsetEmergencyProfileAttribute" }, ["80E28800033A090000"]],
  [
    { name: "installForPersonalization", sd: isdP("000013") },
    ["80E6200016000010A0000005591010FFFFFFFF8900001300000000 00"],
  ],
];

describe("ES5 functions of the worked examples", () => {
  test.each(examples)("%j is built", (fn, commands) => {
    expect(es5Commands(fn).map(toHex)).toEqual(commands.map((hex) => toHex(fromHex(hex))));
  });

  test.each(examples)("%j is recognised, with Le and without", (fn, commands) => {
    const hex = commands.at(-1) ?? "";
    const whole = fromHex(hex);
    const isCase2 = whole.length === 5;
    for (const apdu of isCase2 ? [whole] : [whole, whole.subarray(0, -1)]) {
      const seen = classifyCommand(apdu);
      expect(seen.fault).toBeUndefined();
      expect(seen.function).toMatchObject(fn);
    }
  });

  test("a switch is known as such", () => {
    expect(switchesProfile(classifyCommand(fromHex(examples[0]?.[1][0] ?? "")))).toBe(true);
    expect(switchesProfile(classifyCommand(fromHex("80CAFF2100")))).toBe(false);
  });

  test("the master delete token covers P1, P2, length and data", () => {
    expect(toHex(masterDeleteSigned(isdP("000013"), reference)).slice(0, 6)).toBe("004030");
    const captured =
      "80E40040444F10A0000005591010FFFFFFFF8900001300B61E420549534450014509495344505344494E015F200547534D4101930201019E106E38781B8D5C98CF8BB532BF5A5DE55200";
    expect(classifyCommand(fromHex(captured)).function).toMatchObject({
      name: "masterDelete",
      isdP: isdP("000013"),
      reference: { tokenId: Uint8Array.of(1, 1) },
    });
  });

  test("a command of someone else is named by its header, a malformed one says where", () => {
    expect(classifyCommand(fromHex("80500000080102030405060708")).function.name).toBe("initializeUpdate");
    expect(classifyCommand(fromHex("84E2880010AABBCCDDEEFF0011223344556677889900")).function.name).toBe(
      "securedStoreData",
    );
    const broken = classifyCommand(fromHex("80E28800153A03124F11A0000005591010FFFFFFFF8900001300"), 100);
    expect(broken.function.name).toBe("storeData");
    expect(broken.fault?.detail.offset).toBeGreaterThanOrEqual(108);
  });

  test("a DGI length in BER form is understood", () => {
    const seen = classifyCommand(fromHex(`80E20900D23A0181CE${certSr}00`));
    expect(seen).toMatchObject({ function: { name: "establishISDRKeySet", part: 1 } });
    expect("certificate" in seen.function && toHex(seen.function.certificate)).toBe(certSr);
  });
});

describe("answers", () => {
  test("resources and status of an audit", () => {
    expect(es5Answer("auditResources", fromHex("FF210D8101028204 00077E3083023A92"))).toEqual({
      kind: "resources",
      resources: { applications: 2, freeNonVolatile: 491056, freeVolatile: 14994 },
    });
    expect(es5Answer("auditStatus", fromHex("E3194F10A0000005591010FFFFFFFF89000013009F70013F530101"))).toEqual({
      kind: "domains",
      domains: [{ aid: isdP("000013"), lifeCycle: 0x3f, state: "ENABLED", fallback: true }],
    });
  });

  test("a confirmation lists the profiles it deleted", () => {
    expect(es5Answer("confirmNotification", fromHex("80124F10A0000005591010FFFFFFFF8900001200"))).toEqual({
      kind: "confirmed",
      deleted: [isdP("000012")],
    });
    expect(es5Answer("confirmNotification", new Uint8Array(0))).toEqual({ kind: "confirmed", deleted: [] });
  });

  test("challenge and receipt of a key establishment", () => {
    expect(es5Answer("establishISDRKeySet", fromHex("8510A0A1A2A3A4A5A6A7A8A9AAABACADAEAF")).kind).toBe("challenge");
    expect(es5Answer("establishISDRKeySet", fromHex("86101DEDF2209DDED03656B3A79F92D6942C")).kind).toBe("receipt");
  });

  test("EID, recognition data and key information", () => {
    expect(es5Answer("auditEid", fromHex("5A1089001012012341234012345678901224"))).toEqual({
      kind: "eid",
      eid: "89001012012341234012345678901224",
    });
    const forwarded = es5Answer(
      "auditForwarded",
      fromHex(
        "BF3040663E733C06072A864886FC6B01600C060A2A864886FC6B02020101630906072A864886FC6B03640B06092A864886FC6B048000640B06092A864886FC6B048104",
      ),
    );
    expect(forwarded.kind === "forwarded" && forwarded.objects.map(({ tag }) => tag)).toEqual([0x66]);
    expect(es5Answer("auditKeys", fromHex("E00CC00401018810C00402018810"))).toEqual({
      kind: "keys",
      keys: [
        { id: 1, kvn: 1, components: [{ type: 0x88, length: 0x10 }] },
        { id: 2, kvn: 1, components: [{ type: 0x88, length: 0x10 }] },
      ],
    });
  });

  test("status words mean what the function makes of them", () => {
    expect(es5StatusText("enableProfile", 0x69e1)).toMatch(/forbids its disabling/);
    expect(es5StatusText("createISDP", 0x6985)).toMatch(/exists already/);
    expect(es5StatusText(undefined, 0x6a80)).toBe("incorrect data");
    expect(es5StatusText("enableProfile", 0x6f42)).toBeUndefined();
  });
});

describe("notification", () => {
  const clean =
    "E1354C10890010120123412340123456789012244D01024E0200012F10A0000005591010FFFFFFFF890000130014081122334455667788";

  test("reads and writes back, with the tags a card used", () => {
    const value = decode(Notification, fromHex(clean));
    expect(value).toMatchObject({
      eid: "89001012012341234012345678901224",
      type: 2,
      sequence: 1,
      isdP: isdP("000013"),
    });
    expect(value.tags).toBeUndefined();
    expect(notificationTypeText(value.type)).toBe("profile change succeeded");
    for (const spelled of [clean, clean.replace("2F10A0", "4F10A0"), clean.replace("2F10A0", "AF10A0")]) {
      expect(toHex(encode(Notification, decode(Notification, fromHex(spelled))))).toBe(spelled);
    }
  });

  test("without EID, or with two AIDs, it is refused", () => {
    expect(() => decode(Notification, fromHex("E1034D0102"))).toThrow(/EID/);
    const two = `E1${(0x35 + 18).toString(16)}${clean.slice(4)}4F10A0000005591010FFFFFFFF8900001300`;
    expect(() => decode(Notification, fromHex(two))).toThrow(/second ISD-P AID/);
  });
});

describe("certificate", () => {
  const spki = (point: string) =>
    createPublicKey({
      key: Buffer.from(`3059301306072A8648CE3D020106082A8648CE3D030107034200${point}`, "hex"),
      format: "der",
      type: "spki",
    });

  test("parts of an SM-SR certificate, and the octets its issuer signed", () => {
    const certificate = decode(GpCertificate, fromHex(certSr));
    expect(certificateRole(certificate)).toBe("SM-SR");
    expect(certificateDate(certificate.expirationDate)).toBe("2049-12-31");
    expect(oidText(certificate.subjectId)).toBe("1.3.6.1.4.1.258");
    expect(toHex(encode(GpCertificate, certificate))).toBe(certSr);
    const key = { key: spki(pkCi), dsaEncoding: "ieee-p1363" } as const;
    expect(verify("sha256", certificateSigned(fromHex(certSr)), key, certificate.signature)).toBe(true);
  });

  test("the signature of a key establishment covers both groupings and the challenge", () => {
    const challenge = fromHex("A0A1A2A3A4A5A6A7A8A9AAABACADAEAF");
    const signed = keyEstablishmentSigned(control, ephemeralKey, challenge);
    const { publicKey } = decode(GpCertificate, fromHex(certSr));
    const key = { key: spki(toHex(publicKey.point)), dsaEncoding: "ieee-p1363" } as const;
    expect(verify("sha256", signed, key, signature)).toBe(true);
    expect(ephemeralPoint(concatBytes(fromHex("B041"), ephemeralKey, fromHex("F00100")))).toEqual(ephemeralKey);
  });
});
