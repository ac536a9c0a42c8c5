import { codecError } from "../../../base/gateway-error.ts";
import { toHex } from "../../../base/hex.ts";
import {
  childOf,
  childrenOf,
  numberIn,
  type PackageNode,
  type ProfileElement,
  type ProfilePackage,
} from "../element.ts";
import { elementsOf } from "../facts.ts";
import { algorithmName, codeName } from "../words.ts";
import type { Edits } from "./edits.ts";
import { assertSame, missing, type PackageValue } from "./set-files.ts";
import type { DomainKey } from "./value-name.ts";
import { codeValue, hexValue } from "./value-octets.ts";

/** Derives OPc of Milenage from K and OP, 16 octets each. 3GPP TS 35.206 §4.1 */
export type OpcOf = (k: Uint8Array, op: Uint8Array) => Uint8Array;

/** Octets of K and of OPc or TOPc by algorithm; undefined: any. eUICC Profile Package §8.4.2 */
const keyLengths: Readonly<Record<number, { readonly key: readonly number[]; readonly opc?: readonly number[] }>> = {
  1: { key: [16], opc: [16] },
  2: { key: [16, 32], opc: [32] },
  3: { key: [16] },
};

interface Place {
  readonly element: ProfileElement;
  readonly node: PackageNode;
}

interface Algorithm {
  readonly element: ProfileElement;
  readonly id: number;
  readonly key: PackageNode;
  readonly opc: PackageNode;
}

/** Authentication parameters of a package that are no mapping to others. */
function algorithmsOf(profile: ProfilePackage, position: number | undefined): readonly Algorithm[] {
  return elementsOf(profile, "akaParameter").flatMap((element) => {
    if (position !== undefined && element.position + 1 !== position) return [];
    const own = childOf(element, "algoConfiguration", "algoParameter");
    const [key, opc] = [childOf(own, "key"), childOf(own, "opc")];
    const id = numberIn(childOf(own, "algorithmID"));
    return key === undefined || opc === undefined || id === undefined ? [] : [{ element, id, key, opc }];
  });
}

/** K, or OPc (TOPc). */
export function setKey(edits: Edits, profile: ProfilePackage, value: PackageValue, what: "key" | "opc"): void {
  const found = algorithmsOf(profile, value.position);
  const label = what === "key" ? "K" : "OPc";
  assertSame(
    profile,
    value,
    label,
    found,
    found.map((one) => one[what].value),
  );
  for (const algorithm of found) {
    const octets = hexValue(value.name, value.text, undefined);
    assertLength(value.name, algorithm, what, octets);
    edits.value(value.name, algorithm[what], octets);
  }
}

function assertLength(
  name: string,
  { element, id, ...nodes }: Algorithm,
  what: "key" | "opc",
  octets: Uint8Array,
): void {
  const lengths = keyLengths[id]?.[what];
  if (lengths === undefined || lengths.includes(octets.length)) return;
  const place = `element ${element.position + 1} (akaParameter), offset ${nodes[what].offset}`;
  const message = `${name}: ${algorithmName(id) ?? ""} takes ${lengths.join(" or ")} octets, not ${octets.length}, in ${place}`;
  throw codecError("codec.length", message, nodes[what].offset, { field: name, element: element.position + 1 });
}

/** OPc from OP and the K that the package gets, or has. */
export function setOperatorVariant(
  edits: Edits,
  profile: ProfilePackage,
  value: PackageValue,
  k: PackageValue | undefined,
  opcOf: OpcOf,
): void {
  const op = hexValue(value.name, value.text, [16]);
  const found = algorithmsOf(profile, value.position);
  assertSame(
    profile,
    value,
    "OPc",
    found,
    found.map(({ opc }) => opc.value),
  );
  for (const { element, id, key, opc } of found) {
    const own = k === undefined ? key.value : hexValue(k.name, k.text, [16]);
    if (id !== 1 || own.length !== 16) {
      const what = algorithmName(id) ?? `algorithm ${id}`;
      const message = `${value.name}: element ${element.position + 1} has ${what}; OPc is derived for Milenage with a K of 16 octets only: give opc`;
      throw codecError("codec.value", message, opc.offset, { field: value.name });
    }
    edits.value(value.name, opc, opcOf(own, op));
  }
}

