import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withoutUndefined } from "../../../src/base/defined.ts";
import type { JobId } from "../../../src/base/id.ts";
import { isdRTar } from "../../../src/codec/euicc/aid.ts";
import { feedJob } from "../../../src/gateway/job-effects.ts";
import { expireJob } from "../../../src/gateway/jobs/stop-job.ts";
import type { Job, JobWork } from "../../../src/gateway/model/job.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { AdminBench, type Card, type Heard, requestOf, type Said } from "./admin-bench.ts";

/** Every state of the dialog meets every POST that a card can send, rightly or wrongly; then the card behaves. */

const start = "/gsma/adminagent";
const good = "AF80230290000000";
const begin = "AE80840A3000001122334455667785113300112233445566778899AABBCCDDEEFF0000";
const begun = `AF808420${"00".repeat(10)}300370${"A1".repeat(19)}85000000`;

/** What became of a command on the card. */
interface Fate {
  ran: number;
  refused: number;
  /** Nobody wants it to go any more: the gateway has its good answer, or it was withdrawn. */
  over?: true;
}

/** A card with its jobs, and what it did with their commands. */
class Trial {
  readonly bench: AdminBench;
  readonly card: Card;
  readonly jobs = new Map<JobId, readonly string[]>();
  readonly fates = new Map<string, Fate>();
  /** The card says what its state does not bear out: whoever believes it is excused. */
  liar = false;
  /** What went wrong on the way. */
  readonly wrong: string[] = [];
  /** A link broke while a secure channel was open. */
  channelBroken = false;
  #markers = 0x1000;
  #open: string | undefined;

  constructor(bench: AdminBench, card: Card) {
    this.bench = bench;
    this.card = card;
  }

  async job(commands = 1, request: object = {}): Promise<JobId> {
    const markers = Array.from({ length: commands }, () => `80CA${(++this.#markers).toString(16).toUpperCase()}00`);
    return this.#add(readWork({ kind: "script", tar: isdRTar, apdus: markers }), markers, request);
  }

  async body(body: string, marker: string): Promise<JobId> {
    return this.#add(readWork({ kind: "body", tar: isdRTar, body }), [marker], { moreToCome: true });
  }

  /** Takes in what the gateway said. */
  heard(answer: Heard): Heard {
    if (answer === "dropped" || answer.script === undefined) return answer;
    this.#open = this.card.got.at(-1);
    if (this.#markersOf(this.#open).some((marker) => this.fates.get(marker)?.over === true))
      this.wrong.push(`sent again although it is over: ${this.#open}`);
    return answer;
  }

  get open(): string | undefined {
    return this.#open;
  }

  /** The script at hand runs to its end; `well` = its commands succeed. */
  run(well: boolean): void {
    for (const marker of this.#markersOf(this.#open)) {
      const fate = this.fates.get(marker);
      if (fate !== undefined) fate[well ? "ran" : "refused"]++;
    }
  }

  /** The answer of the script at hand goes to the gateway in the open session, or it is withdrawn. */
  tell(): void {
    for (const marker of this.#markersOf(this.#open)) {
      const fate = this.fates.get(marker);
      if (fate !== undefined) fate.over = true;
    }
  }

  ranOpen(): boolean {
    return this.#markersOf(this.#open).some((marker) => (this.fates.get(marker)?.ran ?? 0) > 0);
  }

  goodAnswer(): string {
    const body = this.#open ?? "";
    if (body === begin) return begun;
    return body.startsWith("AE8086") ? "AF8086000000" : good;
  }

  async #add(work: JobWork, markers: readonly string[], request: object): Promise<JobId> {
    const id = await this.bench.waiting(this.card, work, request);
    this.jobs.set(id, markers);
    for (const marker of markers) this.fates.set(marker, { ran: 0, refused: 0 });
    return id;
  }

  #markersOf(body: string | undefined): string[] {
    return body === undefined ? [] : [...this.fates.keys()].filter((marker) => body.includes(marker));
  }
}

type State = (trial: Trial) => Promise<void>;

const first = async (subject: Trial) => void subject.heard(await subject.card.begin());
const answered = async (subject: Trial) => {
  subject.run(true);
  subject.tell();
  subject.heard(await subject.card.answer(subject.goodAnswer()));
};

