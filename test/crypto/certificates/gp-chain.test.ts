import { sign, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { Secret } from "../../../src/base/secret.ts";
import {
  CertificateContent,
  certificateBytes,
  certificateCurve,
  certificateSigned,
  certificateSubject,
  GpCertificate,
  oidOctets,
  oidText,
} from "../../../src/codec/euicc/certificate.ts";
import { ecCurve, p256 } from "../../../src/codec/euicc/ec-curve.ts";
import { readX509 } from "../../../src/codec/euicc/x509.ts";
import { x509Certificate, x509ToBeSigned } from "../../../src/codec/euicc/x509-build.ts";
import { decode, encode } from "../../../src/codec/kit/codec.ts";
import {
  ecPrivateKey,
  ecPublicKeyOf,
  privateKeyObject,
  publicKeyObject,
  signEcdsa,
} from "../../../src/crypto/certificates/ec-key.ts";
import {
  type CertificateExpectation,
  checkCardChain,
  checkCertificate,
  checkServerChain,
} from "../../../src/crypto/certificates/gp-chain.ts";
import { checkEisTrust } from "../../../src/crypto/eis-trust.ts";
import { es8Vector, es8Vectors } from "../../es8-vectors.ts";

const now = Date.parse("2026-12-01T00:00:00Z");
const issuer = (point: Uint8Array) => ({ publicKey: publicKeyObject({ curve: p256, point }) });
const hexOrNull = (octets: Uint8Array | undefined) => (octets === undefined ? null : toHex(octets));
const ci = es8Vector("x509", "x509-CI");
const eum = es8Vector("x509", "x509-EUM");
const ecasd = es8Vector("gp-certificate", "gp-ECASD");
const smDp = es8Vector("gp-certificate", "gp-SM-DP");
const eid = "89001012366835059436286728725946";

describe("X.509 certificates", () => {
  it.each(es8Vectors("x509"))("$id contains its identifiers and verifies", ({ der, issuer_key, expect: expected }) => {
    const facts = readX509(der);
    expect(hexOrNull(facts.subjectKeyId)).toBe(expected.subject_key_id);
    expect(hexOrNull(facts.authorityKeyId)).toBe(expected.authority_key_id);
    expect(facts.registeredIds).toEqual([expected.oid]);
    expect(new X509Certificate(der).verify(issuer(issuer_key).publicKey)).toBe(expected.valid);
  });

  it.each(es8Vectors("x509"))("$id has the public key of its private key", ({ der, private_key }) => {
    const key = ecPrivateKey(p256, new Secret(private_key));
    expect(ecPublicKeyOf(new X509Certificate(der).publicKey)).toEqual({ curve: p256, point: key.point });
  });
});

describe("GlobalPlatform certificates", () => {
  const vectors = es8Vectors("gp-certificate");

  it.each(vectors.filter(({ expect: { valid } }) => valid))(
    "$id is read",
    ({ certificate, signed, expect: expected }) => {
      if (!expected.valid) return;
      const read = decode(GpCertificate, certificate);
      expect({
        valid: true,
        serial: toHex(read.serialNumber),
        ca_id: toHex(read.caId),
        subject: toHex(read.subjectId),
        usage: toHex(read.keyUsage),
        effective: hexOrNull(read.effectiveDate),
        expiry: toHex(read.expirationDate),
        image: hexOrNull(read.imageNumber),
        role: read.discretionary?.role?.[0] ?? null,
        authority: hexOrNull(read.discretionary?.authorityKey),
        curve: certificateCurve(read)?.openssl,
        public_key: toHex(read.publicKey.point),
      }).toEqual({ ...expected, subject_text: undefined });
      if (expected.subject_text !== null) expect(oidText(read.subjectId)).toBe(expected.subject_text);
      expect(toHex(certificateSigned(certificate))).toBe(signed);
    },
  );

  it.each(vectors)("$id is checked", ({ certificate, signer_public, role = "SM-DP", expect: expected }) => {
    const { findings, key } = checkCertificate(certificate, {
      holder: role,
      eid: role === "ECASD" ? eid : undefined,
      signer: role === "ECASD" ? "EUM" : "CI",
      issuer: issuer(signer_public),
      now,
    });
    const code = expected.valid ? undefined : expected.why === "format" ? "form" : "signature";
    expect(findings.map((one) => one.code)).toEqual(code === undefined ? [] : [code]);
    if (expected.valid) expect(toHex(key?.point ?? new Uint8Array())).toBe(expected.public_key);
  });

  it.each(vectors.filter(({ expect: { valid } }) => valid))("$id is written as it was read", ({ certificate }) => {
    expect(toHex(encode(GpCertificate, decode(GpCertificate, certificate)))).toBe(toHex(certificate));
  });
});

describe("the chain of a card", () => {
  const chain = {
    ecasd: ecasd.certificate,
    eid,
    eum: new X509Certificate(eum.der),
    ci: new X509Certificate(ci.der),
  };
  const codes = (changed: Partial<Parameters<typeof checkCardChain>[0]>, at = now) =>
    checkCardChain({ ...chain, ...changed }, at).findings.map(({ code }) => code);

  it("is right from CI to ECASD, key identifiers included", () => {
    const { findings, key, certificate } = checkCardChain(chain, now);
    expect(findings).toEqual([]);
    expect(key?.curve).toBe(p256);
    expect(certificate && certificateSubject(certificate)).toBe(eid);
  });

  it("reports what is missing, and what belongs to another card or chain", () => {
    expect(codes({ ci: undefined })).toEqual(["unchecked"]);
    expect(codes({ ci: undefined, eum: undefined })).toEqual(["unchecked"]);
    expect(codes({ eid: "89001012000000000000000000000001" })).toEqual(["subject"]);
    expect(codes({ ci: chain.eum })).toEqual(["issuer"]);
    expect(codes({ eum: chain.ci })).toEqual(["signature", "authority-key"]);
    expect(codes({ ecasd: smDp.certificate })).toEqual(["signature", "authority-key", "subject", "key-usage"]);
  });

  it("reports dates", () => {
    expect(codes({}, Date.parse("2051-01-01"))).toEqual(["issuer", "dates"]);
    expect(codes({}, Date.parse("2025-12-31"))).toEqual(["issuer", "dates"]);
    const messages = checkCardChain(chain, Date.parse("2051-01-01")).findings.map(({ message }) => message);
    expect(messages).toContain("the ECASD certificate expired 2049-12-31");
  });

  it("accepts the bare key of a manufacturer", () => {
    expect(codes({ eum: issuer(fromHex(toHex(ecPublicKeyOf(chain.eum.publicKey).point))), ci: undefined })).toEqual([]);
  });
});

describe("the chain of a server", () => {
  const ciCertificate = new X509Certificate(ci.der);
  const codes = (octets: Uint8Array, role: "SM-DP" | "SM-SR") =>
    checkServerChain(octets, role, ciCertificate, now).findings.map(({ code }) => code);

  it("depends on the role", () => {
    expect(codes(smDp.certificate, "SM-DP")).toEqual([]);
    expect(codes(smDp.certificate, "SM-SR")).toEqual(["role"]);
    expect(codes(es8Vector("gp-certificate", "gp-SM-SR").certificate, "SM-SR")).toEqual([]);
    expect(codes(ecasd.certificate, "SM-DP")).toEqual(["signature", "authority-key", "key-usage", "role"]);
  });

  it("accepts certificates of the old form, with identifiers of one octet and without C9", () => {
    expect(codes(es8Vector("gp-certificate", "gp-SM-DP-old-form").certificate, "SM-DP")).toEqual([]);
  });
});

describe("faults of one certificate", () => {
  const signer = ecPrivateKey(p256, new Secret(eum.private_key));
  const content = decode(GpCertificate, ecasd.certificate);
  const expected: CertificateExpectation = {
    holder: "ECASD",
    eid,
    signer: "EUM",
    issuer: { publicKey: publicKeyObject(signer) },
    now,
  };
  const changed = (changes: Partial<CertificateContent>) => {
    const { signature: _, ...unsigned } = content;
    const signed = encode(CertificateContent, { ...unsigned, ...changes });
    return checkCertificate(certificateBytes(signed, signEcdsa(signer, signed)), expected).findings;
  };
  const key = (curve: number, point = content.publicKey.point) => ({
    publicKey: { point, curve: Uint8Array.of(curve) },
  });

  it("can be overridden unless the key is useless", () => {
    expect(changed({})).toEqual([]);
    expect(changed({ keyUsage: Uint8Array.of(0x88) })).toMatchObject([{ code: "key-usage", overridable: true }]);
    expect(changed({ expirationDate: fromHex("20261130") })).toMatchObject([{ code: "dates", overridable: true }]);
    expect(changed({ expirationDate: fromHex("2026113A") })).toMatchObject([{ code: "dates", overridable: true }]);
    expect(changed({ effectiveDate: fromHex("20261202") })).toMatchObject([{ code: "dates", overridable: true }]);
    expect(changed(key(0x10))).toMatchObject([{ code: "curve", overridable: false }]);
    expect(changed(key(0x00, content.publicKey.point.subarray(1)))).toMatchObject([
      { code: "public-key", overridable: false },
    ]);
    const offCurve = concatBytes(content.publicKey.point.subarray(0, 64), Uint8Array.of(0));
    expect(changed(key(0x00, offCurve))).toMatchObject([{ code: "public-key", overridable: false }]);
  });

  it("name FRP256V1, which is not supported", () => {
    expect(changed(key(0x40))).toEqual([
      {
        code: "unsupported-curve",
        message:
          "the ECASD certificate: the key is on the curve FRP256V1, which is not supported; P-256 and brainpoolP256r1 are",
        overridable: false,
      },
    ]);
  });

  it("are not in a certificate without F0, which means P-256", () => {
    expect(changed({ publicKey: { point: content.publicKey.point } })).toEqual([]);
  });

  it("are found in a certificate of brainpoolP256r1 only if it has any", () => {
    const brainpool = es8Vector("gp-certificate", "gp-ECASD-brainpool").certificate;
    const { findings, key: found } = checkCertificate(brainpool, expected);
    expect(findings).toEqual([]);
    expect(found?.curve).toBe(ecCurve(0x03));
  });
});

describe("a manufacturer whose key is on FRP256V1", () => {
  const frp = ecCurve(0x40) ?? p256;
  const ciKey = ecPrivateKey(p256, new Secret(ci.private_key));
  const name = { organization: "Bench", commonName: "Bench EUM" };
  const toBeSigned = x509ToBeSigned({
    serialNumber: Uint8Array.of(1),
    issuer: name,
    subject: name,
    validFrom: now,
    validTo: now,
    publicKey: { curve: frp, point: ciKey.point },
    subjectKeyId: new Uint8Array(20),
    authorityKeyId: new Uint8Array(20),
    registeredId: "2.999.1.2",
  });
  const der = x509Certificate(toBeSigned, new Uint8Array(sign("sha256", toBeSigned, privateKeyObject(ciKey))));

  it("is refused by name", () => {
    const { findings } = checkCardChain({ ecasd: ecasd.certificate, eid, eum: new X509Certificate(der) }, now);
    expect(findings.map(({ message }) => message)).toContain(
      "the EUM certificate has a key of the curve FRP256V1, which is not supported",
    );
    const trust = checkEisTrust({ eid, ecasd: ecasd.certificate }, { eum: der }, now);
    expect(trust.checks.map(({ result }) => result)).toEqual(["bad", "bad", "unchecked"]);
  });
});

describe("object identifiers", () => {
  it.each(["2.999.1.3", "1.3.6.1.4.1.387", "0.9.2342.19200300.100", "2.5.29.14"])("%s is written and read", (text) => {
    expect(oidText(oidOctets(text))).toBe(text);
  });

  it.each(["", "1", "3.1", "1.40", "1..2", "1.2.x"])("'%s' is refused", (text) => {
    expect(() => oidOctets(text)).toThrow("an object identifier has the form");
  });
});
