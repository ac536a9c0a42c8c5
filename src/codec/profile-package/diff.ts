import { equalBytes, toHex } from "../../base/hex.ts";
import { checkFields } from "./check/fields.ts";
import { childOf, type PackageNode, type ProfileElement, type ProfilePackage } from "./element.ts";
import { innerFields } from "./field.ts";
import { fileName, type GenericFile, genericFilesByName } from "./generic-files.ts";
import { isOversized, nodeName, valueWords } from "./value-words.ts";

/** One thing in which two packages differ. */
export interface Difference {
  readonly kind: "added" | "removed" | "changed" | "moved";
  /** Type of the element, with its AID or its number where there are several. */
  readonly element: string;
  /** Names of fields from the element down; absent where the whole element differs. */
  readonly field?: string;
  /** Values; absent for a field that is not in the package, and for secrets, which only differ. */
  readonly before?: string;
  readonly after?: string;
}

/** Differences that are listed. */
const maxDifferences = 1000;

/** An element of one package and what it corresponds to in the other. */
interface Pair {
  readonly name: string;
  readonly before?: ProfileElement;
  readonly after?: ProfileElement;
}

/**
 * In what two packages differ, by element and field. Values that are or may be keys, PINs or PUKs are only stated to
 * differ, unless `reveal` is set.
 */
export function diffPackages(before: ProfilePackage, after: ProfilePackage, reveal = false): readonly Difference[] {
  const comparing = new Comparing(reveal, new Set([...brokenElements(before), ...brokenElements(after)]));
  for (const pair of pairsOf(before, after)) comparing.pair(pair);
  if (!equalBytes(before.trailing, after.trailing)) {
    comparing.found.push({
      kind: "changed",
      element: "octets behind the end",
      before: `${before.trailing.length} octets`,
      after: `${after.trailing.length} octets`,
    });
  }
  return comparing.found.slice(0, maxDifferences);
}

/** Elements that are not what the format states: a key may stand in any field of them. */
function brokenElements({ elements, faults }: ProfilePackage): readonly ProfileElement[] {
  return elements.filter((element) => {
    const end = element.offset + element.octets.length;
    const isFaulty = faults.some(
      ({ kind, offset }) => kind !== "long-length" && offset >= element.offset && offset < end,
    );
    return isFaulty || checkFields(element).some(({ severity }) => severity === "refused");
  });
}

/** Elements that correspond: the same octets first, then the same type and AID in their order. */
function pairsOf(before: ProfilePackage, after: ProfilePackage): readonly Pair[] {
  const left = new Map<string, ProfileElement[]>();
  for (const element of after.elements) queue(left, toHex(element.octets)).push(element);
  const same = new Map(before.elements.map((element) => [element, left.get(toHex(element.octets))?.shift()]));
  const open = new Map<string, ProfileElement[]>();
  const matched = new Set([...same.values()]);
  for (const element of after.elements) if (!matched.has(element)) queue(open, keyOf(element)).push(element);
  const names = namesOf(before);
  const pairs = before.elements.map((element): Pair => {
    const other = same.get(element) ?? open.get(keyOf(element))?.shift();
    return { name: names.get(element) ?? "", before: element, ...(other === undefined ? {} : { after: other }) };
  });
  const added = namesOf(after);
  return [
    ...pairs,
    ...[...open.values()].flat().map((element) => ({ name: added.get(element) ?? "", after: element })),
  ];
}

function queue(queues: Map<string, ProfileElement[]>, key: string): ProfileElement[] {
  const found = queues.get(key) ?? [];
  queues.set(key, found);
  return found;
}

function keyOf(element: ProfileElement): string {
  const aid = childOf(element, "instanceAID") ?? childOf(element, "instance", "instanceAID");
  const load = childOf(element, "loadBlock", "loadPackageAID");
  const named = aid ?? load;
  const type = element.type === "unknown" ? `tag ${element.tag.toString(16).toUpperCase()}` : element.type;
  return named === undefined || isOversized(named) ? type : `${type} ${toHex(named.value)}`;
}

/** Names of elements: numbered where there are several of one type and AID. */
function namesOf({ elements }: ProfilePackage): ReadonlyMap<ProfileElement, string> {
  const totals = new Map<string, number>();
  for (const element of elements) totals.set(keyOf(element), (totals.get(keyOf(element)) ?? 0) + 1);
  const counts = new Map<string, number>();
  return new Map(
    elements.map((element) => {
      const key = keyOf(element);
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return [element, totals.get(key) === 1 ? key : `${key} (${count})`];
    }),
  );
}

