import { withoutUndefined } from "../../base/defined.ts";
import { childOf, childrenOf, numberIn, type PackageNode, type ProfileElement } from "./element.ts";
import { hexIn } from "./facts.ts";
import { algorithmName, codeName, triesOf } from "./words.ts";

/** How a profile authenticates: the algorithm, and lengths in place of keys. eUICC Profile Package §8.4.2 */
export interface AkaFacts {
  /** Position of the element, from 1. */
  readonly element: number;
  readonly algorithm: string;
  /** AID of the application whose algorithm and keys are used. */
  readonly sameAs?: string;
  readonly keyOctets?: number;
  readonly opcOctets?: number;
  readonly options?: string;
  readonly rotationConstants?: string;
  readonly keccakRounds?: number;
  readonly counterMax?: string;
  readonly sqnOptions?: string;
  readonly sqnDelta?: string;
  readonly sqnAgeLimit?: string;
}

/** A PIN, PUK or administrative key without its value. eUICC Profile Package §8.5 */
export interface CodeFacts {
  /** Position of the element, from 1. */
  readonly element: number;
  readonly kind: "PIN" | "PUK";
  readonly reference?: number;
  readonly name?: string;
  readonly unblockedBy?: number;
  readonly attributes?: string;
  readonly tries?: number;
  readonly triesLeft?: number;
  /** Path of the folder whose PINs are used; nothing else stands there then. */
  readonly sharedWith?: string;
}

/** The algorithm of an akaParameter element. */
export function akaOf(element: ProfileElement): AkaFacts {
  const mapping = childOf(element, "algoConfiguration", "mappingParameter");
  const own = childOf(element, "algoConfiguration", "algoParameter");
  const id = numberIn(childOf(own, "algorithmID"));
  return {
    element: element.position + 1,
    algorithm: mapping !== undefined ? "mapped" : id === undefined ? "absent" : (algorithmName(id) ?? `unknown ${id}`),
    ...withoutUndefined({
      sameAs: hexIn(childOf(mapping, "mappingSource")),
      keyOctets: childOf(own, "key")?.value.length,
      opcOctets: childOf(own, "opc")?.value.length,
      options: hexIn(childOf(own ?? mapping, mapping === undefined ? "algorithmOptions" : "mappingOptions")),
      rotationConstants: hexIn(childOf(own, "rotationConstants")),
      keccakRounds: numberIn(childOf(own, "numberOfKeccak")),
      counterMax: hexIn(childOf(own, "authCounterMax")),
      sqnOptions: hexIn(childOf(element, "sqnOptions")),
      sqnDelta: hexIn(childOf(element, "sqnDelta")),
      sqnAgeLimit: hexIn(childOf(element, "sqnAgeLimit")),
    }),
  };
}

/** Codes of a pinCodes or pukCodes element; none of another element. */
export function codesOf(element: ProfileElement): readonly CodeFacts[] {
  if (element.type === "pukCodes") {
    return childrenOf(childOf(element, "pukCodes"), "PUK").map((node) => codeFacts(element, node, "PUK"));
  }
  if (element.type !== "pinCodes") return [];
  const choice = childOf(element, "pinCodes");
  // Beside PINs it is not a path, but what a wrong length left over of them.
  const shared = choice?.children.length === 1 ? childOf(choice, "filePath") : undefined;
  const pins = childrenOf(childOf(element, "pinCodes", "pinconfig"), "PIN").map((node) =>
    codeFacts(element, node, "PIN"),
  );
  if (shared === undefined) return pins;
  return [...pins, { element: element.position + 1, kind: "PIN", ...withoutUndefined({ sharedWith: hexIn(shared) }) }];
}

function codeFacts(element: ProfileElement, node: PackageNode, kind: "PIN" | "PUK"): CodeFacts {
  const reference = numberIn(childOf(node, "keyReference"));
  const tries = triesOf(numberIn(childOf(node, "maxNumOfAttemps-retryNumLeft")) ?? (kind === "PIN" ? 0x33 : 0xaa));
  return {
    element: element.position + 1,
    kind,
    tries: tries.max,
    triesLeft: tries.left,
    ...withoutUndefined({
      reference,
      name: reference === undefined ? undefined : codeName(kind, reference),
      unblockedBy: numberIn(childOf(node, "unblockingPINReference")),
      attributes: hexIn(childOf(node, "pinAttributes")),
    }),
  };
}
