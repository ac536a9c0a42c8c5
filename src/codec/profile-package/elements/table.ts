import { automaticTag, elementHeader, type Field, sequence } from "../field.ts";
import { application, nonStandard, rfm, securityDomain } from "./applications.ts";
import { akaParameter, cdmaParameter, pinCodes, pukCodes } from "./codes.ts";
import { fileManagement, type TemplateElement, templateFields } from "./files.ts";
import { profileHeader } from "./header.ts";

/** Elements that make files from a template, in the order of their tags from B0 on. */
const templateElements = [
  ...(["mf", "cd", "telecom", "usim", "opt-usim", "isim", "opt-isim", "phonebook", "gsm-access"] as const),
  ...(["csim", "opt-csim", "eap", "df-5gs", "df-saip", "df-snpn", "df-5gprose", "iot", "opt-iot"] as const),
] satisfies readonly TemplateElement[];

/** The others, from A0 on; what is reserved is known by its header alone. */
const otherElements = [
  ["header", profileHeader],
  ["genericFileManagement", fileManagement],
  ["pinCodes", pinCodes],
  ["pukCodes", pukCodes],
  ["akaParameter", akaParameter],
  ["cdmaParameter", cdmaParameter],
  ["securityDomain", securityDomain],
  ["rfm", rfm],
  ["application", application],
  ["nonStandard", nonStandard],
  ["end", [elementHeader]],
  ["rfu1", [elementHeader]],
  ["rfu2", [elementHeader]],
  ["rfu3", [elementHeader]],
  ["rfu4", [elementHeader]],
  ["rfu5", [elementHeader]],
] as const satisfies readonly (readonly [string, readonly Field[]])[];

/** Type of a profile element. eUICC Profile Package §8.1 */
export type ElementType = (typeof otherElements)[number][0] | TemplateElement;

/** An element as a field of the package. */
interface ElementField extends Field {
  readonly id: ElementType;
}

function elementField(id: ElementType, fields: readonly Field[], index: number): ElementField {
  return { ...sequence(automaticTag(index, true), id, fields), id };
}

/** Every profile element by its tag: a choice with automatic tags. eUICC Profile Package §8.1, versions 2.0 to 3.3.1 */
export const elementFields: ReadonlyMap<number, ElementField> = new Map(
  [
    ...otherElements.map(([type, fields], index) => elementField(type, fields, index)),
    ...templateElements.map((type, index) => elementField(type, templateFields(type), otherElements.length + index)),
  ].map((field) => [field.tag, field]),
);

/** Whether an element makes files from a template. */
export function isTemplateElement(type: string): type is TemplateElement {
  return templateElements.some((one) => one === type);
}
