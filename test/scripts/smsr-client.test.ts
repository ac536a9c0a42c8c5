import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { type CloudEvent, genuine, Otagate, type Refusal, receiver } from "../../scripts/smsr-client.ts";
import { agentOf, fleetCards } from "../../simulators/scp81/fleet.ts";
import { systemClock } from "../../src/base/clock.ts";
import { ApiBench } from "../face/http/api-bench.ts";
import { testOctets, testRandom } from "../seed.ts";

const randomOctets = testOctets();

const secret = "a shared secret of the test";
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

/** A gateway that tells the client's own receiver of everything. */
async function stage(config: Record<string, unknown> = {}) {
  const events: CloudEvent[] = [];
  const server = receiver(secret, (event) => events.push(event));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push({
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const upstream = [{ name: "smsr", secret: "env:SECRET", webhook: { url } }];
  const bench = await ApiBench.open({ config: { upstream, ...config }, env: { SECRET: secret } });
  open.push(bench);
  const client = await Otagate.connect(bench.url, await bench.token("smsr", ["jobs"]));
  return { bench, client, events };
}

it("audits a card and switches its profile, with nothing but the document", async () => {
  const { bench, client, events } = await stage();
  const card = await bench.card("reader-1");
  const { eid, profiles } = card.state;
  const audit = await client.run(eid, { kind: "es5", function: "auditStatus" });
  expect(audit).toMatchObject({ state: "done", result: { commands: [{ sw: "9000" }] } });
  const iccid = profiles.find((profile) => profile.state === "disabled")?.iccid ?? "";
  const job = await client.enableProfile(eid, iccid);
  expect(job.state).toBe("done");
  await bench.until(() => events.some((event) => event.type === "otagate.switch.confirmed"), 20_000);
  const types = events.filter((event) => event.subject === eid).map((event) => event.type);
  const order = ["job.done", "switch.accepted", "notification.received", "switch.switched", "switch.confirmed"];
  for (const type of order) expect(types).toContain(`otagate.${type}`);
  const told = events.find((event) => event.type === "otagate.notification.received");
  expect(told?.data.notification).toMatchObject({ eid, type: 2, raw: expect.stringMatching(/^E1/) });
  expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
});

it("downloads a profile in one session, every octet as it was", { timeout: 60_000 }, async () => {
  const { bench, client } = await stage({ scp81: { enabled: true, port: 0 } });
  const [card] = fleetCards(1, "download");
  if (card === undefined) throw new Error("no card");
  const psk = Buffer.from(card.psk).toString("hex");
  await bench.daemon.gateway.targets.import({
    eid: card.eid,
    isdR: { keySets: [{ kvn: 64, type: "SCP81", keys: [{ id: 1, value: psk }] }] },
  });
  const scripts = Array.from({ length: 39 }, (_, index) => {
    const tlv = randomOctets(index === 0 ? 10 : 200 + ((index * 37) % 820));
    const head = Buffer.alloc(4);
    head.writeUInt8(index === 0 ? 0x84 : 0x86, 0);
    head.writeUInt8(0x82, 1);
    head.writeUInt16BE(tlv.length, 2);
    return Buffer.concat([Buffer.from("AE80", "hex"), head, tlv, Buffer.from("0000", "hex")]);
  });
  const ran: Buffer[] = [];
  const said: string[] = [];
  const agent = agentOf(
    card,
    {
      host: "127.0.0.1",
      port: (await bench.call("GET", "/v1")).body.facts.scp81.port,
      cards: [card],
      parallel: 1,
      sessionsPerCard: 1,
      uri: "/gsma/adminagent",
      retry: { attempts: 3, delayMs: 20 },
      inactivityMs: 20_000,
      execute: async (_, script) => {
        ran.push(Buffer.from(script.body));
        // Each command is answered by an object of its own tag. SGP.02 §4.1.3.3
        const response = Buffer.concat([
          Buffer.from("AF80", "hex"),
          Buffer.of(script.body[2] ?? 0, ran.length),
          randomOctets(ran.length),
          Buffer.alloc(2),
        ]);
        said.push(response.toString("hex").toUpperCase());
        return { status: "ok", response };
      },
    },
    { clock: systemClock, random: testRandom() },
  );
  const isdP = "A0000005591010FFFFFFFF8900001200";
  const answers = client.download(
    card.eid,
    isdP,
    scripts.map((script) => script.toString("hex")),
  );
  await bench.until(async () => (await bench.call("GET", "/v1/jobs?state=waiting")).body.items.length === 1);
  const report = await agent.run();
  expect(await answers).toEqual(said);
  expect(report).toMatchObject({ end: "complete", links: 1, posts: 40 });
  expect(ran).toEqual(scripts);
});

it("tells refusals by their code, and does not take forged or old events", async () => {
  const { client } = await stage();
  const refusal = await client
    .run("89000000000000000000000000000000", { kind: "es5", function: "auditStatus" })
    .catch((error: Refusal) => error);
  expect(refusal).toMatchObject({ code: "target.unknown" });
  const headers = { "webhook-id": "evt_1", "webhook-timestamp": "1000", "webhook-signature": "v1,AAAA" };
  expect(genuine(secret, headers, "{}")).toBe(false);
});
