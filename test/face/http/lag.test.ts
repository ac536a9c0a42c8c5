import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../../src/app/version.ts";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { fullTests, testSeed } from "../../seed.ts";
import { ApiBench } from "./api-bench.ts";
import { leastStretch, stretchOf } from "./lag.ts";

const maxMs = 50;
const oneMegabyte = 1_000_000;

let bench: ApiBench;
beforeAll(async () => {
  bench = await ApiBench.open();
}, 60_000);
afterAll(() => bench[Symbol.asyncDispose]());

/** A request without a network: what the client does for it would count too. */
const send = (method: string, url: string, payload?: string, headers: Record<string, string> = {}) =>
  bench.daemon.api.inject({
    method: method as "POST",
    url,
    headers: { ...(payload === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...withoutUndefined({ payload }),
  });

type Json = Record<string, unknown>;
interface Operation {
  readonly method: string;
  readonly path: string;
  readonly body?: Json;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
}

interface Described {
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: Json }>> };
  readonly parameters?: Operation["parameters"];
}

/** Names of the fields of a body, of all its forms. */
function fieldsOf(body: Json): Set<string> {
  const forms = [body.anyOf, body.oneOf].flatMap((one) => (Array.isArray(one) ? (one as Json[]) : []));
  return new Set(["unknown", ...[body, ...forms].flatMap((one) => Object.keys(Object(one.properties)))]);
}

async function operations(): Promise<Operation[]> {
  const document = (await bench.call("GET", "/v1/openapi.json")).body;
  const resolved = (schema: Json): Json => {
    const name = /^#\/components\/schemas\/(.+)$/.exec(String(schema.$ref ?? ""))?.[1];
    return name === undefined ? schema : document.components.schemas[name];
  };
  return Object.entries<Record<string, Described>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, made]) => {
      const schema = made.requestBody?.content?.["application/json"]?.schema;
      return {
        method: method.toUpperCase(),
        path: path.replaceAll(/\{[^}]+\}/g, "89001012012341234012345678901224"),
        parameters: made.parameters ?? [],
        ...(schema === undefined ? {} : { body: resolved(schema) }),
      };
    }),
  );
}

const filled = (unit: string, length = oneMegabyte) => unit.repeat(Math.floor(length / unit.length));

/** Texts that pattern matching, splitting and parsing find hard. */
const texts: Record<string, string> = {
  letters: filled("a"),
  digits: filled("0"),
  "odd hex": `${filled("0A")}0`,
  blanks: `${filled(" ")}x`,
  commas: filled(","),
  lines: filled("\n"),
  "quotes and commas": filled('",'),
  "open tags": filled("<a>"),
  "xml elements": `<r>${filled("<a/>", oneMegabyte - 10)}</r>`,
  "xml namespaces": `<r>${filled('<a xmlns:b="c"/>', oneMegabyte - 10)}</r>`,
  "xml EISs": `<r>${filled("<Eis/>", oneMegabyte - 10)}</r>`,
  "certificate lines": `-----BEGIN CERTIFICATE-----\n${filled("A", 900_000)}\n-----END CERTIFICATE-----`,
};
/** Values of 1 MB at most that validation finds hard. */
const values: Record<string, () => unknown> = {
  ...Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, () => text])),
  "many numbers": () => Array.from({ length: 19_000 }, () => 1),
  "many empty objects": () => Array.from({ length: 19_000 }, () => ({})),
  "many texts": () => Array.from({ length: 19_000 }, () => "x"),
  "long texts": () => Array.from({ length: 28_000 }, (_, at) => `${at}`.padStart(32, "0")),
  "many fields": () => Object.fromEntries(Array.from({ length: 999 }, (_, at) => [`f${at}`, "x".repeat(900)])),
  "objects of many fields": () =>
    Array.from({ length: 90 }, () => Object.fromEntries(Array.from({ length: 999 }, (_, at) => [`f${at}`, 1]))),
  "lists in lists": () => Array.from({ length: 2000 }, () => Array.from({ length: 200 }, () => 1)),
  "deep objects": () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 50; depth++) value = depth % 2 === 0 ? [value] : { a: value };
    return value;
  },
};

