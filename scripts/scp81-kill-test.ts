/**
 * Kills the daemon at random moments while a fleet of simulated cards works off its jobs in SCP81 sessions, and checks
 * that every script is reported exactly once, as what its card really did.
 *
 *   node dist/scripts/scp81-kill-test.js --kills 50 --cards 20 --jobs 50
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { agentOf, allGood, type FleetCard, type FleetOptions, fleetCards } from "../simulators/scp81/fleet.ts";
import { fleetEis } from "../simulators/scp81/fleet-program.ts";
import { systemClock } from "../src/base/clock.ts";
import { toHex } from "../src/base/hex.ts";
import type { ApiClient } from "../src/face/cli/client.ts";
import type { ShownJob } from "../src/face/cli/job-view.ts";
import { freePort, pause, seeded, Victim } from "./victim.ts";

/** What a run found; `wrong` must be empty. */
export interface Scp81KillReport {
  readonly kills: number;
  readonly jobs: number;
  /** How many jobs ended how. */
  readonly ended: Readonly<Record<string, number>>;
  readonly sessions: number;
  readonly links: number;
  /** Jobs that never ended, ended twice, or report another outcome than that of their card. */
  readonly wrong: readonly string[];
}

export interface Scp81KillOptions {
  readonly kills: number;
  readonly cards: number;
  readonly jobsPerCard: number;
  /** Seed of the moments of the kills and of the cards' own breaks. */
  readonly seed: number;
  /** Share of POSTs at which a card breaks its link. */
  readonly dropShare: number;
  readonly print: (line: string) => void;
}

