import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stuckMs } from "./patience.ts";
import { pause, seeded, Victim } from "./victim.ts";

export interface UpstreamKillOptions {
  readonly targets: number;
  readonly changes: number;
  readonly kills: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

/** What a run found; `lost`, `outOfOrder` and `altered` must be 0. */
export interface UpstreamKillReport {
  readonly events: number;
  readonly kills: number;
  /** Times that an event came again, as at-least-once allows. */
  readonly repeated: number;
  readonly lost: number;
  readonly outOfOrder: number;
  /** Events that came again with other octets. */
  readonly altered: number;
}

/** An SM-SR that is slow, refuses, hangs up and is down now and then. */
class Moody {
  /** Bodies by event id. */
  readonly bodies = new Map<string, string>();
  /** Versions of each target in the order in which they first came. */
  readonly versions = new Map<string, number[]>();
  repeated = 0;
  altered = 0;
  readonly #random: () => number;
  readonly #server = createServer((request, response) => void this.#take(request, response));

  constructor(random: () => number) {
    this.#random = random;
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
      const mood = this.#random();
      if (mood < 0.05) return void response.writeHead(503).end();
      if (mood < 0.08) return void response.destroy();
      this.#note(Buffer.concat(chunks).toString("utf8"));
      await pause(this.#random() * 4);
      // Taken, but the receipt is lost.
      if (mood < 0.12) response.destroy();
      else response.writeHead(204).end();
    } catch {
      response.destroy();
    }
  }

  #note(body: string): void {
    const { id, data } = JSON.parse(body) as { id: string; data: { target: { id: string }; version: number } };
    const before = this.bodies.get(id);
    if (before !== undefined) {
      this.repeated++;
      if (before !== body) this.altered++;
      return;
    }
    this.bodies.set(id, body);
    const versions = this.versions.get(data.target.id) ?? [];
    versions.push(data.version);
    this.versions.set(data.target.id, versions);
  }
}

/** Kills the daemon again and again while it reports changes to an SM-SR, then compares the reports with the facts. */
export async function upstreamKill(options: UpstreamKillOptions): Promise<UpstreamKillReport> {
  const folder = mkdtempSync(join(tmpdir(), "otagate-upstream-kill-"));
  const random = seeded(options.seed);
  const smsr = new Moody(random);
  const victim = new Victim(join(folder, "config.yaml"), join(folder, "state"));
  try {
    const url = `http://127.0.0.1:${await smsr.listen()}/events`;
    const upstream = { name: "smsr", webhook: { url }, events: ["target.changed"], timeoutMs: 1000 };
    const retries = { firstRetryMs: 20, maxRetryMs: 200, maxAttempts: 1000 };
    const off = { readers: { enabled: false }, scp81: { enabled: false }, modemDiscovery: { enabled: false } };
    writeFileSync(join(folder, "config.yaml"), JSON.stringify({ ...off, upstream: [{ ...upstream, ...retries }] }));
    await victim.start();
    const ids = await addTargets(victim, options.targets);
    await change(victim, ids, options, random);
    const wanted = await settled(victim, smsr, ids);
    return compare(smsr, wanted, options.kills);
  } finally {
    await victim.kill();
    smsr.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function addTargets(victim: Victim, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const iccid = `8901${String(index).padStart(15, "0")}`;
    const { target } = await victim.api.post<{ target: { id: string } }>("/v1/targets", { iccid });
    ids.push(target.id);
  }
  return ids;
}

async function change(victim: Victim, ids: readonly string[], options: UpstreamKillOptions, random: () => number) {
  let done = 0;
  for (let kill = 0; kill <= options.kills; kill++) {
    const upTo = Math.ceil((options.changes * (kill + 1)) / (options.kills + 1));
    const changing = (async () => {
      for (; done < upTo; done++) {
        const id = ids[Math.floor(random() * ids.length)];
        await victim.api.patch(`/v1/targets/${id}`, { tags: [`t${done}`] });
      }
    })().catch(() => {});
    if (kill === options.kills) return await changing;
    await Promise.race([changing, pause(50 + random() * 500)]);
    await victim.kill();
    await changing;
    await victim.start();
    options.print(`kill ${kill + 1} of ${options.kills}, ${done} changes asked for`);
  }
}

/** The versions that targets have, once the SM-SR received the last one of each or nothing moves any more. */
async function settled(victim: Victim, smsr: Moody, ids: readonly string[]): Promise<Map<string, number>> {
  const wanted = new Map<string, number>();
  for (const id of ids) wanted.set(id, (await victim.api.get<{ version: number }>(`/v1/targets/${id}`)).version);
  const total = [...wanted.values()].reduce((sum, version) => sum + version - 1, 0);
  let before = 0;
  for (let end = Date.now() + stuckMs; Date.now() < end && smsr.bodies.size < total; await pause(50)) {
    if (smsr.bodies.size > before) end = Date.now() + stuckMs;
    before = smsr.bodies.size;
  }
  return wanted;
}

function compare(smsr: Moody, wanted: ReadonlyMap<string, number>, kills: number): UpstreamKillReport {
  let lost = 0;
  let outOfOrder = 0;
  for (const [id, version] of wanted) {
    const told = smsr.versions.get(id) ?? [];
    const known = new Set(told);
    for (let one = 2; one <= version; one++) if (!known.has(one)) lost++;
    for (const [index, one] of told.entries()) if (one < (told[index - 1] ?? 0)) outOfOrder++;
  }
  return { events: smsr.bodies.size, kills, repeated: smsr.repeated, lost, outOfOrder, altered: smsr.altered };
}

if (process.argv[1]?.endsWith("upstream-kill.ts")) {
  const { values } = parseArgs({
    options: {
      targets: { type: "string", default: "20" },
      changes: { type: "string", default: "2000" },
      kills: { type: "string", default: "10" },
      seed: { type: "string", default: String(Date.now() % 100_000) },
    },
  });
  const { targets, changes, kills, seed } = values;
  const report = await upstreamKill({
    targets: Number(targets),
    changes: Number(changes),
    kills: Number(kills),
    seed: Number(seed),
    print: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify({ seed: Number(seed), ...report })}\n`);
  process.exitCode = report.lost + report.outOfOrder + report.altered === 0 ? 0 : 1;
}
