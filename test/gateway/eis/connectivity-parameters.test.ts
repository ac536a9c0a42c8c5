import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { classifyCommand } from "../../../src/codec/euicc/es5/classify.ts";
import { ConnectivityParameters, ConnectivityShape } from "../../../src/gateway/eis/connectivity-parameters.ts";
import type { Job } from "../../../src/gateway/model/job.ts";
import type { Target } from "../../../src/gateway/model/target.ts";
import { scriptCommands } from "../../../src/gateway/scripts/script-body.ts";
import { smsrReachOf } from "../../../src/gateway/targets/connectivity.ts";
import { applyCommand } from "../../../src/gateway/targets/eis.ts";
import { Bench, euicc, plainEis } from "../bench.ts";

const cli = { face: "cli" } as const;
let bench: Bench;
let desk: ConnectivityParameters;
beforeAll(async () => {
  bench = await Bench.open();
  desk = new ConnectivityParameters(bench.useCaseDeps);
});
afterAll(() => bench[Symbol.asyncDispose]());

/** A card that no link has: what is ordered stays open. */
async function target(seed: string): Promise<Target> {
  const card = euicc({ seed });
  return (await bench.targets.import(plainEis(card), { replace: true })).target;
}

/** What the target will be when these jobs have run, in order. */
function whenRun(before: Target, jobs: readonly Job[]): Target {
  return [...jobs]
    .sort((one, other) => one.seq - other.seq)
    .flatMap(({ work }) => scriptCommands(work))
    .reduce((now, apdu) => applyCommand(now, classifyCommand(apdu).function, undefined, {}), before);
}

const set = (at: Target, given: object) => desk.set(at.id, ConnectivityShape.parse(given), cli);

describe("changes of connectivity parameters", () => {
  it("that are ordered at once all count, for the SM-SR", async () => {
    const card = await target("smsr");
    const jobs = await Promise.all([
      set(card, { smsr: { https: { host: "new.example" } } }),
      set(card, { smsr: { https: { port: 8443 } } }),
      set(card, { smsr: { https: { user: "me", password: "open sesame" } } }),
      set(card, { smsr: { https: { networkAccessName: "apn.new" } } }),
    ]);
    const addressing = whenRun(card, jobs.flat()).addressing ?? {};
    const login = { user: "me", password: "open sesame" };
    const asked = { host: "new.example", port: 8443, networkAccessName: "apn.new", ...login };
    expect(smsrReachOf(addressing).https).toMatchObject(asked);
  });

  it("that are ordered at once all count, for the enabled profile", async () => {
    const card = await target("profile");
    const jobs = await Promise.all([
      set(card, { profile: { https: { networkAccessName: "apn.new" } } }),
      set(card, { profile: { https: { user: "me" } } }),
    ]);
    const enabled = whenRun(card, jobs.flat()).esimProfiles.find(({ state }) => state === "enabled");
    const https = Buffer.from(enabled?.connectivity?.A2 ?? []).toString("latin1");
    expect(https).toContain("me");
    expect(https).toContain("new");
  });

  it("build on no change that has ended without success", async () => {
    const card = await target("ended");
    const [first] = await set(card, { smsr: { https: { host: "wrong.example" } } });
    await bench.gateway.jobs.cancel(first?.id ?? "job_");
    const jobs = await set(card, { smsr: { https: { port: 8443 } } });
    expect(smsrReachOf(whenRun(card, jobs).addressing ?? {}).https?.host).not.toBe("wrong.example");
  });

  it("of which one does not fit order nothing", async () => {
    const eis = plainEis(euicc({ seed: "none" })) as { profiles: Record<string, unknown>[] };
    for (const profile of eis.profiles) profile.state = "disabled";
    const { target: card } = await bench.targets.import(eis, { replace: true });
    const both = { smsr: { number: "+447700900001" }, profile: { serviceCentre: "+447700900002" } };
    await expect(set(card, both)).rejects.toMatchObject({ code: "target.invalid" });
    expect(await bench.store.read((r) => r.jobs.list({ target: card.id }, undefined, 10))).toEqual([]);
  });
});
