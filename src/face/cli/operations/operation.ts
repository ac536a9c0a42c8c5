import type { z } from "zod";
import { checked } from "../../../base/field-words.ts";
import { asGatewayError, codecError, GatewayError } from "../../../base/gateway-error.ts";
import { firstIssue } from "../../../base/strict.ts";

/** A JSON object as an answer. */
export type Answer = Readonly<Record<string, unknown>>;

/** One operation on octets: from a JSON object to a JSON object, without side effects. */
export interface Operation<S extends z.ZodType = z.ZodType> {
  readonly name: string;
  /** Its input; unknown members are ignored, `null` counts as absent. */
  readonly input: S;
  /** @throws GatewayError; its `detail.answer` is added to the error answer. */
  readonly run: (input: z.output<S>) => Answer;
}

/** Declares an operation; infers the type of `run`'s argument. */
export function operation<S extends z.ZodType>(declared: Operation<S>): Operation<S> {
  return declared;
}

/** The short class of an error, for decisions of callers. */
function errorClass(error: GatewayError): string {
  const [family = "", name = ""] = error.code.split(".");
  if (error.code === "packet.counter-low") return "cntr-mismatch";
  if (family === "packet") return name;
  if (family === "codec") return "format";
  if (family === "crypto") return name;
  return error.code === "api.usage" ? "input" : "internal";
}

/** Parses the input of an operation. @throws api.usage naming the first bad member */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = checked(schema, value);
  if (parsed.success) return parsed.data;
  const { field, message } = firstIssue(parsed.error);
  const issue = parsed.error.issues.find((one) => one.message === message);
  const params = issue?.code === "custom" ? issue.params : undefined;
  if (params?.code === "codec.text" && typeof params.offset === "number") {
    throw codecError("codec.text", `${field}: ${message}`, params.offset, { field });
  }
  throw new GatewayError("api.usage", field === "" ? message : `${field}: ${message}`, {
    detail: field === "" ? {} : { field },
  });
}

/** An error as in answers. `offset` counts octets (characters in text), null if there is no position. */
export function errorAnswer(error: GatewayError): Answer {
  const { offset, answer } = error.detail;
  const extra = typeof answer === "object" && answer !== null ? answer : {};
  return {
    error: {
      code: error.code,
      class: errorClass(error),
      message: error.message,
      offset: typeof offset === "number" ? offset : null,
    },
    ...extra,
  };
}

function idOf(value: unknown): Answer {
  return typeof value === "object" && value !== null && "id" in value ? { id: value.id } : {};
}

/** Runs an operation on one parsed line; any failure becomes an answer. `id` is copied to the answer. */
export function answerTo(operation: Operation, value: unknown): Answer {
  try {
    return { ...idOf(value), ...operation.run(parseInput(operation.input, value)) };
  } catch (error) {
    return { ...idOf(value), ...errorAnswer(asGatewayError(error)) };
  }
}
