import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { withoutUndefined } from "../../src/base/defined.ts";
import { GatewayError, isGatewayError } from "../../src/base/gateway-error.ts";
import { openEuicc } from "../euicc/program.ts";
import { SimulatedNetwork } from "../network/network.ts";
import type { RadioNetwork } from "../network/radio.ts";
import { joinNetwork, serveNetwork } from "../network/service.ts";
import type { SocketAddress } from "../socket-line.ts";
import type { SoftCard } from "../soft-card.ts";
import type { BipRoute } from "./bip.ts";
import { HotPlug, type HotPlugLocation } from "./hot-plug.ts";
import { identityOf } from "./location-identity.ts";
import { parseMisbehaviour } from "./misbehaviour.ts";
import { SimulatedModem } from "./modem.ts";
import { PlainCard, type PlainCardOptions } from "./plain-card.ts";
import type { PlayedProfile } from "./profile-behaviour.ts";

/** What `otagate sim modem` is started with. */
export interface ModemProgramOptions {
  /** A hardware profile with `extends` resolved; a generic modem unless given. */
  readonly profile?: PlayedProfile;
  /** Symbolic link to the pseudo-terminal, or a TCP port; a pseudo-terminal without a link unless given. */
  readonly pty?: string;
  readonly tcp?: number;
  /** State file of a simulated eUICC, `plain` for a plain USIM, `none` for an empty slot; a plain USIM unless given. */
  readonly card?: string;
  /** A card of the caller's own; wins over `card`. */
  readonly softCard?: SoftCard;
  readonly plain?: PlainCardOptions;
  /** From the place where it is plugged in unless given. */
  readonly imei?: string;
  /** Number of the plain USIM, likewise. */
  readonly number?: string;
  /**
   * `own` (the default), `serve:<port or path>` to open it to other processes, or `join:<host:port or path>` to use the
   * network of another.
   */
  readonly network?: string;
  /** A network of the caller's own; wins over `network`. */
  readonly radio?: RadioNetwork;
  /** How it misbehaves from the start, as {@link parseMisbehaviour} reads it. */
  readonly misbehave?: string;
  /** Address all of the card's connections are led to, `host:port`; refused without. */
  readonly bip?: string;
}

