import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { certificateDate, certificateSigned, GpCertificate, oidText } from "../../../src/codec/euicc/certificate.ts";
import { type EcCurve, ecCurves, p256 } from "../../../src/codec/euicc/ec-curve.ts";
import { parseEid } from "../../../src/codec/euicc/eid.ts";
import { readX509 } from "../../../src/codec/euicc/x509.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { decode } from "../../../src/codec/kit/codec.ts";
import {
  ecPrivateKeyPem,
  newEcKey,
  privateKeyObject,
  publicKeyObject,
  readEcPrivateKey,
  signEcdsa,
  verifyEcdsa,
} from "../../../src/crypto/certificates/ec-key.ts";
import { checkCardChain, checkServerChain } from "../../../src/crypto/certificates/gp-chain.ts";
import {
  type CertifiedEntity,
  issueCi,
  issueEcasd,
  issueEum,
  issueServer,
  keyIdentifier,
} from "../../../src/crypto/certificates/issue.ts";

const now = Date.parse("2026-12-01T12:00:00Z");
const issue = (serial: string) => ({
  serialNumber: fromHex(serial),
  validFrom: Date.parse("2026-11-30T00:00:00Z"),
  validTo: Date.parse("2061-11-30T00:00:00Z"),
});
const eid = parseEid("89001012366835059436286728725946");
const entity = (curve: EcCurve, commonName: string, oid: string): CertifiedEntity => ({
  key: newEcKey(curve),
  oid,
  name: { organization: "Bench", commonName },
});

function openssl(args: readonly string[], files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "otagate-issue-"));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return execFileSync("openssl", [...args], { cwd: folder, encoding: "utf8", stdio: "pipe" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
const certificatePem = (der: Uint8Array) => new X509Certificate(der).toString();

const supported = ecCurves.filter(({ openssl: name }) => name === "prime256v1" || name === "brainpoolP256r1");

describe.each(supported)("a test set on $name", (curve) => {
  const ci = entity(curve, "Bench CI", "2.999.1.1");
  const eum = entity(curve, "Bench EUM", "2.999.1.2");
  const dp = entity(curve, "Bench SM-DP", "2.999.1.3");
  const card = newEcKey(curve);
  const ciDer = issueCi(ci, issue("8001"));
  const eumDer = issueEum(eum, ci, issue("02"));
  const ecasd = issueEcasd({ eid, key: card }, eum, issue("03"));
  const smDp = issueServer("SM-DP", dp, ci, issue("04"));

  it("passes the checks of a chain", () => {
    const x509 = { ci: new X509Certificate(ciDer), eum: new X509Certificate(eumDer) };
    expect(checkCardChain({ ecasd, eid, ...x509 }, now)).toMatchObject({
      findings: [],
      key: { curve, point: card.point },
    });
    expect(checkServerChain(smDp, "SM-DP", x509.ci, now).findings).toEqual([]);
    expect(checkServerChain(smDp, "SM-SR", x509.ci, now).findings.map(({ code }) => code)).toEqual(["role"]);
  });

  it("is verified by the openssl command", () => {
    const files = { "ci.pem": certificatePem(ciDer), "eum.pem": certificatePem(eumDer) };
    expect(openssl(["verify", "-x509_strict", "-CAfile", "ci.pem", "eum.pem"], files)).toBe("eum.pem: OK\n");
    const signature = decode(GpCertificate, ecasd).signature;
    // DER of r and s, made by hand for the command.
    const integer = (half: Uint8Array) => {
      const bare = half.subarray(half.findIndex((octet) => octet !== 0));
      return tlvBytes(0x02, ...((bare[0] ?? 0) < 0x80 ? [] : [Uint8Array.of(0)]), bare);
    };
    const der = tlvBytes(0x30, integer(signature.subarray(0, 32)), integer(signature.subarray(32)));
    const key = publicKeyObject(eum.key).export({ type: "spki", format: "pem" }).toString();
    const verified = openssl(["dgst", "-sha256", "-verify", "eum.pem", "-signature", "signature", "signed"], {
      "eum.pem": key,
      signature: der,
      signed: certificateSigned(ecasd),
    });
    expect(verified).toBe("Verified OK\n");
  });

  it("has the fields of the standard", () => {
    const facts = readX509(eumDer);
    expect(facts).toMatchObject({
      version: 3,
      basicConstraints: { ca: true, maxPathLength: 0 },
      registeredIds: ["2.999.1.2"],
    });
    expect(facts.keyUsage).toEqual(["keyCertSign", "cRLSign"]);
    expect(facts.subjectKeyId).toEqual(keyIdentifier(eum.key));
    expect(facts.authorityKeyId).toEqual(keyIdentifier(ci.key));
    expect(new X509Certificate(ciDer).serialNumber).toBe("8001");
    const read = decode(GpCertificate, smDp);
    expect(oidText(read.caId)).toBe("2.999.1.1");
    expect(oidText(read.subjectId)).toBe("2.999.1.3");
    expect(certificateDate(read.expirationDate)).toBe("2061-11-30");
    expect(toHex(decode(GpCertificate, ecasd).subjectId)).toBe(eid);
  });

  it("keeps its keys in PEM, which openssl reads", () => {
    const pem = ecPrivateKeyPem(ci.key);
    const read = readEcPrivateKey(pem);
    expect(read.point).toEqual(ci.key.point);
    expect(read.scalar.reveal()).toEqual(ci.key.scalar.reveal());
    expect(readEcPrivateKey(privateKeyObject(ci.key).export({ type: "sec1", format: "pem" }).toString()).point).toEqual(
      ci.key.point,
    );
    expect(openssl(["pkey", "-in", "key.pem", "-check", "-noout"], { "key.pem": pem })).toBe("Key is valid\n");
  });

  it("signs with halves of a fixed length", () => {
    const data = Uint8Array.of(1, 2, 3);
    for (let i = 0; i < 40; i++) {
      const signature = signEcdsa(ci.key, data);
      expect(signature).toHaveLength(64);
      expect(verifyEcdsa(publicKeyObject(ci.key), data, signature)).toBe(true);
    }
  });
});

describe("keys", () => {
  it("of an unsupported form are refused without being quoted", () => {
    expect(() => readEcPrivateKey("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")).toThrow(
      "not a private key in PEM",
    );
    const frp = ecCurves.find(({ name }) => name === "FRP256V1");
    if (frp === undefined) throw new Error("the curve is not in the table");
    expect(() => newEcKey(frp)).toThrow("the key is on the curve FRP256V1, which is not supported");
    expect(() => publicKeyObject({ curve: p256, point: new Uint8Array(65).fill(4) })).toThrow("not on the curve P-256");
  });
});
