import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportEis, exportMnoKeySets } from "../../../simulators/euicc/eis.ts";
import type { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { ApiBench } from "./api-bench.ts";

let bench: ApiBench;
let card: SimulatedEuicc;
let ref: string;

beforeAll(async () => {
  bench = await ApiBench.open();
  card = await bench.card("reader");
  ref = `/v1/targets/${card.state.eid}`;
  const mno = exportMnoKeySets(card.state, card.state.profiles[0]?.iccid ?? "")?.slice(3) ?? [];
  const keySets = mno.map((set) => ({ ...set, tars: ["B20100"] }));
  await bench.call("POST", "/v1/targets", { body: { ...exportEis(card.state), keySets } });
}, 30_000);
afterAll(async () => bench[Symbol.asyncDispose]());

/** Asks until there is something. */
async function happened<T>(ask: () => Promise<T | undefined>): Promise<T> {
  let found: T | undefined;
  await bench.until(async () => {
    found = await ask();
    return found !== undefined;
  });
  if (found === undefined) throw new Error("it did not happen");
  return found;
}

async function ended(id: string) {
  const { body } = await bench.call("GET", `/v1/jobs/${id}?wait=10000`);
  return body;
}

describe("the audit of a target", () => {
  it("agrees with the card's own EIS, tells a difference, and adopts the card's word when asked", async () => {
    expect((await bench.call("POST", `${ref}/audit`)).body).toMatchObject({ differences: [], fixed: false });
    const eis = exportEis(card.state);
    const [first, second] = eis.profiles;
    await bench.call("POST", "/v1/targets", {
      body: { ...eis, profiles: [{ ...first, state: "disabled" }, second] },
    });
    const told = await bench.call("POST", `${ref}/audit`, { body: {} });
    expect(told.body).toMatchObject({
      differences: [{ aid: first?.aid, iccid: first?.iccid, what: "state", eis: "disabled", card: "enabled" }],
      fixed: false,
    });
    expect((await bench.call("POST", `${ref}/audit`, { body: { fix: true } })).body.fixed).toBe(true);
    expect((await bench.call("POST", `${ref}/audit`)).body.differences).toEqual([]);
  });

  it.each([{ spi: "0000" }, { spi: "1600" }, { spi: "1622" }, { spi: "1612" }])(
    "changes nothing without the card's list of domains: %j",
    async (settings) => {
      const before = (await bench.call("GET", ref)).body;
      await bench.call("PATCH", ref, { body: { settings } });
      const { status, body } = await bench.call("POST", `${ref}/audit`, { body: { fix: true } });
      expect({ status, type: body.type, detail: body.detail }).toEqual({
        status: 409,
        type: "job.failed",
        detail: expect.stringMatching(/no list of domains .*; SPI (0000|16\d\d) requests .* proof of receipt/),
      });
      await bench.call("PATCH", ref, { body: { settings: { spi: null } } });
      const after = (await bench.call("GET", ref)).body;
      expect([after.esimProfiles, after.settings]).toEqual([before.esimProfiles, before.settings]);
    },
  );
});

it("an order whose SPI requests no proof of receipt says so", async () => {
  const work = { kind: "es5", function: "auditStatus" };
  const order = (request: object) =>
    bench.call("POST", "/v1/jobs", { body: { target: card.state.eid, work, ...request } });
  const { body } = await order({ request: { spi: "1600" } });
  expect(body.warnings).toEqual([
    "SPI 1600 requests no proof of receipt: over SMS the job is done when its packet is sent, and whether the card executes it stays unknown",
  ]);
  expect((await order({ request: { spi: "1621" } })).body.warnings).toBeUndefined();
});

describe("notifications", () => {
  it("are withheld and confirmed one by one; the switch they end is listed with its times", async () => {
    await bench.call("PATCH", ref, { body: { settings: { notifications: "relay" } } });
    const order = { kind: "es5", function: "enableProfile", params: { aid: card.state.profiles[1]?.aid } };
    const { body: job } = await bench.call("POST", "/v1/jobs", { body: { target: card.state.eid, work: order } });
    expect(await ended(job.id)).toMatchObject({ state: "done" });
    const heard = await happened(async () => {
      const { body } = await bench.call("GET", `/v1/notifications?target=${card.state.eid}`);
      return body.items[0];
    });
    expect(heard).toMatchObject({ type: 2, confirmation: "upstream", verified: true });
    const path = `/v1/notifications/${heard.id}`;
    expect((await bench.call("POST", `${path}/withhold`)).body).toMatchObject({ confirmation: "withheld" });
    expect((await bench.call("POST", `${path}/confirm`)).body).toMatchObject({ confirmation: "pending" });
    const procedure = await happened(async () => {
      const { body } = await bench.call("GET", `/v1/procedures?target=${card.state.eid}`);
      return body.items[0]?.at === "confirmed" ? body.items[0] : undefined;
    });
    expect(procedure).toMatchObject({ job: job.id, kind: "enable", from: card.state.profiles[0]?.aid });
    expect(procedure.switchedAt).toBeGreaterThanOrEqual(procedure.acceptedAt);
    expect(procedure.endedAt).toBeGreaterThanOrEqual(procedure.switchedAt);
    const { body: confirmed } = await bench.call("GET", path);
    expect(confirmed).toMatchObject({ confirmation: "confirmed", confirmedAt: expect.any(Number) });
    for (const action of ["withhold", "confirm"])
      expect(await bench.call("POST", `${path}/${action}`)).toMatchObject({
        status: 409,
        body: { type: "notification.state" },
      });
    expect((await bench.call("GET", path)).body).toEqual(confirmed);
    const former = await bench.call("GET", `/v1/procedures/${procedure.id}`);
    expect(former.body).toEqual(procedure);
    for (const path of [`/v1/procedures/${procedure.id}`, "/v1/procedures"])
      expect((await bench.call("GET", path)).headers.get("deprecation")).toMatch(/^@\d+$/);
    const current = await bench.call("GET", `/v1/switches/${procedure.id}`);
    expect([current.body, current.headers.get("deprecation")]).toEqual([procedure, null]);
    expect((await bench.call("POST", "/v1/notifications/ntf_nope/confirm")).status).toBe(404);
  });
});

describe("connectivity parameters", () => {
  it("are shown as the EIS has them, changed on the card, and shown as they are then, without the password", async () => {
    expect((await bench.call("GET", `${ref}/connectivity`)).body.smsr).toMatchObject({ number: "+21436587091" });
    const https = {
      address: "192.0.2.1",
      port: 443,
      host: "sr.example",
      uri: "/gsma/adminagent",
      networkAccessName: "m2m.example",
      user: "otagate",
      password: "not-to-be-shown",
      retry: { attempts: 3, delaySeconds: 60 },
    };
    const { status, body } = await bench.call("PUT", `${ref}/connectivity`, {
      body: { smsr: { number: "+447700900123", https } },
    });
    expect(status).toBe(202);
    expect(await ended(body.jobs[0].id)).toMatchObject({ state: "done" });
    expect(card.state.isdR.addressing.A3).toBe("81080C91447700091032");
    expect(card.state.isdR.addressing.A5).toContain(Buffer.from("sr.example").toString("hex").toUpperCase());
    const { body: known } = await bench.call("GET", `${ref}/connectivity`);
    expect(known.smsr).toMatchObject({ number: "+447700900123", https: { ...https, password: "set" } });
    // Only the URI changes: the card replaces the whole template, so the rest is sent again.
    const again = await bench.call("PUT", `${ref}/connectivity`, { body: { smsr: { https: { uri: "/other" } } } });
    expect(await ended(again.body.jobs[0].id)).toMatchObject({ state: "done" });
    expect((await bench.call("GET", `${ref}/connectivity`)).body.smsr.https).toMatchObject({
      uri: "/other",
      port: 443,
    });
    expect(card.state.isdR.addressing.A5).toContain(Buffer.from("not-to-be-shown").toString("hex").toUpperCase());
  });

  it("name the field that is wrong", async () => {
    const wrong = await bench.call("PUT", `${ref}/connectivity`, { body: { smsr: { https: { port: 0 } } } });
    expect(wrong).toMatchObject({ status: 400, body: { facts: { field: "smsr.https.port" } } });
    expect((await bench.call("PUT", `${ref}/connectivity`, { body: {} })).status).toBe(400);
  });
});
