import { parseMisbehaviour } from "../../../simulators/euicc/misbehaviour.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { asGatewayError } from "../../base/gateway-error.ts";
import { fromHex, toHex } from "../../base/hex.ts";
import { parseAid } from "../../codec/euicc/aid.ts";
import { es5Commands } from "../../codec/euicc/es5/functions.ts";
import { KeyEstablishment } from "../../codec/euicc/key-establishment.ts";
import { decode } from "../../codec/kit/codec.ts";
import { unchecked } from "../../face/api/client.ts";
import type { ShownJob } from "../../face/cli/job-view.ts";
import { establishment } from "./key-establishment.ts";
import type { BenchCard } from "./scenario-bench.ts";
import { failed, type ScenarioRun } from "./scenario-run.ts";
import type { Expect, Step, StepOf, Verb } from "./step.ts";

type Perform = { readonly [V in Verb]: (run: ScenarioRun, step: StepOf<V>) => Promise<string | undefined> };

const notificationTypes = { declaration: 1, switched: 2, "rolled-back": 3, "fall-back": 5 } as const;
const ended = new Set(["done", "failed", "expired", "cancelled"]);

/** How each step is performed; the returned text is printed after its name. @throws scenario.failed and what the API refuses */
const perform: Perform = {
  es5: async (run, step) => {
    const aid = step.profile === undefined ? {} : { aid: await run.aidOf(step.profile) };
    const work = { kind: "es5", function: step.es5, params: { ...step.params, ...aid } };
    return send(run, step, work, step.detach);
  },
  script: (run, step) => send(run, step, { kind: "script", apdus: step.script, ...address(step) }),
  body: (run, step) => send(run, step, { kind: "body", body: step.body, ...address(step) }),
  notification: async (run, step) => {
    const wanted = notificationTypes[step.notification];
    const aid = step.profile === undefined ? undefined : await run.aidOf(step.profile);
    const seen = await run.until(step.within, `a notification '${step.notification}'`, async () => {
      const fresh = (await run.notifications()).filter((one) => one.seq > run.seen).reverse();
      return fresh.find((one) => one.type === wanted);
    });
    run.seen = seen.seq;
    if (aid !== undefined && seen.aid !== aid)
      throw failed(`the notification names ${seen.aid}, not ${aid}`, { expected: aid, was: seen.aid });
    const { confirmation } = step;
    if (confirmation !== undefined)
      await run.until(step.within, `its confirmation is '${confirmation}'`, async () => {
        const now = (await run.notifications()).find((one) => one.id === seen.id);
        return now?.confirmation === confirmation ? now : undefined;
      });
    run.latest = seen;
    return seen.text;
  },
  silence: async (run, { silence }) => {
    await sleep(run, silence);
    const fresh = (await run.notifications()).filter((one) => one.seq > run.seen);
    if (fresh.length > 0) throw failed(`the card reported: ${fresh[0]?.text}`);
    return undefined;
  },
  switch: (run, step) => switchReached(run, step.switch, step.within),
  procedure: (run, { procedure, within }) => switchReached(run, procedure, within),
  attach: async (run, { attach, within }) => {
    const aid = await run.aidOf(attach);
    const iccid = (await run.target()).esimProfiles.find((profile) => profile.aid === aid)?.iccid;
    if (iccid === undefined) throw failed("the EIS has no ICCID of this profile", { aid });
    await run.until(within, `the card shows ICCID ${iccid}`, async () => {
      const link = await run.link();
      return link?.card?.iccid?.replace(/f$/i, "") === iccid.replace(/f$/i, "") ? link : undefined;
    });
    return `ICCID ${iccid}`;
  },
  assert: assertFacts,
  audit: async (run, { audit, within }) => {
    const body = { fix: audit.fix, waitMs: within ?? 20_000 };
    const { differences } = await run.bench.api.v1.cards.audit({ params: run.params, body });
    if (differences.length !== audit.differences)
      throw failed(`the EIS and the card differ in ${differences.length} points, not ${audit.differences}`, {
        differences,
      });
    return undefined;
  },
  notifications: async (run, { notifications }) => {
    const { settings } = await run.target();
    run.notificationsBefore ??= settings.notifications ?? null;
    await run.bench.api.v1.targets.change({ params: run.params, body: { settings: { notifications } } });
    return undefined;
  },
  confirm: (run) => decide(run, "confirm"),
  withhold: (run) => decide(run, "withhold"),
  connectivity: async (run, step) => {
    const { jobs } = await run.bench.api.v1.cards.setConnectivity({
      params: run.params,
      body: unchecked(step.connectivity),
    });
    for (const { id } of jobs) met(await finished(run, id, step.within), step.expect ?? {});
    return undefined;
  },
  establishKeys: makeKeys,
  forgetKeys: async (run, { forgetKeys }) => {
    const { keySets: api } = run.bench.api.v1;
    const { keySets } = await api.list({ params: run.params });
    for (const set of keySets.filter((one) => one.kvn === forgetKeys))
      await api.remove({ params: { ...run.params, keySet: set.id } });
    return undefined;
  },
  misbehave: async (run, { misbehave }) => {
    Object.assign(cardOf(run).euicc.misbehaviour, parseMisbehaviour(misbehave));
    return undefined;
  },
  card: async (run, { card }) => {
    await cardOf(run).control(card);
    return undefined;
  },
  link: async (run, { link, within }) => {
    const { reader, euicc } = cardOf(run);
    if (link === "down") reader.eject();
    else reader.insert(euicc);
    await run.until(within, `the link is ${link}`, async () =>
      ((await run.link()) !== undefined) === (link === "up") ? true : undefined,
    );
    return undefined;
  },
  power: async (run, { power, within }) => {
    const link = await run.until(within, "the link is up", () => run.link());
    const body = { kind: power === "warm" ? "warm" : "cold" } as const;
    await run.bench.api.v1.links.reset({ params: { id: link.id }, body });
    return undefined;
  },
  sleep: async (run, step) => {
    await sleep(run, step.sleep);
    return undefined;
  },
};

