import type { CertificateRole } from "../../codec/euicc/certificate.ts";
import type { EcCurve } from "../../codec/euicc/ec-curve.ts";
import type { Eid } from "../../codec/euicc/eid.ts";
import { type EcPrivateKey, type EcPublicKey, newEcKey } from "./ec-key.ts";
import { type CertifiedEntity, type Issue, issueCi, issueEcasd, issueEum, issueServer } from "./issue.ts";

/** A CI, a manufacturer and servers for simulated cards and test cards. Object identifiers are in the arc for examples. */
interface TestPki {
  /** X.509 in DER. */
  readonly ci: { readonly key: EcPrivateKey; readonly certificate: Uint8Array };
  readonly eum: { readonly key: EcPrivateKey; readonly certificate: Uint8Array };
  /** 7F21. */
  readonly smDp: { readonly key: EcPrivateKey; readonly certificate: Uint8Array };
  readonly smSr: { readonly key: EcPrivateKey; readonly certificate: Uint8Array };
  /** The certificate (7F21) of a card of this manufacturer. */
  ecasd(card: { readonly eid: Eid; readonly key: EcPublicKey; readonly sdin?: Uint8Array }): Uint8Array;
}

/** What a test set is made with. */
interface TestPkiOptions {
  readonly curve: EcCurve;
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  readonly validTo: number;
  /** Random octets, for serial numbers. */
  readonly random: (octets: number) => Uint8Array;
}

const names: Readonly<Record<"CI" | "EUM" | CertificateRole, string>> = {
  CI: "2.999.1.1",
  EUM: "2.999.1.2",
  "SM-DP": "2.999.1.3",
  "SM-SR": "2.999.1.4",
};

/** A whole test set with new keys. SGP.02 §2.3.2 @throws crypto.algorithm for a curve that is not supported */
export function newTestPki({ curve, validFrom, validTo, random }: TestPkiOptions): TestPki {
  const issue = (): Issue => {
    const serialNumber = random(8);
    // Positive and never zero.
    serialNumber[0] = ((serialNumber[0] ?? 0) & 0x7f) | 0x40;
    return { serialNumber, validFrom, validTo };
  };
  const entity = (role: keyof typeof names): CertifiedEntity => ({
    key: newEcKey(curve),
    oid: names[role],
    name: { organization: "otagate test", commonName: `Test ${role}` },
  });
  const [ci, eum] = [entity("CI"), entity("EUM")];
  const server = (role: CertificateRole) => {
    const one = entity(role);
    return { key: one.key, certificate: issueServer(role, one, ci, issue()) };
  };
  return {
    ci: { key: ci.key, certificate: issueCi(ci, issue()) },
    eum: { key: eum.key, certificate: issueEum(eum, ci, issue()) },
    smDp: server("SM-DP"),
    smSr: server("SM-SR"),
    ecasd: (card) => issueEcasd(card, eum, issue()),
  };
}
