import type { X509Certificate } from "node:crypto";
import { GatewayError } from "../../base/gateway-error.ts";
import type { Eid } from "../../codec/euicc/eid.ts";
import type { EcPublicKey } from "../../crypto/certificates/ec-key.ts";
import { checkCardChain, checkServerChain, type FindingCode } from "../../crypto/certificates/gp-chain.ts";
import type { SmDp } from "./material.ts";

/** Credentials of an SM-DP as configured: its certificate and key, and the chain of the cards that trust it. */
export interface SmDpCredentials extends SmDp {
  /** Certificate issuer of SM-DP and cards. */
  readonly ci?: X509Certificate;
  /** Manufacturers whose cards trust this CI. */
  readonly eums: readonly X509Certificate[];
}

/** A fault of a chain: of the SM-DP or of the card. */
export interface ChainFinding {
  readonly of: "sm-dp" | "card";
  readonly code: FindingCode;
  readonly message: string;
  readonly overridable: boolean;
}

/** Credentials with what is wrong with their chain and that of a card. */
export interface JudgedCredentials {
  readonly smDp: SmDpCredentials;
  readonly findings: readonly ChainFinding[];
  /** Key of the card; absent if its certificate cannot be used. */
  readonly cardKey?: EcPublicKey;
}

/** The certificate of a card: its ECASD's, and its EID. */
interface CardCertificate {
  /** 7F21. */
  readonly ecasd: Uint8Array;
  readonly eid: Eid;
}

/** What is wrong with credentials on their own. SGP.02 §2.3.2 */
export function credentialFindings({ certificate, key, ci }: SmDpCredentials, now: number): ChainFinding[] {
  const checked = checkServerChain(certificate, "SM-DP", ci, now);
  const found = checked.findings.map((one): ChainFinding => ({ ...one, of: "sm-dp" }));
  const point = checked.key?.point;
  if (point !== undefined && Buffer.compare(point, key.point) !== 0) {
    const message = "the private key does not belong to the certificate of the SM-DP";
    found.push({ of: "sm-dp", code: "public-key", message, overridable: false });
  }
  return found;
}

/** Credentials together with a card. SGP.02 §2.3.2 */
function judgeCredentials(smDp: SmDpCredentials, card: CardCertificate, now: number): JudgedCredentials {
  const eums = smDp.eums.length === 0 ? [undefined] : smDp.eums;
  const judged = eums.map((eum) => checkCardChain({ ...card, eum, ci: smDp.ci }, now));
  const best = judged.reduce((one, other) => (other.findings.length < one.findings.length ? other : one));
  return {
    smDp,
    findings: [...credentialFindings(smDp, now), ...best.findings.map((one): ChainFinding => ({ ...one, of: "card" }))],
    ...(best.key === undefined ? {} : { cardKey: best.key }),
  };
}

/**
 * The credentials for a card: those of the given name; otherwise those whose CI has issued the chain of the card;
 * otherwise the only ones. SGP.02 §2.3.2
 * @throws download.credentials
 */
export function chooseCredentials(
  all: readonly SmDpCredentials[],
  name: string | undefined,
  card: CardCertificate,
  now: number,
): JudgedCredentials {
  const candidates = name === undefined ? all : all.filter((one) => one.name === name);
  const judged = candidates.map((one) => judgeCredentials(one, card, now));
  const [only] = judged;
  if (only === undefined) {
    const message = name === undefined ? "no SM-DP is configured" : `no SM-DP '${name}' is configured`;
    throw credentialsError(message, all);
  }
  const fitting = judged.find(({ findings }) => findings.length === 0);
  if (fitting !== undefined) return fitting;
  if (judged.length === 1) return only;
  throw credentialsError("none of the configured SM-DPs has the CI of this card; name one to use it nevertheless", all);
}

function credentialsError(message: string, all: readonly SmDpCredentials[]): GatewayError {
  return new GatewayError("download.credentials", message, {
    detail: { field: "smDp", smDps: all.map((one) => one.name) },
  });
}