/** Collects differences. */
class Comparing {
  readonly found: Difference[] = [];
  readonly #reveal: boolean;
  readonly #brokenElements: ReadonlySet<ProfileElement>;
  #broken = false;
  #last = -1;

  constructor(reveal: boolean, broken: ReadonlySet<ProfileElement>) {
    this.#reveal = reveal;
    this.#brokenElements = broken;
  }

  pair({ name, before, after }: Pair): void {
    if (before === undefined || after === undefined) {
      this.found.push({ kind: before === undefined ? "added" : "removed", element: name });
      return;
    }
    if (after.position < this.#last) this.found.push({ kind: "moved", element: name });
    this.#last = Math.max(this.#last, after.position);
    if (equalBytes(before.octets, after.octets)) return;
    this.#broken = this.#brokenElements.has(before) || this.#brokenElements.has(after);
    const count = this.found.length;
    if (before.type === "genericFileManagement") this.#genericFiles(name, before, after);
    this.#children(name, [], before, after);
    // Octets that no field contains, or another form of a length.
    if (this.found.length === count) this.found.push({ kind: "changed", element: name, field: "encoding" });
  }

  #children(element: string, path: readonly string[], before: PackageNode, after: PackageNode): void {
    const others = keyed(after.children);
    for (const [key, node] of keyed(before.children)) {
      const other = others.get(key);
      others.delete(key);
      const field = [...path, key];
      if (node.field?.id === "fileManagementCMD") continue;
      if (other === undefined) this.#add("removed", element, field, node, undefined);
      else if (!equalBytes(node.octets, other.octets)) this.#changed(element, field, node, other);
    }
    for (const [key, node] of others) this.#add("added", element, [...path, key], undefined, node);
  }

  #changed(element: string, path: readonly string[], before: PackageNode, after: PackageNode): void {
    const isInner = before.field !== undefined && innerFields(before.field) !== undefined;
    if (!isInner) {
      if (!equalBytes(before.value, after.value)) this.#add("changed", element, path, before, after);
      return;
    }
    this.#children(element, path, before, after);
  }

  #add(
    kind: Difference["kind"],
    element: string,
    path: readonly string[],
    before: PackageNode | undefined,
    after: PackageNode | undefined,
  ): void {
    const was = before === undefined ? undefined : this.#words(before);
    const is = after === undefined ? undefined : this.#words(after);
    const hidden = (before !== undefined && was === undefined) || (after !== undefined && is === undefined);
    this.found.push({
      kind,
      element,
      field: path.join(" / "),
      ...(was === undefined || hidden ? {} : { before: was }),
      ...(is === undefined || hidden ? {} : { after: is }),
    });
  }

  /** A value in words; undefined for what is not shown. */
  #words(node: PackageNode): string | undefined {
    const { field } = node;
    const inner = field === undefined ? undefined : innerFields(field);
    if (inner !== undefined) return `${node.value.length} octets`;
    if (this.#reveal) return valueWords(node);
    return field === undefined || field.secret || this.#broken || isOversized(node) ? undefined : valueWords(node);
  }

  #genericFiles(element: string, before: ProfileElement, after: ProfileElement): void {
    const others = genericFilesByName(after);
    for (const [name, file] of genericFilesByName(before)) {
      const other = others.get(name);
      others.delete(name);
      if (other === undefined) this.found.push({ kind: "removed", element, field: name });
      else this.#genericFile(element, name, file, other);
    }
    for (const name of others.keys()) this.found.push({ kind: "added", element, field: name });
  }

  #genericFile(element: string, name: string, before: GenericFile, after: GenericFile): void {
    if (before.fcp !== undefined && after.fcp !== undefined) this.#children(element, [name], before.fcp, after.fcp);
    if (equalBytes(before.commands, after.commands)) return;
    const shown = this.#reveal || (!this.#broken && before.isPublic && after.isPublic);
    this.found.push({
      kind: "changed",
      element,
      field: `${name} / ${fileName}`,
      ...(shown ? { before: before.content, after: after.content } : {}),
    });
  }
}

/** Nodes by their names; those of one name are numbered. */
function keyed(nodes: readonly PackageNode[]): Map<string, PackageNode> {
  const found = new Map<string, PackageNode>();
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const name = nodeName(node);
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    found.set(count === 1 ? name : `${name} (${count})`, node);
  }
  return found;
}
