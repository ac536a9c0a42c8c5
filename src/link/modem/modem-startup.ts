import type { Clock } from "../../base/clock.ts";
import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { csim } from "../../codec/at/card-commands.ts";
import type { AtCommand } from "../../codec/at/command.ts";
import {
  extendedSignal,
  identification,
  maker,
  model,
  numericOperators,
  operator,
  pinState,
  plain,
  powerLine,
  question,
  registration,
  revision,
  signalQuality,
} from "../../codec/at/general-commands.ts";
import type { Registration } from "../../codec/at/urc.ts";
import type { Log } from "../driver.ts";
import type { AtEngine } from "./at-engine.ts";
import type { RunOptions } from "./engine-contract.ts";
import type { ModemState } from "./modem-state.ts";
import type { ModemIdentity, ModemProfile, ProfileSet } from "./profile.ts";
import type { ProfileFile } from "./profile-schema.ts";

type Query = NonNullable<NonNullable<ProfileFile["identity"]>["imei"]>[number];
type Facts = Partial<Omit<ModemState, "phase" | "failures" | "registrations" | "lastSwitch">>;

const init: RunOptions = { urgency: "init" };

/** The value, or undefined when the modem refuses or answers something unreadable; other failures are thrown. */
export async function ask<A, R>(
  engine: AtEngine,
  declaration: AtCommand<A, R>,
  arg: A,
  options: RunOptions = {},
): Promise<R | undefined> {
  try {
    return await engine.run(declaration, arg, options);
  } catch (error) {
    if (isGatewayError(error) && /^(modem\.(cme|cms|refused)|codec\.)/.test(error.code)) return undefined;
    throw error;
  }
}

/** Knocks until somebody answers, once a second; noise and late answers of earlier knocks are let pass. @throws modem.timeout */
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
  throw new GatewayError("modem.timeout", `nobody answered AT in ${knocks} tries`, { detail: { fate: "not-sent" } });
}

/** Maker, model and revision; ATI where +CGMM is not answered. TS 27.007 §5.1 to §5.3 */
export async function identify(engine: AtEngine): Promise<ModemIdentity> {
  await ask(engine, plain, "ATE0", init);
  await ask(engine, plain, "ATV1", init);
  await ask(engine, plain, "AT+CMEE=1", init);
  const said = {
    maker: (await ask(engine, maker, undefined, init)) ?? "",
    model: (await ask(engine, model, undefined, init)) ?? "",
    revision: (await ask(engine, revision, undefined, init)) ?? "",
  };
  if (said.model !== "") return said;
  const lines = (await ask(engine, identification, undefined, init)) ?? [];
  const field = (name: string) =>
    lines.find((line) => new RegExp(`^${name}:`, "i").test(line))?.replace(/^[^:]*:\s*/, "");
  return {
    maker: said.maker !== "" ? said.maker : (field("Manufacturer") ?? lines[0] ?? ""),
    model: field("Model") ?? lines[1] ?? "",
    revision: said.revision !== "" ? said.revision : (field("Revision") ?? lines[2] ?? ""),
  };
}

/** The profile of what it says it is, or the one it is told to be. @throws profile.unknown, profile.invalid */
export function chooseProfile(profiles: ProfileSet, identity: ModemIdentity, name: string | undefined): ModemProfile {
  return name === undefined ? profiles.match(identity) : profiles.get(name);
}

/** Runs the profile's `init`; what a module does not know is reported, not fatal. */
export async function initialise(engine: AtEngine, link: string, log: Log): Promise<void> {
  for (const line of engine.profile.file.init ?? []) {
    try {
      await engine.run(plain, line, init);
    } catch (error) {
      if (!isGatewayError(error) || !/^modem\.(cme|cms|refused)/.test(error.code)) throw error;
      log.info({ link, line, error: error.message }, "the modem refused a line of its profile's init");
    }
  }
  await ask(engine, numericOperators, undefined, init);
}

/** Waits until the PIN state is known; after a switch "no SIM", "SIM failure" and "SIM busy" pass. */
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
      if (!isGatewayError(error) || !/^modem\.(cme|refused)|^codec\./.test(error.code)) throw error;
      if (clock.monotonic() >= until) return error.detail.cme === 10 ? "NOT INSERTED" : "NOT READY";
      await clock.sleep(1_000, signal);
    }
  }
}

/** The first of a profile's questions that gives a value. */
export async function firstAnswer(engine: AtEngine, queries: readonly Query[] = []): Promise<string | undefined> {
  for (const { command, pattern, decode } of queries) {
    const lines = (await ask(engine, question, command, init)) ?? [];
    for (const line of lines) {
      const value = new RegExp(pattern, "u").exec(line)?.[1];
      if (value !== undefined) return decode === "swap-nibbles" ? swapNibbles(value) : value.replace(/F$/i, "");
    }
  }
  return undefined;
}

