import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { testRandom } from "../../seed.ts";
import { ApiBench } from "./api-bench.ts";

type Json = Record<string, unknown>;
interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly schema: Json;
}
interface Operation {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly parameters: readonly Parameter[];
  readonly body: Json | undefined;
  readonly statuses: readonly string[];
}

const casesPerOperation = 60;
let bench: ApiBench;
let operations: Operation[];
let schemas: Record<string, Json>;
let knownTarget = "";
let knownJob = "";

const random = testRandom();
const below = (n: number) => Math.floor(random() * n);
function pick<T>(list: readonly T[]): T {
  const found = list[below(list.length)];
  if (found === undefined) throw new Error("nothing to pick from");
  return found;
}

const strange: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e308,
  2 ** 53,
  "",
  " ",
  "NaN",
  "Infinity",
  "-0",
  "0x10",
  "1e9",
  "null",
  "'; DROP TABLE job; --",
  "../../etc/passwd",
  "\u0000",
  "😀".repeat(20),
  "A".repeat(5000),
  "%00",
  "0".repeat(33),
  "F",
  [],
  [[]],
  {},
  { __proto__: null, constructor: 1 },
  { a: { b: { c: [] } } },
];

function resolved(schema: Json): Json {
  const { $ref: target } = schema;
  if (typeof target !== "string") return schema;
  return resolved(schemas[target.split("/").at(-1) ?? ""] ?? {});
}

/** A value that the schema allows, or, now and then, one that it may not. */
function value(raw: Json, wild: number): unknown {
  if (random() < wild) return pick(strange);
  const schema = resolved(raw);
  const branches = schema.oneOf ?? schema.anyOf;
  if (Array.isArray(branches)) return value(pick(branches as Json[]), wild);
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return pick(schema.enum);
  switch (schema.type) {
    case "object":
      return object(schema, wild);
    case "array":
      return Array.from({ length: 1 + below(3) }, () => value((schema.items as Json | undefined) ?? {}, wild));
    case "integer":
    case "number":
      return number(schema);
    case "boolean":
      return random() < 0.5;
    case "null":
      return null;
    case "string":
      return text(schema);
    default:
      return pick(strange);
  }
}

function object(schema: Json, wild: number): Json {
  const made: Json = {};
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  for (const [name, inner] of Object.entries((schema.properties as Record<string, Json> | undefined) ?? {})) {
    if (!required.has(name) && random() < 0.5) continue;
    if (random() < wild / 2) continue;
    made[name] = value(inner, wild);
  }
  if (random() < wild) made[pick(["extra", "__proto__", "constructor", "", "$hex", "kind "])] = pick(strange);
  return made;
}

function number(schema: Json): number {
  const least = Number(schema.minimum ?? schema.exclusiveMinimum ?? 0);
  const most = Math.min(Number(schema.maximum ?? 1000), least + 1000);
  return pick([least, most, Math.floor(least + random() * (most - least)), least - 1, Number(schema.maximum ?? 0) + 1]);
}

function text(schema: Json): string {
  const pattern = String(schema.pattern ?? "");
  const even = ["80CA9F7F00", "00A4040000", "E1".repeat(20), "000001", "A0000005591010FFFFFFFF8900000100", "0", "GG"];
  if (pattern.includes("0-9a-fA-F")) return pick(even);
  if (pattern.includes("0-9")) return pick(["1", "12", "999999999999999", "0", "-1", "job_01", "+4912345"]);
  return pick([
    knownTarget,
    knownJob,
    "queued,done",
    "bench",
    "x",
    "enableProfile",
    "auditStatus",
    "lse_0",
    "Ünïcode",
    "a b",
  ]);
}

