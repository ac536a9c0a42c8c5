import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { agentOf, fleetCards } from "../../simulators/scp81/fleet.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { Log } from "../../src/link/driver.ts";
import { type Answer, ApiBench } from "../face/http/api-bench.ts";
import { SmsrStandIn } from "../gateway/upstream/stand-in.ts";
import { testOctets, testRandom } from "../seed.ts";

const randomOctets = testOctets();

/** Everything secret that the daemon was ever given, by what it is. */
const marks = new Map<string, Buffer>();
/** Keys and passwords in orders of clients: only the store has them, for the card. */
const ordered = new Map<string, Buffer>();
/** Everything it said, by where. */
const said: [where: string, text: string | Buffer][] = [];
let bench: ApiBench;
let smsr: SmsrStandIn;

const mark = (what: string, octets = randomOctets(16)) => {
  marks.set(what, octets);
  return octets.toString("hex");
};

/** The spellings in which a secret could come out. */
function spellings(octets: Buffer): Buffer[] {
  const hex = octets.toString("hex");
  const texts = [hex, hex.toUpperCase(), octets.toString("base64").replace(/=+$/, ""), octets.toString("base64url")];
  return [octets, ...texts.map((text) => Buffer.from(text)), Buffer.from([...octets].join(","))];
}

const log = (level: string) => (facts: object, text?: string) =>
  void said.push([`log ${level}`, `${inspect(facts, { depth: 12 })} ${JSON.stringify(facts)} ${text ?? ""}`]);
const listening: Log = { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };

async function call(method: string, path: string, options: Parameters<ApiBench["call"]>[2] = {}): Promise<Answer> {
  const answer = await bench.call(method, path, options);
  const headers = JSON.stringify([...answer.headers]);
  said.push([
    `answer to ${method} ${path}`,
    `${headers} ${typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body)}`,
  ]);
  return answer;
}

beforeAll(async () => {
  smsr = await SmsrStandIn.open();
  const url = (path: string) => `http://127.0.0.1:${smsr.port}${path}`;
  const text = (what: string) =>
    mark(what, Buffer.from(`marked-${what.replaceAll(" ", "-")}-${randomOctets(12).toString("hex")}`));
  const env = {
    HOOK: Buffer.from(text("webhook secret"), "hex").toString(),
    UP: Buffer.from(text("upstream token"), "hex").toString(),
    MASTER: mark("master key", randomOctets(32)),
  };
  bench = await ApiBench.open({
    log: listening,
    env,
    config: {
      masterKey: "env:MASTER",
      log: { level: "debug" },
      scp81: { enabled: true, port: 0 },
      upstream: [
        {
          name: "smsr",
          secret: "env:HOOK",
          token: "env:UP",
          webhook: { url: url("/events") },
          keys: { url: url("/psk"), timeoutMs: 1000, keepMs: 0, unknownMs: 0 },
        },
      ],
    },
  });
}, 60_000);

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await smsr[Symbol.asyncDispose]();
});

/** Jobs with the keys of a card, over SMS, right and wrong. */
async function packets(): Promise<void> {
  const card = await bench.card("reader-1", "secrets");
  for (const set of card.state.isdR.keySets)
    for (const key of set.keys) mark(`${set.type} key ${key.id} of the card`, Buffer.from(key.value, "hex"));
  const { eid } = card.state;
  mark("control", Buffer.from(eid, "hex"));
  const order = (over: object = {}) => ({ target: eid, work: { kind: "es5", function: "auditStatus" }, ...over });
  for (const over of [{}, { request: { spi: "1239" } }, { request: { kvn: 9 } }]) {
    const { body } = await call("POST", "/v1/jobs", { body: order(over) });
    await call("GET", `/v1/jobs/${body.id}?wait=8000`);
  }
  await scriptsInClear(eid);
  const keys = (value: string) => ({ keySets: [{ kvn: 7, keys: [1, 2, 3].map((id) => ({ id, value })) }] });
  await call("PUT", `/v1/targets/${eid}/keys`, { body: keys(mark("written key")) });
  await call("PUT", `/v1/targets/${eid}/keys`, { body: keys(mark("key of a wrong length", randomOctets(15))) });
  await call("PUT", `/v1/targets/${eid}/keys`, {
    body: { keySets: [{ kvn: 300, [mark("key as a name")]: 1, keys: [] }] },
  });
  await call("PUT", `/v1/targets/${eid}/keys`, { raw: `{"keySets": [{"keys": "${mark("key in broken JSON")}" ` });
  await call("GET", `/v1/targets/${eid}`);
}

