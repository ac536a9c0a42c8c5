import { writeFileSync } from "node:fs";
import { z } from "zod";
import { systemClock } from "../../src/base/clock.ts";
import { withoutUndefined } from "../../src/base/defined.ts";
import { checked } from "../../src/base/field-words.ts";
import { GatewayError } from "../../src/base/gateway-error.ts";
import { toHex } from "../../src/base/hex.ts";
import { parseJson } from "../../src/base/json.ts";
import { firstIssue } from "../../src/base/strict.ts";
import { type FleetCard, fleetCards, runFleet } from "./fleet.ts";

/** What `otagate sim fleet` is started with, as it stands on the command line. */
export interface FleetProgramOptions {
  readonly connect?: string;
  readonly cards: number;
  readonly first: number;
  readonly seed: string;
  readonly parallel: number;
  readonly rounds: number;
  readonly ramp: number;
  readonly uri: string;
  readonly retries: number;
  readonly retryDelay: number;
  readonly drop: string;
  readonly deviations: string;
  readonly eis?: string;
  readonly every?: boolean;
}

interface FleetProgramIo {
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The part of the deviations that makes sense for many cards at once. */
const Deviations = z
  .strictObject({
    headerCase: z.enum(["standard", "lower", "upper"]),
    framing: z.enum(["chunked", "length"]),
    chunkSizes: z.array(z.number().int().min(1)).min(1),
    chunkSizeSpelling: z.enum(["lower", "upper", "leading-zeros", "trailing-space"]),
    lastChunk: z.enum(["standard", "no-final-crlf"]),
    strayLastChunk: z.boolean(),
    spacing: z.enum(["standard", "no-space", "trailing-space", "space-before-colon"]),
    lineEnd: z.enum(["crlf", "lf"]),
    requestTarget: z.enum(["origin", "absolute"]),
    trailingSpaceAfterVersion: z.boolean(),
    omitHost: z.boolean(),
    contentLengthZero: z.boolean(),
    writeOctets: z.number().int().min(1),
    writeGapMs: z.number().min(0),
    thinkMs: z.number().min(0),
    scriptStatus: z.string(),
  })
  .partial();

const inactivityMs = 120_000;

/**
 * Runs a fleet against a server, prints the result as JSON, and returns the exit code: 0 if every session was
 * completed. @throws api.usage
 */
export async function runFleetProgram(options: FleetProgramOptions, io: FleetProgramIo): Promise<number> {
  const cards = fleetCards(options.cards, options.seed, options.first);
  if (options.eis !== undefined) {
    writeFileSync(options.eis, `${JSON.stringify(cards.map(fleetEis))}\n`, { mode: 0o600 });
    io.print(JSON.stringify({ cards: cards.length, eis: options.eis }));
    return 0;
  }
  const { host, port } = serverOf(options.connect);
  const report = await runFleet(
    {
      host,
      port,
      cards,
      parallel: Math.max(1, Math.min(options.parallel, cards.length)),
      sessionsPerCard: options.rounds,
      rampMs: options.ramp * 1000,
      uri: options.uri,
      retry: { attempts: options.retries, delayMs: options.retryDelay * 1000 },
      inactivityMs,
      dropShare: shareOf(options.drop),
      deviations: deviationsOf(options.deviations),
    },
    {
      clock: systemClock,
      random: Math.random,
      signal: io.signal,
      ...(options.every === true && {
        onSession: ({ eid }, { end, why, links, posts, executed }) =>
          io.print(JSON.stringify({ eid, end, ...withoutUndefined({ why }), links, posts, scripts: executed.length })),
      }),
    },
  );
  io.print(JSON.stringify(report));
  return report.ends.complete === report.sessions && report.sessions > 0 ? 0 : 1;
}

/** What an SM-SR must know of a card of the fleet. */
export function fleetEis({ eid, psk }: FleetCard): object {
  const keys = [{ id: 1, type: "PSK", value: toHex(psk) }];
  return { eid, isdR: { aid: "A0000005591010FFFFFFFF8900000100", keySets: [{ kvn: 0x40, type: "SCP81", keys }] } };
}

function serverOf(text: string | undefined): { host: string; port: number } {
  const [, host = "127.0.0.1", digits = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(text ?? "") ?? [];
  const port = Number(digits);
  if (digits !== "" && port > 0 && port < 65536) return { host, port };
  throw new GatewayError("api.usage", "--connect: must be host:port; --eis can be given instead", {
    detail: { field: "connect" },
  });
}

function shareOf(text: string): number {
  const share = Number(text);
  if (share >= 0 && share <= 1) return share;
  throw new GatewayError("api.usage", "--drop: must be a share from 0 to 1", { detail: { field: "drop" } });
}

function deviationsOf(text: string): object {
  const wrong = (why: string, cause?: unknown) =>
    new GatewayError("api.usage", `--deviations: ${why}`, { detail: { field: "deviations" }, cause });
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw wrong("must be JSON", cause);
  }
  const parsed = checked(Deviations, value);
  if (parsed.success) return parsed.data;
  const { field, message } = firstIssue(parsed.error);
  throw wrong(field === "" ? message : `${field}: ${message}`, parsed.error);
}
