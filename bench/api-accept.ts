import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

/**
 * Jobs that the API accepts per second, durable when they are answered. Baseline of the same run: fastify alone with the
 * same validation and one group-committed row (`api-peer.ts`), without authentication, audit log, events or a look-up of
 * the target. Each server has a process of its own; one client asks both in turns. Medians.
 *
 *   node dist/bench/api-accept.js [--jobs 3000] [--rounds 7] [--clients 32]      after `npm run build`
 *   npx tsx bench/api-accept.ts
 */
const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "3000" },
    rounds: { type: "string", default: "7" },
    clients: { type: "string", default: "32" },
    profile: { type: "string" },
  },
});

const built = import.meta.filename.endsWith(".js");

class Peer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  #place: { readonly socketPath: string; readonly targets: readonly string[] } = { socketPath: "", targets: [] };
  #serial = 0;

  private constructor(kind: string) {
    this.#folder = mkdtempSync(join(tmpdir(), `otagate-bench-${kind}-`));
    const profile = values.profile === kind ? ["--cpu-prof", "--cpu-prof-dir=/tmp/api-profile"] : [];
    this.#child = fork(new URL(built ? "./api-peer.js" : "./api-peer.ts", import.meta.url), [kind, this.#folder], {
      execArgv: [...(built ? [] : ["--import", "tsx"]), ...profile],
    });
  }

  static async open(kind: string): Promise<Peer> {
    const peer = new Peer(kind);
    peer.#place = await new Promise((resolve, reject) => {
      peer.#child.once("message", resolve);
      peer.#child.once("exit", () => reject(new Error(`${kind} does not start`)));
    });
    return peer;
  }

  /** Jobs per second over so many connections. */
  async rate(jobs: number, clients: number): Promise<number> {
    const began = performance.now();
    let left = jobs;
    const client = async () => {
      while (left-- > 0) await this.#order();
    };
    await Promise.all(Array.from({ length: clients }, client));
    return jobs / ((performance.now() - began) / 1000);
  }

  #order(): Promise<void> {
    const { socketPath, targets } = this.#place;
    const n = this.#serial++;
    const body = JSON.stringify({
      target: targets[n % targets.length],
      work: { kind: "script", apdus: ["80F24002024F0000"] },
      request: { bearer: "envelope" },
      reference: `bench ${n}`,
    });
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      request({ socketPath, agent: this.#agent, method: "POST", path: "/v1/jobs", headers }, (response) => {
        response.resume();
        response.once("end", () => (response.statusCode === 202 ? resolve() : reject(new Error("refused"))));
      })
        .on("error", reject)
        .end(body);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.disconnect();
    await gone;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const median = (list: readonly number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
const rates = { daemon: [] as number[], bare: [] as number[] };
await using daemon = await Peer.open("daemon");
await using bare = await Peer.open("bare");
const jobs = Number(values.jobs);
const clients = Number(values.clients);
for (let round = 0; round <= Number(values.rounds); round++) {
  const count = round === 0 ? Math.ceil(jobs / 4) : jobs;
  const ours = await daemon.rate(count, clients);
  const theirs = await bare.rate(count, clients);
  if (round === 0) continue;
  rates.daemon.push(ours);
  rates.bare.push(theirs);
}
const [ours, theirs] = [median(rates.daemon), median(rates.bare)];
const ratios = rates.daemon.map((one, index) => one / (rates.bare[index] ?? 1));
process.stdout.write(
  `${JSON.stringify({
    accepted: Math.round(ours),
    "bare fastify, same validation, one group-committed row": Math.round(theirs),
    ratio: Math.round(100 * median(ratios)) / 100,
  })}\n`,
);
