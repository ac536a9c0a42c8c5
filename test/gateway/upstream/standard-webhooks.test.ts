import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ApiBench } from "../../face/http/api-bench.ts";
import { testOctets } from "../../seed.ts";
import { type Got, SmsrStandIn } from "./stand-in.ts";

const randomOctets = testOctets();

let smsr: SmsrStandIn;

const bench = (secret: string) =>
  ApiBench.open({
    env: { WEBHOOK_SECRET: secret },
    config: {
      upstream: [
        {
          name: "smsr",
          secret: "env:WEBHOOK_SECRET",
          webhook: { url: `http://127.0.0.1:${smsr.port}/events` },
          firstRetryMs: 10,
          maxRetryMs: 20,
          maxAttempts: 4,
        },
      ],
    },
  });

beforeEach(async () => {
  smsr = await SmsrStandIn.open();
});

afterEach(async () => {
  await smsr[Symbol.asyncDispose]();
});

const verify = (webhook: Webhook, { body, headers }: Got) =>
  webhook.verify(
    body.toString(),
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
  );

describe("Standard Webhooks, as its own library sees them", () => {
  const octets = randomOctets(32);
  const secrets: [string, string, Webhook][] = [
    ["whsec_ and Base64", `whsec_${octets.toString("base64")}`, new Webhook(`whsec_${octets.toString("base64")}`)],
    [
      "octets as they are",
      "a secret of more than 24 octets",
      new Webhook("a secret of more than 24 octets", { format: "raw" }),
    ],
  ];
  for (const [name, secret, webhook] of secrets) {
    it(`verifies events signed with a secret that is ${name}, and none that was altered`, async () => {
      await using gateway = await bench(secret);
      await gateway.card("reader-1");
      await gateway.until(() => smsr.got.length > 0);
      const [got] = smsr.got;
      if (got === undefined) throw new Error("nothing came");
      expect(verify(webhook, got)).toMatchObject({ specversion: "1.0" });
      expect(() => verify(webhook, { ...got, body: Buffer.from(`${got.body} `) })).toThrow();
      expect(() => verify(new Webhook(randomOctets(32).toString("base64")), got)).toThrow();
    });
  }

  it("refuses malformed secrets", async () => {
    for (const [secret, why] of [
      ["whsec_not base64!", "Base64 of 24 to 64 octets"],
      [`whsec_${randomOctets(16).toString("base64")}`, "Base64 of 24 to 64 octets"],
      [`whsec_${randomOctets(65).toString("base64")}`, "Base64 of 24 to 64 octets"],
      [`whsk_${randomOctets(32).toString("base64")}`, "a key pair"],
      ["too short", "less than 24 octets"],
    ] as const)
      await expect(bench(secret), secret).rejects.toMatchObject({
        code: "config.secret",
        message: expect.stringContaining(why),
      });
  });
});

describe("answers to events", () => {
  it("are taken by their status, whatever comes behind it", async () => {
    smsr.serve = (_got, response) => {
      response.writeHead(200, { "content-type": "text/html" });
      response.end(Buffer.alloc(3 * 1024 * 1024, 0x20));
      return undefined;
    };
    await using gateway = await bench("a secret of more than 24 octets");
    await gateway.card("reader-1");
    await gateway.card("reader-2");
    await gateway.until(() => smsr.events().length >= 2);
    await gateway.until(async () => (await gateway.call("GET", "/v1/upstreams")).body.items[0].queued === 0);
    const ids = smsr.events().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("that point elsewhere are refusals: the event is given up after so many, and nothing is followed", async () => {
    smsr.serve = (_got, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${smsr.port}/elsewhere` }).end();
      return undefined;
    };
    await using gateway = await bench("a secret of more than 24 octets");
    await gateway.card("reader-1");
    await gateway.until(async () => (await gateway.call("GET", "/v1/upstreams")).body.items[0].dead > 0);
    const first = smsr.events()[0]?.id;
    expect(smsr.events().filter(({ id }) => id === first)).toHaveLength(4);
    expect(smsr.got.some(({ path }) => path === "/elsewhere")).toBe(false);
  });
});
