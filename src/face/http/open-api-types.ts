import { z } from "zod";
import { withoutUndefined } from "../../base/defined.ts";
import { es5Functions } from "../../codec/euicc/es5/functions.ts";
import { type EventEntry, eventCatalogue } from "../../gateway/model/event-catalogue.ts";

type Json = Record<string, unknown>;

/** Adds the parameters of each ES5 function and the data of each event to the schemas of the document. */
export function addTypedParts(schemas: Json): void {
  addEs5Functions(schemas);
  addEvents(schemas);
}

/** Each ES5 function as a separate schema, distinguished by `function`. SGP.02 §4.1.1, §4.1.3 */
function addEs5Functions(schemas: Json): void {
  const work = record(schemas.WorkInput);
  const kinds: unknown[] = [work.oneOf, work.anyOf].find(Array.isArray) ?? [];
  const es5 = kinds.find((kind) => kindOf(kind) === "es5");
  if (!isRecord(es5)) return;
  const mapping: Record<string, string> = {};
  for (const { name, clause, call } of es5Functions) {
    if (call === undefined) continue;
    const params = schemaOf(call.params, "input", schemas);
    const needed = Array.isArray(params.required) && params.required.length > 0;
    const title = `Es5${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    schemas[title] = {
      type: "object",
      description: `${call.does} (${clause})`,
      properties: { kind: { const: "es5" }, function: { const: name }, params },
      required: ["kind", "function", ...(needed ? ["params"] : [])],
      additionalProperties: false,
    };
    mapping[name] = `#/components/schemas/${title}`;
  }
  const { description } = es5;
  schemas.Es5Work = { ...withoutUndefined({ description }), ...oneOf("function", mapping) };
  kinds.splice(kinds.indexOf(es5), 1, { $ref: "#/components/schemas/Es5Work" });
  // Removed: the variants differ by `function` within one kind, so a discriminator by `kind` alone would be ambiguous.
  delete work.discriminator;
}

/** Each event type with its data, distinguished by `type`. */
function addEvents(schemas: Json): void {
  const { properties, required, description } = record(schemas.Event);
  const catalogue: Readonly<Record<string, EventEntry>> = eventCatalogue;
  const mapping: Record<string, string> = {};
  for (const [type, { text, clause, data }] of Object.entries(catalogue)) {
    const title = `Event.${type}`;
    schemas[title] = {
      type: "object",
      description: clause === undefined ? text : `${text} (${clause})`,
      properties: {
        ...record(properties),
        type: { const: type },
        data: schemaOf(data, "output", schemas),
      },
      required,
      additionalProperties: true,
    };
    mapping[type] = `#/components/schemas/${title}`;
  }
  schemas.Event = { description, ...oneOf("type", mapping) };
}

function oneOf(propertyName: string, mapping: Readonly<Record<string, string>>): Json {
  return { oneOf: Object.values(mapping).map(($ref) => ({ $ref })), discriminator: { propertyName, mapping } };
}

/** The schema of a shape; the named shapes inside it become schemas of the document. */
export function schemaOf(shape: z.ZodType, io: "input" | "output", schemas: Json): Json {
  const text = JSON.stringify(z.toJSONSchema(shape, { io }));
  const { $schema: _, $defs, ...schema } = record(JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/')));
  for (const [name, inner] of Object.entries(record($defs))) schemas[name] ??= inner;
  return schema;
}

function kindOf(schema: unknown): unknown {
  return record(record(record(schema).properties).kind).const;
}

function record(value: unknown): Json {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
