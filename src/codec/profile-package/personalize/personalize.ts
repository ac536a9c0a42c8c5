import { codecError } from "../../../base/gateway-error.ts";
import { checkProfile } from "../check/check-package.ts";
import type { Finding } from "../check/finding.ts";
import { type ProfilePackage, readProfilePackage } from "../element.ts";
import { rewritten } from "../rewrite.ts";
import { Edits } from "./edits.ts";
import { type OpcOf, setCode, setDomainKey, setKey, setOperatorVariant } from "./set-codes.ts";
import {
  type PackageValue,
  setAccessClass,
  setIccid,
  setImsi,
  setMsisdn,
  setServiceCentre,
  setServiceProvider,
} from "./set-files.ts";
import { setHeader } from "./set-header.ts";
import { parseValueName, type ValueTarget } from "./value-name.ts";

/**
 * Values of one profile by their names ({@link parseValueName}), as text: numbers and codes in digits, keys in hexadecimal.
 * docs/profile-packages.md lists the names.
 */
export type PackageValues = Readonly<Record<string, string>>;

interface Question extends PackageValue {
  readonly target: ValueTarget;
}

/**
 * Makes packages of one template: reads and checks it once. The function that it returns gives the octets of the template
 * with the values of one profile in place of its own; everything else stays as it is.
 * @throws codec.* for octets that are not a package; and then for values, with `field` and the offset in the package.
 * Values are never part of a message.
 */
export function packageTemplate(octets: Uint8Array, opcOf: OpcOf): (values: PackageValues) => Uint8Array {
  const profile = readProfilePackage(octets);
  const former = new Set(refusalsOf(profile).map(({ element, message }) => `${element} ${message}`));
  return (values) => {
    const made = withValues(profile, values, opcOf);
    const refused = refusalsOf(readProfilePackage(made)).find(
      ({ element, message }) => !former.has(`${element} ${message}`),
    );
    if (refused === undefined) return made;
    const place = `element ${refused.element ?? "?"} (${refused.type ?? "?"}), offset ${refused.offset}`;
    throw codecError("codec.value", `a card would refuse the package: ${place}: ${refused.message}`, refused.offset);
  };
}

function refusalsOf(profile: ProfilePackage): readonly Finding[] {
  return checkProfile(profile).filter(({ severity }) => severity === "refused");
}

function withValues(profile: ProfilePackage, values: PackageValues, opcOf: OpcOf): Uint8Array {
  const asked = Object.entries(values).map(([name, text]): Question => {
    const { target, position } = parseValueName(name);
    return { name, text, target, position };
  });
  const edits = new Edits();
  for (const one of asked) setValue(edits, profile, one, asked, opcOf);
  return rewritten(profile, edits.replacements);
}

function setValue(
  edits: Edits,
  profile: ProfilePackage,
  value: Question,
  all: readonly Question[],
  opcOf: OpcOf,
): void {
  const { target } = value;
  switch (target.set) {
    case "iccid":
      setIccid(edits, profile, value);
      break;
    case "imsi":
      setImsi(edits, profile, value, !all.some((one) => one.target.set === "acc"));
      break;
    case "acc":
      setAccessClass(edits, profile, value);
      break;
    case "k":
      setKey(edits, profile, value, "key");
      break;
    case "opc":
      setKey(edits, profile, value, "opc");
      break;
    case "op":
      setOperatorVariant(edits, profile, value, keyFor(value, all), opcOf);
      break;
    case "smsc":
      setServiceCentre(edits, profile, value);
      break;
    case "msisdn":
      setMsisdn(edits, profile, value);
      break;
    case "spn":
      setServiceProvider(edits, profile, value);
      break;
    case "pin":
    case "puk":
      setCode(edits, profile, value, target.set, target.reference);
      break;
    case "domain-key":
      setDomainKey(edits, profile, value, target);
      break;
    default:
      setHeader(edits, profile, value, target.set);
      break;
  }
}

/** The K of the same element, or of all. */
function keyFor({ position }: Question, all: readonly Question[]): Question | undefined {
  const keys = all.filter(({ target }) => target.set === "k");
  return keys.find((one) => one.position === position) ?? keys.find((one) => one.position === undefined);
}