/** Where the program reads control lines, writes its answers, and when it ends. */
interface ModemProgramIo {
  readonly input?: Readable;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** `port`, `host:port` or a path. @throws config.invalid */
function addressOf(text: string): SocketAddress {
  if (text.includes("/")) return { path: text };
  const [, host, digits = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === "" || port > 65535)
    throw new GatewayError("config.invalid", `'${text}' must be a port, host:port or path`);
  return host === undefined ? { port } : { port, host };
}

/** @throws config.invalid, link.busy, link.unavailable */
async function openNetwork(
  how: string,
  ends: AsyncDisposable[],
): Promise<{ radio: RadioNetwork; own?: SimulatedNetwork }> {
  const [, verb, where = ""] = /^(own|serve|join)(?::(.+))?$/.exec(how) ?? [];
  if (verb === undefined) throw new GatewayError("config.invalid", `network: '${how}' must be own, serve:… or join:…`);
  if (verb === "join") {
    const joined = await joinNetwork(addressOf(where));
    ends.push(joined);
    return { radio: joined };
  }
  const own = new SimulatedNetwork();
  ends.push({ [Symbol.asyncDispose]: async () => own.close() });
  if (verb === "serve") ends.push(await serveNetwork(own, addressOf(where)));
  return { radio: own, own };
}

function cardOf({ softCard, card = "plain", plain = {}, number, ...where }: ModemProgramOptions): SoftCard | undefined {
  if (softCard !== undefined) return softCard;
  if (card === "none") return undefined;
  if (card !== "plain") return openEuicc({ state: card });
  const msisdn = withoutUndefined({ msisdn: number });
  return new PlainCard({ ...identityOf(placeOf(where)).card, ...plain, ...msisdn });
}

/** Number of the plain USIM, where one is in. */
function numberOf({ softCard, card = "plain", plain, number, ...where }: ModemProgramOptions): string | undefined {
  if (softCard !== undefined || card !== "plain") return undefined;
  return number ?? plain?.msisdn ?? identityOf(placeOf(where)).card.msisdn;
}

function placeOf({ pty, tcp }: Pick<ModemProgramOptions, "pty" | "tcp">): string {
  return tcp === undefined ? (pty ?? "") : `tcp ${tcp}`;
}

/** Leads every connection of the card to one place. @throws config.invalid */
function routeOf(text: string | undefined): BipRoute | undefined {
  if (text === undefined) return undefined;
  const where = addressOf(text);
  if ("path" in where) throw new GatewayError("config.invalid", `'${text}' must be host:port`);
  return () => ({ host: where.host ?? "127.0.0.1", port: where.port });
}

/** A running modem as control lines see it. */
interface ModemControl {
  readonly modem: SimulatedModem;
  readonly hotPlug: HotPlug;
  readonly card: SoftCard | undefined;
  /** The network, where it is this process's own. */
  readonly network: SimulatedNetwork | undefined;
}

/** Runs one simulated modem until the signal states otherwise. @throws config.*, link.* */
export async function runModem(options: ModemProgramOptions, io: ModemProgramIo): Promise<void> {
  const ends: AsyncDisposable[] = [];
  try {
    await run(options, io, ends);
  } finally {
    for (const end of ends.reverse()) await end[Symbol.asyncDispose]();
  }
}

async function run(options: ModemProgramOptions, io: ModemProgramIo, ends: AsyncDisposable[]): Promise<void> {
  const opened =
    options.radio === undefined ? await openNetwork(options.network ?? "own", ends) : { radio: options.radio };
  const misbehaviour = parseMisbehaviour(options.misbehave ?? "");
  if (misbehaviour === undefined)
    throw new GatewayError("config.invalid", `unknown misbehaviour in '${options.misbehave}'`);
  const card = cardOf(options);
  const route = routeOf(options.bip);
  const modem = new SimulatedModem({
    network: opened.radio,
    misbehaviour,
    ...(card && { card }),
    ...(route && { route }),
    ...(options.profile && { profile: options.profile }),
    identity: { imei: options.imei ?? identityOf(placeOf(options)).imei },
  });
  ends.push(modem);
  const place: HotPlugLocation =
    options.tcp === undefined
      ? { at: "pty", ...withoutUndefined({ link: options.pty }) }
      : { at: "socket", where: { port: options.tcp } };
  const hotPlug = new HotPlug(modem, place);
  ends.push(hotPlug);
  const target: ModemControl = { modem, hotPlug, card, network: "own" in opened ? opened.own : undefined };
  const { profile, identity } = modem.behaviour;
  const number = numberOf(options);
  io.print(
    JSON.stringify({
      modem: profile.name,
      port: await hotPlug.plugIn(),
      imei: identity.imei,
      ...(number && { number }),
    }),
  );
  const lines = io.input && createInterface({ input: io.input });
  lines?.on("line", (line) => {
    if (line.trim() !== "") void controlModem(target, line).then(io.print);
  });
  await new Promise<void>((resolve) => {
    if (io.signal.aborted) resolve();
    else io.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  lines?.close();
}

const verbs =
  "state, misbehave <list>, reboot, unplug, plug, off, on, pull-card, insert-card, memory <SM|ME> <slots>, signal <rssi>, " +
  "coverage <on|off>, deny <cause>, allow, urc <line>, noise";

/** Carries out one control line; answers in JSON with `ok`, never throws. */
export async function controlModem(target: ModemControl, line: string): Promise<string> {
  const [verb = "", ...words] = line.trim().split(/\s+/);
  try {
    return JSON.stringify({ ok: true, ...(await carryOut(target, verb, words)) });
  } catch (error) {
    const code = isGatewayError(error) ? error.code : "api.internal";
    return JSON.stringify({ ok: false, code, message: error instanceof Error ? error.message : String(error) });
  }
}

async function carryOut(target: ModemControl, verb: string, words: readonly string[]): Promise<object> {
  const { modem, hotPlug, card } = target;
  switch (verb) {
    case "state":
      return stateOf(target);
    case "misbehave": {
      const change = parseMisbehaviour(words.join(","));
      if (change === undefined) throw new GatewayError("api.usage", `unknown misbehaviour in '${words.join(" ")}'`);
      modem.misbehave(change);
      return { misbehaviour: modem.misbehaviour };
    }
    case "reboot":
      await modem.reboot();
      return {};
    case "unplug":
      await hotPlug.pull();
      return {};
    case "plug":
      return { port: await hotPlug.plugIn() };
    case "off":
      await modem.powerOff();
      return {};
    case "on":
      await modem.powerOn();
      return {};
    case "pull-card":
      await modem.exchangeCard(undefined);
      return {};
    case "insert-card":
      await modem.exchangeCard(card);
      return {};
    case "urc":
      modem.urc(words.join(" "));
      return {};
    case "noise":
      modem.noise(Uint8Array.of(0x00, 0x00, 0xff, 0xfe, 0x80, 0xf8, 0x00));
      return {};
    default:
      return changeSurroundings(target, verb, words);
  }
}

function changeSurroundings(
  { modem, network }: ModemControl,
  verb: string,
  [first = "", second = ""]: readonly string[],
): object {
  if (verb === "memory" && (first === "SM" || first === "ME")) {
    modem.stores[first].resize(number(second, 255));
    return {};
  }
  if (verb === "signal") {
    modem.signal = { rssi: number(first, 99), ber: 99 };
    return {};
  }
  if (!["coverage", "deny", "allow"].includes(verb)) throw new GatewayError("api.usage", `known: ${verbs}`);
  if (network === undefined) throw new GatewayError("api.usage", "the network belongs to another process");
  if (verb === "coverage") network.setCoverage(first !== "off");
  else
    network.setRules(
      verb === "allow" ? [] : [{ imsi: modem.slot.facts.imsi, allow: false, cause: number(first || "11", 255) }],
    );
  return {};
}

function number(text: string, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= most)) throw new GatewayError("api.usage", `'${text}' must be a number up to ${most}`);
  return value;
}

function stateOf({ modem, hotPlug }: ModemControl): object {
  const { SM, ME } = modem.stores;
  return {
    port: hotPlug.address,
    powered: modem.powered,
    sim: modem.slot.state.at,
    ...modem.slot.facts,
    registration: modem.registration.state.stat,
    number: modem.registration.attachment?.msisdn,
    stored: { SM: SM.used, ME: ME.used },
    misbehaviour: modem.misbehaviour,
  };
}
