import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiBench } from "./api-bench.ts";

const eid = "89001012012341234012345678901224";
const secret = "A1B2C3D4E5F60718293A4B5C6D7E8F90";
const keys = [
  { id: 1, value: "1F".repeat(16) },
  { id: 2, value: "2F".repeat(16) },
];
let bench: ApiBench;

beforeAll(async () => {
  bench = await ApiBench.open();
  await bench.call("POST", "/v1/targets", { body: { eid, name: "card", keySets: [{ kvn: 1, keys }] } });
}, 30_000);
afterAll(async () => bench[Symbol.asyncDispose]());

const ref = `/v1/targets/${eid}`;

describe("what a target may hold, over the API", () => {
  it.each([
    ["POST", "/v1/targets", { eid, ki: secret }, "ki"],
    ["POST", "/v1/targets", { eid, isdr: { keyset: secret } }, "isdr"],
    ["POST", "/v1/targets", { eid, ecasd: { privateKey: secret } }, "ecasd.privateKey"],
    ["POST", "/v1/targets", { eid, name: secret }, "name"],
    ["POST", "/v1/targets", { eid, name: " " }, "name"],
    ["PATCH", ref, { name: " " }, "name"],
    ["POST", "/v1/targets/import", { format: "json", items: [{ eid }, { eid, opc: secret }] }, "items.1.opc"],
    ["POST", "/v1/targets/import", { format: "json", items: [], kic: secret }, "kic"],
    ["POST", "/v1/targets/import", { format: "csv", text: `eid,name\n${eid},${secret}\n` }, "name"],
    ["PATCH", ref, { psk: secret }, "psk"],
    ["PATCH", ref, { name: secret }, "name"],
    ["PATCH", ref, { tags: ["a", secret] }, "tags.1"],
    ["PATCH", ref, { settings: { kid: secret } }, "settings.kid"],
    ["PATCH", ref, { settings: { originator: secret } }, "settings.originator"],
    ["PATCH", ref, { reach: { Reader: "x" } }, "reach.Reader"],
    ["PUT", `${ref}/keys`, { keySets: [{ kvn: 1, keys, Value: secret }] }, "keySets.0.Value"],
    ["PUT", `${ref}/keys`, { keySets: [{ kvn: 1, keys: [{ id: 1, Value: secret }] }] }, "keySets.0.keys.0.Value"],
    ["PUT", `${ref}/keys`, { keysets: [] }, "keysets"],
  ])("%s %s %j is refused by the field", async (method, path, body, field) => {
    const answer = await bench.call(method, path, { body });
    expect([400, 422]).toContain(answer.status);
    expect(answer.body.facts.field).toBe(field);
    expect(JSON.stringify(answer.body)).not.toContain(secret);
  });

  it("suggests the intended field", async () => {
    const { body } = await bench.call("PATCH", ref, { body: { setings: {} } });
    expect(body.detail).toBe("setings: unknown field; did you mean 'settings'?");
    const put = await bench.call("PUT", `${ref}/keys`, { body: { keySets: [{ kvn: 1, keys, Tars: [] }] } });
    expect(put.body.detail).toContain("did you mean 'tars'?");
  });

  it("shows, exports and stores no key", async () => {
    const paths = [
      ref,
      `${ref}/export?format=json`,
      `${ref}/export`,
      `${ref}/keys`,
      "/v1/targets",
      "/v1/events?limit=100",
    ];
    for (const path of paths) {
      const { body } = await bench.call("GET", path);
      for (const value of [secret, ...keys.map((key) => key.value)]) expect(JSON.stringify(body)).not.toContain(value);
    }
    const files = readdirSync(bench.folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    const disk = files.map((one) => readFileSync(join(one.parentPath, one.name)));
    for (const value of [secret, ...keys.map((key) => key.value)])
      for (const form of [Buffer.from(value), Buffer.from(value, "hex")])
        expect(disk.some((content) => content.includes(form))).toBe(false);
  });

  it("takes its own export back, and finds nothing to change in it", async () => {
    const document = (await bench.call("GET", `${ref}/export?format=json`)).body;
    const again = await bench.call("POST", "/v1/targets?dryRun=true", { body: document });
    expect(again).toMatchObject({ status: 200, body: { changes: [], created: false } });
  });

  it("tries a file out without storing it", async () => {
    const text = `iccid,name,kic,kid,ki\n8988211000000000015,dry,${"3F".repeat(16)},${"4F".repeat(16)},${secret}\n`;
    const { status, body } = await bench.call("POST", "/v1/targets/import", {
      body: { format: "csv", text, dryRun: true },
    });
    expect([status, body.notes[0]]).toEqual([200, "ignored, and never stored: ki"]);
    expect(body.items[0]).toMatchObject({
      created: true,
      changes: expect.arrayContaining([{ field: "name", after: "dry" }]),
    });
    expect((await bench.call("GET", "/v1/targets/8988211000000000015")).status).toBe(404);
    expect(JSON.stringify(body)).not.toContain(secret);
  });

  it("stores a tag once", async () => {
    const iccid = "898600B5000000000025";
    await bench.call("POST", "/v1/targets", { body: { iccid, tags: ["a", "b", "a"] } });
    expect((await bench.call("GET", `/v1/targets/${iccid}`)).body.tags).toEqual(["a", "b"]);
    const changed = await bench.call("PATCH", `/v1/targets/${iccid}`, { body: { tags: ["c", "c"] } });
    expect(changed.body.tags).toEqual(["c"]);
  });

  it("finds targets by their identities however they are written", async () => {
    const iccid = "898600B5000000000017";
    await bench.call("POST", "/v1/targets", { body: { iccid: `${iccid.toLowerCase()}`, msisdn: "+44 7700 900777" } });
    for (const query of ["iccid=898600b5000000000017FF", "msisdn=%2B447700900777", "iccid=8986-00B5-0000-0000-0017"])
      expect((await bench.call("GET", `/v1/targets?${query}`)).body.items).toMatchObject([{ iccid }]);
    expect((await bench.call("GET", `/v1/targets/${iccid.toLowerCase()}F`)).body.iccid).toBe(iccid);
    const wrong = await bench.call("GET", "/v1/targets?iccid=89x");
    expect(wrong).toMatchObject({ status: 400, body: { facts: { field: "iccid", in: "query" } } });
  });
});
