import forge from "node-forge";

/** A certificate with its key, in PEM. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

/** From when to when, in days from now. */
export interface Validity {
  readonly from: number;
  readonly to: number;
}

const now: Validity = { from: -1, to: 1 };

interface Authority extends Certified {
  /** Signs a certificate for a name, good for 127.0.0.1 too. */
  issue(name: string, organisation?: string, days?: Validity): Certified;
}

let serial = 1;

function made(
  subject: forge.pki.CertificateField[],
  keys: forge.pki.rsa.KeyPair,
  signer: { readonly subject: forge.pki.CertificateField[]; readonly key: forge.pki.rsa.PrivateKey },
  authority: boolean,
  days: Validity,
): string {
  const cert = forge.pki.createCertificate();
  cert.publicKey = keys.publicKey;
  cert.serialNumber = (serial++).toString(16).padStart(4, "0");
  cert.validity.notBefore = new Date(Date.now() + days.from * 86_400_000);
  cert.validity.notAfter = new Date(Date.now() + days.to * 86_400_000);
  cert.setSubject(subject);
  cert.setIssuer(signer.subject);
  cert.setExtensions([
    { name: "basicConstraints", cA: authority, critical: true },
    {
      name: "subjectAltName",
      altNames: [
        { type: 2, value: "localhost" },
        { type: 7, ip: "127.0.0.1" },
      ],
    },
  ]);
  cert.sign(signer.key, forge.md.sha256.create());
  return forge.pki.certificateToPem(cert);
}

function subjectOf(name: string, organisation: string): forge.pki.CertificateField[] {
  return [
    { shortName: "CN", value: name },
    { shortName: "O", value: organisation },
  ];
}

/** A certification authority of the test's own. */
export function authority(name: string, days = now): Authority {
  const keys = forge.pki.rsa.generateKeyPair(2048);
  const subject = subjectOf(name, "Test");
  const signer = { subject, key: keys.privateKey };
  return {
    cert: made(subject, keys, signer, true, days),
    key: forge.pki.privateKeyToPem(keys.privateKey),
    issue: (common, organisation = "Example", validity = now) => {
      const own = forge.pki.rsa.generateKeyPair(2048);
      return {
        cert: made(subjectOf(common, organisation), own, signer, false, validity),
        key: forge.pki.privateKeyToPem(own.privateKey),
      };
    },
  };
}