/** Fills a request of the operation. */
function request(operation: Operation): {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
} {
  const wild = pick([0, 0, 0.05, 0.3, 0.8]);
  let path = operation.path;
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  for (const parameter of operation.parameters) {
    const made = value(parameter.schema, wild);
    const shown = typeof made === "string" ? made : JSON.stringify(made);
    if (parameter.in === "path")
      path = path.replace(`{${parameter.name}}`, encodeURIComponent(shown === "" ? "x" : shown));
    else if (parameter.in === "query" && random() < 0.6) query.append(parameter.name, shown);
    else if (parameter.in === "header" && random() < 0.4) headers[parameter.name] = shown.replace(/[^\x20-\x7e]/g, "?");
  }
  if (operation.id === "getJob") query.set("wait", pick(["0", "1", "-1", "x"]));
  if (random() < wild)
    query.append(pick(["limit", "cursor", "nonsense", "after"]), pick(["NaN", "", "-5", "9".repeat(30)]));
  if (random() < 0.05) path = path.replace("/v1/", pick(["/v1//", "/v1/%2e%2e/", "/V1/", "/v1/%ff/"]));
  const { body } = operation;
  const target = query.size === 0 ? path : `${path}?${query}`;
  const made = { method: operation.method, path: target, headers };
  if (body === undefined) return made;
  const filled = value(body, wild);
  const held = operation.id === "auditTarget" && typeof filled === "object" && filled !== null;
  const json = JSON.stringify(held ? { ...filled, waitMs: pick([100, 300, -1, "x"]) } : filled);
  const broken = random() < 0.08 ? pick(["{", "", "[1,]", "\u0000", `${json}x`, '"\\ud800"']) : json;
  return { ...made, body: broken };
}

beforeAll(async () => {
  bench = await ApiBench.open();
  const card = await bench.card("reader-1");
  const { body: document } = await bench.call("GET", "/v1/openapi.json");
  schemas = document.components.schemas;
  operations = Object.entries(document.paths as Record<string, Record<string, Json>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      id: String(operation.operationId),
      parameters: (operation.parameters as Parameter[] | undefined) ?? [],
      body: (operation.requestBody as { content: { "application/json": { schema: Json } } } | undefined)?.content[
        "application/json"
      ].schema,
      statuses: Object.keys(operation.responses as Json),
    })),
  );
  knownTarget = card.state.eid;
  const made = await bench.call("POST", "/v1/jobs", {
    body: { target: knownTarget, work: { kind: "es5", function: "auditStatus" } },
  });
  knownJob = made.body.id;
});

afterAll(() => bench[Symbol.asyncDispose]());

/** Statuses whose answer has to say which field it is about. */
const aboutFields = new Set([400, 405, 412, 413, 415, 422]);

/** What is wrong with the answer to a request, if anything is. */
async function fault(
  operation: Operation,
  made: ReturnType<typeof request>,
  token: string,
): Promise<string | undefined> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), 15_000);
  const shown = `${made.method} ${made.path} ${JSON.stringify(made.headers)} ${made.body?.slice(0, 400) ?? ""}`;
  try {
    const response = await fetch(`${bench.url}${made.path}`, {
      method: made.method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(made.body === undefined ? {} : { "content-type": "application/json" }),
        ...made.headers,
      },
      ...withoutUndefined({ body: made.body }),
      signal: over.signal,
    });
    const { status } = response;
    const documented = operation.statuses.some(
      (one) => one === String(status) || one === `${Math.floor(status / 100)}XX`,
    );
    if (status < 400) {
      await response.body?.cancel();
      return documented ? undefined : `${status} is not documented: ${shown}`;
    }
    const text = await response.text();
    if (status === 500 || !documented) return `${text} to ${shown}`;
    if (response.headers.get("content-type")?.includes("application/problem+json") !== true)
      return `no problem: ${shown}`;
    const problem = JSON.parse(text) as { status: number; facts?: { field?: unknown } };
    const { field } = problem.facts ?? {};
    if (problem.status !== status) return `${text} with ${status} to ${shown}`;
    if (aboutFields.has(status) && (typeof field !== "string" || field === ""))
      return `names no field: ${text} to ${shown}`;
    return undefined;
  } catch (error) {
    return `${String(error)}: ${shown}`;
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

describe("the API, fuzzed from its own document", () => {
  it("answers nothing with 500, never hangs, and names the field of every refusal", { timeout: 300_000 }, async () => {
    const token = await bench.token("fuzz", ["admin"]);
    const faults: string[] = [];
    let requests = 0;
    for (const operation of operations) {
      // It would end the bench's own credentials.
      if (operation.id === "revokeToken") continue;
      for (let index = 0; index < casesPerOperation; index++) {
        const found = await fault(operation, request(operation), token);
        if (found !== undefined) faults.push(found);
        requests++;
      }
    }
    expect(faults.slice(0, 20)).toEqual([]);
    expect(requests).toBeGreaterThan(1000);
    expect((await bench.call("GET", "/readyz")).status).toBe(200);
  });
});
