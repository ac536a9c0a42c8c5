import { withoutUndefined } from "../../base/defined.ts";
import { type GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import type { AtCommand } from "../../codec/at/command.ts";
import { extendedSignal, operator, question, registration, signalQuality } from "../../codec/at/general-commands.ts";
import type { Registration } from "../../codec/at/urc.ts";
import type { AtEngine } from "./at/at-engine.ts";
import type { RunOptions } from "./at/engine-contract.ts";
import type { ModemState } from "./modem-state.ts";
import type { ProfileFile } from "./profile/profile-schema.ts";

type Query = NonNullable<NonNullable<ProfileFile["identity"]>["imei"]>[number];

/** Whether a query was refused or its answer is unreadable: the line itself works. */
export function isRefusal(error: unknown): error is GatewayError {
  return isGatewayError(error) && /^(modem\.(cme|cms|refused)|codec\.)/.test(error.code);
}

/** Whether a query was refused, unreadable or not answered in time by a modem that is still present. */
export function isUnanswered(engine: AtEngine, error: unknown): error is GatewayError {
  return isRefusal(error) || (isGatewayError(error, "modem.timeout") && engine.alive);
}

/**
 * The value, or undefined if the modem does not support the query: refused, unreadable, too slow. Other failures are
 * thrown.
 */
export async function ask<A, R>(
  engine: AtEngine,
  declaration: AtCommand<A, R>,
  arg: A,
  options: RunOptions = {},
): Promise<R | undefined> {
  try {
    return await engine.run(declaration, arg, options);
  } catch (error) {
    if (isUnanswered(engine, error)) return undefined;
    throw error;
  }
}

/** How long a query that was not answered in time is omitted: each try costs its time limit and a resynchronization. */
const restMs = 600_000;

/** Optional queries; one that timed out is not repeated for a while. */
export class Questions {
  readonly #engine: AtEngine;
  readonly #now: () => number;
  readonly #slow = new Map<string, number>();

  constructor(engine: AtEngine, now: () => number) {
    this.#engine = engine;
    this.#now = now;
  }

  /** The value, or undefined if the query is not answered or timed out recently. */
  async put<A, R>(declaration: AtCommand<A, R>, arg: A): Promise<R | undefined> {
    const line = declaration.line(arg);
    const until = this.#slow.get(line);
    if (until !== undefined && this.#now() < until) return undefined;
    this.#slow.delete(line);
    try {
      return await this.#engine.run(declaration, arg);
    } catch (error) {
      if (!isUnanswered(this.#engine, error)) throw error;
      if (!isRefusal(error)) this.#slow.set(line, this.#now() + restMs);
      return undefined;
    }
  }

  /** Registration in all the domains of the profile; empty when the modem answers for none. */
  async registrations(): Promise<Readonly<Record<string, Registration>>> {
    const found: Record<string, Registration> = {};
    for (const domain of this.#engine.profile.file.network?.registration ?? []) {
      const answer = await this.put(registration, domain);
      if (answer !== undefined) found[domain] = answer;
    }
    return found;
  }

  /** Operator and signal. */
  async radio(): Promise<Pick<ModemState, "operator" | "signal">> {
    const current = await this.put(operator, undefined);
    let signal: ModemState["signal"];
    for (const how of this.#engine.profile.file.network?.signal ?? []) {
      signal = how === "cesq" ? await this.put(extendedSignal, undefined) : await this.put(signalQuality, undefined);
      if (signal !== undefined && Object.keys(signal).length > 0) break;
    }
    return withoutUndefined({ operator: current, signal });
  }
}

/** The value of the first of a profile's queries that is answered. */
export async function firstAnswer(engine: AtEngine, queries: readonly Query[] = []): Promise<string | undefined> {
  for (const { command, pattern, decode } of queries) {
    const lines = (await ask(engine, question, command, { urgency: "init" })) ?? [];
    for (const line of lines) {
      const value = new RegExp(pattern, "u").exec(line)?.[1];
      if (value !== undefined) return decode === "swap-nibbles" ? swapNibbles(value) : value;
    }
  }
  return undefined;
}

function swapNibbles(hex: string): string {
  return hex.replace(/(.)(.)/g, "$2$1").replace(/F+$/i, "");
}
