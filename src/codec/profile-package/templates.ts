import type { TemplateElement } from "./elements/files.ts";

/** Root of the file system templates. eUICC Profile Package §9 */
const root = "2.23.143.1.2.";

/** Elements by the number of their template, with the revisions of it that exist; the first has no number of its own. */
const templates: readonly (readonly [TemplateElement, number])[] = [
  ["mf", 1],
  ["cd", 1],
  ["telecom", 2],
  ["usim", 2],
  ["opt-usim", 3],
  ["phonebook", 1],
  ["gsm-access", 1],
  ["isim", 1],
  ["opt-isim", 2],
  ["csim", 2],
  ["opt-csim", 2],
  ["eap", 1],
  ["df-5gs", 4],
  ["df-saip", 1],
  ["df-snpn", 1],
  ["df-5gprose", 1],
  ["iot", 1],
  ["opt-iot", 1],
];

/** A template by its object identifier. */
interface Template {
  readonly element: TemplateElement;
  readonly revision: number;
}

const byOid: ReadonlyMap<string, Template> = new Map(
  templates.flatMap(([element, revisions], index) =>
    Array.from({ length: revisions }, (_, earlier): [string, Template] => [
      `${root}${index + 1}${earlier === 0 ? "" : `.${earlier + 1}`}`,
      { element, revision: earlier + 1 },
    ]),
  ),
);

/** The template of an object identifier; undefined for one that no version up to 3.3.1 has. eUICC Profile Package §9 */
export function templateByOid(oid: string): Template | undefined {
  return byOid.get(oid);
}

/** What an object identifier of a template stands for: `usim, revision 2`; undefined for an unknown one. */
export function templateName(oid: string): string | undefined {
  const found = byOid.get(oid);
  if (found === undefined) return undefined;
  return found.revision === 1 ? found.element : `${found.element}, revision ${found.revision}`;
}
