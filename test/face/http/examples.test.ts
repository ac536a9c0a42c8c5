import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { apiResources } from "../../../scripts/resources.ts";
import { fromHex } from "../../../src/base/hex.ts";
import { parseAid } from "../../../src/codec/euicc/aid.ts";
import { parseEid } from "../../../src/codec/euicc/eid.ts";
import { problemExample, problemShape } from "../../../src/face/api/kit/error.ts";
import { exampleStatus, type Operation, placeOf } from "../../../src/face/api/kit/operation.ts";
import { sample } from "../../../src/face/api/kit/sample.ts";
import { notificationOperations } from "../../../src/face/api/notifications.ts";
import { switchOperations } from "../../../src/face/api/switches.ts";
import { projectionOf } from "../../../src/face/http/projection.ts";
import { ApiBench } from "./api-bench.ts";

/** Resources whose examples are sent last: that of a job switches the profile, and other jobs of the target wait. */
const last = ["jobs", "switches"];
const resources = await apiResources();
const sent = [
  ...resources.filter(({ resource }) => !last.includes(resource)),
  ...resources.filter(({ resource }) => last.includes(resource)),
];

const all = sent.flatMap(({ operations }) => Object.values(operations));
const isRemoval = ({ route }: Operation) => route.startsWith("DELETE");
const ordered = [...all.filter((one) => !isRemoval(one)), ...all.filter(isRemoval)];

/** Operations whose example needs a session or an account that is not here: the status with which they are refused. */
const refused: Readonly<Record<string, number>> = {
  getSession: 404,
  cutSession: 404,
  powerCycleLink: 503,
  testLink: 404,
  startDownload: 409,
  planDownload: 409,
  getDownload: 404,
  cancelDownload: 404,
};

/** Answers without an end, which `inject` cannot await; streams.test.ts reads them. */
const endless: ReadonlySet<string> = new Set(["streamEvents", "streamFrames"]);

function shapeOf(operation: Operation): z.ZodType {
  const shape = operation.answers[exampleStatus(operation)];
  if (shape === undefined) throw new Error(`${operation.operationId} has no such answer`);
  return shape;
}

describe("the examples of the document", () => {
  it.each(all.map((one) => [one.operationId, one] as const))("%s: the answer fits its shape", (_, operation) => {
    const shape = shapeOf(operation);
    const { answer = null } = operation.example;
    const written: unknown = JSON.parse(JSON.stringify(answer));
    if (typeof written === "string" && operation.mediaType !== undefined) {
      expect(written).not.toBe("");
      return;
    }
    expect(shape.safeParse(written).error).toBeUndefined();
    // A field that the shape does not have would be left out.
    expect(projectionOf(shape)(written)).toEqual(written);
  });

  it("has an error that fits its shape", () => {
    expect(problemShape.parse(problemExample)).toEqual(problemExample);
  });
});

