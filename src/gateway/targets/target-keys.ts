import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { newId, type TargetId } from "../../base/id.ts";
import { keyLike, repeatsKey } from "../../base/key-like.ts";
import type { Secret } from "../../base/secret.ts";
import { isdRTar, type Tar } from "../../codec/euicc/aid.ts";
import { readPskIdentity } from "../../codec/gp/psk-identity.ts";
import { type KeySet, type KeySetInfo, servesTar } from "../model/key-set.ts";
import type { Repositories } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import type { KeySetShape } from "./target-shape.ts";

/** A key set of a description and its path there. */
interface DescribedKeySet {
  readonly at: string;
  readonly shape: KeySetShape;
}

/**
 * Key sets for a target, each checked by itself and against the others.
 * @throws target.invalid naming the field, never its value
 */
export function describedKeySets(described: readonly DescribedKeySet[], target: TargetId, now: number): KeySet[] {
  const sets = described.map(({ at, shape }) => keySetOf(target, shape, at, now));
  for (const [index, set] of sets.entries())
    for (const [earlier, other] of sets.slice(0, index).entries()) {
      const clash = clashOf(set, other);
      if (clash !== undefined)
        throw invalid(`${described[index]?.at}.${clash.field}`, `${clash.why} ${described[earlier]?.at}`);
    }
  return sets;
}

/** Why two key sets of one target cannot both be used; undefined when they can. */
function clashOf(set: KeySetInfo, other: KeySetInfo): { field: string; why: string } | undefined {
  if (set.pskIdentity !== undefined && sameIdentity(set.pskIdentity, other.pskIdentity))
    return { field: "pskIdentity", why: "already belongs to" };
  if (set.type !== other.type || set.kvn !== other.kvn) return undefined;
  const name = `${set.type} with KVN ${set.kvn}`;
  if (set.type === "SCP81") return { field: "kvn", why: `${name} already exists:` };
  const tar = sharedTar(set, other);
  return tar === undefined ? undefined : { field: "tars", why: `${name} already applies to TAR ${tar}:` };
}

/** A TAR that both key sets serve. */
function sharedTar(a: KeySetInfo, b: KeySetInfo): Tar | undefined {
  if (a.tars.length === 0 && b.tars.length === 0) return isdRTar;
  if (a.tars.length === 0) return b.tars.find((tar) => servesTar(a, tar));
  if (b.tars.length === 0) return a.tars.find((tar) => servesTar(b, tar));
  const others = new Set(b.tars);
  return a.tars.find((tar) => others.has(tar));
}

/** Identities of the hexadecimal form are compared, and looked up, without regard to case. */
function sameIdentity(a: string, b: string | undefined): boolean {
  return b !== undefined && a.toUpperCase() === b.toUpperCase();
}

function keySetOf(target: TargetId, shape: KeySetShape, at: string, now: number): KeySet {
  const keys = new Map<number, Secret>();
  for (const [index, key] of shape.keys.entries()) {
    if (keys.has(key.id)) throw invalid(`${at}.keys.${index}.id`, `duplicate key ${key.id}`);
    keys.set(key.id, key.value);
  }
  if (shape.type === "SCP80")
    for (const [index, { type }] of shape.keys.entries())
      if (type !== undefined && !keyType.test(type))
        throw invalid(`${at}.keys.${index}.type`, "must be AES, 3DES, DES, 80 to 84 or 88");
  const algorithm = shape.algorithm ?? algorithmOf(shape);
  if (shape.type === "SCP80") {
    if (shape.kvn > 15) throw invalid(`${at}.kvn`, "an SCP80 key set must have KVN 1 to 15");
    checkScp80(keys, algorithm, at);
  } else if (shape.type === "SCP81" && !keys.has(1)) {
    throw invalid(`${at}.keys`, "an SCP81 key set must contain the PSK as key 1");
  }
  const { pskIdentity } = shape;
  if (pskIdentity !== undefined) checkIdentity(pskIdentity, shape, at);
  return {
    id: newId("key", now),
    target,
    type: shape.type,
    kvn: shape.kvn,
    tars: shape.tars,
    algorithm,
    ccLength: shape.ccLength,
    cntr: shape.cntr,
    ...withoutUndefined({ pskIdentity }),
    keys,
  };
}

/**
 * An identity is stored and displayed in clear: one of the SGP.02 form must belong to this key set, any other must not
 * be a key.
 */
