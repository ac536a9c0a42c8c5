import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";
import { scopes } from "../../gateway/model/api-token.ts";
import { problemType } from "./problem.ts";
import { problemShape } from "./shapes.ts";

type Json = Record<string, unknown>;

const about = `The API of otagate, an OTA gateway for physical eUICCs (GSMA SGP.02).

Octets are hexadecimal text, moments are milliseconds since 1970. Lists come in pages: \`cursor\` of an answer goes into
the next request, and is absent in the last page. Every refusal is a problem (RFC 9457) whose \`type\` is a stable code
and whose \`detail\` begins with the field it is about. Over the network every request carries a token
(\`Authorization: Bearer otg_…\`) or comes with a client certificate; \`x-scope\` of an operation says what it takes:
\`admin\` is everything, and every scope includes \`read\`.`;

const tags = [
  { name: "targets", description: "eUICCs and UICCs, their EIS and their key sets" },
  { name: "jobs", description: "Scripts on their way to cards, and what came of them" },
  { name: "switches", description: "Profile switches, from their acceptance by the card to their confirmation" },
  { name: "links", description: "Readers, modems and SMSC accounts; raw access to cards" },
  { name: "sessions", description: "SCP81 administration sessions" },
  { name: "notifications", description: "What cards reported, and short messages that came in" },
  { name: "events", description: "The durable log of everything that happened" },
  { name: "traces", description: "Frames as they were exchanged" },
  { name: "upstreams", description: "The SM-SRs that are told of events and give us work" },
  { name: "access", description: "Tokens, and who did what" },
  { name: "store", description: "What is kept, and the removal of old records" },
  { name: "health", description: "The daemon itself" },
];

/** How the document is made from the routes. */
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
      const scope = document.route.config?.scope ?? "admin";
      return { ...made, schema: { ...made.schema, "x-scope": scope } };
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
    }
  }
  const schemas = record(components.schemas);
  const problem = { description: "What went wrong", content: { [problemType]: { schema: ref("schemas", "Problem") } } };
  components.responses = { Problem: problem };
  components.securitySchemes = {
    ...record(components.securitySchemes),
    certificate: { type: "mutualTLS", description: "A client certificate that the configuration grants scopes" },
  };
  const { $schema: _, ...shape } = z.toJSONSchema(problemShape);
  schemas.Problem = shape;
  components.schemas = schemas;
  document.components = components;
  prune(document, schemas);
  components.schemas = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
  return document;
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

/** A body that may be null may be left out. */
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

/** Drops schemas that nothing refers to: inputs that are answers only, and the other way round. */
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

function ref(kind: "schemas" | "responses", name: string): Json {
  return { $ref: `#/components/${kind}/${name}` };
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function record(value: unknown): Json {
  return isRecord(value) ? value : {};
}
