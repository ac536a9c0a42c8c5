import { GatewayError } from "../../base/gateway-error.ts";
import { CertificateAnswer, KeyAnswer } from "../../codec/euicc/key-establishment.ts";
import { decode } from "../../codec/kit/codec.ts";
import { deriveKeySet, type EstablishedKeys, type Establishment, isReceipt } from "./establish.ts";

/** A step of a key establishment as the host performs it. */
export type EstablishmentStep =
  | { readonly at: "install" }
  | { readonly at: "certificate" }
  | { readonly at: "keys"; readonly establishment: Establishment };

/** What arrived for the last command of a step: its R-APDU, nothing, or octets that are not an answer. */
export type EstablishmentAnswer =
  | { readonly kind: "answer"; readonly data: Uint8Array; readonly sw: number }
  | { readonly kind: "malformed" }
  | { readonly kind: "lost" };

/** Why an establishment failed. */
type EstablishmentFault =
  /** INSTALL [for personalization] was refused: the domain does not exist. */
  | "domain"
  /** The certificate is not signed by the CI of the card, or its signature is wrong. */
  | "certificate"
  /** Not a certificate, or of the wrong role. */
  | "certificate-form"
  /** Signature or ephemeral key refused: an error of the host. */
  | "signature"
  /** The card has accepted no certificate in this session. */
  | "no-certificate"
  /** Refused without a known cause. */
  | "refused"
  /** The card derived other keys: another ECASD key or other shared information. */
  | "receipt"
  /** The answer does not have the form of the step. */
  | "format";

/**
 * What an answer means. `repeat`: begin again with INSTALL and the certificate; `repeat-once` likewise, but give up the
 * second time. After `give-up` no key may be kept, and a new ISD-P is to be deleted.
 */
type EstablishmentVerdict =
  | { readonly kind: "continue" }
  | { readonly kind: "challenge"; readonly randomChallenge: Uint8Array }
  | { readonly kind: "established"; readonly keySet: EstablishedKeys }
  | {
      readonly kind: "failed";
      readonly fault: EstablishmentFault;
      readonly sw?: number;
      readonly next: "give-up" | "repeat" | "repeat-once";
    }
  /** The keys may be live: `expected` opens a session with them if they are; without it they cannot be computed. */
  | { readonly kind: "unknown"; readonly expected?: EstablishedKeys; readonly next: "try-keys" | "repeat" };

/**
 * The verdict on the answer to a step. Pure; a receipt is compared in constant time. SGP.02 §4.1.3.1, GP Amendment E
 * §4.7
 * @throws crypto.key, codec.value for an establishment that has no keys
 */
export function judgeEstablishment(step: EstablishmentStep, answer: EstablishmentAnswer): EstablishmentVerdict {
  if (answer.kind === "lost") return step.at === "keys" ? lostReceipt(step.establishment) : repeated;
  if (answer.kind === "malformed") return failed("format");
  if (answer.sw !== 0x9000) return refused(step.at, answer.sw);
  try {
    if (step.at === "install") return { kind: "continue" };
    if (step.at === "certificate") return { kind: "challenge", ...decode(CertificateAnswer, answer.data) };
    return provedKeys(step.establishment, decode(KeyAnswer, answer.data));
  } catch (error) {
    if (error instanceof GatewayError && error.code.startsWith("codec.")) return failed("format");
    throw error;
  }
}

/** Nothing that matters happened yet: the same commands may be sent in a new session. */
const repeated: EstablishmentVerdict = { kind: "unknown", next: "repeat" };

function failed(fault: EstablishmentFault): EstablishmentVerdict {
  return { kind: "failed", fault, next: "give-up" };
}

/** Without a random number of the card the host has the same keys, and a session with them proves what happened. */
function lostReceipt(establishment: Establishment): EstablishmentVerdict {
  if (establishment.control.scenario.derivationRandom) return repeated;
  return { kind: "unknown", expected: deriveKeySet(establishment).keySet, next: "try-keys" };
}

const refusals: Readonly<
  Record<
    EstablishmentStep["at"],
    Readonly<Record<number, readonly [EstablishmentFault, "give-up" | "repeat" | "repeat-once"]>>
  >
> = {
  install: { 27272: ["domain", "give-up"], 27266: ["domain", "give-up"] },
  certificate: { 27010: ["certificate", "give-up"], 27264: ["certificate-form", "give-up"] },
  keys: { 27010: ["signature", "give-up"], 27013: ["no-certificate", "repeat"], 27264: ["refused", "repeat-once"] },
};

function refused(at: EstablishmentStep["at"], sw: number): EstablishmentVerdict {
  const [fault, next] = refusals[at][sw] ?? (["refused", "give-up"] as const);
  return { kind: "failed", fault, sw, next };
}

function provedKeys(
  establishment: Establishment,
  { derivationRandom, receipt }: { readonly derivationRandom?: Uint8Array | undefined; readonly receipt: Uint8Array },
): EstablishmentVerdict {
  // A DR that was not asked for is covered by no receipt of the standard.
  if ((derivationRandom !== undefined) !== establishment.control.scenario.derivationRandom) return failed("format");
  const derived = deriveKeySet(establishment, derivationRandom);
  return isReceipt(derived, receipt) ? { kind: "established", keySet: derived.keySet } : failed("receipt");
}