/** A PIN or administrative key, or a PUK, by its reference. */
export function setCode(
  edits: Edits,
  profile: ProfilePackage,
  value: PackageValue,
  kind: "pin" | "puk",
  reference: number,
): void {
  const isAdm = kind === "pin" && /^ADM/.test(codeName("PIN", reference));
  const octets = codeValue(value.name, value.text, kind === "puk" ? { min: 8, max: 8 } : { min: 4, max: 8 });
  const found = codesOf(profile, kind, reference, value.position);
  const label = isAdm ? codeName("PIN", reference) : kind.toUpperCase();
  assertSame(
    profile,
    value,
    label,
    found,
    found.map(({ node }) => node.value),
  );
  for (const { node } of found) edits.value(value.name, node, octets);
}

function codesOf(
  profile: ProfilePackage,
  kind: "pin" | "puk",
  reference: number,
  position: number | undefined,
): readonly Place[] {
  return elementsOf(profile, kind === "pin" ? "pinCodes" : "pukCodes").flatMap((element) => {
    if (position !== undefined && element.position + 1 !== position) return [];
    const list = kind === "pin" ? childOf(element, "pinCodes", "pinconfig") : childOf(element, "pukCodes");
    return childrenOf(list, kind.toUpperCase()).flatMap((code) => {
      const node = childOf(code, `${kind}Value`);
      return node === undefined || numberIn(childOf(code, "keyReference")) !== reference ? [] : [{ element, node }];
    });
  });
}

/** Octets of keys by GP key type; others keep their length. GP Card Specification §11.1.8 */
const typeLengths: Readonly<Record<number, readonly number[]>> = {
  128: [8, 16, 24],
  130: [8, 16, 24],
  136: [16, 24, 32],
};

/** A key of a security domain. eUICC Profile Package §8.6.3 */
export function setDomainKey(edits: Edits, profile: ProfilePackage, value: PackageValue, target: DomainKey): void {
  const { name, text, position } = value;
  const domains = domainsOf(profile, target.domain).filter(
    (one) => position === undefined || one.position + 1 === position,
  );
  const keys = domains.flatMap((element) =>
    childrenOf(childOf(element, "keyList"), "key")
      .filter((key) => isKey(key, target))
      .map((node) => ({ element, node })),
  );
  const [first, second] = keys;
  if (first === undefined) throw missing(profile, name, "such key", position);
  if (second !== undefined) {
    const message = `${name}: the security domain has several such keys: choose one, as key.${target.domain}.01.01`;
    throw codecError("codec.value", message, second.node.offset, { field: name });
  }
  const components = childrenOf(childOf(first.node, "keyComponents"), "component");
  const data = childOf(components[0], "keyData");
  if (data === undefined || components.length !== 1) {
    const message = `${name}: the key has ${components.length} components`;
    throw codecError("codec.value", message, first.node.offset, { field: name });
  }
  const lengths = typeLengths[numberIn(childOf(components[0], "keyType")) ?? 0];
  edits.value(name, data, hexValue(name, text, lengths ?? [data.value.length]));
}

function domainsOf(profile: ProfilePackage, domain: string): readonly ProfileElement[] {
  const all = elementsOf(profile, "securityDomain");
  if (domain === "mno-sd") return all.slice(0, 1);
  const [, number] = /^sd(\d+)$/.exec(domain) ?? [];
  if (number !== undefined) return all.slice(Number(number) - 1, Number(number));
  return all.filter((one) => {
    const aid = childOf(one, "instance", "instanceAID");
    return aid !== undefined && toHex(aid.value) === domain.toUpperCase();
  });
}

/** Key versions of SCP80 and SCP81. ETSI TS 102 225 §5.1.3, GP Amendment B §3.3.2 */
const versions = { scp80: [0x01, 0x0f], scp81: [0x40, 0x4f] } as const;

function isKey(key: PackageNode, { version, identifier }: DomainKey): boolean {
  const own = numberIn(childOf(key, "keyVersionNumber"));
  if (own === undefined || numberIn(childOf(key, "keyIdentifier")) !== identifier) return false;
  if (typeof version === "number") return own === version;
  const [low, high] = versions[version];
  return own >= low && own <= high;
}