/** Performs one step. @throws scenario.failed and what the API refuses */
export function performStep(run: ScenarioRun, step: Step): Promise<string | undefined> {
  for (const verb of Object.keys(perform)) {
    if (!isVerb(verb) || !(verb in step)) continue;
    // The step was parsed by the shape of this verb.
    const act = perform[verb] as (run: ScenarioRun, step: Step) => Promise<string | undefined>;
    return act(run, step);
  }
  throw failed("the step does nothing");
}

function isVerb(key: string): key is Verb {
  return Object.hasOwn(perform, key);
}

type Sending = Pick<StepOf<"es5">, "expect" | "request" | "validity" | "within">;

function address({ tar, aid }: { tar?: string | undefined; aid?: string | undefined }) {
  return withoutUndefined({ tar, aid });
}

/** Waits until the last profile switch has reached a state. */
async function switchReached(run: ScenarioRun, at: string, within: number | undefined): Promise<string | undefined> {
  const found = await run.until(within, `the profile switch is '${at}'`, async () => {
    const now = run.lastSwitch === undefined ? undefined : (await run.job(run.lastSwitch)).switch;
    return now?.at === at ? now : undefined;
  });
  const end = found.endedAt ?? found.switchedAt;
  return end === undefined ? undefined : `${end - found.acceptedAt} ms after its acceptance`;
}

async function send(run: ScenarioRun, step: Sending, work: unknown, detach = false): Promise<string | undefined> {
  const expect = step.expect ?? {};
  const order = {
    target: run.bench.target,
    work,
    ...withoutUndefined({ request: step.request, validityMs: step.validity }),
  };
  let job: ShownJob;
  try {
    job = await run.bench.api.v1.jobs.submit({ body: unchecked(order) });
  } catch (thrown) {
    const error = asGatewayError(thrown);
    if (expect.error === undefined || error.code !== expect.error) throw thrown;
    return error.message;
  }
  if (["enableProfile", "disableProfile"].includes(job.work.function?.name ?? "")) run.lastSwitch = job.id;
  if (detach) return undefined;
  const end = await finished(run, job.id, step.within);
  met(end, expect);
  const sw = end.result?.commands.at(-1)?.sw;
  return [end.state, ...(sw === undefined ? [] : [sw]), ...(end.error === undefined ? [] : [end.error.code])].join(" ");
}

