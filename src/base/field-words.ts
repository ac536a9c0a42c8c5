import { z } from "zod";
import { nearest } from "./nearest.ts";

const types: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
  map: "an object",
  null: "null",
  undefined: "absent",
  never: "absent",
};

const formats: Readonly<Record<string, string>> = {
  url: "a URL",
  email: "an e-mail address",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
  datetime: "a date and time such as 2026-01-31T12:00:00Z",
  date: "a date such as 2026-01-31",
};

/** Checks a value by its shape; messages are those of {@link fieldWords}. */
export function checked<S extends z.ZodType>(shape: S, value: unknown): z.ZodSafeParseResult<z.output<S>> {
  return shape.safeParse(value, { error: fieldWords });
}

/** Message for a wrong value whose shape has none of its own: what the value must be. */
function fieldWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is required" : typeWords(issue);
    case "invalid_value":
      return valueWords(issue.values, issue.input);
    case "too_small":
    case "too_big":
      return sizeWords(issue);
    case "invalid_format":
      return `must be ${formats[issue.format] ?? "of another form"}`;
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
      return unknownWords(issue);
    case "invalid_union":
      return unionWords(issue);
    default:
      return "is not valid";
  }
}

function typeWords({ expected, input }: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidType>): string {
  const words = `must be ${types[expected] ?? expected}`;
  return expected === "string" && typeof input === "number" ? `${words}: put the number in quotes` : words;
}

/** Callers add the name of the field, as part of the path. */
function unknownWords({ keys, inst }: z.core.$ZodRawIssue<z.core.$ZodIssueUnrecognizedKeys>): string {
  return noSuchField(keys[0] ?? "", knownFields(inst, []));
}

/** Message for a field that is not one of `known`, without its own name. */
export function noSuchField(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return `unknown field${near === undefined ? "" : `; did you mean '${near}'?`}`;
}

/** The fields that an object at this path may have; none when the schema leads to no object there. */
export function knownFields(schema: unknown, path: readonly PropertyKey[]): readonly string[] {
  let at = unwrapped(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = unwrapped(at.shape[String(step)]);
    else if (at instanceof z.ZodArray) at = unwrapped(at.element);
    else if (at instanceof z.ZodRecord) at = unwrapped(at.valueType);
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** A schema without its default and optional wrappers. */
function unwrapped(schema: unknown): unknown {
  let inner = schema;
  while (inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional || inner instanceof z.ZodDefault)
    inner = inner.unwrap();
  return inner;
}

function valueWords(values: readonly unknown[], input: unknown): string {
  if (input === undefined) return "is required";
  const names = values.map(String);
  if (names.length === 1) return `must be ${names[0]}`;
  const near = typeof input === "string" ? nearest(input, names) : undefined;
  return `must be one of ${names.join(", ")}${near === undefined ? "" : `; did you mean '${near}'?`}`;
}

function sizeWords(issue: z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig>): string {
  const small = issue.code === "too_small";
  const limit = Number(small ? issue.minimum : issue.maximum);
  const unit = { string: "character", array: "entr", set: "entr", map: "entr" }[String(issue.origin)];
  if (unit === undefined) {
    if (issue.inclusive === false) return `must be ${small ? "more" : "less"} than ${limit}`;
    return `must be ${limit} or ${small ? "more" : "less"}`;
  }
  if (small && limit === 1) return "must not be empty";
  const units = unit === "entr" ? (limit === 1 ? "entry" : "entries") : limit === 1 ? unit : `${unit}s`;
  return `must have at ${small ? "least" : "most"} ${limit} ${units}`;
}

function unionWords(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion>): string {
  if (issue.input === undefined) return "is required";
  const { options } = issue;
  if (Array.isArray(options)) return `must be one of ${options.map(String).join(", ")}`;
  const expected = issue.errors.flatMap((option) => {
    const [first, ...others] = option;
    if (first === undefined || others.length > 0 || first.path.length > 0) return [];
    return [first.message.replace(/^must be (one of )?/, "")];
  });
  return expected.length === 0 ? "has none of the allowed forms" : `must be ${[...new Set(expected)].join(", or ")}`;
}
