import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/base/hex.ts";
import { GpCertificate } from "../../../src/codec/euicc/certificate.ts";
import { p256 } from "../../../src/codec/euicc/ec-curve.ts";
import { parseEid } from "../../../src/codec/euicc/eid.ts";
import { decode } from "../../../src/codec/kit/codec.ts";
import { newEcKey } from "../../../src/crypto/certificates/ec-key.ts";
import { checkCardChain, checkServerChain, unacceptedFindings } from "../../../src/crypto/certificates/gp-chain.ts";
import { newTestPki } from "../../../src/crypto/certificates/test-pki.ts";
import { testOctets } from "../../seed.ts";

const randomOctets = testOctets();

const now = Date.parse("2026-12-01");
const eid = parseEid("89001012366835059436286728725946");
const pki = newTestPki({
  curve: p256,
  validFrom: now,
  validTo: Date.parse("2056-12-01"),
  random: (octets) => new Uint8Array(randomOctets(octets)),
});
const ci = new X509Certificate(pki.ci.certificate);
const eum = new X509Certificate(pki.eum.certificate);

describe("a test set", () => {
  it("has chains without a finding", () => {
    const key = newEcKey(p256);
    expect(checkCardChain({ ecasd: pki.ecasd({ eid, key }), eid, eum, ci }, now).findings).toEqual([]);
    expect(checkServerChain(pki.smDp.certificate, "SM-DP", ci, now).findings).toEqual([]);
    expect(checkServerChain(pki.smSr.certificate, "SM-SR", ci, now).findings).toEqual([]);
    expect(checkServerChain(pki.smDp.certificate, "SM-DP", ci, now).key?.point).toEqual(pki.smDp.key.point);
  });

  it("has serial numbers of its own", () => {
    const serials = [pki.smDp, pki.smSr].map(({ certificate }) =>
      toHex(decode(GpCertificate, certificate).serialNumber),
    );
    expect(new Set([...serials, ci.serialNumber, eum.serialNumber]).size).toBe(4);
  });
});

describe("findings that an operator accepts", () => {
  it("are those that can be overridden, of the kinds that it names", () => {
    const { findings } = checkServerChain(pki.smSr.certificate, "SM-DP", eum, Date.parse("2060-01-01"));
    const codes = (accepted: Parameters<typeof unacceptedFindings>[1]) =>
      unacceptedFindings(findings, accepted).map(({ code }) => code);
    expect(codes(new Set())).toEqual(["issuer", "signature", "authority-key", "role", "dates"]);
    expect(codes(new Set(["issuer", "signature", "authority-key", "dates"]))).toEqual(["role"]);
    const unreadable = checkServerChain(pki.smSr.certificate.subarray(1), "SM-SR", ci, now).findings;
    expect(unacceptedFindings(unreadable, new Set(["form"])).map(({ code }) => code)).toEqual(["form"]);
  });
});
