import type { z } from "zod";
import { withoutUndefined } from "../../base/defined.ts";
import { type Contract, routes } from "./contract.ts";
import { type Operation, placeOf, type Route } from "./kit/operation.ts";

/** One request as sent. */
export interface ApiRequest {
  readonly method: string;
  /** Path with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Sends requests to a daemon. A refusal is thrown. */
interface Transport {
  json(request: ApiRequest): Promise<unknown>;
  text(request: ApiRequest): Promise<string>;
  /** Lines of a streamed answer, until `signal` aborts. */
  lines(request: ApiRequest): AsyncIterable<string>;
}

/** User-Agent of the command line. */
export const cliAgent = "otagate-cli";

/** Values from the user that only the daemon checks: a file, flags of the command line. */
class Unchecked {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** Marks a body or a query to be sent unchanged: the daemon checks it and reports errors. */
export function unchecked(value: unknown): Unchecked {
  return new Unchecked(value);
}

type Input<O, K extends string> = O extends { readonly [P in K]: infer S extends z.ZodType } ? z.input<S> : never;
type Part<O, K extends "params" | "query" | "headers" | "body"> = [Input<O, K>] extends [never]
  ? unknown
  : Record<never, never> extends Input<O, K>
    ? { readonly [P in K]?: Input<O, K> | Open<K> }
    : null extends Input<O, K>
      ? { readonly [P in K]?: Input<O, K> | Open<K> }
      : { readonly [P in K]: Input<O, K> | Open<K> };
type Open<K> = K extends "body" | "query" ? Unchecked : never;

/** Argument of a call of an operation. */
type RequestOf<O> = Part<O, "params"> &
  Part<O, "query"> &
  Part<O, "headers"> &
  Part<O, "body"> & { readonly signal?: AbortSignal };

/** The answer of an operation that is not refused. */
type AnswerOf<O extends Operation> = O["answers"][keyof O["answers"]] extends infer S
  ? S extends z.ZodType
    ? z.output<S>
    : never
  : never;

type Result<O extends Operation> = O["route"] extends `${string} events`
  ? AsyncIterable<AnswerOf<O>>
  : O["route"] extends `${string} lines`
    ? AsyncIterable<string>
    : Promise<O["route"] extends `${string} text` ? string : AnswerOf<O>>;

type Call<O> = O extends Operation
  ? Record<never, never> extends RequestOf<O>
    ? (request?: RequestOf<O>) => Result<O>
    : (request: RequestOf<O>) => Result<O>
  : never;

/** The API as functions: `client.jobs.submit({ body })`. Its types come from the contract. */
export type Client = {
  readonly [Resource in keyof Contract]: {
    readonly [Name in keyof Contract[Resource]]: Call<Contract[Resource][Name]>;
  };
};

/** A client over a transport. */
export function clientOf(transport: Transport): Client {
  const resources: unknown[][] = Object.entries(routes).map(([resource, operations]) => {
    const calls = Object.entries(operations).map(([name, route]) => [name, callOf(transport, route)]);
    return [resource, Object.fromEntries(calls)];
  });
  // Object.fromEntries returns `any`; the entries are those of the contract from which `Client` is derived.
  return Object.fromEntries(resources);
}

interface Given {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>> | Unchecked;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

function callOf(transport: Transport, route: Route): (given?: Given) => unknown {
  const { method, path, answers } = placeOf(route);
  return ({ params = {}, query = {}, headers = {}, body, signal }: Given = {}) => {
    const request: ApiRequest = {
      method,
      path: withQuery(filled(path, params), query instanceof Unchecked ? { ...record(query.value) } : query),
      headers: present(headers),
      ...(body === undefined ? {} : { body: body instanceof Unchecked ? body.value : body }),
      ...withoutUndefined({ signal }),
    };
    switch (answers) {
      case "text":
        return transport.text(request);
      case "lines":
        return transport.lines(request);
      case "events":
        return eventData(transport.lines(request));
      case "json":
        return transport.json(request);
    }
  };
}

function record(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

/** A path with its parameters in their places. */
function filled(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
}

/** A path with a query; absent values are omitted. */
export function withQuery(path: string, query: Readonly<Record<string, unknown>>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) params.set(key, String(value));
  const text = params.toString();
  return text === "" ? path : `${path}?${text}`;
}

function present(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Server-sent events as their data. */
async function* eventData(lines: AsyncIterable<string>): AsyncIterable<unknown> {
  for await (const line of lines) if (line.startsWith("data: ")) yield JSON.parse(line.slice(6));
}

/** Where a page begins and how long it may be. */
interface PageQuery {
  readonly limit: number;
  readonly cursor?: string;
}

/** Items of a list, page after page, up to `max`. */
export async function* everyItem<T>(
  page: (query: PageQuery) => Promise<{ readonly items: readonly T[]; readonly cursor?: string | undefined }>,
  max: number,
): AsyncIterable<T> {
  let cursor: string | undefined;
  let left = max;
  do {
    const limit = Math.min(left, 500);
    const { items, cursor: next } = await page(cursor === undefined ? { limit } : { limit, cursor });
    yield* items;
    left -= items.length;
    cursor = next;
  } while (cursor !== undefined && left > 0);
}
