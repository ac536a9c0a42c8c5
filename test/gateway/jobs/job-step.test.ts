import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { AnswerVerdict, JobEvent, JobEventKind, SubmitFailure } from "../../../src/gateway/jobs/job-events.ts";
import { isTaken, type JobStage, jobStages, jobTransitions, stageOf } from "../../../src/gateway/jobs/job-stage.ts";
import { step } from "../../../src/gateway/jobs/job-step.ts";
import type { Job } from "../../../src/gateway/model/job.ts";
import { job as storedJob } from "../records.ts";

const at = 1_000;

function job(changes: Partial<Job> = {}): Job {
  return storedJob({ request: { bearer: "auto", maxPackets: 2 }, validUntil: 10_000, ...changes });
}

const bySms = { bearer: "envelope", link: "reader A", why: "the card is there" } as const;
const byHttps = { bearer: "https", link: "scp81", why: "a session is open" } as const;

/** A job at each stage. */
const at_: Readonly<Record<JobStage, Job>> = {
  queued: job(),
  reserved: job({ state: "running", chosen: bySms, attempts: 1, startedAt: 1 }),
  sent: job({ state: "waiting", chosen: bySms, attempts: 1, startedAt: 1 }),
  session: job({ state: "waiting", chosen: byHttps }),
  delivered: job({ state: "waiting", chosen: byHttps, attempts: 1, startedAt: 1 }),
  ended: job({ state: "done", endedAt: 5 }),
};

const error = { code: "link.lost", message: "the link broke", detail: {}, retry: "later" } as const;
const failure: SubmitFailure = {
  error,
  fate: "unknown",
  packet: { id: "pkt_1", transmissions: 1 },
  answerDue: true,
  replayable: false,
};
const packet = { id: "pkt_1", keySet: "key_1", cntr: 7 } as const;
const response = [Uint8Array.of(0xaa)];
const sms = { bearer: "sms", packet, response, link: "reader A" } as const;
const https = { bearer: "https", repeatable: true } as const;
const done: AnswerVerdict = { at: "done", result: { commands: [{ data: new Uint8Array(0), sw: "9000" }] } };
const lost: AnswerVerdict = {
  at: "failed",
  error: { code: "packet.answer-lost", message: "the answer is lost", executed: "unknown", detail: {} },
};

/** One event of each kind. */
const events: Readonly<Record<JobEventKind, JobEvent>> = {
  reserved: { kind: "reserved", at, chosen: bySms, packet: { cntr: 7, segments: 1 } },
  submitted: { kind: "submitted", at, packet: "pkt_1" },
  "submit-failed": { kind: "submit-failed", at, failure, until: 2_000 },
  "no-answer": { kind: "no-answer", at, silence: { transmissions: 1, last: false }, until: 2_000 },
  answered: { kind: "answered", at, verdict: done, carried: sms },
  noted: { kind: "noted", at, note: "news" },
  deferred: { kind: "deferred", at, note: "no link", until: 2_000 },
  due: { kind: "due", at },
  "session-chosen": { kind: "session-chosen", at, why: "large", dueBy: 3_000, untouched: true },
  "session-missed": { kind: "session-missed", at, why: "no session came" },
  delivered: { kind: "delivered", at, attempts: 1, octets: 10, part: 0, partsLeft: 0 },
  interrupted: { kind: "interrupted", at },
  ended: { kind: "ended", at, end: { state: "done", result: { commands: [] } } },
  expired: { kind: "expired", at },
  cancelled: { kind: "cancelled", at },
};
const kinds = Object.keys(events).filter((kind): kind is JobEventKind => kind in jobTransitions);

describe("each event at each stage", () => {
  const cases = jobStages.flatMap((stage) => kinds.map((kind) => ({ stage, kind })));

  it.each(cases)("$kind at $stage", ({ stage, kind }) => {
    const before = at_[stage];
    expect(stageOf(before)).toBe(stage);
    const taken = step(before, events[kind]);
    if (!isTaken(kind, stage)) {
      expect(taken).toEqual({ refused: stage === "ended" ? "ended" : "stage" });
      return;
    }
    if (!("job" in taken)) throw new Error(`refused: ${taken.refused}`);
    const allowed = jobTransitions[kind].find(({ from }) => from === stage)?.to;
    expect(allowed).toContain(stageOf(taken.job));
    // The end is announced exactly where a job ends.
    expect(taken.effects.some((effect) => effect.kind === "end")).toBe(stageOf(taken.job) === "ended");
    expect(before).toEqual(at_[stage]);
  });

  it("leaves no ended job", () => {
    for (const kind of kinds) expect(step(at_.ended, events[kind])).toEqual({ refused: "ended" });
  });

  it("reaches each stage that the table names", () => {
    const reached = new Set([...reachable()].map(([from, kind, to]) => `${from} -${kind}-> ${to}`));
    for (const kind of kinds)
      for (const { from, to } of jobTransitions[kind])
        for (const stage of to) expect(reached, `${from} -${kind}-> ${stage}`).toContain(`${from} -${kind}-> ${stage}`);
  });
});