describe("the examples, sent to the daemon", () => {
  let bench: ApiBench;
  /** Identifiers of this daemon for those of the examples. */
  const known = new Map<string, string>();

  beforeAll(async () => {
    bench = await ApiBench.open({
      env: { SECRET: "0123456789abcdef0123456789abcdef" },
      config: {
        scp81: { host: "127.0.0.1", port: 0 },
        modems: [{ name: "rack1", port: "sim:rack1?profile=quectel-ec25" }],
        upstream: [{ name: sample.upstream, secret: "env:SECRET", webhook: { url: "http://127.0.0.1:9/" } }],
      },
    });
    await bench.card(sample.reader);
    const { links, targets } = bench.daemon.gateway;
    const { target } = await targets.show(sample.eid);
    await targets.change(sample.eid, { msisdn: "447700900123" });
    await bench.until(() => links.get(sample.modem).state.up, 30_000);
    await bench.daemon.store.write(async (r) => {
      for (const id of [sample.notification, withheld] as const)
        await r.notifications.insert({
          ...notificationOperations.get.example.answer,
          aid: parseAid(sample.isdP),
          eid: parseEid(sample.eid),
          raw: fromHex(notificationOperations.get.example.answer.raw),
          id,
          target: target.id,
        });
      await r.profileSwitches.put({
        ...switchOperations.get.example.answer,
        aid: parseAid(sample.isdP),
        from: parseAid(sample.formerIsdP),
        target: target.id,
      });
    });
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  const withheld = "ntf_01kdvqk4003m4n5p6q7r8s9t1v";

  const lease = `/v1/links/${encodeURIComponent(sample.reader)}/lease`;

  /** A card that no link reaches. */
  const away = { iccid: "8901000000000000017", name: "away" };

  /** What has to be there before an example is sent. */
  const before: Readonly<Record<string, () => Promise<void>>> = {
    exchangeApdus: async () => {
      // The lease of the example before it.
      expect((await bench.call("DELETE", `${lease}/${known.get(sample.lease)}`)).status).toBe(204);
    },
    closeLease: async () => void known.set(sample.lease, (await bench.call("POST", lease, { body: {} })).body.id),
    withholdNotification: async () => void known.set(sample.notification, withheld),
    pauseCampaign: async () => {
      // The one of the example may be over by now; this one waits for a link.
      await bench.call("POST", "/v1/targets", { body: away });
      const targets = { kind: "list", references: [away.name] };
      const action = { kind: "script", tar: "B00001", apdus: ["80F2000C00"] };
      const { status, body } = await bench.call("POST", "/v1/campaigns", { body: { name: "waits", targets, action } });
      expect([status, body]).toEqual([201, expect.anything()]);
      known.set(sample.campaign, body.id);
    },
    cancelJob: async () => {
      await bench.call("POST", "/v1/targets", { body: away });
      const work = { kind: "packet", userData: ["02700000041502001000"] };
      const { body } = await bench.call("POST", "/v1/jobs", { body: { target: away.name, work } });
      known.set(sample.job, body.id);
    },
    removeKeySet: async () => {
      const { keySets } = (await bench.call("GET", `/v1/targets/${sample.eid}/keys`)).body;
      known.set(sample.keySet, keySets.find((one: { kvn: number }) => one.kvn === 2).id);
    },
    removeTarget: () =>
      bench.until(async () => {
        const open = `/v1/jobs?target=${sample.eid}&state=queued,running,waiting`;
        const { items } = (await bench.call("GET", open)).body;
        for (const { id } of items) await bench.call("POST", `/v1/jobs/${id}/cancel`, {});
        return items.length === 0;
      }, 20_000),
  };

  /** Records that an example made, for the examples after it. */
  const made: Readonly<Record<string, string>> = {
    createJob: sample.job,
    startCampaign: sample.campaign,
    openLease: sample.lease,
    pruneStore: sample.prune,
  };

  it.each(ordered.map((one) => [one.operationId, one] as const))("%s", async (id, operation) => {
    await before[id]?.();
    const { params = {}, query = {}, headers = {}, body } = operation.example;
    const { method, path } = placeOf(operation.route);
    const real = (text: string) => [...known].reduce((done, [from, to]) => done.replaceAll(from, to), text);
    const place = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(real(params[name] ?? "")));
    if (endless.has(id)) return;
    const answer = await bench.daemon.api.inject({
      method,
      url: place,
      query: Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)])),
      headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { payload: real(JSON.stringify(body)) }),
    });
    const status = refused[id] ?? exampleStatus(operation);
    expect([answer.statusCode, answer.statusCode === status ? "" : answer.body]).toEqual([status, ""]);
    if (status >= 400) {
      expect(problemShape.safeParse(answer.json()).error).toBeUndefined();
      return;
    }
    const shape = shapeOf(operation);
    const isJson = /^application\/json(;|$)/.test(String(answer.headers["content-type"]));
    const value: unknown = status === 204 ? null : isJson ? answer.json() : answer.body;
    expect(shape.safeParse(value).error).toBeUndefined();
    const name = made[id];
    if (name !== undefined) known.set(name, z.object({ id: z.string() }).parse(value).id);
  });
});