async function finished(run: ScenarioRun, id: string, within: number | undefined): Promise<ShownJob> {
  return run.until(within, "the job ends", async () => {
    const job = await run.job(id, 500);
    return ended.has(job.state) ? job : undefined;
  });
}

/** Compares a job with its expected outcome. @throws scenario.failed */
function met(job: ShownJob, expect: Expect): void {
  const sw = job.result?.commands.at(-1)?.sw;
  const { state = expect.error === undefined ? "done" : "failed", error, por, answer } = expect;
  const facts = { job: job.id, state: job.state, sw, ...withoutUndefined({ error: job.error }) };
  const why = job.error === undefined ? "" : ` (${job.error.code}: ${job.error.message})`;
  if (job.state !== state) throw failed(`the job is ${job.state}, not ${state}${why}`, facts);
  if (error !== undefined && job.error?.code !== error)
    throw failed(`the error is ${job.error?.code ?? "none"}, not ${error}`, facts);
  if (expect.sw !== undefined && !new RegExp(`^${expect.sw.replaceAll("X", ".")}$`).test(sw ?? ""))
    throw failed(`the last status word is ${sw ?? "none"}, not ${expect.sw}`, facts);
  if (por !== undefined && job.result?.por?.status !== por)
    throw failed(`the proof of receipt has status ${job.result?.por?.status ?? "none"}, not ${por}`, facts);
  if (answer !== undefined && !(job.decoded ?? []).some((one) => contains(one.answer, answer)))
    throw failed("no answer has the expected facts", { ...facts, answers: job.decoded?.map((one) => one.answer) });
}

/** Whether `value` contains everything in `part`. */
function contains(value: unknown, part: unknown): boolean {
  if (Array.isArray(part))
    return Array.isArray(value) && part.every((one) => value.some((other) => contains(other, one)));
  if (typeof part !== "object" || part === null) return value === part;
  if (typeof value !== "object" || value === null) return false;
  const found = new Map<string, unknown>(Object.entries(value));
  return Object.entries(part).every(([key, inner]) => contains(found.get(key), inner));
}

async function assertFacts(run: ScenarioRun, { assert, within }: StepOf<"assert">): Promise<string | undefined> {
  const wanted = {
    enabled: assert.enabled === undefined ? undefined : await run.aidOf(assert.enabled),
    fallback: assert.fallback === undefined ? undefined : await run.aidOf(assert.fallback),
    gone: assert.gone === undefined ? undefined : await run.aidOf(assert.gone),
  };
  const states: [string, string][] = [];
  for (const [reference, state] of Object.entries(assert.state ?? {}))
    states.push([await run.aidOf(/^\d{1,2}$/.test(reference) ? Number(reference) : reference), state]);
  let last = "";
  const check = async () => {
    const sides = [
      { who: "the EIS", profiles: (await run.target()).esimProfiles },
      ...(run.bench.card === undefined ? [] : [{ who: "the card", profiles: onCard(run.bench.card) }]),
    ];
    for (const { who, profiles } of sides) {
      const say = (text: string) => {
        last = `${who} ${text}`;
        return undefined;
      };
      const enabled = profiles.find((one) => one.state === "enabled")?.aid;
      if (wanted.enabled !== undefined && enabled !== wanted.enabled) return say(`has ${enabled} enabled`);
      const fallback = profiles.find((one) => one.fallback)?.aid;
      if (wanted.fallback !== undefined && fallback !== wanted.fallback) return say(`has fall-back at ${fallback}`);
      if (profiles.some((one) => one.aid === wanted.gone)) return say(`still has ${wanted.gone}`);
      if (assert.profiles !== undefined && profiles.length !== assert.profiles)
        return say(`has ${profiles.length} profiles`);
      for (const [aid, state] of states) {
        const now = profiles.find((one) => one.aid === aid)?.state;
        if (now !== state) return say(`has ${aid} ${now ?? "not at all"}`);
      }
    }
    return true;
  };
  await run.until(within ?? 2_000, "the facts are true", check).catch((error: unknown) => {
    throw last === "" ? error : failed(last, { assert });
  });
  return undefined;
}

