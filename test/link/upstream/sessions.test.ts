import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { agentOf, type FleetCard, fleetCards } from "../../../simulators/scp81/fleet.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { ApiBench } from "../../face/http/api-bench.ts";
import { authority } from "../../face/http/certificates.ts";
import { SmsrStandIn } from "../../gateway/upstream/stand-in.ts";
import { testOctets, testRandom } from "../../seed.ts";

const randomOctets = testOctets();

const command = "application/vnd.globalplatform.card-content-mgt;version=1.0";
const isdP = "A0000005591010FFFFFFFF8900001000";
const [card] = fleetCards(1, "proxy") as [FleetCard];
const ca = authority("CA");
const server = ca.issue("smsr");
const ours = ca.issue("gateway");
const folder = mkdtempSync(join(tmpdir(), "otagate-proxy-"));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const tls = { cert: file("cert.pem", ours.cert), key: file("key.pem", ours.key), ca: file("ca.pem", ca.cert) };

let smsr: SmsrStandIn;
let bench: ApiBench | undefined;

beforeEach(async () => {
  smsr = await SmsrStandIn.open({
    tls: { cert: server.cert, key: server.key, ca: ca.cert, requestCert: true, rejectUnauthorized: true },
  });
});

afterEach(async () => {
  await bench?.[Symbol.asyncDispose]();
  bench = undefined;
  await smsr[Symbol.asyncDispose]();
});

afterAll(() => rmSync(folder, { recursive: true }));

async function gateway(upstream: Record<string, unknown>): Promise<ApiBench> {
  const made = await ApiBench.open({
    config: { scp81: { enabled: true, port: 0 }, upstream: [{ name: "smsr", tls, ...upstream }] },
  });
  bench = made;
  return made;
}

/** A card's session; every script is answered with octets of its own. */
async function session(made: ApiBench, options: { deviations?: object; attempts?: number; agentId?: string } = {}) {
  const { body } = await made.call("GET", "/v1");
  const ran: Uint8Array[] = [];
  const said: Uint8Array[] = [];
  const agent = agentOf(
    { ...card, agentId: options.agentId ?? card.agentId },
    {
      host: "127.0.0.1",
      port: body.facts.scp81.port,
      cards: [card],
      parallel: 1,
      sessionsPerCard: 1,
      uri: "/gsma/adminagent",
      retry: { attempts: options.attempts ?? 3, delayMs: 20 },
      inactivityMs: 4000,
      deviations: options.deviations ?? {},
      execute: async (_, script) => {
        ran.push(script.body);
        const response = randomOctets(1 + (script.body.length % 300));
        said.push(response);
        return { status: "ok", response };
      },
    },
    { clock: systemClock, random: testRandom() },
  );
  return { report: await agent.run(), ran, said };
}

const registered = async (made: ApiBench, tags: string[] = []) =>
  made.daemon.gateway.targets.import({
    eid: card.eid,
    tags,
    isdR: { keySets: [{ kvn: 64, type: "SCP81", keys: [{ id: 1, value: Buffer.from(card.psk).toString("hex") }] }] },
  });

/** An Amendment B endpoint that hands out these scripts, one after the other. */
function serving(scripts: readonly Uint8Array[]): Uint8Array[] {
  const answers: Uint8Array[] = [];
  let next = 0;
  smsr.serve = ({ headers, body }, response) => {
    if (headers["x-admin-script-status"] !== undefined) answers.push(body);
    const script = scripts[next];
    if (script === undefined) return 204;
    response
      .writeHead(200, {
        "Content-Type": command,
        "X-Admin-Protocol": "globalplatform-remote-admin/1.0",
        "X-Admin-Next-URI": `/gsma/adminagent?step=${next++}`,
        "X-Admin-Targeted-Application": `//aid/${isdP.slice(0, 10)}/${isdP.slice(10)}`,
      })
      .end(script);
    return undefined;
  };
  return answers;
}