/** Keys in packets that are not ciphered, in every one of several short messages. */
async function scriptsInClear(eid: string): Promise<void> {
  const secret = (what: string) => {
    const octets = randomOctets(16);
    ordered.set(what, octets);
    return octets.toString("hex");
  };
  // In commands it stands as text, whose octets are looked for.
  const password = secret("APN password");
  ordered.set("APN password", Buffer.from(password));
  const https = { networkAccessName: "apn", user: "otagate", password };
  await call("PUT", `/v1/targets/${eid}/connectivity`, {
    body: { smsr: { https: { ...https, host: "smsr.example", uri: "/x" } } },
  });
  const { body: jobs } = await call("PUT", `/v1/targets/${eid}/connectivity`, {
    body: { profile: { https, tar: "000001" } },
  });
  for (const { id } of jobs.jobs ?? []) await call("GET", `/v1/jobs/${id}?wait=8000`);
  expect(jobs.jobs).toHaveLength(1);
  await call("GET", `/v1/targets/${eid}/connectivity`);
  await call("GET", `/v1/targets/${eid}`);
  await call("GET", `/v1/targets/${eid}/export?format=json`);
  await call("GET", `/v1/targets/${eid}/export?format=xml`);
  const cut = secret("STORE DATA in two blocks");
  const blocks = [`80E208000B811310${cut.slice(0, 16)}`, `80E2880108${cut.slice(16)}`];
  await call("POST", "/v1/jobs", { body: { target: eid, work: { kind: "script", apdus: blocks } } });
  await call("POST", "/v1/campaigns", {
    body: {
      name: "keys",
      targets: { kind: "list", references: [eid] },
      action: { kind: "script", apdus: [`80D8000117018810${secret("PUT KEY of a campaign")}03AABBCC`] },
    },
  });
  await call("GET", "/v1/campaigns");
  const profile = `A0118001028101018203414243${""}830489881122`;
  const part = (hex: string) => `86${(hex.length / 2).toString(16).padStart(2, "0")}${hex}`;
  const body = [
    `${profile}`,
    `8110${secret("Ki of a profile in clear")}8210${secret("OPc of a profile in clear")}`,
  ].map(part);
  await call("POST", "/v1/jobs", { body: { target: eid, work: { kind: "body", body: body.join("") } } });
  const puts = Array.from({ length: 12 }, (_, n) => `80D8000117018810${secret(`PUT KEY ${n}`)}03AABBCC`);
  const stores = Array.from({ length: 12 }, (_, n) => `80E2880013811310${secret(`STORE DATA ${n}`)}`);
  const apdus = [...puts, `0020000108${secret("PIN").slice(0, 16)}`, ...stores];
  for (const format of ["compact", "expanded-definite"]) {
    const work = { kind: "script", tar: "000001", apdus, format };
    const request = { spi: "0221", bearer: "envelope" };
    const { body } = await call("POST", "/v1/jobs", { body: { target: eid, work, request } });
    await call("GET", `/v1/jobs/${body.id}?wait=8000`);
  }
}

/** Descriptions with keys in the right places and in wrong ones. */
async function imports(): Promise<void> {
  const iccid = (n: number) => `890100000000000${String(n).padStart(4, "0")}`;
  const set = (value: string) => ({ kvn: 1, keys: [1, 2, 3].map((id) => ({ id, value })) });
  await call("POST", "/v1/targets", { body: { iccid: iccid(1), keySets: [set(mark("imported key"))] } });
  await call("POST", "/v1/targets", { body: { iccid: iccid(2), keySets: [set(`${mark("odd key")}0`)] } });
  await call("POST", "/v1/targets", { body: { iccid: iccid(3), eid: mark("key as EID"), keySets: [] } });
  const [kic, kid] = [mark("KIc of a CSV"), mark("KID of a CSV")];
  const csv = `iccid,kic,kid,psk\n${iccid(4)},${kic},${kid},${mark("PSK of a CSV")}\n`;
  await call("POST", "/v1/targets/import", { body: { format: "csv", text: csv } });
  await call("POST", "/v1/targets/import", {
    body: { format: "csv", text: `iccid,kic\n${iccid(5)},${mark("lone KIc")}\n` },
  });
  await call("GET", "/v1/targets");
}

