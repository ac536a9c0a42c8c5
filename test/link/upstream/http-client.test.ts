import nock from "nock";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Secret } from "../../../src/base/secret.ts";
import { type UpstreamCall, UpstreamClient } from "../../../src/link/upstream/http-client.ts";
import { authority } from "../../face/http/certificates.ts";
import { SmsrStandIn } from "../../gateway/upstream/stand-in.ts";

const base = "https://smsr.example";
const call = (path: string, over: Partial<UpstreamCall> = {}): UpstreamCall => ({
  method: "POST",
  url: new URL(path, base),
  body: Buffer.from("{}"),
  timeoutMs: 300,
  maxOctets: 1000,
  ...over,
});

describe("an upstream played by nock", () => {
  let client: UpstreamClient;

  beforeEach(() => {
    nock.disableNetConnect();
    client = new UpstreamClient({ name: "smsr", connections: 2, token: new Secret(Buffer.from("tok")) });
  });

  afterEach(() => {
    client[Symbol.dispose]();
    nock.cleanAll();
    nock.enableNetConnect();
  });

  it("gets the token and the body, and its answer comes back", async () => {
    const scope = nock(base, { reqheaders: { authorization: "Bearer tok" } })
      .post("/events", "{}")
      .reply(202, "taken", { "retry-after": "3" });
    const answer = await client.call(call("/events"));
    expect([answer.status, answer.body.toString(), answer.headers["retry-after"]]).toEqual([202, "taken", "3"]);
    scope.done();
  });

  it("is not followed to another place", async () => {
    nock(base).post("/events").reply(307, "", { location: "https://elsewhere.example/" });
    await expect(client.call(call("/events"))).rejects.toMatchObject({ code: "upstream.protocol" });
  });

  it("is cut off when it says too much", async () => {
    nock(base).post("/events").reply(200, "x".repeat(5000));
    await expect(client.call(call("/events"))).rejects.toMatchObject({ code: "upstream.protocol" });
  });

  it("is given up when it takes too long, or cannot be reached", async () => {
    nock(base).post("/slow").delay(2000).reply(200);
    await expect(client.call(call("/slow"))).rejects.toMatchObject({ code: "upstream.unavailable" });
    nock(base)
      .post("/gone")
      .replyWithError(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));
    await expect(client.call(call("/gone"))).rejects.toMatchObject({ code: "upstream.unavailable" });
  });

  it("is left when the caller has enough", async () => {
    nock(base).post("/slow").delay(2000).reply(200);
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error("enough")), 20);
    await expect(client.call(call("/slow", { signal: abort.signal }))).rejects.toThrow("enough");
  });
});

describe("a real HTTPS upstream", () => {
  const ca = authority("CA");
  const server = ca.issue("smsr");

  it("meets a client that shows its certificate and checks the other's", async () => {
    const tls = { cert: server.cert, key: server.key, ca: ca.cert, requestCert: true, rejectUnauthorized: true };
    await using smsr = await SmsrStandIn.open({ tls });
    const url = new URL(`https://127.0.0.1:${smsr.port}/events`);
    const ours = ca.issue("gateway");
    using good = new UpstreamClient({ name: "smsr", connections: 1, tls: { ...ours, ca: ca.cert } });
    expect((await good.call(call("", { url, timeoutMs: 3000 }))).status).toBe(204);
    using nobody = new UpstreamClient({ name: "smsr", connections: 1, tls: { ca: ca.cert } });
    await expect(nobody.call(call("", { url, timeoutMs: 3000 }))).rejects.toMatchObject({
      code: "upstream.unavailable",
    });
    using doubtful = new UpstreamClient({
      name: "smsr",
      connections: 1,
      tls: { ...ours, ca: authority("Other").cert },
    });
    await expect(doubtful.call(call("", { url, timeoutMs: 3000 }))).rejects.toMatchObject({
      code: "upstream.unavailable",
    });
    expect(smsr.got).toHaveLength(1);
  });

  it("sends answers that end early or drip for ever", async () => {
    await using smsr = await SmsrStandIn.open();
    using client = new UpstreamClient({ name: "smsr", connections: 1 });
    const url = new URL(`http://127.0.0.1:${smsr.port}/`);
    smsr.serve = (_, response) => {
      response.writeHead(200, { "content-length": "100" }).write("short");
      setTimeout(() => response.destroy(), 20);
      return undefined;
    };
    await expect(client.call(call("", { url }))).rejects.toMatchObject({ code: "upstream.unavailable" });
    smsr.serve = (_, response) => {
      const timer = setInterval(() => response.write("."), 20);
      response.on("close", () => clearInterval(timer));
      return undefined;
    };
    const began = Date.now();
    await expect(client.call(call("", { url }))).rejects.toMatchObject({ code: "upstream.unavailable" });
    expect(Date.now() - began).toBeLessThan(2000);
  });
});
