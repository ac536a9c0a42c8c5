import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { withoutUndefined } from "../../base/defined.ts";
import { scopes } from "../../gateway/model/api-token.ts";
import { problemExample, problemShape } from "../api/kit/error.ts";
import { placeExample } from "./open-api-examples.ts";
import { addTypedParts, schemaOf } from "./open-api-types.ts";
import { problemType } from "./problem.ts";

type Json = Record<string, unknown>;

const about = `The API of otagate, an OTA gateway for physical eUICCs (GSMA SGP.02).

Octets are hexadecimal, times are milliseconds since 1970. Lists are paged: send \`cursor\` of a page with the next
request; the last page has none. Every error is a problem document (RFC 9457): \`type\` is a stable code and \`detail\`
starts with the field in error. Over the network every request requires a token (\`Authorization: Bearer otg_…\`) or a
client certificate; \`x-scope\` of an operation is the scope that it requires. \`admin\` includes every scope, and every
scope includes \`read\`.`;

const tags = [
  { name: "targets", description: "eUICC and UICC targets with their EIS and key sets" },
  { name: "jobs", description: "Scripts for cards, and their results" },
  { name: "switches", description: "Profile switches, from acceptance by the card to confirmation" },
  { name: "campaigns", description: "One action on many targets" },
  { name: "downloads", description: "Downloads of profile packages" },
  { name: "links", description: "Readers, modems and SMSC accounts; raw access to cards" },
  { name: "sessions", description: "SCP81 administration sessions" },
  { name: "notifications", description: "Notifications of cards, and received short messages" },
  { name: "events", description: "The durable event log" },
  { name: "traces", description: "Traced frames" },
  { name: "upstreams", description: "Upstream SM-SRs: event delivery and dead letters" },
  { name: "access", description: "Tokens and the audit log" },
  { name: "store", description: "Show the size and retention of the store" },
  { name: "health", description: "The daemon itself" },
];

/** Settings for creating the document from the routes. */
export function openApiSettings(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "otagate",
        version,
        description: about,
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/", description: "this daemon" }],
      tags,
      components: {
        securitySchemes: {
          token: { type: "http", scheme: "bearer", description: `A token with one of the scopes ${scopes.join(", ")}` },
        },
      },
    },
    transform: (document) => {
      const made = jsonSchemaTransform(document);
      const { scope = "admin", mediaType, example } = document.route.config ?? {};
      const schema: Json = { ...made.schema, "x-scope": scope, "x-example": example };
      if (mediaType !== undefined) schema.response = { ...record(schema.response), 200: answerOf(mediaType, schema) };
      return { ...made, schema };
    },
    transformObject: jsonSchemaTransformObject,
  };
}

/** The OpenAPI 3.1 document of the API. */
export function openApiDocument(app: FastifyInstance): Json {
  const document = record(JSON.parse(JSON.stringify(app.swagger())));
  const components = record(document.components);
  for (const path of Object.values(record(document.paths))) {
    for (const operation of Object.values(record(path))) {
      const made = record(operation);
      made.security = made["x-scope"] === "public" ? [] : [{ token: [] }, { certificate: [] }];
      shareProblems(made);
      loosenBody(made);
      placeExample(made);
    }
  }
  const schemas = record(components.schemas);
  const problem = {
    description: "The error",
    content: { [problemType]: { schema: ref("schemas", "Problem"), example: problemExample } },
  };
  components.responses = { Problem: problem };
  components.securitySchemes = {
    ...record(components.securitySchemes),
    certificate: { type: "mutualTLS", description: "A client certificate that the configuration grants scopes" },
  };
  schemas.Problem = schemaOf(problemShape, "output", schemas);
  components.schemas = schemas;
  document.components = components;
  addTypedParts(schemas);
  prune(document, schemas);
  openAnswers(document, schemas);
  tidy(document);
  components.schemas = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
  return document;
}

/** The answer of an operation that is not JSON. */
function answerOf(mediaType: string, schema: Json): Json {
  const { description, ...shape } = record(record(schema.response)[200]);
  return { ...withoutUndefined({ description }), content: { [mediaType]: { schema: shape } } };
}

function shareProblems(operation: Json): void {
  const answers = record(operation.responses);
  for (const status of Object.keys(answers)) if (/^[45]/.test(status)) delete answers[status];
  answers["4XX"] = ref("responses", "Problem");
  answers["5XX"] = ref("responses", "Problem");
  for (const answer of Object.values(answers)) {
    const shown = record(answer);
    if (shown.description === "Default Response") shown.description = String(operation.summary ?? "Done");
  }
  operation.responses = answers;
}

/** A body that may be null is optional. */
function loosenBody(operation: Json): void {
  const body = record(operation.requestBody);
  for (const content of Object.values(record(body.content))) {
    const holder = record(content);
    const { anyOf } = record(holder.schema);
    if (!Array.isArray(anyOf)) continue;
    const [real, ...others] = anyOf.filter((branch) => record(branch).type !== "null");
    if (real === undefined || others.length > 0) continue;
    holder.schema = real;
    body.required = false;
  }
}

/** Removes unreferenced schemas: input variants of shapes that occur in answers only, and vice versa. */
function prune(document: Json, schemas: Json): void {
  for (;;) {
    const text = JSON.stringify({ ...document, components: { ...record(document.components), schemas: {} } });
    const unused = Object.keys(schemas).filter((name) => {
      const mark = `"#/components/schemas/${name}"`;
      return (
        !text.includes(mark) &&
        !Object.entries(schemas).some(([other, schema]) => other !== name && JSON.stringify(schema).includes(mark))
      );
    });
    if (unused.length === 0) return;
    for (const name of unused) delete schemas[name];
  }
}

/** Allows additional fields in schemas of answers: a client must accept fields of later releases. */
function openAnswers(document: Json, schemas: Json): void {
  const seen = new Set<string>();
  const open = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(open);
    if (!isRecord(value)) return;
    if (value.additionalProperties === false) value.additionalProperties = true;
    const name = typeof value.$ref === "string" ? value.$ref.replace("#/components/schemas/", "") : "";
    if (Object.hasOwn(schemas, name) && !seen.has(name)) {
      seen.add(name);
      open(schemas[name]);
    }
    Object.values(value).forEach(open);
  };
  for (const path of Object.values(record(document.paths)))
    for (const operation of Object.values(record(path))) open(record(operation).responses);
  open(record(document.components).responses);
}

/** Removes constraints that the generator adds to every integer, list and map. */
function tidy(value: unknown): void {
  if (Array.isArray(value)) value.forEach(tidy);
  if (!isRecord(value)) return;
  if (value.minimum === Number.MIN_SAFE_INTEGER) delete value.minimum;
  if (value.maximum === Number.MAX_SAFE_INTEGER) delete value.maximum;
  if (value.readOnly === true) delete value.readOnly;
  if (
    isRecord(value.propertyNames) &&
    Object.keys(value.propertyNames).length === 1 &&
    value.propertyNames.type === "string"
  )
    delete value.propertyNames;
  Object.values(value).forEach(tidy);
}

function ref(kind: "schemas" | "responses", name: string): Json {
  return { $ref: `#/components/${kind}/${name}` };
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function record(value: unknown): Json {
  return isRecord(value) ? value : {};
}
