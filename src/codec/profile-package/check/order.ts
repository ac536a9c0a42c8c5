import { peStatus } from "../../euicc/euicc-response.ts";
import { childOf, type ProfileElement, type ProfilePackage } from "../element.ts";
import { elementsOf } from "../facts.ts";
import { filesOf } from "../package-files.ts";
import { type Finding, findingAt, findingOf } from "./finding.ts";

/** Elements that must stand behind another one, whose ADF they extend. eUICC Profile Package §8.1.3 */
const needed: readonly (readonly [ProfileElement["type"], ProfileElement["type"]])[] = [
  ["opt-usim", "usim"],
  ["phonebook", "usim"],
  ["gsm-access", "usim"],
  ["df-5gs", "usim"],
  ["df-saip", "usim"],
  ["df-snpn", "usim"],
  ["df-5gprose", "usim"],
  ["opt-isim", "isim"],
  ["opt-csim", "csim"],
  ["opt-iot", "iot"],
];

/** Elements that stand in a package once at most. */
const once: readonly ProfileElement["type"][] = ["mf", "iot", "pukCodes"];

const naaTypes: ReadonlySet<string> = new Set(["usim", "isim", "csim", "iot"]);
const elementsWithoutFiles: ReadonlySet<string> = new Set(["header", "pukCodes", "end", "nonStandard", "unknown"]);

/** Which elements stand in a package, and in which order. eUICC Profile Package §8.1.3 */
export function checkOrder(profile: ProfilePackage): readonly Finding[] {
  return [
    ...framework(profile),
    ...once.flatMap((type) => repeated(profile, type)),
    ...root(profile),
    ...extensions(profile),
    ...applications(profile),
    ...identifications(profile),
    ...unsupported(profile),
  ];
}

function framework(profile: ProfilePackage): readonly Finding[] {
  const { elements, octets, trailing } = profile;
  const [first] = elements;
  const found: Finding[] = [];
  if (first !== undefined && first.type !== "header") {
    found.push(findingAt(first, "refused", peStatus.invalidFormat, "the first element is not the profile header"));
  }
  for (const header of elementsOf(profile, "header").slice(1)) {
    found.push(findingAt(header, "refused", peStatus.invalidFormat, "a second profile header"));
  }
  if (elements.at(-1)?.type !== "end") {
    const message = "there is no end element: the card waits for more and installs nothing";
    found.push(findingOf("refused", undefined, octets.length, message));
  }
  if (trailing.length > 0) {
    const offset = octets.length - trailing.length;
    const isElement = (trailing[0] ?? 0) >= 0xa0 && (trailing[0] ?? 0) <= 0xbf && trailing.length > 2;
    found.push(
      isElement
        ? findingOf("may be refused", peStatus.invalidFormat, offset, "profile elements follow the end element")
        : findingOf("odd", undefined, offset, `octets follow the end element (${trailing.length}): do not send them`),
    );
  }
  return found;
}

function repeated(profile: ProfilePackage, type: ProfileElement["type"]): readonly Finding[] {
  return elementsOf(profile, type)
    .slice(1)
    .map((element) => {
      const severity = type === "pukCodes" ? "may be refused" : "refused";
      return findingAt(element, severity, peStatus.invalidFormat, `a second ${type} element`);
    });
}

/** The MF comes before everything that needs files: by its element, by a file management command, or by iot. */
function root({ elements }: ProfilePackage): readonly Finding[] {
  const first = elements.find(({ type }) => !elementsWithoutFiles.has(type));
  if (first === undefined) return [];
  if (first.type === "mf" || first.type === "iot") return [];
  if (first.type === "genericFileManagement" && filesOf(first)[0]?.identifier === 0x3f00) return [];
  const later = elements.some(({ type }) => type === "mf" || type === "iot");
  const message = later ? "this element stands before the MF" : "nothing creates the MF before this element";
  return [findingAt(first, "refused", peStatus.invalidFormat, message)];
}

function extensions({ elements }: ProfilePackage): readonly Finding[] {
  const found: Finding[] = [];
  for (const element of elements) {
    const base = needed.find(([type]) => type === element.type)?.[1];
    if (base === undefined) continue;
    const before = elements.slice(0, element.position);
    if (before.some(({ type }) => type === base)) continue;
    const message = `no ${base} element stands before this one`;
    const severity = before.some(makesAdf) ? "may be refused" : "refused";
    found.push(findingAt(element, severity, peStatus.invalidFormat, message));
  }
  return found;
}

/** Whether an element creates an ADF without a template of its own. */
function makesAdf(element: ProfileElement): boolean {
  return (
    element.type === "genericFileManagement" && filesOf(element).some(({ fcp }) => childOf(fcp, "dfName") !== undefined)
  );
}

/** A profile has a network application with its keys; parameters stand behind the application that they are for. */
function applications(profile: ProfilePackage): readonly Finding[] {
  const { elements, octets } = profile;
  const found: Finding[] = [];
  const naas = elements.filter((element) => naaTypes.has(element.type) || makesAdf(element));
  if (naas.length === 0 && elements.length > 1) {
    found.push(findingOf("may be refused", undefined, octets.length, "no element creates a USIM, ISIM or CSIM"));
  }
  for (const element of elements) {
    if (element.type !== "akaParameter" && element.type !== "cdmaParameter" && element.type !== "eap") continue;
    if (naas.some(({ position }) => position < element.position)) continue;
    const message = "no network application stands before this element";
    found.push(findingAt(element, "refused", peStatus.invalidFormat, message));
  }
  for (const [index, naa] of naas.entries()) {
    if (!naaTypes.has(naa.type) || naa.type === "csim") continue;
    const behind = elements.slice(naa.position + 1, naas[index + 1]?.position ?? elements.length);
    if (behind.some(({ type }) => type === "akaParameter")) continue;
    found.push(findingAt(naa, "odd", undefined, "no akaParameter follows: the application cannot authenticate"));
  }
  return found;
}

/** Cards take numbers that are not unique, but report an error by the number. */
function identifications({ elements }: ProfilePackage): readonly Finding[] {
  const seen = new Map<number, number>();
  const found: Finding[] = [];
  for (const element of elements) {
    const identification = element.header?.identification;
    if (identification === undefined) continue;
    const before = seen.get(identification);
    if (before === undefined) seen.set(identification, element.position + 1);
    else {
      const message = `identification ${identification} is also that of element ${before}`;
      found.push(findingAt(element, "odd", undefined, message));
    }
  }
  return found;
}

/** Elements that a card need not support. */
function unsupported({ elements }: ProfilePackage): readonly Finding[] {
  return elements.flatMap((element) => {
    const { type, header, tag } = element;
    const mandated = header?.mandated === true;
    if (type === "nonStandard" && mandated) {
      return [findingAt(element, "may be refused", peStatus.elementNotSupported, "a mandated element of one maker")];
    }
    if (type !== "unknown" && !type.startsWith("rfu")) return [];
    const name = `element ${tag.toString(16).toUpperCase()}`;
    return [
      mandated || header === undefined
        ? findingAt(element, "refused", peStatus.elementNotSupported, `${name} is unknown, and mandated`)
        : findingAt(element, "may be refused", peStatus.elementNotSupported, `${name} is unknown: a card may skip it`),
    ];
  });
}