describe("sessions that the SM-SR runs itself", () => {
  it("pass through with every octet, and with whose they are", async () => {
    const made = await gateway({ proxy: { url: `https://127.0.0.1:${smsr.port}/b`, targets: "all" } });
    await registered(made);
    const scripts = Array.from({ length: 39 }, (_, index) => randomOctets(index === 20 ? 9000 : 1 + index * 21));
    const answers = serving(scripts);
    const { report, ran, said } = await session(made);
    expect(report).toMatchObject({ end: "complete", posts: 40 });
    expect(ran.map((one) => Buffer.from(one))).toEqual(scripts);
    expect(answers.map((one) => Buffer.from(one))).toEqual(said);
    const [first, second] = smsr.got;
    expect([first?.path, second?.path]).toEqual(["/b/gsma/adminagent", "/b/gsma/adminagent?step=0"]);
    const { id } = (await made.call("GET", `/v1/targets/${card.eid}`)).body;
    expect(first?.headers).toMatchObject({
      "x-otagate-eid": card.eid,
      "x-otagate-target": id,
      "x-otagate-psk-identity": card.identity,
      "x-admin-from": card.agentId,
      "x-admin-protocol": "globalplatform-remote-admin/1.0",
    });
    expect(first?.headers["x-otagate-session"]).toMatch(/^ses_/);
  });

  it("stay open while the SM-SR has nothing yet and says where to ask again", async () => {
    const made = await gateway({ proxy: { url: `https://127.0.0.1:${smsr.port}`, targets: "all" } });
    await registered(made);
    let posts = 0;
    smsr.serve = (_, response) => {
      const steps = ["X-Admin-Next-URI", "SCWS-Next-URI", "X-Admin-Next-URI"] as const;
      const name = steps[posts];
      const next = `/server/adminagent?cmd=${++posts}`;
      if (name === undefined) return 204;
      const common = { "X-Admin-Protocol": "globalplatform-remote-admin/1.0", [name]: next };
      if (posts < 3) response.writeHead(204, common).end();
      else
        response
          .writeHead(200, { ...common, "Content-Type": command.replace(";", " ; ") })
          .end(Buffer.from("AE800000", "hex"));
      return undefined;
    };
    const { report, ran } = await session(made);
    expect(report).toMatchObject({ end: "complete", posts: 4 });
    expect(ran).toHaveLength(1);
    expect(smsr.got.map(({ path }) => path)).toEqual([
      "/gsma/adminagent",
      ...[1, 2, 3].map((n) => `/server/adminagent?cmd=${n}`),
    ]);
  });

  it("bring the SM-SR what the card spells in its own way", async () => {
    const made = await gateway({ proxy: { url: `https://127.0.0.1:${smsr.port}`, targets: "all" } });
    await registered(made);
    serving([randomOctets(20)]);
    const deviations = { lineEnd: "lf", spacing: "space-before-colon", requestTarget: "absolute" };
    const { report, ran } = await session(made, { deviations });
    expect(report).toMatchObject({ end: "complete", posts: 2 });
    expect(ran).toHaveLength(1);
    expect(smsr.got[1]?.headers).toMatchObject({ "x-admin-from": card.agentId, "x-admin-script-status": "ok" });
  });

  it("are for the targets of the configuration; the others stay with us", async () => {
    const made = await gateway({ proxy: { url: `https://127.0.0.1:${smsr.port}`, targets: ["theirs"] } });
    await registered(made, ["ours"]);
    serving([]);
    expect((await session(made)).report.end).toBe("complete");
    expect(smsr.got).toHaveLength(0);
    await made.call("PATCH", `/v1/targets/${card.eid}`, { body: { tags: ["theirs"] } });
    expect((await session(made)).report.end).toBe("complete");
    expect(smsr.got).toHaveLength(1);
  });

  it("are cut for the card to come back when the SM-SR fails or lies, and nothing false reaches the card", async () => {
    const made = await gateway({
      proxy: { url: `https://127.0.0.1:${smsr.port}`, targets: "all", timeoutMs: 1000, maxOctets: 2048 },
    });
    await registered(made);
    const lies: ((response: import("node:http").ServerResponse) => void)[] = [
      (response) => response.writeHead(503).end(),
      (response) => response.writeHead(302, { location: "/x" }).end(),
      (response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>"),
      (response) => response.writeHead(200, { "content-type": command }).end(Buffer.alloc(5000)),
      (response) =>
        response.writeHead(200, { "content-type": command, "x-admin-targeted-application": "//aid/x" }).end("x"),
      (response) => response.destroy(),
    ];
    smsr.serve = (_, response) => {
      const lie = lies.shift();
      if (lie === undefined) return 204;
      lie(response);
      return undefined;
    };
    const { report, ran } = await session(made, { attempts: 8 });
    expect(report).toMatchObject({ end: "complete", links: 7 });
    expect(ran).toHaveLength(0);
  });

  it("resume at the SM-SR after a break", async () => {
    const made = await gateway({ proxy: { url: `https://127.0.0.1:${smsr.port}`, targets: "all" } });
    await registered(made);
    const scripts = [randomOctets(40), randomOctets(50)];
    serving(scripts);
    const { report } = await session(made, { deviations: { drops: [{ at: "after-execution", post: 0, how: "fin" }] } });
    expect(report.end).toBe("complete");
    expect(smsr.got.some(({ headers }) => headers["x-admin-resume"] === "true")).toBe(true);
  });
});

describe("keys that only the SM-SR knows", () => {
  const keys = (over: object = {}) => ({
    keys: { url: `https://127.0.0.1:${smsr.port}/psk`, timeoutMs: 500, ...over },
  });
  const psk = () => Buffer.from(card.psk).toString("hex");
  const asked = () => smsr.got.filter(({ path }) => path === "/psk");

  it("open sessions, are asked for once, and proxied sessions go where the keys came from", async () => {
    const made = await gateway({ ...keys(), proxy: { url: `https://127.0.0.1:${smsr.port}` } });
    const answers = serving([randomOctets(30)]);
    const serve = smsr.serve;
    smsr.serve = (got, response) => {
      if (got.path !== "/psk") return serve(got, response);
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ psk: psk() }));
      return undefined;
    };
    expect((await session(made)).report.end).toBe("complete");
    expect((await session(made)).report.end).toBe("complete");
    expect(answers).toHaveLength(1);
    expect(asked().map(({ body }) => JSON.parse(body.toString()))).toEqual([
      { identity: card.identity, eid: card.eid, kvn: 64, keyId: 1 },
    ]);
    expect(smsr.got.find(({ path }) => path === "/gsma/adminagent")?.headers["x-otagate-eid"]).toBe(card.eid);
    const kept = JSON.stringify((await made.call("GET", "/v1/events/log?limit=1000")).body);
    expect(kept.toLowerCase()).not.toContain(psk());
  });

  it("leave the handshake to fail when there are none, when they are wrong, and when nobody answers in time", async () => {
    const made = await gateway(keys({ unknownMs: 0, keepMs: 0 }));
    const answers = [
      (response: import("node:http").ServerResponse) => void response.writeHead(404).end(),
      (response: import("node:http").ServerResponse) =>
        void response.writeHead(200).end(JSON.stringify({ psk: createHash("md5").update("no").digest("hex") })),
      (response: import("node:http").ServerResponse) => void response.writeHead(200).end(JSON.stringify({ psk: "00" })),
      (response: import("node:http").ServerResponse) => void response.writeHead(200).end("x".repeat(100_000)),
      () => {},
    ];
    for (const answer of answers) {
      smsr.serve = (_, response) => {
        answer(response);
        return undefined;
      };
      const began = Date.now();
      expect((await session(made, { attempts: 0 })).report.end).toBe("handshake-failed");
      expect(Date.now() - began).toBeLessThan(3000);
    }
    expect((await made.call("GET", "/healthz")).status).toBe(200);
  });

  it("do not hide how the card of a known target names itself", async () => {
    const made = await gateway(keys());
    await made.daemon.gateway.targets.import({ eid: card.eid, settings: { agentId: "card 7" } });
    smsr.serve = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ psk: psk() }));
      return undefined;
    };
    expect((await session(made, { agentId: "card 7" })).report.end).toBe("complete");
    expect((await session(made, { agentId: "card 8" })).report.end).toBe("refused");
  });

  it("are not asked for when the gateway has its own", async () => {
    const made = await gateway(keys());
    await registered(made);
    expect((await session(made)).report.end).toBe("complete");
    expect(asked()).toHaveLength(0);
  });
});
