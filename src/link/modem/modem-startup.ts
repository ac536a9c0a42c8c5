import type { Clock } from "../../base/clock.ts";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import {
  characterSet,
  identification,
  maker,
  model,
  numericOperators,
  pinState,
  plain,
  powerLine,
  revision,
} from "../../codec/at/general-commands.ts";
import type { Log } from "../driver.ts";
import type { AtEngine } from "./at/at-engine.ts";
import type { RunOptions } from "./at/engine-contract.ts";
import type { ModemIdentity, ModemProfile, ProfileSet } from "./profile/profile.ts";
import { ask, firstAnswer, isRefusal, isUnanswered } from "./questions.ts";

const init: RunOptions = { urgency: "init" };

/**
 * Sends AT until the modem responds, once a second; noise and late answers to earlier attempts are ignored. @throws
 * modem.timeout
 */
export async function wake(engine: AtEngine, knocks: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  for (let knock = 0; knock < knocks; knock++) {
    signal?.throwIfAborted();
    try {
      const request = {
        line: "AT",
        timeoutMs: 1_000,
        tentative: true,
        expects: { prefixes: [], lines: "none" },
      } as const;
      const { final } = await engine.send(request, init);
      if (final.kind !== "ok") continue;
      await clock.sleep(150, signal);
      return;
    } catch (error) {
      if (!isGatewayError(error, "modem.timeout") || !engine.alive) throw error;
    }
  }
  throw new GatewayError("modem.timeout", `no response to AT in ${knocks} attempts`, { fate: "not-sent" });
}

/** Maker, model and revision; ATI where +CGMM is not answered. TS 27.007 §5.1 to §5.3 @throws modem.timeout when it answers none */
export async function identify(engine: AtEngine): Promise<ModemIdentity> {
  await ask(engine, plain, "ATE0", init);
  await ask(engine, plain, "ATV1", init);
  await ask(engine, plain, "AT+CMEE=1", init);
  await plainCharacters(engine);
  const reported = {
    maker: (await ask(engine, maker, undefined, init)) ?? "",
    model: (await ask(engine, model, undefined, init)) ?? "",
    revision: (await ask(engine, revision, undefined, init)) ?? "",
  };
  if (reported.model !== "") return reported;
  const lines = await lastResort(engine, reported.maker !== "" || reported.revision !== "");
  const field = (name: string) =>
    lines.find((line) => new RegExp(`^${name}:`, "i").test(line))?.replace(/^[^:]*:\s*/, "");
  return {
    maker: reported.maker !== "" ? reported.maker : (field("Manufacturer") ?? lines[0] ?? ""),
    model: field("Model") ?? lines[1] ?? "",
    revision: reported.revision !== "" ? reported.revision : (field("Revision") ?? lines[2] ?? ""),
  };
}

/**
 * A program that used the modem earlier may have left UCS2 or HEX active: names, numbers and texts would arrive as
 * digits.
 */
async function plainCharacters(engine: AtEngine): Promise<void> {
  const set = await ask(engine, characterSet, undefined, init);
  if (set === undefined || set === "GSM" || set === "IRA") return;
  for (const wanted of ["GSM", "IRA"]) {
    try {
      return await engine.run(plain, `AT+CSCS="${wanted}"`, init);
    } catch (error) {
      if (!isUnanswered(engine, error)) throw error;
    }
  }
}

/** ATI; a device that answers AT but none of these queries in time is unusable. */
async function lastResort(engine: AtEngine, identified: boolean): Promise<readonly string[]> {
  try {
    return await engine.run(identification, undefined, init);
  } catch (error) {
    if (isRefusal(error) || (identified && isUnanswered(engine, error))) return [];
    throw error;
  }
}

/** The profile that matches its identification, or the configured one. @throws profile.unknown, profile.invalid */
export function chooseProfile(profiles: ProfileSet, identity: ModemIdentity, name: string | undefined): ModemProfile {
  return name === undefined ? profiles.match(identity) : profiles.get(name);
}

/** Runs the profile's `init`; a command that the module refuses or answers too late is logged, not fatal. */
export async function initialise(engine: AtEngine, link: string, log: Log): Promise<void> {
  for (const line of engine.profile.file.init ?? []) {
    try {
      await engine.run(plain, line, init);
    } catch (error) {
      if (!isUnanswered(engine, error)) throw error;
      log.info({ link, line, error: error.message }, "the modem refused a command of its profile's init");
    }
  }
  await ask(engine, numericOperators, undefined, init);
}

/** Waits until the modem reports the PIN state; after a switch "no SIM", "SIM failure" and "SIM busy" pass. */
export async function cardState(
  engine: AtEngine,
  clock: Clock,
  patienceMs: number,
  signal?: AbortSignal,
): Promise<string> {
  const until = clock.monotonic() + patienceMs;
  for (;;) {
    try {
      return await engine.run(pinState, undefined, init);
    } catch (error) {
      if (!isUnanswered(engine, error)) throw error;
      if (clock.monotonic() >= until) return error.detail.cme === 10 ? "NOT INSERTED" : "NOT READY";
      await clock.sleep(1_000, signal);
    }
  }
}

/** Whether the SIM toolkit is on, where the profile has a query for it. */
async function toolkitState(engine: AtEngine): Promise<"on" | "off" | undefined> {
  const { toolkit } = engine.profile.file;
  if (toolkit?.query === undefined) return undefined;
  const value = await firstAnswer(engine, [toolkit.query]);
  return value === undefined ? undefined : value === (toolkit.on ?? "1") ? "on" : "off";
}

/** Switches the SIM toolkit on with the profile's command and restarts the module where required; true when it restarts. */
async function enableToolkit(engine: AtEngine): Promise<boolean> {
  const { toolkit, power } = engine.profile.file;
  for (const line of toolkit?.enable ?? []) await ask(engine, plain, line, init);
  if (toolkit?.enableNeedsRestart !== true) return false;
  for (const line of power?.restart ?? []) await ask(engine, powerLine, line, init);
  return true;
}

/** Queries the SIM toolkit; one that is off is switched on where configured and possible, and otherwise reported. */
export async function checkToolkit(
  engine: AtEngine,
  switchOn: boolean,
  link: string,
  log: Log,
): Promise<"on" | "off" | "restarting" | undefined> {
  const state = await toolkitState(engine);
  const { enable } = engine.profile.file.toolkit ?? {};
  if (state !== "off") return state;
  if (switchOn && enable !== undefined) return (await enableToolkit(engine)) ? "restarting" : "off";
  if (engine.profile.quirks.has("toolkit-off-by-default")) {
    const text =
      "the SIM toolkit is off: until it is enabled, the modem may not follow REFRESH and does not support BIP";
    log.warn({ link, enable }, text);
  }
  return state;
}
