import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errorCatalogue } from "../../../src/base/error-catalogue.ts";
import { es5Functions } from "../../../src/codec/euicc/es5/functions.ts";
import { eventTypes } from "../../../src/gateway/model/event-catalogue.ts";

// biome-ignore lint/suspicious/noExplicitAny: the test looks into a document of any shape
const document: any = JSON.parse(readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8"));
const { schemas } = document.components;

/** Every object of the document with the path to it. */
function* objects(value: unknown, path = "#"): Generator<readonly [string, Record<string, unknown>]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [path, { ...value }];
  for (const [key, inner] of Object.entries(value)) yield* objects(inner, `${path}/${key}`);
}

describe("the OpenAPI document", () => {
  it("has what its references name", () => {
    const missing = [...objects(document)].filter(([, { $ref }]) => {
      if (typeof $ref !== "string") return false;
      let found: unknown = document;
      for (const step of $ref.split("/").slice(1))
        found = Object.entries(found ?? {}).find(([key]) => key === step)?.[1];
      return found === undefined;
    });
    expect(missing).toEqual([]);
  });

  it("describes the parameters of every ES5 function", () => {
    const { discriminator, oneOf } = schemas.Es5Work;
    expect(discriminator.propertyName).toBe("function");
    expect(oneOf).toHaveLength(Object.keys(discriminator.mapping).length);
    for (const { name, call } of es5Functions) {
      if (call === undefined) continue;
      const schema = schemas[String(discriminator.mapping[name]).split("/").at(-1) ?? ""];
      expect(Object.keys(schema.properties.params.properties ?? {}), name).toEqual(Object.keys(call.params.shape));
    }
  });

  it("describes the data of every event", () => {
    expect(Object.keys(schemas.Event.discriminator.mapping).sort()).toEqual([...eventTypes].sort());
    for (const type of eventTypes) expect(schemas[`Event.${type}`].properties.data.type).toBe("object");
  });

  it("lists the error codes", () => {
    expect([...schemas.ErrorCode.enum].sort()).toEqual(Object.keys(errorCatalogue).sort());
  });

  it("has an example of every required parameter, every body and every answer with a body", () => {
    const without: string[] = [];
    for (const operation of Object.values<object>(document.paths).flatMap((path) => Object.values(path))) {
      const { operationId: id, parameters = [], requestBody, responses } = operation;
      for (const { name, required, example, schema } of parameters) {
        if (required && example === undefined) without.push(`${id} ${name}`);
        if (example !== undefined && schema.type === "integer")
          expect([id, name, typeof example]).toEqual([id, name, "number"]);
      }
      for (const content of Object.values<object>(requestBody?.content ?? {}))
        if (!("example" in content)) without.push(`${id} body`);
      const answers = Object.entries<{ content?: object }>(responses).filter(([status]) => /^2/.test(status));
      const contents = answers.flatMap(([, { content }]) => Object.values(content ?? {}));
      if (contents.length > 0 && !contents.some((one) => "example" in one)) without.push(`${id} answer`);
    }
    expect(without).toEqual([]);
    expect([...objects(document.paths)].filter(([, one]) => "x-example" in one)).toEqual([]);
  });

  it("marks former names as deprecated", () => {
    expect(document.paths["/v1/procedures"].get.deprecated).toBe(true);
    expect(document.paths["/v1/procedures/{id}"].get.deprecated).toBe(true);
    expect(schemas.JobDetail.properties.procedure.deprecated).toBe(true);
  });

  it("leaves answers open to fields of later releases", () => {
    const answers = [schemas.Job, schemas.Target, schemas.Link, schemas.Problem, schemas["Event.job.queued"]];
    for (const answer of answers)
      for (const [path, { additionalProperties }] of objects(answer))
        expect(additionalProperties, path).not.toBe(false);
  });
});