/** What the step really does, over variants of each event. */
function* reachable(): Generator<[JobStage, JobEventKind, JobStage]> {
  const variants: JobEvent[] = [
    ...Object.values(events),
    { kind: "submit-failed", at, failure: { ...failure, answerDue: false }, until: 2_000 },
    { kind: "submit-failed", at, failure: { ...failure, replayable: true }, until: 2_000 },
    { kind: "no-answer", at, silence: { transmissions: 3, last: true }, until: at },
    { kind: "answered", at, verdict: { at: "wait", note: "follows" }, carried: sms },
    { kind: "answered", at, verdict: { at: "again", note: "counter low" }, carried: sms },
    { kind: "session-chosen", at, why: "large", untouched: false },
  ];
  const jobs = [...Object.values(at_), job({ attempts: 1 })];
  for (const before of jobs)
    for (const event of variants) {
      const taken = step(before, event);
      if ("job" in taken) yield [stageOf(before), event.kind, stageOf(taken.job)];
    }
}

/** The job after an event that must be taken. */
function following(before: Job, event: JobEvent, sentPackets = 1) {
  const taken = step(before, event, { soFar: { left: true, executed: "unknown" }, sentPackets });
  if (!("job" in taken)) throw new Error(`refused: ${taken.refused}`);
  return taken;
}

describe("the answer settles the job", () => {
  it("ends it as it says, and its packet with it", () => {
    const { job: next, effects } = following(at_.sent, events.answered);
    expect(next).toMatchObject({ state: "done", endedAt: at, result: { commands: [{ sw: "9000" }] } });
    expect(effects[0]).toEqual({
      kind: "packet",
      id: "pkt_1",
      patch: { state: "answered", response, answeredAt: at },
    });
    expect(effects.at(-1)).toMatchObject({ kind: "end", end: { state: "done" } });
  });

  it("sends a new packet with a raised counter when the card has proved that it did not run the old one", () => {
    const { job: next, effects } = following(at_.sent, {
      kind: "answered",
      at,
      verdict: { at: "again", note: "counter low" },
      carried: sms,
    });
    expect(next).toMatchObject({ state: "queued", note: "counter low", notBefore: at });
    expect(effects).toEqual([
      { kind: "packet", id: "pkt_1", patch: { state: "abandoned", answeredAt: at, response } },
      { kind: "raise-counter", keySet: "key_1", floor: 7 + 16 ** 2 },
    ]);
  });

  it("gives up after as many packets as were ordered", () => {
    const again: JobEvent = { kind: "answered", at, verdict: { at: "again", note: "counter low" }, carried: sms };
    const { job: next } = following(at_.sent, again, 2);
    expect(next).toMatchObject({
      state: "failed",
      error: {
        code: "packet.counter-low",
        message: "counter low; the limit of 2 packets is reached",
        executed: "unknown",
      },
    });
  });

  it("repeats what was lost only where the order allows it", () => {
    const answer: JobEvent = { kind: "answered", at, verdict: lost, carried: sms };
    expect(following(at_.sent, answer).job).toMatchObject({ state: "failed", error: { code: "packet.answer-lost" } });
    const repeating = { ...at_.sent, request: { ...at_.sent.request, onAnswerLost: "repeat" as const } };
    expect(following(repeating, answer).job).toMatchObject({
      state: "queued",
      note: "the answer was lost; sending again",
    });
  });

  it("asks again in a session, unless the script is in a secure channel or went often enough", () => {
    const request = { bearer: "auto", maxPackets: 2, onAnswerLost: "repeat" } as const;
    const inSession = { ...at_.delivered, request };
    const answer = { kind: "answered", at, verdict: lost, carried: https } as const;
    expect(following(inSession, answer).job).toMatchObject({
      state: "waiting",
      note: "the answer is lost; sending the trigger again",
    });
    const inChannel = { ...answer, carried: { ...https, repeatable: false } };
    expect(following(inSession, inChannel).job.state).toBe("failed");
    expect(following({ ...inSession, attempts: 2 }, answer).job.state).toBe("failed");
  });

  it("of a session that the job has left does not take it from where it is", () => {
    const request = { bearer: "auto", maxPackets: 2, onAnswerLost: "repeat" } as const;
    const answer = { kind: "answered", at, verdict: lost, carried: https } as const;
    for (const stage of ["queued", "reserved", "sent"] as const)
      expect(following({ ...at_[stage], request }, answer).job).toEqual({ ...at_[stage], request });
  });

  it("keeps what the first parts of a script answered, however the job ends", () => {
    const part = { commands: [{ data: new Uint8Array(0), sw: "9000" }], executed: 1 };
    const answered: JobEvent = {
      kind: "answered",
      at,
      verdict: { at: "part", result: part, note: "the card answered 1 parts, 1 are left" },
      carried: https,
    };
    const { job: next } = following(at_.delivered, answered);
    expect(next).toMatchObject({ state: "waiting", result: part });
    expect(following(next, events.expired).job).toMatchObject({
      state: "expired",
      result: part,
      error: { code: "job.expired", executed: "partly", executedCommands: 1 },
    });
  });

  it("is not settled by what nobody proved: that is kept and told", () => {
    const { job: next, effects } = following(at_.sent, {
      kind: "answered",
      at,
      verdict: { at: "unproven", note: "no CC" },
      carried: sms,
    });
    expect(next.state).toBe("waiting");
    expect(effects).toEqual([
      { kind: "packet", id: "pkt_1", patch: { response } },
      { kind: "event", type: "job.unproven-answer", data: { link: "reader A", why: "no CC" } },
    ]);
  });
});

