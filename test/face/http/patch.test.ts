import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiBench } from "./api-bench.ts";

let bench: ApiBench;
let id = "";

beforeAll(async () => {
  bench = await ApiBench.open();
  const { body } = await bench.call("POST", "/v1/targets", { body: { iccid: "8901000000000000017", name: "rack" } });
  id = body.target.id;
});
afterAll(() => bench[Symbol.asyncDispose]());

const patch = (body: unknown, headers: Record<string, string> = {}) =>
  bench.call("PATCH", `/v1/targets/${id}`, { body, headers });

describe("a change of a target", () => {
  it("merges: a setting that is given leaves the others, and null removes one", async () => {
    await patch({ settings: { spi: "1621", answerTimeoutMs: 5000 } });
    const { status, body } = await patch({ settings: { notifications: "relay", spi: null } });
    expect([status, body.settings, body.name]).toEqual([
      200,
      { answerTimeoutMs: 5000, notifications: "relay" },
      "rack",
    ]);
    expect((await patch({ settings: null, name: null })).body).not.toHaveProperty("name");
  });

  it("is refused under an ETag that the target no longer has, and changes nothing", async () => {
    const { version } = (await bench.call("GET", `/v1/targets/${id}`)).body;
    expect((await patch({ tags: ["a"] }, { "if-match": `"${version}"` })).status).toBe(200);
    const { status, body } = await patch({ tags: ["b"] }, { "if-match": `"${version}"` });
    expect([status, body.type]).toEqual([412, "api.precondition"]);
    expect((await bench.call("GET", `/v1/targets/${id}`)).body.tags).toEqual(["a"]);
  });

  it("takes a list of ETags, `*`, and no weak tag", async () => {
    const version = async () => Number((await bench.call("GET", `/v1/targets/${id}`)).body.version);
    for (const [header, status] of [
      [(now: number) => `"x", "${now}"`, 200],
      [(now: number) => `"${now + 1}",, "${now}" ,`, 200],
      [() => "*", 200],
      [(now: number) => `W/"${now}"`, 412],
      [(now: number) => `"0${now}", "${now + 1}", "a,b"`, 412],
      [(now: number) => String(now), 400],
      [(now: number) => `"${now}" "${now}"`, 400],
      [(now: number) => `"${now}", *`, 400],
      [() => " , ", 400],
    ] as const) {
      const tag = header(await version());
      expect([tag, (await patch({ tags: [] }, { "if-match": tag })).status]).toEqual([tag, status]);
    }
  });

  it("keeps the version and writes no event when nothing changes", async () => {
    await patch({ name: "rack", settings: { spi: "1621" } });
    const { version } = (await bench.call("GET", `/v1/targets/${id}`)).body;
    const events = async () => (await bench.call("GET", "/v1/events/log?type=target.changed")).body.items.length;
    const before = await events();
    for (const body of [{}, { name: "rack" }, { settings: { spi: "1621", originator: null } }, { settings: {} }]) {
      const { status, headers } = await patch(body);
      expect([status, headers.get("etag")]).toEqual([200, `"${version}"`]);
    }
    expect(await events()).toBe(before);
    expect((await patch({ settings: { spi: "1221" } })).headers.get("etag")).toBe(`"${version + 1}"`);
  });

  it("warns of a link that is not there, and names a field that is wrong", async () => {
    expect((await patch({ reach: { smsLink: "modem:none" } })).body.warnings).toEqual([
      expect.stringContaining("modem:none"),
    ]);
    expect((await patch({ reach: { smsLink: "modem:none", reader: "pcsc:none" } })).body.warnings).toHaveLength(2);
    const { status, body } = await patch({ settings: { notifications: 1 } });
    expect([status, body.facts.field]).toEqual([400, "settings.notifications"]);
    expect(body.detail).toBe("settings.notifications: must be one of local, relay, withhold");
  });

  it("names both content types that a change accepts", async () => {
    const headers = { "content-type": "text/plain" };
    const { status, body } = await bench.call("PATCH", `/v1/targets/${id}`, { raw: "{}", headers });
    expect([status, body.detail]).toEqual([
      415,
      "Content-Type: must be application/json or application/merge-patch+json",
    ]);
  });
});
