import { afterAll, beforeAll, expect, it } from "vitest";
import type { Link } from "../../../src/gateway/links/links.ts";
import { ApiBench } from "./api-bench.ts";

let bench: ApiBench;
let calls: string[] = [];

/** A modem that can do everything, and writes down what reached it. */
function modem(id: string): Link {
  const note = (what: string) => void calls.push(what);
  return {
    id,
    kind: "modem",
    state: { up: true },
    describe: () => ({}),
    withCard: (work) =>
      work(async () => {
        note("apdu");
        return { data: new Uint8Array(), sw: 0x9000 };
      }),
    reset: async (kind) => note(`reset ${kind}`),
    powerCycle: async () => note("power"),
    command: async (line) => {
      note(line);
      return ["OK"];
    },
    bearer: {
      id,
      submit: async () => {
        note("sms");
        return { fate: "sent", id: "1" };
      },
    } as unknown as NonNullable<Link["bearer"]>,
    test: async () => {
      note("test");
      return { passed: true, tries: [] };
    },
  };
}

const path = "/v1/links/rack-1";
/** Each request that reaches a link, with its body. */
const requests: Record<string, object> = {
  apdu: { apdus: ["00A40004023F00"] },
  at: { line: 'AT+CSIM=10,"00A4000402"' },
  sms: { to: "+447700900000", text: "hello" },
  power: {},
  reset: { kind: "cold" },
  lease: {},
};
/** Of SMSC accounts alone, which no card is in. */
const withoutCard = ["test"];

beforeAll(async () => {
  bench = await ApiBench.open();
  bench.daemon.gateway.links.add(modem("rack-1"));
});
afterAll(() => bench[Symbol.asyncDispose]());

it("covers every operation that uses a link", async () => {
  const document = (await bench.call("GET", "/v1/openapi.json")).body;
  const ways = Object.entries<object>(document.paths)
    .filter(([route, methods]) => /^\/v1\/links\/\{id\}\//.test(route) && "post" in methods)
    .map(([route]) => route.split("/").at(-1));
  expect(ways.sort()).toEqual([...Object.keys(requests), ...withoutCard].sort());
});

it("keeps everybody out of a leased link but its holder", async () => {
  for (const [way, body] of Object.entries(requests)) {
    const { body: lease } = await bench.call("POST", `${path}/lease`, { body: {} });
    calls = [];
    for (const [one, other] of Object.entries(requests)) {
      const refused = await bench.call("POST", `${path}/${one}`, { body: other });
      expect([one, refused.status, refused.body.type]).toEqual([one, 409, "link.busy"]);
      if (one === "lease") continue;
      const wrong = await bench.call("POST", `${path}/${one}`, { body: { ...other, lease: `lse_${"0".repeat(26)}` } });
      expect([one, wrong.status, wrong.body.type]).toEqual([one, 404, "link.lease"]);
    }
    expect(calls).toEqual([]);
    if (way !== "lease") {
      const { status } = await bench.call("POST", `${path}/${way}`, { body: { ...body, lease: lease.id } });
      expect([way, status]).toEqual([way, 200]);
      expect(calls).toHaveLength(1);
    }
    const ends = ["power", "reset"].includes(way);
    expect([way, (await bench.call("GET", path)).body.lease === undefined]).toEqual([way, ends]);
    if (!ends) expect((await bench.call("DELETE", `${path}/lease/${lease.id}`)).status).toBe(204);
  }
  calls = [];
  for (const [way, body] of Object.entries(requests)) {
    if (way === "lease") continue;
    expect([way, (await bench.call("POST", `${path}/${way}`, { body })).status]).toEqual([way, 200]);
  }
  expect(calls).toHaveLength(5);
});

it("ends the leases of a token that is revoked", async () => {
  const token = await bench.token("holder", ["cards"]);
  expect((await bench.call("POST", `${path}/lease`, { token, body: {} })).status).toBe(201);
  expect((await bench.call("POST", `${path}/at`, { body: { line: "AT" } })).status).toBe(409);
  await bench.call("DELETE", "/v1/tokens/holder");
  expect((await bench.call("POST", `${path}/at`, { body: { line: "AT" } })).status).toBe(200);
});
