import { Option } from "commander";
import { z } from "zod";
import type { Es5Call } from "../../codec/euicc/es5/record.ts";
import { wholeNumber } from "./number-flag.ts";

/** A parameter of an ES5 function as an option of its command. */
export interface Es5Option {
  readonly name: string;
  readonly option: Option;
  /** The parameter for the option's value. @throws api.usage */
  readonly read: (value: unknown) => unknown;
}

/** The options of a function's command, from the description of its parameters. */
export function es5Options({ params, options }: Pick<Es5Call<unknown>, "params" | "options">): readonly Es5Option[] {
  const { without = [], values = {}, items = {} } = options === undefined || options === false ? {} : options;
  const { properties = {}, required = [] } = z.toJSONSchema(params, { io: "input" });
  return Object.entries(properties).flatMap(([name, shape]) => {
    if (without.includes(name) || typeof shape === "boolean") return [];
    const value = shape.type === "boolean" ? "" : ` <${values[name] ?? placeholder(shape)}>`;
    const option = new Option(`--${kebab(name)}${value}`, lowerFirst(shape.description ?? ""));
    if (shape.type === "integer") option.argParser(wholeNumber);
    option.makeOptionMandatory(required.includes(name));
    const item = items[name] ?? ((text: string) => text);
    const read = shape.type === "array" ? (list: unknown) => String(list).split(",").map(item) : same;
    return [{ name, option, read }];
  });
}

/** The parameters from the options of a command. */
export function es5Values(
  options: readonly Es5Option[],
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { name, read } of options) if (given[name] !== undefined) values[name] = read(given[name]);
  return values;
}

const same = (value: unknown) => value;

/** Placeholder of an option's value by the form of its parameter. */
function placeholder({ type, pattern, maxLength }: z.core.JSONSchema.BaseSchema): string {
  if (type === "integer") return "n";
  if (type === "array") return "list";
  if (pattern?.includes("{5,16}")) return "aid";
  if (pattern !== undefined) return "hex";
  return maxLength === undefined ? "text" : "iccid";
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Option texts begin in lower case, unless with an abbreviation. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? `${text.charAt(0).toLowerCase()}${text.slice(1)}` : text;
}
