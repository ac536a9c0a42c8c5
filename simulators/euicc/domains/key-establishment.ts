import { concatBytes, equalBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { readTlv, readTlvs, type Tlv, tlvBytes } from "../../../src/codec/kit/ber.ts";
import { Reader } from "../../../src/codec/kit/codec.ts";
import { refuse } from "../apdu.ts";
import type { EuiccState, KeySetState } from "../card-state.ts";
import { aesCmac } from "../secured/scp80-crypto.ts";
import { type Curve, curveOf, deriveKeys, sharedSecret, verifySignature } from "./elliptic.ts";
import type { Dgi } from "./store-data.ts";

/** What the card keeps between DGI 3A01 and DGI 3A02. */
export interface PendingAgreement {
  /** Public point of the authenticated off-card entity. */
  readonly peer: Uint8Array;
  readonly curve: Curve;
  readonly challenge: Uint8Array;
}

/** Role in the discretionary data of an off-card entity's certificate. SGP.02 §2.3.2 */
export const role = { smDp: 0x01, smSr: 0x02 } as const;

const find = (tlvs: readonly Tlv[], tag: number) => tlvs.find((tlv) => tlv.tag === tag)?.value;

/** A public key data object: raw point, or B0 point with F0 curve reference. A point of another length is unusable. */
function pointIn(value: Uint8Array): Uint8Array {
  if (value[0] !== 0xb0) return value;
  return find(readTlvs(value), 0xb0) ?? refuse(0x6a80);
}

/** Curve of a certificate's key. */
function certifiedCurve(key: Uint8Array): Curve {
  return curveOf(find(readTlvs(key), 0xf0)?.[0] ?? 0) ?? refuse(0x6a80);
}

/**
 * DGI 3A01: checks the off-card entity's certificate and hands out a challenge. SGP.02 §4.1.1.8, §4.1.3.1
 * @throws card.status 6A80 for a wrong role or coding, 6982 for a bad signature
 */
export function acceptCertificate(
  state: EuiccState,
  value: Uint8Array,
  expected: number,
  random: (octets: number) => Uint8Array,
): PendingAgreement {
  const from = new Reader(value);
  const outer = readTlv(from);
  from.end("certificate");
  if (outer.tag !== 0x7f21) return refuse(0x6a80);
  const parts = readTlvs(outer.value);
  const signature = parts.find(({ tag }) => tag === 0x5f37);
  const discretionary = find(parts, 0x73);
  const key = find(parts, 0x7f49);
  if (signature === undefined || discretionary === undefined || key === undefined) return refuse(0x6a80);
  const given = readTlvs(discretionary);
  if (find(given, 0xc8)?.[0] !== expected) return refuse(0x6a80);
  const issuer = find(given, 0xc9);
  if (issuer && state.ecasd.ciKeyId && !equalBytes(issuer, fromHex(state.ecasd.ciKeyId))) return refuse(0x6982);
  const signed = outer.value.subarray(0, signature.offset);
  const { ciPublicKey, ciCurve, challengeLength } = state.ecasd;
  if (!verifySignature(fromHex(ciPublicKey), signed, signature.value, ciCurve)) return refuse(0x6982);
  return { peer: pointIn(key), curve: certifiedCurve(key), challenge: random(challengeLength ?? 16) };
}

interface Control {
  readonly raw: Uint8Array;
  readonly parameters: number;
  readonly usage: number;
  readonly keyType: number;
  readonly keyLength: number;
  readonly keyId: number;
  readonly kvn: number;
  readonly counter: Uint8Array;
  readonly hostId: Uint8Array;
}

function readControl(value: Uint8Array): Control {
  const template = readTlv(new Reader(value));
  if (template.tag !== 0xa6) return refuse(0x6a80);
  const parts = readTlvs(template.value);
  const octet = (tag: number) => find(parts, tag)?.[0] ?? refuse(0x6a80);
  const scenario = find(parts, 0x90) ?? refuse(0x6a80);
  if (scenario[0] !== 0x03 || scenario.length !== 2) return refuse(0x6a80);
  return {
    raw: value,
    parameters: scenario[1] ?? 0,
    usage: octet(0x95),
    keyType: octet(0x80),
    keyLength: octet(0x81),
    keyId: octet(0x82),
    kvn: octet(0x83),
    counter: find(parts, 0x91) ?? new Uint8Array(0),
    hostId: find(parts, 0x84) ?? new Uint8Array(0),
  };
}

const lv = (bytes: Uint8Array) => concatBytes(Uint8Array.of(bytes.length), bytes);

/** The sets that a domain may get: SCP03 for an ISD-P, SCP80 and SCP81 for the ISD-R. SGP.02 §2.2.5.1 */
function keySetKind({ kvn, usage, keyType }: Control, domain: number): KeySetState["type"] {
  const three = usage === 0x10 && keyType === 0x88;
  if (domain === role.smDp) return kvn >= 0x30 && kvn <= 0x3f && three ? "SCP03" : refuse(0x6a80);
  if (kvn >= 0x01 && kvn <= 0x0f && three) return "SCP80";
  if (kvn >= 0x40 && kvn <= 0x4f && usage === 0x5c && keyType === 0x85) return "SCP81";
  return refuse(0x6a80);
}

/** SIN and SDIN: data objects 42 and 45 of the ECASD, here as its certificate has them. GP Amendment E §3.3 */
function ecasdNumbers(state: EuiccState): readonly [Uint8Array, Uint8Array] {
  const parts = readTlvs(readTlvs(fromHex(state.ecasd.certificate))[0]?.value ?? new Uint8Array(0));
  return [find(parts, 0x42) ?? new Uint8Array(0), find(parts, 0x45) ?? new Uint8Array(0)];
}

/** A new key set, whether it replaces all others of its domain, and what the card answers. */
interface Established {
  readonly keySet: KeySetState;
  readonly deleteOthers: boolean;
  /** `[85 DR] 86 receipt`. */
  readonly response: Uint8Array;
}

/**
 * DGI 3A02 with its 7F49 and 5F37: checks the signature over the challenge and derives the keys. SGP.02 §4.1.1.8
 * @throws card.status 6A80 for a wrong coding or a set that the domain does not take, 6982 for a bad signature or point
 */
export function establishKeys(
  state: EuiccState,
  pending: PendingAgreement,
  dgis: readonly Dgi[],
  random: (octets: number) => Uint8Array,
  domain: number = role.smSr,
): Established {
  const part = (id: number) => dgis.find((dgi) => dgi.id === id) ?? refuse(0x6a80);
  const [parameters, ephemeral, signature] = [part(0x3a02), part(0x7f49), part(0x5f37)];
  const challenge = concatBytes(Uint8Array.of(0x00, 0x85), lv(pending.challenge));
  const signed = concatBytes(parameters.raw, ephemeral.raw, challenge);
  if (!verifySignature(pending.peer, signed, signature.value, pending.curve)) refuse(0x6982);
  const control = readControl(parameters.value);
  const dr = control.parameters & 0x02 ? random(16) : undefined;
  const info = [Uint8Array.of(control.usage, control.keyType, control.keyLength), dr ?? new Uint8Array(0)];
  if (control.parameters & 0x04) info.push(lv(control.hostId), ...ecasdNumbers(state).map(lv));
  const type = keySetKind(control, domain);
  const length = control.keyLength;
  const count = control.usage === 0x5c ? 1 : control.usage === 0x10 ? 3 : refuse(0x6a80);
  if (![16, 24, 32].includes(length)) refuse(0x6a80);
  const material = deriveKeys(agree(state, ephemeral.value), concatBytes(...info), length * (count + 1));
  const receipt = aesCmac(
    material.slice(0, length),
    concatBytes(control.raw, dr ? tlvBytes(0x85, dr) : new Uint8Array(0)),
  );
  return {
    keySet: keySetOf(control, type, material.subarray(length), count),
    deleteOthers: (control.parameters & 0x01) !== 0,
    response: concatBytes(dr ? tlvBytes(0x85, dr) : new Uint8Array(0), tlvBytes(0x86, receipt)),
  };
}

function agree(state: EuiccState, ephemeral: Uint8Array): Uint8Array {
  const point = pointIn(ephemeral);
  if (point.length !== 65 || point[0] !== 0x04) return refuse(0x6982);
  try {
    return sharedSecret(fromHex(state.ecasd.privateKey), point, state.ecasd.curve);
  } catch {
    return refuse(0x6982);
  }
}

function keySetOf(control: Control, type: KeySetState["type"], material: Uint8Array, count: number): KeySetState {
  const length = control.keyLength;
  const keyType = control.keyType === 0x85 ? "PSK" : "AES";
  const cntr = type === "SCP80" ? 5 : type === "SCP03" ? 3 : 0;
  return {
    kvn: control.kvn,
    type,
    keys: Array.from({ length: count }, (_, i) => ({
      id: control.keyId + i,
      type: keyType,
      value: toHex(material.slice(i * length, (i + 1) * length)),
    })),
    ...(cntr > 0 && {
      cntr: toHex(control.counter)
        .padStart(cntr * 2, "0")
        .slice(-cntr * 2),
    }),
    ccLength: 8,
  };
}