/** Kills the daemon again and again, then compares its reports with what the cards executed. */
export async function scp81KillTest(options: Scp81KillOptions): Promise<Scp81KillReport> {
  const folder = mkdtempSync(join(tmpdir(), "otagate-scp81-kill-"));
  const config = join(folder, "config.yaml");
  const daemon = new Victim(config, join(folder, "state"));
  const { api } = daemon;
  try {
    const random = seeded(options.seed);
    const port = await freePort();
    const text = JSON.stringify({ readers: { enabled: false }, scp81: { port }, log: { level: "error" } });
    writeFileSync(config, text);
    await daemon.start();
    const cards = fleetCards(options.cards);
    for (const card of cards) await api.post("/v1/targets", fleetEis(card));
    const jobs = await submit(api, cards, options.jobsPerCard);
    const fleet = new Fleet(cards, port, options.dropShare, random);
    const working = fleet.run();
    for (let kill = 0; kill < options.kills; kill++) {
      await pause(30 + random() * 400);
      await daemon.kill();
      await daemon.start();
      options.print(`kill ${kill + 1} of ${options.kills}, ${fleet.executed.size} scripts executed`);
    }
    fleet.over = true;
    await working;
    return { kills: options.kills, ...(await compare(api, jobs, fleet)), sessions: fleet.sessions, links: fleet.links };
  } finally {
    await daemon.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Cards that open sessions until the kills are over and nothing is left for them. */
class Fleet {
  /** How often each script was run, by its octets. */
  readonly executed = new Map<string, number>();
  sessions = 0;
  links = 0;
  over = false;
  readonly #cards: readonly FleetCard[];
  readonly #options: FleetOptions;
  readonly #random: () => number;

  constructor(cards: readonly FleetCard[], port: number, dropShare: number, random: () => number) {
    this.#cards = cards;
    this.#random = random;
    this.#options = {
      host: "127.0.0.1",
      port,
      cards,
      parallel: cards.length,
      sessionsPerCard: 1,
      uri: "/gsma/adminagent",
      retry: { attempts: 100_000, delayMs: 30 },
      inactivityMs: 2000,
      dropShare,
      execute: async (_, script) => {
        await pause(random() * 20);
        const body = toHex(script.body);
        this.executed.set(body, (this.executed.get(body) ?? 0) + 1);
        return allGood(script);
      },
    };
  }

  async run(): Promise<void> {
    await Promise.all(this.#cards.map((card) => this.#work(card)));
  }

  async #work(card: FleetCard): Promise<void> {
    for (;;) {
      const last = this.over;
      const deps = { clock: systemClock, random: this.#random };
      const { end, why, links } = await agentOf(card, this.#options, deps).run();
      if (end !== "complete") throw new Error(`session of ${card.eid}: ${end} ${why ?? ""}`);
      this.sessions++;
      this.links += links;
      if (last) return;
      await pause(10 + this.#random() * 50);
    }
  }
}

/** Each job's script is one command that no other has; by id of the job. */
async function submit(api: ApiClient, cards: readonly FleetCard[], each: number): Promise<Map<string, string>> {
  const jobs = new Map<string, string>();
  const work = cards.flatMap(({ eid }, card) =>
    Array.from({ length: each }, (_, n) => ({
      eid,
      number: (card * each + n).toString(16).toUpperCase().padStart(8, "0"),
    })),
  );
  for (let from = 0; from < work.length; from += 20) {
    await Promise.all(
      work.slice(from, from + 20).map(async ({ eid, number }) => {
        const apdu = `80CA005A04${number}`;
        const order = {
          target: eid,
          work: { kind: "script", tar: "000001", apdus: [apdu] },
          request: { bearer: "https" },
        };
        const job = await api.post<ShownJob>("/v1/jobs", order);
        jobs.set(job.id, `AE802209${apdu}0000`);
      }),
    );
  }
  return jobs;
}

async function compare(
  api: ApiClient,
  jobs: ReadonlyMap<string, string>,
  { executed }: Fleet,
): Promise<Pick<Scp81KillReport, "jobs" | "ended" | "wrong">> {
  const ends = await endEvents(api);
  const ended: Record<string, number> = {};
  const wrong: string[] = [];
  for (const [id, body] of jobs) {
    const { state, error } = await api.get<ShownJob>(`/v1/jobs/${id}`);
    const said = error === undefined ? state : `${state} ${error.code}`;
    ended[said] = (ended[said] ?? 0) + 1;
    const runs = executed.get(body) ?? 0;
    if (ends.get(id) !== 1) wrong.push(`${id}: ${said}, ended ${ends.get(id) ?? 0} times`);
    if (runs > 1) wrong.push(`${id}: run ${runs} times`);
    const ran = state === "done" || error?.detail.executed === true;
    // A card that resumes behind the script has processed it; whether it refused it went down with its answer.
    const lost = error?.code === "packet.answer-lost" && error.detail.executed === "unknown";
    if (lost ? runs !== 1 : ran !== runs > 0) wrong.push(`${id}: ${said}, run ${runs} times`);
    const unknown = error?.detail.executed === "unknown" || error?.detail.executed === "partly";
    if (unknown && !lost) wrong.push(`${id}: ${said}, although its card resumed`);
  }
  return { jobs: jobs.size, ended, wrong };
}

async function endEvents(api: ApiClient): Promise<Map<string, number>> {
  const ends = new Map<string, number>();
  for (let after = 0; ; ) {
    const { items } = await api.get<{ items: { seq: number; type: string; job?: string }[] }>("/v1/events/log", {
      after,
      limit: 1000,
    });
    if (items.length === 0) return ends;
    for (const { seq, type, job = "" } of items) {
      after = seq;
      if (/^job\.(done|failed|expired|cancelled)$/.test(type)) ends.set(job, (ends.get(job) ?? 0) + 1);
    }
  }
}

if (process.argv[1]?.endsWith("scp81-kill-test.js") || process.argv[1]?.endsWith("scp81-kill-test.ts")) {
  const { values } = parseArgs({
    options: {
      kills: { type: "string", default: "50" },
      cards: { type: "string", default: "20" },
      jobs: { type: "string", default: "50" },
      drop: { type: "string", default: "0.02" },
      seed: { type: "string", default: String(Date.now() % 100_000) },
    },
  });
  const report = await scp81KillTest({
    kills: Number(values.kills),
    cards: Number(values.cards),
    jobsPerCard: Number(values.jobs),
    dropShare: Number(values.drop),
    seed: Number(values.seed),
    print: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify({ seed: Number(values.seed), ...report })}\n`);
  process.exitCode = report.wrong.length === 0 ? 0 : 1;
}