describe("a packet that could not be handed over", () => {
  const cases = [
    { what: "may be on its way, and its answer will tell", change: {}, state: "waiting" },
    { what: "may be on its way, without an answer to come", change: { answerDue: false }, state: "queued" },
    { what: "may be on its way, and the card would run it twice", change: { replayable: true }, state: "failed" },
    { what: "certainly never left", change: { fate: "not-sent" as const }, state: "queued" },
    {
      what: "never left and never can",
      change: { fate: "not-sent" as const, error: { ...error, retry: "never" as const } },
      state: "failed",
    },
  ];
  it.each(cases)("$what: $state", ({ change, state }) => {
    const event: JobEvent = { kind: "submit-failed", at, failure: { ...failure, ...change }, until: 2_000 };
    const { job: next, effects } = following(at_.reserved, event);
    expect(next.state).toBe(state);
    const unsent = effects.filter((effect) => effect.kind === "packet");
    expect(unsent).toEqual(
      change.fate === "not-sent" ? [{ kind: "packet", id: "pkt_1", patch: { transmissions: 0 } }] : [],
    );
  });

  it("of an SMPP client never goes twice", () => {
    const ofClient = { ...at_.reserved, origin: { face: "smpp" as const } };
    expect(following(ofClient, events["submit-failed"]).job).toMatchObject({
      state: "failed",
      error: { code: "packet.no-answer", executed: "unknown", detail: { code: "link.lost" } },
    });
  });
});

it("is deferred at most to its deadline", () => {
  expect(following(at_.queued, { kind: "deferred", at, note: "no link", until: 99_000 }).job.notBefore).toBe(10_000);
});

it("is cancelled only while unsent, where that was asked for", () => {
  const unsent: JobEvent = { kind: "cancelled", at, unsentOnly: true };
  expect(step(at_.sent, unsent, { soFar: { left: true, executed: "unknown" }, sentPackets: 1 })).toEqual({
    refused: "sent",
  });
  expect(step(at_.queued, unsent)).toMatchObject({ job: { state: "cancelled" } });
});

it("the diagram of the architecture page is the table of the code", () => {
  const page = readFileSync(new URL("../../../docs/architecture.md", import.meta.url), "utf8");
  const [, drawn = ""] = /```mermaid\nstateDiagram-v2\n(%% job[^`]*)```/.exec(page) ?? [];
  const arrows = [...drawn.matchAll(/^\s*(\w+) --> (\w+) : (.+)$/gm)].flatMap(([, from, to, labels = ""]) =>
    labels.split(", ").map((label) => `${from} ${label} ${to}`),
  );
  const table = kinds.flatMap((kind) =>
    jobTransitions[kind].flatMap(({ from, to }) => to.map((stage) => `${from} ${kind} ${stage}`)),
  );
  expect(arrows.sort()).toEqual(table.sort());
});
