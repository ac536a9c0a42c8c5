import { toHex } from "../../../base/hex.ts";
import { peStatus } from "../../euicc/euicc-response.ts";
import { childOf, numberIn, type PackageNode, type ProfileElement, type ProfilePackage } from "../element.ts";
import { elementsOf } from "../facts.ts";
import { filesOf } from "../package-files.ts";
import { algorithmName } from "../words.ts";
import { type Finding, findingAt } from "./finding.ts";

/** Octets of K and OPc or TOPc by algorithm; any for the test algorithm's OPc. eUICC Profile Package §8.4.2 */
const lengths: Readonly<
  Record<number, { readonly key: readonly number[]; readonly opc: readonly number[] | undefined }>
> = {
  1: { key: [16], opc: [16] },
  2: { key: [16, 32], opc: [32] },
  3: { key: [16], opc: undefined },
};

/** Greatest sequence number. eUICC Profile Package §8.4.2 */
const maxSqn = 0x07_ff_ff_ff_ff_ff;

/** Algorithms, their keys and sequence numbers. eUICC Profile Package §8.4.2 */
export function checkAuthentication(profile: ProfilePackage): readonly Finding[] {
  const created = applicationAids(profile);
  return elementsOf(profile, "akaParameter").flatMap((element) => [
    ...algorithmFindings(element),
    ...mappingFindings(element, created),
    ...sequenceFindings(element),
  ]);
}

function algorithmFindings(element: ProfileElement): readonly Finding[] {
  const algorithm = childOf(element, "algoConfiguration", "algoParameter");
  const id = numberIn(childOf(algorithm, "algorithmID"));
  if (algorithm === undefined || id === undefined) return [];
  const expected = lengths[id];
  if (expected === undefined) {
    const node = childOf(algorithm, "algorithmID");
    return [findingAt(element, "refused", peStatus.featureNotSupported, `algorithm ${id} is unknown`, node)];
  }
  const name = algorithmName(id) ?? "";
  return [
    ...lengthFindings(element, childOf(algorithm, "key"), `the key of ${name}`, expected.key),
    ...lengthFindings(element, childOf(algorithm, "opc"), `OPc or TOPc of ${name}`, expected.opc),
  ];
}

function lengthFindings(
  element: ProfileElement,
  node: PackageNode | undefined,
  what: string,
  allowed: readonly number[] | undefined,
): readonly Finding[] {
  if (node === undefined || allowed === undefined || allowed.includes(node.value.length)) return [];
  const message = `${what} must have ${allowed.join(" or ")} octets, not ${node.value.length}`;
  return [findingAt(element, "refused", peStatus.badValues, message, node)];
}

/** AIDs of the applications that a package creates, by position of the element. */
export function applicationAids({ elements }: ProfilePackage): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const element of elements) {
    for (const { fcp } of filesOf(element)) {
      const aid = childOf(fcp, "dfName");
      if (aid !== undefined && !found.has(toHex(aid.value))) found.set(toHex(aid.value), element.position);
    }
  }
  return found;
}

function mappingFindings(element: ProfileElement, created: ReadonlyMap<string, number>): readonly Finding[] {
  const source = childOf(element, "algoConfiguration", "mappingParameter", "mappingSource");
  if (source === undefined) return [];
  const position = created.get(toHex(source.value));
  if (position !== undefined && position < element.position) return [];
  const message = "no application of this AID stands before the mapping to it";
  return [findingAt(element, "may be refused", peStatus.badValues, message, source)];
}

function sequenceFindings(element: ProfileElement): readonly Finding[] {
  const found: Finding[] = [];
  const initial = childOf(element, "sqnInit");
  if (initial !== undefined && initial.children.length !== 32) {
    const message = `there are ${initial.children.length} initial SQNs, not 32`;
    found.push(findingAt(element, "refused", peStatus.badValues, message, initial));
  }
  const numbers = [childOf(element, "sqnDelta"), childOf(element, "sqnAgeLimit"), ...(initial?.children ?? [])];
  for (const node of numbers) {
    if (node === undefined || (numberIn(node) ?? 0) <= maxSqn) continue;
    const message = `${node.field?.name ?? "SQN"} is greater than 07FFFFFFFFFF`;
    found.push(findingAt(element, "may be refused", peStatus.badValues, message, node));
  }
  return found;
}