const states: Readonly<Record<string, State>> = {
  "nothing delivered": async (subject) => {
    await subject.job();
    await subject.job();
  },
  "the first script delivered": async (subject) => {
    await subject.job();
    await subject.job();
    await first(subject);
  },
  "the first script run": async (subject) => {
    await subject.job();
    await subject.job();
    await first(subject);
    subject.run(true);
  },
  "the second script delivered": async (subject) => {
    await subject.job();
    await subject.job();
    await first(subject);
    await answered(subject);
  },
  "the second script run": async (subject) => {
    await subject.job(1, { onAnswerLost: "repeat" });
    await subject.job(1, { onAnswerLost: "repeat" });
    await first(subject);
    await answered(subject);
    subject.run(true);
  },
  "all answered": async (subject) => {
    await subject.job();
    await first(subject);
    await answered(subject);
  },
  "held open": async (subject) => {
    await subject.job(1, { moreToCome: true });
    await first(subject);
    await answered(subject);
    await subject.job();
  },
  "the second part delivered": async (subject) => {
    await subject.job(3);
    await subject.job();
    await first(subject);
    await answered(subject);
  },
  "the second part run, to be repeated": async (subject) => {
    await subject.job(3, { onAnswerLost: "repeat" });
    await subject.job();
    await first(subject);
    await answered(subject);
    subject.run(true);
  },
  "in a secure channel": async (subject) => {
    await subject.body(begin, "840A30");
    await subject.body(`AE808610${"AB".repeat(16)}0000`, "ABABAB");
    await subject.body(`AE808610${"CD".repeat(16)}0000`, "CDCDCD");
    await subject.job();
    await first(subject);
    await answered(subject);
  },
  "the script cancelled while the card has it": async (subject) => {
    const id = await subject.job();
    await subject.job();
    await first(subject);
    await subject.bench.bench.gateway.jobs.cancel(id);
    subject.tell();
  },
  "the script expired while the card runs it": async (subject) => {
    const id = await subject.job();
    await subject.job();
    await first(subject);
    subject.run(true);
    await expireJob(feedJob, subject.bench.bench.store, id, Date.now());
    subject.tell();
  },
};

const payloads: Readonly<Record<string, Said & { readonly well?: boolean; readonly never?: true }>> = {
  nothing: {},
  "its answer": { status: "ok", well: true },
  "its answer without a status": { well: true, body: "own" },
  "a refused command": { status: "ok", body: "AF80230269850000", well: false },
  "a refused block": { status: "ok", body: "AF809F4601020000", well: false },
  "an empty answer": { status: "ok", body: "AF800000", well: false },
  "bad format": { status: "ok", body: "AF809001010000", well: false },
  "no answer": { status: "ok" },
  garbage: { status: "ok", body: "0102030405", well: false },
  "a cut answer": { status: "ok", body: "AF802302", well: false },
  "an unknown application": { status: "unknown-application", never: true },
  "a security error": { status: "security-error", well: true, body: "" },
  "an unknown status": { status: "busy", well: false },
};

const uris: Readonly<Record<string, (card: Card) => string>> = {
  "its own URI": (card) => card.next,
  "the URI before": (card) => card.uris.at(-2) ?? start,
  "the first URI": () => start,
  "a URI never given": () => `${start}?s=NEVER`,
  "the first URI with nonsense": () => `${start}?a=b&c`,
};

const links = ["same", "new", "resumed", "restarted", "twice", "at once", "late"] as const;
type Link = (typeof links)[number];

/** Sends the POST; whether the card's word and its state agree is noted. */
async function act(subject: Trial, link: Link, uri: string, payload: (typeof payloads)[string]): Promise<void> {
  const { card } = subject;
  const own = uri === card.next && subject.open !== undefined;
  const resume = link === "resumed" || link === "restarted";
  const silent = payload.status === undefined && payload.body === undefined;
  if (own && payload.well !== undefined && !subject.ranOpen()) subject.run(payload.well);
  else if (own && silent && !subject.ranOpen()) subject.run(true);
  else if (!own || payload.never === true || payload.well === false) subject.liar ||= subject.ranOpen();
  if (!own && !silent) subject.liar = true;
  const body = payload.well === true && payload.body !== "" ? subject.goodAnswer() : payload.body;
  const said: Said = {
    ...(resume ? { resume } : {}),
    ...withoutUndefined({ status: payload.status, body }),
  };
  if (link !== "same" && link !== "twice" && link !== "at once") subject.channelBroken = true;
  switch (link) {
    case "same":
      subject.heard(await card.post(uri, said));
      return;
    case "new":
    case "resumed":
      card.cut();
      subject.heard(await card.post(uri, said));
      return;
    case "restarted":
      card.cut();
      subject.bench.forget();
      subject.heard(await card.post(uri, said));
      return;
    case "twice":
      subject.heard(await card.post(uri, said));
      subject.liar = true;
      subject.heard(await card.post(uri, said));
      return;
    case "at once": {
      subject.liar = true;
      for (const heard of await Promise.all([card.post(uri, said), card.post(uri, said)])) subject.heard(heard);
      return;
    }
    case "late": {
      const old = card.session;
      card.leave();
      subject.heard(await card.begin());
      subject.liar = true;
      await old?.post(requestOf(uri, said));
      old?.closed();
    }
  }
}

