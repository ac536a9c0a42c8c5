import { type EuiccDeps, SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState, type FixtureOptions } from "../../../simulators/euicc/fixture.ts";
import { checksum, encipher } from "../../../simulators/euicc/secured/scp80-crypto.ts";
import type { SoftCard } from "../../../simulators/soft-card.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { concatBytes, fromHex, toHex } from "../../../src/base/hex.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";

/** A terminal that knows just enough to exercise a card: T=0 collection, the proactive loop, secured packets. */
export class Terminal {
  readonly card: SoftCard;
  readonly log: string[] = [];

  constructor(card: SoftCard) {
    this.card = card;
  }

  /** One TPDU, hex in and out. */
  async raw(command: string): Promise<string> {
    const response = toHex(await this.card.transmit(fromHex(command)));
    this.log.push(`> ${command}`, `< ${response}`);
    return response;
  }

  /** One APDU with 61xx and 6Cxx served. */
  async apdu(command: string): Promise<string> {
    let response = await this.raw(command);
    if (response.slice(-4, -2) === "6C") response = await this.raw(command.slice(0, 8) + response.slice(-2));
    while (response.slice(-4, -2) === "61") {
      const more = await this.raw(
        `${command.slice(0, 2) === "80" ? "00" : command.slice(0, 2)}C00000${response.slice(-2)}`,
      );
      response = response.slice(0, -4) + more;
    }
    return response;
  }

  /** Fetches the next proactive command: its octets, "" when there is none. */
  async fetch(sw: string): Promise<string> {
    if (!sw.slice(-4).startsWith("91")) return "";
    return (await this.raw(`80120000${sw.slice(-2)}`)).slice(0, -4);
  }

  /** Answers a proactive command; returns the status word. */
  respond(command: string, result = "00", objects = ""): Promise<string> {
    const details = command.slice(command.indexOf("8103"), command.indexOf("8103") + 10);
    const body = `${details}8202828183${byte(result.length / 2)}${result}${objects}`;
    return this.raw(`80140000${byte(body.length / 2)}${body}`);
  }

  /** Serves proactive commands until the card has none; returns them. PROVIDE LOCAL INFORMATION gets an IMEI. */
  async serve(sw: string): Promise<string[]> {
    const served: string[] = [];
    let status = sw;
    for (let command = await this.fetch(status); command !== ""; command = await this.fetch(status)) {
      served.push(command);
      const type = typeOf(command);
      if (type === 0x01) return served;
      status = await this.respond(command, "00", type === 0x26 ? "14081122334455667788" : "");
    }
    return served;
  }

  async start(): Promise<string[]> {
    await this.card.powerOn();
    return this.serve(await this.raw(terminalProfile));
  }

  async restart(): Promise<string[]> {
    await this.card.reset();
    return this.serve(await this.raw(terminalProfile));
  }

  /** ENVELOPE(SMS-PP DOWNLOAD) with this TP-UD; the collected answer. */
  download(userData: string): Promise<string> {
    return this.apdu(envelope(userData));
  }

  async locationStatus(status = "00"): Promise<string[]> {
    return this.serve(await this.raw(`80C2000015D613990103820282811B01${status}130700F1100001ABCD`));
  }
}

/** A headless terminal with all the toolkit facilities an eUICC needs. */
export const terminalProfile = "80100000223301E842110C00078800001FE2600000434000000001000000000000000000000020";

export const byte = (value: number) => value.toString(16).toUpperCase().padStart(2, "0");

/** Type of a proactive command. */
export function typeOf(command: string): number {
  return Number.parseInt(command.slice(command.indexOf("8103") + 6, command.indexOf("8103") + 8), 16);
}

/** The TPDU of a SEND SHORT MESSAGE. */
export function tpduOf(command: string): string {
  const at = command.indexOf("8B", command.indexOf("82028183"));
  return command.slice(command[at + 2] === "8" && command[at + 3] === "1" ? at + 6 : at + 4);
}

export function envelope(userData: string): string {
  const tpdu = `44048110327FF662010100000000${byte(userData.length / 2)}${userData}`;
  const body = concatBytes(fromHex("82028381"), tlvBytes(0x06, fromHex("9144770010F1")), tlvBytes(0x8b, fromHex(tpdu)));
  const whole = tlvBytes(0xd1, body);
  return `80C20000${byte(whole.length)}${toHex(whole)}`;
}

export const documentedKeys = {
  kic: fromHex("000102030405060708090A0B0C0D0E0F"),
  kid: fromHex("101112131415161718191A1B1C1D1E1F"),
};

/** A secured packet's TP-UDs: AES, CC of 8 octets, ciphered. */
export function secured(
  script: string,
  cntr: number,
  options: { tar?: string; spi?: string; kvn?: number; keys?: { kic: Uint8Array; kid: Uint8Array } } = {},
): string[] {
  const { tar = "000001", spi = "1619", kvn = 1, keys = documentedKeys } = options;
  const data = fromHex(script);
  const padding = (16 - ((6 + 8 + data.length) % 16)) % 16;
  const padded = concatBytes(data, new Uint8Array(padding));
  const head = fromHex(
    `${(22 + padded.length).toString(16).padStart(4, "0")}15${spi}${byte(kvn * 16 + 2)}${byte(kvn * 16 + 2)}${tar}`,
  );
  const front = fromHex(cntr.toString(16).padStart(10, "0") + byte(padding));
  const mac = checksum("aes", keys.kid, concatBytes(head, front, padded), 8);
  const packet = concatBytes(head, encipher("aes", keys.kic, concatBytes(front, mac, padded)));
  if (packet.length <= 137) return [`027000${toHex(packet)}`];
  const cuts = [packet.subarray(0, 132)];
  for (let at = 132; at < packet.length; at += 134) cuts.push(packet.subarray(at, at + 134));
  return cuts.map(
    (cut, i) => `${i === 0 ? "07" : "05"}000311${byte(cuts.length)}${byte(i + 1)}${i === 0 ? "7000" : ""}${toHex(cut)}`,
  );
}

/** Runs script bodies (hex) as one HTTPS session with an application does (hex AID; absent = ISD-R). */
export function runScript(card: SimulatedEuicc, aid?: string): (body: string) => string {
  const target = card.application(aid);
  if (target === undefined) throw new Error(`no application ${aid ?? "ISD-R"}`);
  const context = card.openRemote(target);
  return (body) => toHex(card.runRemote(target, context, fromHex(body)));
}

/** A clock that tests move. */
export class FakeClock implements Clock {
  time = 0;
  now(): number {
    return 1_700_000_000_000 + this.time;
  }
  monotonic(): number {
    return this.time;
  }
  async sleep(ms: number): Promise<void> {
    this.time += ms;
  }
}

/** A card of the documented fixture, its clock and a terminal in front of it. */
export function bench(options: FixtureOptions = {}, deps: Partial<EuiccDeps> = {}) {
  const clock = new FakeClock();
  const state = deps.state ?? createEuiccState(options);
  const card = new SimulatedEuicc({ clock, ...deps, state });
  return { card, clock, state: card.state, terminal: new Terminal(card) };
}
