import { toHex } from "../../../base/hex.ts";
import { peStatus } from "../../euicc/euicc-response.ts";
import {
  childOf,
  childrenOf,
  numberIn,
  type PackageNode,
  type ProfileElement,
  type ProfilePackage,
} from "../element.ts";
import { filesOf } from "../package-files.ts";
import { codeName, isGlobalPin, isPinReference, isPukReference, triesOf } from "../words.ts";
import { type Finding, findingAt, findingOf } from "./finding.ts";

/** A PIN or PUK with its element. */
interface Code {
  readonly element: ProfileElement;
  readonly node: PackageNode;
  readonly reference: number;
}

/** PINs, PUKs and the folders that they are for. eUICC Profile Package §8.5 */
export function checkCodes(profile: ProfilePackage): readonly Finding[] {
  const pins = profile.elements.flatMap((element) =>
    codesIn(element, childrenOf(childOf(element, "pinCodes", "pinconfig"), "PIN")),
  );
  const puks = profile.elements.flatMap((element) => codesIn(element, childrenOf(childOf(element, "pukCodes"), "PUK")));
  const folders = foldersBefore(profile);
  return [
    ...pins.flatMap((pin) => [
      ...codeFindings(pin, "PIN"),
      ...unblockingFindings(pin, puks),
      ...scopeFindings(pin, folders[pin.element.position]),
    ]),
    ...puks.flatMap((puk) => codeFindings(puk, "PUK")),
    ...repeatedCodes(pins),
    ...repeatedCodes(puks),
    ...pinsWithoutFolder(profile),
    ...templateReferences(profile, new Set(pins.map(({ reference }) => reference))),
  ];
}

function codesIn(element: ProfileElement, nodes: readonly PackageNode[]): readonly Code[] {
  return nodes.flatMap((node) => {
    const reference = numberIn(childOf(node, "keyReference"));
    return reference === undefined ? [] : [{ element, node, reference }];
  });
}

function codeFindings({ element, node, reference }: Code, kind: "PIN" | "PUK"): readonly Finding[] {
  const found: Finding[] = [];
  if (!(kind === "PIN" ? isPinReference(reference) : isPukReference(reference))) {
    const message = `${reference} is not a reference of a ${kind}`;
    found.push(findingAt(element, "refused", peStatus.badValues, message, childOf(node, "keyReference")));
  }
  const triesNode = childOf(node, "maxNumOfAttemps-retryNumLeft");
  const tries = numberIn(triesNode);
  if (tries !== undefined && (triesOf(tries).left > triesOf(tries).max || triesOf(tries).max === 0)) {
    const { left, max } = triesOf(tries);
    found.push(findingAt(element, "may be refused", peStatus.badValues, `${left} tries left of ${max}`, triesNode));
  }
  const value = childOf(node, kind === "PIN" ? "pinValue" : "pukValue");
  if (kind === "PIN" && value?.value.length === 8 && isPukReference(reference) && !isPin(value.value)) {
    const message = "the PIN is not four to eight digits, filled up with FF";
    found.push(findingAt(element, "odd", undefined, message, value));
  }
  return found;
}

/** ETSI TS 102 221 §9.5.1 */
function isPin(octets: Uint8Array): boolean {
  return /^(3\d){4,8}(FF)*$/.test(toHex(octets));
}

function unblockingFindings({ element, node }: Code, puks: readonly Code[]): readonly Finding[] {
  const field = childOf(node, "unblockingPINReference");
  const reference = numberIn(field);
  if (reference === undefined) return [];
  const named = puks.filter((puk) => puk.reference === reference);
  if (named.length === 0) {
    const message = `the package has no ${codeName("PUK", reference)}, which this PIN names`;
    return [findingAt(element, "refused", peStatus.badValues, message, field)];
  }
  if (named.some((puk) => puk.element.position < element.position)) return [];
  const message = `${codeName("PUK", reference)} stands behind the PIN that names it`;
  return [findingAt(element, "may be refused", peStatus.badValues, message, field)];
}

/** Elements whose first folder the PINs behind them belong to. eUICC Profile Package §8.5.1 */
const folderTypes: ReadonlySet<string> = new Set(["mf", "telecom", "cd", "usim", "isim", "csim", "iot"]);

/** For each element, the type of the last one before it that makes a folder. */
function foldersBefore({ elements }: ProfilePackage): readonly (ProfileElement["type"] | undefined)[] {
  let last: ProfileElement["type"] | undefined;
  return elements.map((element) => {
    const before = last;
    if (folderTypes.has(element.type) || filesOf(element).some(({ isFolder }) => isFolder)) last = element.type;
    return before;
  });
}

/** Global PINs belong to the MF, local ones to an application or folder. */
function scopeFindings({ element, node, reference }: Code, folder: string | undefined): readonly Finding[] {
  if (folder === undefined || folder === "genericFileManagement" || folder === "iot") return [];
  const inMf = folder === "mf";
  if (inMf === isGlobalPin(reference)) return [];
  const field = childOf(node, "keyReference");
  const message = inMf
    ? `${codeName("PIN", reference)} is local, and the PINs here are those of the MF`
    : `${codeName("PIN", reference)} is global, and the PINs here are those of ${folder}`;
  return [findingAt(element, "may be refused", peStatus.badValues, message, field)];
}

function repeatedCodes(codes: readonly Code[]): readonly Finding[] {
  const seen = new Set<string>();
  return codes.flatMap(({ element, node, reference }) => {
    const key = `${element.position}/${reference}`;
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [findingAt(element, "refused", peStatus.badValues, `reference ${reference} stands there twice`, node)];
  });
}

/** PINs need a folder before them, and a profile needs PINs. */
function pinsWithoutFolder({ elements, octets }: ProfilePackage): readonly Finding[] {
  const folder = elements.findIndex(
    ({ type }) => folderTypes.has(type) || type === "genericFileManagement" || type === "opt-iot",
  );
  const early = elements.filter(({ type, position }) => type === "pinCodes" && (folder < 0 || position < folder));
  const found = early.map((element) =>
    findingAt(element, "refused", peStatus.invalidFormat, "no folder stands before these PINs"),
  );
  const needsPins = elements.some(({ type }) => type === "usim" || type === "isim" || type === "csim");
  if (needsPins && !elements.some(({ type }) => type === "pinCodes")) {
    found.push(findingOf("may be refused", peStatus.pinCodeMissing, octets.length, "the package has no PINs"));
  }
  return found;
}

/** A PIN status template lists references of PINs that exist. eUICC Profile Package §8.1.3, §8.3.2 */
function templateReferences({ elements }: ProfilePackage, pins: ReadonlySet<number>): readonly Finding[] {
  const shares = elements.some((element) => childOf(element, "pinCodes", "filePath") !== undefined);
  if (pins.size === 0 || shares) return [];
  return elements.flatMap((element) =>
    filesOf(element).flatMap(({ fcp }) => {
      const node = childOf(fcp, "pinStatusTemplateDO");
      if (node === undefined) return [];
      const missing = [...new Set(node.value)].filter((reference) => isPinReference(reference) && !pins.has(reference));
      return missing.map((reference) => {
        const message = `the package has no ${codeName("PIN", reference)}, which a PIN status template names`;
        return findingAt(element, "may be refused", peStatus.pinCodeMissing, message, node);
      });
    }),
  );
}
