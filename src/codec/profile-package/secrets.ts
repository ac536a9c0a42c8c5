import { toHex } from "../../base/hex.ts";
import type { PackageNode, ProfileElement, ProfilePackage } from "./element.ts";
import { holdsKeys } from "./generic-files.ts";
import { contentOf, filesOf, filledTo } from "./package-files.ts";
import { nodeName } from "./value-words.ts";

/** A key, PIN, PUK or octets that may contain keys. */
interface PackageSecret {
  /** Position of the element, from 1. */
  readonly element: number;
  readonly type: string;
  /** Names of fields from the element down. */
  readonly field: string;
  readonly value: string;
}

/** Octets of a secret that are shown at most: a load file is longer. */
const maxShown = 512;

/** Every secret of a package in clear: only for a user who asks for them. */
export function revealSecrets({ elements }: ProfilePackage): readonly PackageSecret[] {
  return elements.flatMap((element) => [
    ...element.children.flatMap((node) => [...secretsIn(element, [], node)]),
    ...fileSecrets(element),
  ]);
}

function* secretsIn(element: ProfileElement, path: readonly string[], node: PackageNode): Generator<PackageSecret> {
  const here = [...path, nodeName(node)];
  if (node.field?.secret === true) yield secret(element, here.join(" / "), node.value);
  for (const child of node.children) yield* secretsIn(element, here, child);
}

/** Contents of files of keys that have no field of their own. */
function fileSecrets(element: ProfileElement): readonly PackageSecret[] {
  if (element.type !== "genericFileManagement") return [];
  return filesOf(element)
    .filter(holdsKeys)
    .map((file) => {
      const name = `file ${(file.identifier ?? 0).toString(16).toUpperCase()}`;
      return secret(element, name, contentOf(file, Math.min(filledTo(file), maxShown)));
    });
}

function secret({ position, type }: ProfileElement, field: string, value: Uint8Array): PackageSecret {
  const shown = toHex(value.subarray(0, maxShown));
  return {
    element: position + 1,
    type,
    field,
    value: value.length > maxShown ? `${shown}… (${value.length} octets)` : shown,
  };
}
