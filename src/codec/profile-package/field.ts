/** How the value of a field is displayed, where its type alone does not say it. */
type Meaning =
  | "aid"
  | "algorithm"
  | "file-identifier"
  | "hex-number"
  | "iccid"
  | "path"
  | "pin-reference"
  | "puk-reference"
  | "tar"
  | "template"
  | "tries";

/** Type of a field. Sizes count octets, bounds of integers their values, bounds of lists their entries. */
type FieldType =
  | { readonly is: "octets"; readonly min: number; readonly max: number }
  | { readonly is: "text"; readonly min: number; readonly max: number }
  | { readonly is: "integer"; readonly max: number }
  | { readonly is: "oid" }
  | { readonly is: "null" }
  /** Its fields in their order. */
  | { readonly is: "sequence"; readonly fields: readonly Field[] }
  /** Exactly one of the fields. */
  | { readonly is: "choice"; readonly fields: readonly Field[] }
  /** Any number of entries, each one of the fields. */
  | { readonly is: "list"; readonly fields: readonly Field[]; readonly min: number };

/** A field of a profile element as the ASN.1 of the format defines it. */
export interface Field {
  readonly tag: number;
  /** Its identifier in the ASN.1; `header` for the PEHeader of every element. */
  readonly id: string;
  /** Its name for display. */
  readonly name: string;
  readonly type: FieldType;
  readonly optional: boolean;
  /** Its value is a key, a PIN or may contain one. */
  readonly secret: boolean;
  readonly meaning?: Meaning;
  /** The fields of an entry of a list that tell it from the others. */
  readonly keys?: readonly string[];
  /** Octets of a usual value at most: a longer one may be something else, and is not displayed. */
  readonly usual: number;
}

interface Options {
  /** Shown name; the identifier if absent. */
  readonly name?: string;
  readonly optional?: boolean;
  readonly secret?: boolean;
  readonly meaning?: Meaning;
  readonly keys?: readonly string[];
  readonly usual?: number;
}

function field(tag: number, id: string, type: FieldType, options: Options): Field {
  const { name = id, optional = false, secret = false, meaning, keys, usual = usualOctets(type) } = options;
  return {
    tag,
    id,
    name,
    type,
    optional,
    secret,
    usual,
    ...(meaning === undefined ? {} : { meaning }),
    ...(keys === undefined ? {} : { keys }),
  };
}

/** Octets of a plain value of a type, at most. */
function usualOctets(type: FieldType): number {
  switch (type.is) {
    case "octets":
      return type.max;
    // An ASCII text; others are longer than their bound, which counts characters.
    case "text":
      return type.max;
    case "integer":
      return 3;
    case "oid":
      return 16;
    case "null":
      return 0;
    default:
      return maxOctets;
  }
}

/** Octets that a length field of three octets can count. */
export const maxOctets = 0xffffff;

/** Octets of a number of sizes: one size, or the lowest and the highest. */
export function octets(
  tag: number,
  id: string,
  size: number | readonly [number, number],
  options: Options = {},
): Field {
  const [min, max] = typeof size === "number" ? [size, size] : size;
  return field(tag, id, { is: "octets", min, max }, options);
}

/** Text in UTF-8 of `min` to `max` characters. */
export function text(tag: number, id: string, min: number, max: number, options: Options = {}): Field {
  return field(tag, id, { is: "text", min, max }, options);
}

/** An unsigned number. */
export function integer(tag: number, id: string, max: number, options: Options = {}): Field {
  return field(tag, id, { is: "integer", max }, options);
}

/** An object identifier. */
export function oid(tag: number, id: string, options: Options = {}): Field {
  return field(tag, id, { is: "oid" }, options);
}

/** A field that only stands there or not. */
export function mark(tag: number, id: string, options: Options = {}): Field {
  return field(tag, id, { is: "null" }, { optional: true, ...options });
}

/** Fields in an order. */
export function sequence(tag: number, id: string, fields: readonly Field[], options: Options = {}): Field {
  return field(tag, id, { is: "sequence", fields }, options);
}

/** One of the fields. */
export function choice(tag: number, id: string, fields: readonly Field[], options: Options = {}): Field {
  return field(tag, id, { is: "choice", fields }, options);
}

/** At least `min` entries, each one of the fields. */
export function list(tag: number, id: string, fields: readonly Field[], min: number, options: Options = {}): Field {
  return field(tag, id, { is: "list", fields, min }, options);
}

/** Fields inside a field; none for a plain value. */
export function innerFields({ type }: Field): readonly Field[] | undefined {
  return type.is === "sequence" || type.is === "choice" || type.is === "list" ? type.fields : undefined;
}

/** Index of the next field of this tag behind the one before; where there is none, of the first with the tag, or -1. */
export function fieldIndex(fields: readonly Field[], tag: number, after: number): number {
  const next = fields.findIndex((field, index) => index > after && field.tag === tag);
  return next >= 0 ? next : fields.findIndex((field) => field.tag === tag);
}

/** Tag of the field at `index` of a type with automatic tags. ITU-T X.680 §25.3 */
export function automaticTag(index: number, constructed: boolean): number {
  const form = constructed ? 0xa0 : 0x80;
  if (index < 31) return form + index;
  return ((form | 0x1f) << 8) | index;
}

/** AID: 5 to 16 octets. ISO/IEC 7816-5 */
export function aid(tag: number, id: string, options: Options = {}): Field {
  return octets(tag, id, [5, 16], { meaning: "aid", ...options });
}

/** PEHeader, the first field of every element but the profile header. eUICC Profile Package §8.1.2 */
export const elementHeader: Field = sequence(
  0xa0,
  "header",
  [mark(0x80, "mandated"), integer(0x81, "identification", 0x7fff)],
  { name: "element header" },
);