/** TLS-PSK sessions: with a key of ours, of the upstream, and with wrong ones. */
async function sessions(): Promise<void> {
  const [ours, theirs, nobody] = fleetCards(3, "secrets");
  if (ours === undefined || theirs === undefined || nobody === undefined) throw new Error("no cards");
  const psk = mark("PSK of ours", Buffer.from(ours.psk));
  mark("PSK of the upstream", Buffer.from(theirs.psk));
  mark("PSK of nobody", Buffer.from(nobody.psk));
  await call("POST", "/v1/targets", {
    body: { eid: ours.eid, isdR: { keySets: [{ kvn: 64, type: "SCP81", keys: [{ id: 1, value: psk }] }] } },
  });
  smsr.serve = ({ path, body }, response) => {
    if (path !== "/psk") return 204;
    if (!body.includes(theirs.identity)) return 404;
    response.writeHead(200).end(JSON.stringify({ psk: Buffer.from(theirs.psk).toString("hex") }));
    return undefined;
  };
  const { port } = (await call("GET", "/v1")).body.facts.scp81;
  const ends: string[] = [];
  for (const card of [ours, theirs, nobody, { ...ours, psk: randomOctets(16) }]) {
    const options = {
      host: "127.0.0.1",
      port,
      cards: [card],
      parallel: 1,
      sessionsPerCard: 1,
      uri: "/gsma/adminagent",
    };
    const agent = agentOf(
      card,
      { ...options, retry: { attempts: 0, delayMs: 1 }, inactivityMs: 3000 },
      { clock: systemClock, random: testRandom() },
    );
    ends.push((await agent.run()).end);
  }
  expect(ends).toEqual(["complete", "complete", "handshake-failed", "handshake-failed"]);
}

/** Tokens: made, used, wrong, revoked. */
async function tokens(): Promise<void> {
  const token = await bench.token("marked", ["read"]);
  mark("API token", Buffer.from(token.slice(-43), "base64url"));
  await call("GET", "/v1/jobs", { token });
  await call("POST", "/v1/jobs", { token, body: { target: "x", work: { kind: "es5", function: "x" } } });
  await call("GET", `/v1/jobs?token=${token.slice(-43)}`, { token: null });
  await call("DELETE", "/v1/tokens/marked");
  await call("GET", "/v1/jobs", { token });
}

/** Everything the state folder holds. */
function files(folder: string): [string, Buffer][] {
  return readdirSync(folder).flatMap((name): [string, Buffer][] => {
    const path = join(folder, name);
    const info = statSync(path);
    if (info.isDirectory()) return files(path);
    return info.isFile() ? [[`file ${name}`, readFileSync(path)]] : [];
  });
}

it("keeps every secret out of logs, traces, events, answers, errors, webhooks and files", {
  timeout: 120_000,
}, async () => {
  await packets();
  await imports();
  await sessions();
  await tokens();
  await bench.until(async () => (await bench.call("GET", "/v1/upstreams")).body.items[0].queued === 0);
  for (const path of [
    "/v1/events/log?limit=1000",
    "/v1/audit",
    "/v1/traces",
    "/v1/messages",
    "/v1/sessions",
    "/metrics",
    "/v1/tokens",
    "/v1/upstreams",
    "/v1/jobs",
    "/v1/links",
  ])
    await call("GET", path);
  for (const { path, body } of smsr.got) if (path !== "/psk") said.push([`webhook ${path}`, body]);
  await bench.daemon[Symbol.asyncDispose]();
  said.push(...files(join(bench.folder, "state")));
  expect(marks.size).toBeGreaterThan(20);
  expect(said.map(([where]) => where)).toEqual(
    expect.arrayContaining(["file otagate.db", "log warn", "webhook /events"]),
  );
  expect(said.some(([where]) => where.startsWith("file frames-"))).toBe(true);
  expect(leaks().filter((leak) => !leak.startsWith("control"))).toEqual([]);
  const told = said.filter(([where]) => !where.startsWith("file otagate.db"));
  const kept = told.filter(([where]) => where.startsWith("file frames-")).map(([, text]) => text.toString());
  expect(kept.join("")).toContain(`80D8000117${"00".repeat(23)}`);
  expect(leaks(ordered, told, 8)).toEqual([]);
  // An EID is no secret: finding it shows that a secret would have been found.
  expect(leaks().filter((leak) => leak.startsWith("control")).length).toBeGreaterThan(5);
});

/** What came out, and where; with `part`, also where only so many octets from its beginning or to its end did. */
function leaks(secrets = marks, places = said, part?: number): string[] {
  return [...secrets].flatMap(([what, octets]) => {
    const parts = part === undefined ? [octets] : [octets.subarray(0, part), octets.subarray(-part)];
    const forms = parts.flatMap(spellings);
    return places
      .filter(([, text]) => forms.some((form) => (typeof text === "string" ? Buffer.from(text) : text).includes(form)))
      .map(([where]) => `${what} in ${where}`);
  });
}
