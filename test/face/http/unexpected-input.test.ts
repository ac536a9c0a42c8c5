import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { ApiBench } from "./api-bench.ts";

const Document = z.object({ paths: z.record(z.string(), z.record(z.string(), z.looseObject({}))) });

let bench: ApiBench;
/** Every route of the API: method, path with made-up ids, and whether it takes a body. */
let routes: { method: string; path: string; takesBody: boolean }[];

beforeAll(async () => {
  bench = await ApiBench.open();
  const { paths } = Document.parse((await bench.call("GET", "/v1/openapi.json")).body);
  routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path: path.replace(/\{\w+\}/g, "1"),
      takesBody: operation.requestBody !== undefined,
    })),
  );
  routes.push({ method: "GET", path: "/v1/openapi.json", takesBody: false });
});

afterAll(() => bench[Symbol.asyncDispose]());

it("refuses a misspelt query parameter on every route that reads", async () => {
  const reading = routes.filter(({ method }) => method === "GET");
  expect(reading.length).toBeGreaterThan(30);
  for (const { path } of reading) {
    const { status, body } = await bench.call("GET", `${path}?limmit=1`);
    expect([path, status, body.type, body.detail]).toEqual([
      path,
      400,
      "api.usage",
      expect.stringMatching(/^limmit: unknown field/),
    ]);
    expect(body.facts).toEqual({ field: "limmit", in: "query" });
  }
});

it("refuses a query parameter on every route that changes something without taking any", async () => {
  const changing = routes.filter(({ method, takesBody }) => method !== "GET" && !takesBody);
  expect(changing.length).toBeGreaterThan(8);
  for (const { method, path } of changing) {
    const { status, body } = await bench.call(method, `${path}?forced=1`);
    expect([method, path, status, body.facts]).toEqual([method, path, 400, { field: "forced", in: "query" }]);
  }
});

it("refuses a field in the body of a route that takes no body, and takes none and an empty one", async () => {
  const bare = routes.filter(({ method, takesBody }) => method === "POST" && !takesBody);
  expect(bare.length).toBeGreaterThan(3);
  for (const { path } of bare) {
    const { status, body } = await bench.call("POST", path, { body: { reason: "x" } });
    expect([path, status, body.facts]).toEqual([path, 400, { field: "reason", in: "body" }]);
    const listed = await bench.call("POST", path, { raw: "[1]" });
    expect([path, listed.status]).toEqual([path, 400]);
    for (const raw of ["{}", ""]) expect([path, (await bench.call("POST", path, { raw })).status]).not.toContain(400);
  }
});

it("still answers those who ask nothing more", async () => {
  for (const path of ["/healthz", "/readyz", "/metrics", "/v1", "/v1/store", "/v1/upstreams", "/v1/openapi.json"])
    expect([path, (await bench.call("GET", path)).status]).toEqual([path, 200]);
});
