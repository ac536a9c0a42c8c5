import { createCipheriv } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../../src/app/version.ts";
import { ApiBench } from "./api-bench.ts";

const file = (name: string) => readFileSync(`${packageRoot}/test/vectors/eis/${name}`, "utf8");
const [ci, eum] = [file("ci.pem"), file("eum.pem")];
const ref = "/v1/targets/89001012012341234012345678901224";
let bench: ApiBench;

beforeAll(async () => {
  bench = await ApiBench.open();
}, 30_000);
afterAll(async () => bench[Symbol.asyncDispose]());

const take = (text: string, more: object = {}) =>
  bench.call("POST", "/v1/targets/import", { body: { format: "xml", text, ...more } });

describe("the EIS as XML over the API", () => {
  it("is imported with its keys, which are used and never shown", async () => {
    const { status, body } = await take(file("ecdsa.xml"), { ci, eum });
    expect(status).toBe(200);
    expect(body.items).toMatchObject([{ created: true, warnings: [], keySets: [{ type: "SCP80", cntr: 7 }, {}] }]);
    const shown = await bench.call("GET", ref);
    expect(shown.body.esimProfiles[0]).toMatchObject({ pol2: [{ action: "DELETE" }], mnoId: "1.3.6.1.4.1.9999.1" });
    expect(JSON.stringify(shown.body)).not.toContain("000102030405060708090A0B0C0D0E0F");
  });

  it("is exported as it is now, and the manufacturer's signature still verifies", async () => {
    const profiles = (await bench.call("GET", ref)).body.esimProfiles;
    const before = (await bench.call("GET", `${ref}/export`)).body;
    expect(before).toContain("<rps3:State>Enabled</rps3:State>");
    expect(before).not.toContain("000102030405060708090A0B0C0D0E0F");
    expect(before.match(/<rps3:ProfileInfo>/g)).toHaveLength(profiles.length);
    const again = await take(before, { ci, eum });
    expect(again.body.items[0]).toMatchObject({ created: false, warnings: [expect.stringContaining("no keys")] });
    const trust = await bench.call("POST", `${ref}/certificates`, { body: { ci } });
    expect(trust.body.checks).toEqual([
      { what: "eum-by-ci", result: "good" },
      { what: "ecasd-by-eum", result: "good" },
      { what: "eis-by-eum", result: "good" },
    ]);
    expect(trust.body.eum.fromSignature).toBe(true);
    const json = (await bench.call("GET", `${ref}/export?format=json`)).body;
    expect(json).toMatchObject({ eid: ref.slice(12), smsrId: "1.3.6.1.4.1.9999.4", withheldKeySets: [{ kvn: 1 }, {}] });
    expect((await bench.call("POST", "/v1/targets", { body: json })).status).toBe(200);
    expect((await bench.call("GET", `${ref}/export`)).body).toContain("EumSignature");
    expect((await bench.call("POST", "/v1/targets?replace=true", { body: json })).status).toBe(200);
    const unsigned = (await bench.call("GET", `${ref}/export`)).body;
    expect(unsigned).not.toContain("EumSignature");
    expect((await take(unsigned)).body.items[0].target.esimProfiles).toHaveLength(profiles.length);
  });

  it("of a target that was created by hand contains nothing made up, and is imported again", async () => {
    const eid = "89001012012341234012345678901323";
    const profile = { aid: "A0000005591010FFFFFFFF8900001500", state: "enabled" };
    const made = await bench.call("POST", "/v1/targets", { body: { eid, profiles: [profile] } });
    expect(made.status).toBe(201);
    const text = (await bench.call("GET", `/v1/targets/${eid}/export`)).body;
    expect(text).not.toMatch(/1970|Date|Version|Memory/);
    const { status, body } = await take(text);
    expect(status).toBe(200);
    expect(body.items[0]).toMatchObject({ created: false, target: { eid, esimProfiles: [profile] } });
  });

  it("is refused when the signature does not fit the certificate that was given, taken with a warning without one", async () => {
    const changed = file("ecdsa.xml").replace("1.2.3", "1.2.4");
    expect(await take(changed, { eum })).toMatchObject({
      status: 422,
      body: { type: "crypto.signature", facts: { check: "eis-by-eum" } },
    });
    const { body } = await take(changed);
    expect(body.items[0].warnings).toEqual([expect.stringContaining("the signed content was changed")]);
  });

  it.each([
    ["missing", (text: string) => text.replace(/<rps3:EumSignature>[\s\S]*<\/rps3:EumSignature>/, "")],
    ["renamed", (text: string) => text.replaceAll("EumSignature", "EumSignaturr"), "did you mean 'EumSignature'?"],
    ["there twice", (text: string) => text.replace(/<rps3:EumSignature>[\s\S]*<\/rps3:EumSignature>/, "$&$&")],
  ])("is refused with a certificate when the signature is %s", async (_name, change, unknown?: string) => {
    const text = change(file("ecdsa.xml"));
    for (const anchors of [{ eum }, { ci }, { eum, ci }]) {
      const { status, body } = await take(text, anchors);
      expect([status, body.type, body.facts.field]).toEqual([422, "crypto.signature", "xml"]);
    }
    const without = (await take(text)).body;
    if (unknown === undefined) expect(without.items[0].warnings.join()).toContain("EIS is not");
    else expect(without).toMatchObject({ type: "target.invalid", detail: expect.stringContaining(unknown) });
  });

  it("is the only form that can be verified: with JSON and CSV a certificate is an error", async () => {
    for (const [format, content] of [
      ["json", { items: [{ iccid: "8944000000000000017" }] }],
      ["csv", { text: "iccid\n8944000000000000017\n" }],
    ] as const)
      for (const field of ["eum", "ci", "transportKey"]) {
        const value = field === "transportKey" ? "00".repeat(16) : eum;
        const answer = await bench.call("POST", "/v1/targets/import", { body: { format, ...content, [field]: value } });
        expect(answer).toMatchObject({ status: 400, body: { type: "api.usage", facts: { field } } });
      }
  });

  it("opens key values under a transport key, and tells of check values that do not fit", async () => {
    const transportKey = "404142434445464748494A4B4C4D4E4F";
    const wrapped = file("ecdsa.xml").replace(/ value="([0-9A-F]{32})"/g, (_all, value: string) => {
      const cipher = createCipheriv("aes-128-ecb", Buffer.from(transportKey, "hex"), null);
      return ` value="${Buffer.concat([cipher.update(value, "hex"), cipher.final()]).toString("hex")}"`;
    });
    expect((await take(wrapped, { transportKey, eum })).body.items[0].warnings).toEqual([]);
    expect((await take(wrapped, { transportKey: "00".repeat(16) })).body.type).toBe("crypto.key");
    const { body } = await take(file("ecdsa.xml").replace(/ kcv="[0-9A-F]{6}"/, ' kcv="000000"'));
    expect(body.items[0].warnings.join()).toContain("check value is wrong");
  });

  it("names the element that is wrong", async () => {
    expect(await take("<Eis/>")).toMatchObject({ status: 422, body: { facts: { field: "EumSignedInfo" } } });
    expect((await bench.call("POST", "/v1/targets/import", { body: { format: "xml" } })).body.facts.field).toBe("text");
  });
});
