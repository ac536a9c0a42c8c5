import type { FastifySchemaCompiler, FastifySerializerCompiler } from "fastify";
import { z } from "zod";
import { checked } from "../../base/field-words.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { firstIssue } from "../../base/strict.ts";
import { projectionOf } from "./projection.ts";

const places: Readonly<Record<string, string>> = { querystring: "query", params: "path", headers: "header" };

/** Checks a part of a request by its shape. An error becomes `api.usage` with the name of the field. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart = "request" }) => {
  const where = places[httpPart] ?? httpPart;
  return (data) => {
    const result = checked(schema, data);
    if (result.success) return { value: result.data };
    const { field = "", message } = firstIssue(result.error);
    const named = field === "" ? where : field;
    return { error: new GatewayError("api.usage", `${named}: ${message}`, { detail: { field: named, in: where } }) };
  };
};

/** Writes an answer: the fields that its shape has, in one pass. */
export const serializerCompiler: FastifySerializerCompiler<z.ZodType> = ({ schema }) => {
  const project = schema instanceof z.ZodType ? projectionOf(schema) : (value: unknown) => value;
  return (data) => JSON.stringify(project(data));
};