/**
 * Chooses `count` of some values, the next ones each time, so that every value meets some field of every shape; all of
 * them in a full run. The seed of the run is where it begins.
 */
function inTurn(): <T>(count: number, values: readonly T[]) => readonly T[] {
  let at = Math.abs(testSeed);
  return (count, values) => {
    if (fullTests) return values;
    const chosen = Array.from({ length: Math.min(count, values.length) }, (_, n) => (at + n) % values.length);
    at += count;
    return chosen.flatMap((one) => values.slice(one, one + 1));
  };
}

it("is measured: work in one piece is noticed, the same in pieces is not", async () => {
  const text = JSON.stringify(Array.from({ length: 2000 }, (_, at) => ({ at })));
  const cpu = () => Object.values(process.cpuUsage()).reduce((sum, one) => sum + one, 0) / 1000;
  const burn = (ms: number) => {
    for (const until = cpu() + ms; cpu() < until; ) JSON.parse(text);
  };
  const shortest = async (tries: number, work: () => Promise<void>) => {
    let least = Number.POSITIVE_INFINITY;
    for (let run = 0; run < tries; run++) least = Math.min(least, (await stretchOf(work)).maxMs);
    return least;
  };
  expect(await shortest(2, async () => burn(80))).toBeGreaterThan(60);
  const pieces = async () => {
    for (let piece = 0; piece < 8; piece++) {
      burn(10);
      await setImmediate();
    }
  };
  expect(await shortest(5, pieces)).toBeLessThan(40);
  // However slow the processor is, much work is beyond a limit, and little is not.
  const rounds = (count: number) => async () => {
    for (let round = 0; round < count; round++) JSON.parse(JSON.stringify(values["long texts"]?.()));
  };
  expect(await leastStretch(rounds(10), maxMs, 2)).toBeGreaterThan(maxMs);
  expect(await leastStretch(rounds(1), maxMs)).toBeLessThan(maxMs);
});

