import type { z } from "zod";
import type { Scope } from "../../../gateway/model/api-token.ts";

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
/** Method of an operation. */
type Method = (typeof methods)[number];

/**
 * Method and path, as `GET /v1/jobs/:id`. A third word specifies the form of an answer that is not JSON: `text`,
 * `lines` (JSON lines) or `events` (server-sent events).
 */
export type Route = `${Method} /${string}`;

/** The form of an answer. */
type AnswerKind = "json" | "text" | "lines" | "events";

/** The parts of a route. */
export function placeOf(route: Route): {
  readonly method: Method;
  readonly path: string;
  readonly answers: AnswerKind;
} {
  const [verb, path = "", kind] = route.split(" ");
  const method = methods.find((one) => one === verb) ?? "GET";
  const answers = (["text", "lines", "events"] as const).find((one) => one === kind) ?? "json";
  return { method, path, answers };
}

/** A request and its answer, as in the examples of the document. A test sends each of them. */
export interface Example {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Status of the answer, where the operation has several. */
  readonly status?: number;
  readonly answer?: unknown;
}

/** Status of the answer in the example of an operation. */
export function exampleStatus({ answers, example }: Pick<Operation, "answers" | "example">): number {
  return example.status ?? Number(Object.keys(answers)[0]);
}

/** One operation of /v1: the only place where its path, its shapes and its example are written. */
export interface Operation {
  readonly route: Route;
  readonly operationId: string;
  /** The scope that a client must have; `public` requires no token. */
  readonly scope: Scope | "public";
  readonly tags: readonly [string];
  readonly summary: string;
  readonly description?: string;
  /** A former path, supported for one more release. Its answers have the header `Deprecation`. */
  readonly deprecated?: boolean;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly headers?: z.ZodType;
  readonly body?: z.ZodType;
  /** Shapes of the answers by HTTP status. */
  readonly answers: Readonly<Record<number, z.ZodType>>;
  /** Media type of an answer that is not JSON. */
  readonly mediaType?: string;
  readonly example: Example;
}

/** Declares an operation; its exact type is the contract. */
export function operation<const O extends Operation>(declared: O): O {
  return declared;
}