function onCard({ euicc }: BenchCard) {
  return euicc.state.profiles.map(({ aid, state, fallback }) => ({
    aid,
    state: state === "personalized" ? "created" : state,
    fallback,
  }));
}

async function decide(run: ScenarioRun, verb: "confirm" | "withhold"): Promise<string | undefined> {
  const meant = run.latest ?? (await run.notifications())[0];
  if (meant === undefined) throw failed("no notification is there");
  await run.bench.api.v1.notifications[verb]({ params: { id: meant.id } });
  return meant.text;
}

async function makeKeys(
  run: ScenarioRun,
  { establishKeys, within }: StepOf<"establishKeys">,
): Promise<string | undefined> {
  const { kvn, certificate, privateKey, profile, adopt } = establishKeys;
  const ecasd = establishKeys.ecasd ?? run.bench.card?.euicc.state.ecasd.certificate;
  if (ecasd === undefined) throw failed("ecasd: a real card's certificate has to be given");
  const aid = profile === undefined ? undefined : await run.aidOf(profile);
  const first = await keyStep(run, aid, { certificate }, within);
  const challenge = answerPart(first, "challenge");
  const made = establishment({
    kvn,
    privateKey: fromHex(privateKey),
    challenge: fromHex(challenge),
    ecasd: fromHex(ecasd),
  });
  const second = await keyStep(run, aid, { block: made.block }, within);
  const keys = made.keys(fromHex(answerPart(second, "receipt")));
  if (adopt && aid === undefined) {
    const set = { kvn, type: "SCP80" as const, keys: keys.map((key, index) => ({ id: index + 1, value: toHex(key) })) };
    await run.bench.api.v1.keySets.put({ params: run.params, body: { keySets: [set] } });
  }
  return "the receipt is right";
}

/** One STORE DATA of an establishment: to the ISD-R by name, to an ISD-P behind INSTALL [for personalization]. */
async function keyStep(
  run: ScenarioRun,
  aid: string | undefined,
  params: Readonly<Record<string, string>>,
  within: number | undefined,
): Promise<ShownJob> {
  const call = { kind: "es5" as const, function: "establishISDRKeySet", params };
  const work = aid === undefined ? call : { kind: "script" as const, apdus: personalising(aid, params) };
  const job = await run.bench.api.v1.jobs.submit({ body: { target: run.bench.target, work } });
  const end = await finished(run, job.id, within);
  met(end, {});
  return end;
}

function personalising(aid: string, params: Readonly<Record<string, string>>): string[] {
  const { certificate, block } = params;
  const step =
    certificate !== undefined
      ? ({ name: "establishISDRKeySet", part: 1, certificate: fromHex(certificate) } as const)
      : ({ name: "establishISDRKeySet", part: 2, ...decode(KeyEstablishment, fromHex(block ?? "")) } as const);
  const install = { name: "installForPersonalization", sd: parseAid(aid) } as const;
  return [...es5Commands(install), ...es5Commands(step)].map(toHex);
}

function answerPart(job: ShownJob, name: string): string {
  for (const { answer } of job.decoded ?? []) {
    const value = typeof answer === "object" && answer !== null ? new Map(Object.entries(answer)).get(name) : undefined;
    if (typeof value === "string") return value;
  }
  throw failed(`the card gave no ${name}`, { job: job.id });
}

function cardOf(run: ScenarioRun): BenchCard {
  const { card } = run.bench;
  if (card === undefined) throw failed("only a simulated card can do this");
  return card;
}

async function sleep(run: ScenarioRun, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    run.signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, Math.min(100, end - performance.now())));
  }
}