describe("no request holds the process for 50 ms", () => {
  it("with a body of one megabyte, for any value in any field", { timeout: 600_000 }, async () => {
    const slow: string[] = [];
    const bodies = Object.entries(values).map(([name, make]) => [name, JSON.stringify(make())] as const);
    const hardest = ["odd hex", "digits", "lines", "objects of many fields", "lists in lists", "many texts"];
    const hard = bodies.filter(([one]) => hardest.includes(one));
    const some = inTurn();
    for (const { method, path, body } of await operations()) {
      if (body === undefined) continue;
      const fields = fieldsOf(body);
      for (const field of fields) {
        for (const [name, text] of field === "unknown" ? bodies : some(2, hard)) {
          const raw = `{${JSON.stringify(field)}:${text}}`;
          const least = await leastStretch(() => send(method, path, raw), maxMs);
          if (least > maxMs) slow.push(`${method} ${path} ${field}: ${name} ${Math.round(least)} ms`);
        }
      }
    }
    expect(slow).toEqual([]);
  });

  const eis = readFileSync(`${packageRoot}/test/vectors/eis/ecdsa.xml`, "utf8");
  const [ci, eum] = ["ci.pem", "eum.pem"].map((name) =>
    readFileSync(`${packageRoot}/test/vectors/eis/${name}`, "utf8"),
  );
  const elements = (count: number) =>
    eis.replace("<rps3:AdditionalProperties>", `${"<rps3:x>y</rps3:x>".repeat(count)}$&`);
  const many = `<all>${eis.replace(/^<\?xml.*\?>/, "").repeat(140)}<x>`;
  const xml = (text: string, more: object = {}) => ({ format: "xml", text, ...more });
  const csv = (text: string) => ({ format: "csv", text });
  const script = (work: object) => ({ target: "89001012012341234012345678901224", work });
  const apdu = `80E28800FF3A07${"5A".repeat(253)}`;
  const rows = (row: (at: number) => string, count: number) =>
    Array.from({ length: count }, (_, at) => row(at)).join("\n");

  it.each<[string, string, () => object]>([
    ["an EIS with all the elements that are accepted", "/v1/targets/import", () => xml(elements(2800), { ci, eum })],
    ["an EIS with one element too many", "/v1/targets/import", () => xml(elements(40_000))],
    ["many EISs", "/v1/targets/import", () => xml(many, { ci, eum })],
    ["many EISs, cut inside one", "/v1/targets/import", () => xml(many.slice(0, -2000))],
    ["an EIS with a long text", "/v1/targets/import", () => xml(eis.replace("rack 1", "x".repeat(500_000)))],
    [
      "an EIS with many namespaces",
      "/v1/targets/import",
      () =>
        xml(
          eis
            .replace("<rps3:Eis ", `<rps3:Eis ${Array.from({ length: 60 }, (_, at) => `xmlns:n${at}="u"`).join(" ")} `)
            .replace("<rps3:AdditionalProperties>", `${"<rps3:x/>".repeat(2700)}$&`),
        ),
    ],
    [
      "short lines of CSV",
      "/v1/targets/import",
      () => csv(`iccid\n${rows((at) => `89440000${String(at).padStart(11, "0")}`, 45_000)}\nx`),
    ],
    ["a wide CSV", "/v1/targets/import", () => csv(filled("iccid,"))],
    [
      "an open quotation mark in CSV",
      "/v1/targets/import",
      () => csv(`iccid,name\n8944000000000000017,"${filled("x")}`),
    ],
    [
      "quotation marks in CSV",
      "/v1/targets/import",
      () => csv(`iccid,name\n8944000000000000017,${filled('""', 450_000)}`),
    ],
    [
      "many empty descriptions",
      "/v1/targets/import",
      () => ({ format: "json", items: Array.from({ length: 10_000 }, () => ({})) }),
    ],
    [
      "many profiles",
      "/v1/targets",
      () => ({
        eid: "89001012012341234012345678901224",
        profiles: Array.from({ length: 9000 }, (_, at) => ({
          aid: `A0000005591010FFFFFFFF89${String(at + 1000).padStart(6, "0")}00`,
          state: "disabled",
          fallback: false,
        })),
      }),
    ],
    [
      "many key sets",
      "/v1/targets",
      () => ({
        iccid: "8944000000000000017",
        keySets: Array.from({ length: 5000 }, () => ({ kvn: 1, keys: [{ id: 1, value: "00".repeat(16) }] })),
      }),
    ],
    ["many commands", "/v1/jobs", () => script({ kind: "script", apdus: Array.from({ length: 1000 }, () => apdu) })],
    [
      "a script of one megabyte",
      "/v1/jobs",
      () =>
        script({
          kind: "body",
          body: `AA83${(480_000).toString(16).padStart(6, "0")}${"2204".concat("80CA00FE").repeat(80_000)}`,
        }),
    ],
    ["a compact script of one megabyte", "/v1/jobs", () => script({ kind: "body", body: "80CA00FE00".repeat(99_000) })],
    ["a script that is none", "/v1/jobs", () => script({ kind: "body", body: "00".repeat(499_000) })],
    ["a profile package of one megabyte", "/v1/jobs", () => script({ kind: "body", body: "860100".repeat(160_000) })],
    [
      "connectivity parameters of one megabyte",
      "/v1/jobs",
      () =>
        script({ kind: "es5", function: "updateConnectivityParameters", params: { https: "3500".repeat(240_000) } }),
    ],
    [
      "nested connectivity parameters",
      "/v1/jobs",
      () =>
        script({
          kind: "es5",
          function: "updateSMSRAddressingParameters",
          params: { https: "A582FFFF".repeat(120_000) },
        }),
    ],
    [
      "tags without end",
      "/v1/jobs",
      () =>
        script({ kind: "es5", function: "auditStatus", params: { tags: Array.from({ length: 19_000 }, () => "4F") } }),
    ],
    [
      "a packet of many messages",
      "/v1/jobs",
      () => script({ kind: "packet", userData: Array.from({ length: 255 }, () => `027000${"00".repeat(137)}`) }),
    ],
    [
      "a campaign over many",
      "/v1/campaigns",
      () => ({
        name: "x",
        targets: { kind: "list", references: Array.from({ length: 27_000 }, (_, at) => `${at}`.padStart(32, "0")) },
        action: { kind: "es5", function: "auditStatus" },
      }),
    ],
    [
      "a campaign with a long script",
      "/v1/campaigns",
      () => ({
        name: "x",
        targets: { kind: "all" },
        action: { kind: "script", apdus: Array.from({ length: 1000 }, () => apdu) },
      }),
    ],
  ])("nor by what is in a request that is read on: %s", { timeout: 120_000 }, async (_name, path, make) => {
    const raw = JSON.stringify(make());
    expect(raw.length).toBeLessThan(1_100_000);
    // One that was taken in would be refused as a copy: each time another.
    let answered = 0;
    const least = await leastStretch(async () => {
      answered = (await send("POST", path, raw)).statusCode;
    }, maxMs);
    expect(answered).toBeLessThan(500);
    expect(least).toBeLessThanOrEqual(maxMs);
  });

  const eid = "89001012012341234012345678901224";
  const blocks = (count: number) => ({
    kind: "script",
    apdus: Array.from(
      { length: count },
      (_, at) => `80E200${(at & 255).toString(16).padStart(2, "0")}FF${"00".repeat(255)}`,
    ),
  });
  const withProfiles = (of: string, count: number) => ({
    eid: of,
    profiles: Array.from({ length: count }, (_, at) => ({
      aid: `A0000005591010FFFFFFFF89${String(at + 1000).padStart(6, "0")}00`,
      state: "disabled",
      iccid: "8944000000000000019",
      mnoId: "x".repeat(90),
      smdpId: "y".repeat(90),
      connectivity: { A0: "3500".repeat(150) },
    })),
  });

  it("nor by jobs and campaigns of many blocks of STORE DATA, or profiles with connectivity, or their lists", {
    timeout: 300_000,
  }, async () => {
    const slow: string[] = [];
    const check = async (what: string, expected: number, method: string, url: string, body?: object) => {
      const raw = body === undefined ? undefined : JSON.stringify(body);
      let answered = 0;
      const least = await leastStretch(async () => {
        answered = (await send(method, url, raw)).statusCode;
      }, maxMs);
      expect([what, answered]).toEqual([what, expected]);
      if (least > maxMs) slow.push(`${what}: ${Math.round(least)} ms`);
    };
    expect((await send("POST", "/v1/targets", JSON.stringify({ eid }))).statusCode).toBeLessThan(300);
    await check("a job of 250 blocks", 202, "POST", "/v1/jobs", { target: eid, work: blocks(250) });
    for (let at = 0; at < 5; at++) await send("POST", "/v1/jobs", JSON.stringify({ target: eid, work: blocks(1000) }));
    await check("jobs", 200, "GET", "/v1/jobs?limit=100");
    const campaign = { name: "blocks", targets: { kind: "all" }, action: blocks(1000) };
    expect((await send("POST", "/v1/campaigns", JSON.stringify(campaign))).statusCode).toBe(201);
    await check("campaigns", 200, "GET", "/v1/campaigns");
    const described = withProfiles(eid, 1000);
    await check("profiles", 200, "POST", "/v1/targets", described);
    await check("profiles in an import", 200, "POST", "/v1/targets/import", { format: "json", items: [described] });
    for (let at = 0; at < 30; at++) {
      const other = `${eid.slice(0, 20)}${100_000_000_000 + at}`;
      await send("POST", "/v1/targets", JSON.stringify(withProfiles(other, 1000)));
    }
    await check("targets", 200, "GET", "/v1/targets?limit=100");
    expect(slow).toEqual([]);
  });

  const half = 2 ** 19 - 200;
  const repeated = (head: string, unit: string) => head + unit.repeat(Math.floor((2 * half - 200) / unit.length));
  it.each<[string, object]>([
    ["one C-APDU that is too long", { kind: "script", apdus: ["00".repeat(half)] }],
    ["short commands", { kind: "body", body: repeated("", "80CA00FE00") }],
    ["commands with a key", { kind: "body", body: repeated("", "80D80181020102") }],
    ["zeros", { kind: "body", body: repeated("", "00") }],
    ["C-APDU objects", { kind: "body", body: repeated("AE80", "220680F24002024F00") }],
    ["STORE DATA of zeros", { kind: "body", body: repeated("AE80", `2282010280E20000FF${"00".repeat(253)}`) }],
    ["parts of a profile package", { kind: "body", body: repeated("", "860100") }],
    [
      "blocks of STORE DATA",
      { kind: "script", apdus: Array.from({ length: 1000 }, () => `80E28800F0${"00".repeat(240)}`) },
    ],
    ["packets", { kind: "packet", userData: Array.from({ length: 255 }, () => `027000${"00".repeat(137)}`) }],
  ])("nor by an order of one megabyte that is accepted or refused: %s", { timeout: 120_000 }, async (_name, work) => {
    const own = { eid, profiles: [{ aid: "A0000005591010FFFFFFFF8900001100", state: "enabled", fallback: true }] };
    expect((await send("POST", "/v1/targets", JSON.stringify(own))).statusCode).toBeLessThan(300);
    const raw = JSON.stringify({ target: eid, work, request: { bearer: "https" } });
    const answered = new Set<number>();
    const least = await leastStretch(async () => {
      answered.add((await send("POST", "/v1/jobs", raw)).statusCode);
    }, maxMs);
    expect([...answered].every((code) => code === 202 || code === 400)).toBe(true);
    expect(least).toBeLessThanOrEqual(maxMs);
  });

  it.each(["all", "list"])("nor by a campaign over 12,000 targets: %s", { timeout: 300_000 }, async (kind) => {
    await using own = await ApiBench.open();
    const references = Array.from({ length: 12_000 }, (_, at) => `8944${String(at).padStart(14, "0")}0`);
    const post = (url: string, body: object) =>
      own.daemon.api.inject({
        method: "POST",
        url,
        headers: { "content-type": "application/json" },
        payload: JSON.stringify(body),
      });
    expect((await post("/v1/targets/import", csv(`iccid\n${references.join("\n")}`))).statusCode).toBe(200);
    const targets = kind === "all" ? { kind } : { kind, references };
    const action = { kind: "script", apdus: ["00A40000023F00"] };
    let answered = 0;
    const least = await leastStretch(async () => {
      const made = await post("/v1/campaigns", { name: "x", targets, concurrency: 1, canary: 1, action });
      answered = made.statusCode;
    }, maxMs);
    expect(answered).toBe(201);
    expect(least).toBeLessThanOrEqual(maxMs);
  });

  it("nor by a parameter or a header", { timeout: 300_000 }, async () => {
    const { store } = bench.daemon;
    await store.write(async (r) => {
      for (let at = 0; at < 5000; at++)
        await r.events.append({ at, type: "job.unproven-answer", data: { why: `${at}${"x".repeat(200)}` } });
    });
    const hard = [
      "a".repeat(15_000),
      "0".repeat(15_000),
      "a.*,".repeat(75),
      ",".repeat(15_000),
      " ".repeat(15_000),
      "%00".repeat(5000),
      "-1",
      "9".repeat(14),
    ];
    const some = inTurn();
    const slow: string[] = [];
    const check = async (what: string, work: () => Promise<unknown>) => {
      const least = await leastStretch(work, maxMs);
      if (least > maxMs) slow.push(`${what}: ${Math.round(least)} ms`);
    };
    for (const { method, path, parameters } of await operations()) {
      if (method !== "GET" || ["/v1/events", "/v1/traces/live"].includes(path)) continue;
      await check(`GET ${path}`, () => send("GET", path));
      for (const { name, in: place } of parameters) {
        if (name === "wait") continue;
        for (const value of some(2, hard)) {
          const encoded = encodeURIComponent(value).slice(0, 15_000).replace(/%.?$/, "");
          if (place === "query") await check(`GET ${path}?${name}`, () => send("GET", `${path}?${name}=${encoded}`));
          if (place === "header")
            await check(`GET ${path} ${name}`, () => send("GET", path, undefined, { [name]: value }));
        }
      }
    }
    for (const header of [
      "authorization",
      "last-event-id",
      "if-match",
      "idempotency-key",
      "content-type",
      "accept",
      "cookie",
    ])
      for (const value of hard) await check(header, () => send("GET", "/v1/jobs", undefined, { [header]: value }));
    await check("a page of events", () => send("GET", "/v1/events/log?limit=1000"));
    await check("a filter that finds nothing", () =>
      send("GET", `/v1/events/log?limit=1000&type=${"x.*,".repeat(70)}y`),
    );
    expect(slow).toEqual([]);
  });
});