function swapNibbles(hex: string): string {
  return hex.replace(/(.)(.)/g, "$2$1").replace(/F+$/i, "");
}

const ecasd = [
  0x00, 0xa4, 0x04, 0x00, 0x10, 0xa0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xff, 0xff, 0xff, 0xff, 0x89, 0x00, 0x00,
  0x02, 0x00,
];

/** EID from the ECASD on a channel of its own, closed again. SGP.02 §4.1.3.1; undefined when the card or the modem has none. */
export async function readEid(engine: AtEngine): Promise<string | undefined> {
  const asked = await firstAnswer(engine, engine.profile.file.identity?.eid);
  if (asked !== undefined || engine.profile.quirks.has("csim-lock-needed")) return asked;
  const opened = await ask(engine, csim, Uint8Array.of(0x00, 0x70, 0x00, 0x00, 0x01), init);
  const channel = opened?.length === 3 ? opened[0] : undefined;
  if (channel === undefined || channel > 3) return undefined;
  try {
    const selected = await ask(engine, csim, Uint8Array.of(channel, ...ecasd.slice(1)), init);
    if (selected === undefined || ![0x61, 0x90].includes(selected.at(-2) ?? 0)) return undefined;
    let answer = await ask(engine, csim, Uint8Array.of(0x80 | channel, 0xca, 0x00, 0x5a, 0x00), init);
    if (answer?.length === 2 && (answer[0] === 0x6c || answer[0] === 0x61)) {
      const le = answer[1] ?? 0;
      const again = answer[0] === 0x6c ? [0x80 | channel, 0xca, 0x00, 0x5a, le] : [channel, 0xc0, 0x00, 0x00, le];
      answer = await ask(engine, csim, Uint8Array.from(again), init);
    }
    if (answer?.[0] !== 0x5a || answer[1] !== 0x10 || answer.length < 20) return undefined;
    return Buffer.from(answer.subarray(2, 18)).toString("hex");
  } finally {
    await ask(engine, csim, Uint8Array.of(0x00, 0x70, 0x80, channel), init);
  }
}

/** Whether the SIM toolkit is on, where the profile knows how to ask. */
export async function toolkitState(engine: AtEngine): Promise<"on" | "off" | undefined> {
  const { toolkit } = engine.profile.file;
  if (toolkit?.query === undefined) return undefined;
  const value = await firstAnswer(engine, [toolkit.query]);
  return value === undefined ? undefined : value === (toolkit.on ?? "1") ? "on" : "off";
}

/** Switches the SIM toolkit on as the profile knows how, and restarts the module where it must; true when it restarts. */
export async function enableToolkit(engine: AtEngine): Promise<boolean> {
  const { toolkit, power } = engine.profile.file;
  for (const line of toolkit?.enable ?? []) await ask(engine, plain, line, init);
  if (toolkit?.enableNeedsRestart !== true) return false;
  for (const line of power?.restart ?? []) await ask(engine, powerLine, line, init);
  return true;
}

/** Identifiers of the card in it. */
export async function readCard(engine: AtEngine): Promise<Pick<Facts, "iccid" | "imsi">> {
  const { identity } = engine.profile.file;
  const iccid = await firstAnswer(engine, identity?.iccid);
  const imsi = await firstAnswer(engine, identity?.imsi);
  return { ...(iccid === undefined ? {} : { iccid }), ...(imsi === undefined ? {} : { imsi }) };
}

/** Registration in all the domains of the profile. */
export async function readRegistrations(engine: AtEngine): Promise<Readonly<Record<string, Registration>>> {
  const found: Record<string, Registration> = {};
  for (const domain of engine.profile.file.network?.registration ?? []) {
    const answer = await ask(engine, registration, domain);
    if (answer !== undefined) found[domain] = answer;
  }
  return found;
}

/** Operator and signal. */
export async function readRadio(engine: AtEngine): Promise<Pick<Facts, "operator" | "signal">> {
  const current = await ask(engine, operator, undefined);
  let signal: Facts["signal"];
  for (const how of engine.profile.file.network?.signal ?? []) {
    signal =
      how === "cesq" ? await ask(engine, extendedSignal, undefined) : await ask(engine, signalQuality, undefined);
    if (signal !== undefined && Object.keys(signal).length > 0) break;
  }
  return { ...(current === undefined ? {} : { operator: current }), ...(signal === undefined ? {} : { signal }) };
}
