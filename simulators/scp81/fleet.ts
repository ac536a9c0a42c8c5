import { createHash } from "node:crypto";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../../src/base/clock.ts";
import { withoutUndefined } from "../../src/base/defined.ts";
import { AdminAgent, type AgentReport, type CardOutcome, type CardScript } from "./admin-agent.ts";
import type { AgentDeviations, DropPoint } from "./agent-deviations.ts";
import { agentIdOf, eidOf, pskIdentityOf } from "./identity.ts";
import { succeedAll } from "./script-bodies.ts";

/** A simulated card of a fleet, and what a server has to know of it. */
export interface FleetCard {
  readonly eid: string;
  readonly agentId: string;
  readonly identity: string;
  readonly psk: Uint8Array;
}

/** Cards with consecutive EIDs and keys made from a seed: the same seed makes the same fleet. */
export function fleetCards(count: number, seed = "fleet", first = 0): FleetCard[] {
  return Array.from({ length: count }, (_, i) => {
    const eid = eidOf(`89049032${String(first + i).padStart(22, "0")}`);
    return {
      eid,
      agentId: agentIdOf(eid),
      identity: pskIdentityOf(eid, 0x40, 1),
      psk: createHash("sha256").update(`${seed}:${eid}`).digest().subarray(0, 16),
    };
  });
}

/** How a fleet behaves. */
export interface FleetOptions {
  readonly host: string;
  readonly port: number;
  readonly cards: readonly FleetCard[];
  /** Sessions that run at the same time. */
  readonly parallel: number;
  readonly sessionsPerCard: number;
  /** The first sessions begin spread over this time instead of all at once. */
  readonly rampMs?: number;
  readonly uri: string;
  readonly retry: { readonly attempts: number; readonly delayMs: number };
  readonly inactivityMs: number;
  readonly ciphers?: string;
  readonly deviations?: AgentDeviations;
  /** Share of POSTs, 0 to 1, at which a link breaks somewhere. */
  readonly dropShare?: number;
  /** Told the milliseconds from each whole request to its whole answer. */
  readonly onAnswer?: (ms: number) => void;
  /** What the cards do with a script; absent = 9000 to every command. */
  readonly execute?: (card: FleetCard, script: CardScript) => Promise<CardOutcome>;
}

interface FleetDeps {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly signal?: AbortSignal;
  readonly onSession?: (card: FleetCard, report: AgentReport) => void;
}

/** What a fleet went through. */
interface FleetReport {
  readonly sessions: number;
  readonly ends: Readonly<Record<AgentReport["end"], number>>;
  readonly links: number;
  readonly posts: number;
  readonly scripts: number;
  readonly seconds: number;
  /** Milliseconds of a whole session. */
  readonly sessionMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

/** Lets every card open its sessions. */
export async function runFleet(options: FleetOptions, deps: FleetDeps): Promise<FleetReport> {
  const { clock, signal } = deps;
  const ends = { complete: 0, refused: 0, "handshake-failed": 0, "gave-up": 0, "server-fault": 0 };
  const totals = { links: 0, posts: 0, scripts: 0 };
  const durations: number[] = [];
  const started = clock.monotonic();
  const session = async (card: FleetCard) => {
    const began = clock.monotonic();
    const report = await agentOf(card, options, deps).run();
    durations.push(clock.monotonic() - began);
    ends[report.end]++;
    totals.links += report.links;
    totals.posts += report.posts;
    totals.scripts += report.executed.length;
    deps.onSession?.(card, report);
  };
  // One iterator for all workers: each card is taken once, and has one session at a time.
  const work = options.cards.values();
  const worker = async (_: unknown, n: number) => {
    await clock.sleep(((options.rampMs ?? 0) * n) / options.parallel);
    for (const card of work) {
      for (let round = 0; round < options.sessionsPerCard && !signal?.aborted; round++) await session(card);
    }
  };
  await Promise.all(Array.from({ length: options.parallel }).map(worker));
  durations.sort((a, b) => a - b);
  const at = (share: number) =>
    rounded(durations[Math.min(durations.length - 1, Math.floor(durations.length * share))] ?? 0);
  return {
    sessions: durations.length,
    ends,
    ...totals,
    seconds: rounded((clock.monotonic() - started) / 1000),
    sessionMs: { p50: at(0.5), p99: at(0.99), max: at(1) },
  };
}

/** The agent of one card of the fleet. */
export function agentOf(card: FleetCard, options: FleetOptions, { clock, random }: FleetDeps): AdminAgent {
  const { host, port, uri, retry, inactivityMs, ciphers, execute, onAnswer } = options;
  return new AdminAgent(
    {
      tls: { identity: card.identity, psk: card.psk, ...withoutUndefined({ ciphers }) },
      host,
      agentId: card.agentId,
      uri,
      retry,
      inactivityMs,
    },
    {
      clock,
      connect: () => tcp(host, port),
      ...(onAnswer && { onAnswer }),
      execute: (script) => execute?.(card, script) ?? Promise.resolve(allGood(script)),
    },
    { ...options.deviations, ...randomDrops(options.dropShare ?? 0, random) },
  );
}

/** A TCP connection to a server. */
export function tcp(host: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

/** Answers 9000 to every command, in the form of the request. */
export function allGood({ body }: CardScript): CardOutcome {
  return { status: "ok", response: succeedAll(body) };
}

const points: readonly DropPoint[] = [
  "before-request",
  "inside-request",
  "before-answer",
  "inside-answer",
  "before-execution",
  "after-execution",
];
const hows = ["fin", "reset", "silence"] as const;
const maxPosts = 1000;

function randomDrops(share: number, random: () => number): Pick<AgentDeviations, "drops"> {
  if (share <= 0) return {};
  const posts = Array.from({ length: maxPosts }, (_, post) => post).filter(() => random() < share);
  const pick = <T>(list: readonly T[], otherwise: T) => list[Math.floor(random() * list.length)] ?? otherwise;
  return { drops: posts.map((post) => ({ post, at: pick(points, "before-answer"), how: pick(hows, "reset") })) };
}

/** A measured value with three decimals. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