/** From here on the card does as it should. */
async function behave(subject: Trial): Promise<void> {
  let answer: Heard | undefined;
  for (let round = 0; round < 40; round++) {
    if (answer !== undefined && answer !== "dropped" && answer.script !== undefined) {
      subject.run(true);
      subject.tell();
      answer = subject.heard(await subject.card.answer(subject.goodAnswer()));
    } else if (await allEnded(subject)) return;
    else {
      subject.card.cut();
      answer = subject.heard(await subject.card.begin());
    }
  }
  throw new Error("the jobs do not end");
}

async function allEnded(subject: Trial): Promise<boolean> {
  const jobs = await Promise.all([...subject.jobs.keys()].map((id) => subject.bench.job(id)));
  return jobs.every(({ endedAt }) => endedAt !== undefined);
}

/** What is wrong with the verdict on a job, if anything. */
function lies(subject: Trial, job: Job): string[] {
  const fates = (subject.jobs.get(job.id) ?? []).map((marker) => subject.fates.get(marker) ?? { ran: 0, refused: 0 });
  const ran = fates.filter((fate) => fate.ran > 0).length;
  const found: string[] = [];
  const wrong = (what: string) => found.push(`${what}: ${job.state} ${JSON.stringify(job.error ?? job.result)}`);
  if (job.state === "done" && ran < fates.length) wrong("done, but not run");
  if (job.state === "done" && job.result?.data === undefined) wrong("done without an answer");
  if (job.state === "done" && job.error !== undefined) wrong("done with an error");
  if (job.state !== "done") {
    const executed = job.error?.executed;
    if (executed === undefined) wrong("nothing said of the card");
    if (subject.liar) return found;
    if (executed === false && ran > 0) wrong("run, but said not to be");
    if (executed === true && ran < fates.length) wrong("not run, but said to be");
    if (executed === "partly" && (ran === 0 || fates.length < 2)) wrong("said to have run partly");
    const { executedCommands } = job.error ?? {};
    if (executed === "partly" && (typeof executedCommands !== "number" || executedCommands > ran))
      wrong("counted too many");
  }
  if (!subject.liar && job.request.onAnswerLost !== "repeat" && fates.some((fate) => fate.ran > 1)) wrong("run twice");
  return found;
}

const combinations = Object.keys(states).flatMap((state) =>
  Object.keys(uris).flatMap((uri) =>
    Object.keys(payloads)
      .filter((payload) => uri === "its own URI" || ["nothing", "its answer", "a refused command"].includes(payload))
      .flatMap((payload) => links.map((link) => ({ state, uri, payload, link }))),
  ),
);

describe("a hostile card", () => {
  let bench: AdminBench;
  beforeAll(async () => {
    bench = await AdminBench.open({ holdTotalMs: 2000 });
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  it.each(Object.keys(states))(
    "with %s: each job ends once, with a true verdict, whatever comes",
    async (state) => {
      const all = combinations.filter((one) => one.state === state);
      const cards = await bench.bareCards(all.length, state.includes("part") ? { scp81Buffer: 12 } : {});
      const trials: Trial[] = [];
      const problems: string[] = [];
      await Promise.all(
        all.map(async ({ uri, payload, link }, index) => {
          const card = cards[index];
          if (card === undefined) throw new Error("no card left");
          const subject = new Trial(bench, card);
          trials.push(subject);
          const name = `${payload} to ${uri}, link ${link}`;
          try {
            await states[state]?.(subject);
            const before = card.got.length;
            await act(subject, link, uris[uri]?.(card) ?? start, payloads[payload] ?? {});
            await behave(subject);
            const blocks = card.got.slice(before).filter((body) => body.startsWith("AE8086"));
            problems.push(...subject.wrong.map((what) => `${name}: ${what}`));
            if (subject.channelBroken && blocks.length > 0)
              problems.push(`${name}: ${blocks.length} blocks of a dead channel`);
            for (const id of subject.jobs.keys())
              problems.push(...lies(subject, await bench.job(id)).map((lie) => `${name}: ${lie}`));
          } catch (error) {
            problems.push(`${name}: ${String(error)}`);
          }
        }),
      );
      const ends = await bench.ends();
      for (const subject of trials)
        for (const id of subject.jobs.keys())
          if (ends.get(id) !== 1) problems.push(`job ended ${ends.get(id) ?? 0} times`);
      expect(problems).toEqual([]);
    },
    60_000,
  );

  it("is tried in more ways than 817", () => expect(combinations.length).toBeGreaterThan(817));
});