function checkIdentity(identity: string, shape: KeySetShape, at: string): void {
  const field = `${at}.pskIdentity`;
  if (shape.type !== "SCP81") throw invalid(field, "is valid for SCP81 key sets only");
  const euicc = readPskIdentity(identity);
  if (euicc === undefined) {
    if (repeatsKey(shape.keys.map(({ value }) => value))(identity))
      throw invalid(field, "repeats a key of the set; an identity is stored and displayed in clear");
    return;
  }
  if (euicc.kvn !== shape.kvn) throw invalid(field, `contains KVN ${euicc.kvn}, but the key set has KVN ${shape.kvn}`);
}

/** Types of SCP80 keys, by name or GlobalPlatform coding. GP Card Specification table 11-16 */
const keyType = /^(8[0-48]$|AES|3DES|TDES|TRIPLE|DES)/i;

function algorithmOf(shape: KeySetShape): KeySet["algorithm"] {
  if (shape.type === "SCP81") return "PSK";
  const type = shape.keys[0]?.type?.toUpperCase() ?? "AES";
  if (type === "88" || type.startsWith("AES")) return "AES";
  if (/^(81|82|83|84|3DES|TDES|TRIPLE)/.test(type)) return "3DES";
  if (/^(80|DES)/.test(type)) return "DES";
  return "AES";
}

const lengths: Readonly<Record<string, readonly number[]>> = { AES: [16, 24, 32], "3DES": [16, 24], DES: [8] };

function checkScp80(keys: ReadonlyMap<number, Secret>, algorithm: string, at: string): void {
  for (const [id, what] of [
    [1, "KIc"],
    [2, "KID"],
  ] as const) {
    const key = keys.get(id);
    if (key === undefined) throw invalid(`${at}.keys`, `${what} (key ${id}) is missing`);
    if (!(lengths[algorithm] ?? []).includes(key.length))
      throw invalid(`${at}.keys`, `${what} has ${key.length} octets, which is not the length of an ${algorithm} key`);
  }
}

/**
 * Refuses key sets that could not be distinguished from stored ones: a PSK identity of another target, which a
 * handshake could not assign, and the same version for the same security domain.
 * @throws target.exists naming both targets, target.invalid
 */
export async function refuseClashes(r: Repositories, target: Target, sets: readonly KeySetInfo[]): Promise<void> {
  const stored = await r.keySets.list(target.id);
  for (const set of sets) {
    const { pskIdentity } = set;
    if (pskIdentity !== undefined) {
      const euicc = readPskIdentity(pskIdentity);
      if (euicc !== undefined && euicc.eid !== target.eid)
        throw invalid("pskIdentity", `contains EID ${euicc.eid}, which is not the EID of the target`);
      const other = (await r.keySets.withPskIdentity(pskIdentity)).find((one) => one.target !== target.id);
      if (other !== undefined) throw await shared(r, target, other.target, pskIdentity);
    }
    for (const one of stored) {
      const clash = replaces(set, one) ? undefined : clashOf(set, one);
      if (clash !== undefined)
        throw invalid(clash.field, `${clash.why} key set ${one.id} of the target; remove it first`);
    }
  }
}

/** Whether a set replaces a stored one. */
function replaces(set: KeySetInfo, stored: KeySetInfo): boolean {
  return set.type === stored.type && set.kvn === stored.kvn && tarsOf(set) === tarsOf(stored);
}

const tarsOf = ({ tars }: KeySetInfo) => [...tars].sort().join(",");

async function shared(r: Repositories, target: Target, other: TargetId, identity: string): Promise<GatewayError> {
  const named = ({ id, eid, iccid }: Partial<Pick<Target, "eid" | "iccid">> & { readonly id: string }) =>
    eid !== undefined ? `${id} (EID ${eid})` : iccid !== undefined ? `${id} (ICCID ${iccid})` : id;
  const holder = (await r.targets.get(other)) ?? { id: other };
  const shown = keyLike(identity) === undefined ? ` '${identity}'` : "";
  return new GatewayError(
    "target.exists",
    `pskIdentity: the PSK identity${shown} of target ${named(target)} already belongs to target ${named(holder)}; identities must differ`,
    { detail: { field: "pskIdentity", target: target.id, other } },
  );
}

function invalid(field: string, message: string): GatewayError {
  return new GatewayError("target.invalid", `${field}: ${message}`, { detail: { field } });
}
