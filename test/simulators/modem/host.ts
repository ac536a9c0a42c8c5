import { memoryLine } from "../../../simulators/memory-line.ts";
import { type ModemOptions, SimulatedModem } from "../../../simulators/modem/modem.ts";
import { PlainCard, type PlainCardOptions } from "../../../simulators/modem/plain-card.ts";
import { SimulatedNetwork } from "../../../simulators/network/network.ts";

/** A host on a modem's line that sees every octet. */
export interface Host {
  /** Everything received and not yet taken. */
  text(): string;
  write(text: string): Promise<void>;
  /** Waits until the pattern is there and takes everything up to its end. */
  until(pattern: RegExp, ms?: number): Promise<string>;
  /** Sends a command line and returns the answer up to its final result. */
  ask(line: string, ms?: number): Promise<string>;
}

const final = /\r\n(OK|ERROR|NO CARRIER|\+CM[ES] ERROR: [^\r]*)\r\n/;

/** Connects a host to a modem. */
export function connectHost(modem: SimulatedModem): Host & AsyncDisposable {
  const { line, port } = memoryLine();
  const detach = modem.attachLine(line);
  let received = "";
  let wake: () => void = () => {};
  void (async () => {
    for await (const chunk of port.incoming) {
      received += Buffer.from(chunk).toString("latin1");
      wake();
    }
  })();
  const write = (text: string) => port.write(Buffer.from(text, "latin1"));
  const until = async (pattern: RegExp, ms = 3000): Promise<string> => {
    const end = Date.now() + ms;
    for (;;) {
      const found = pattern.exec(received);
      if (found !== null) {
        const taken = received.slice(0, found.index + found[0].length);
        received = received.slice(taken.length);
        return taken;
      }
      if (Date.now() > end) throw new Error(`no ${pattern} in ${JSON.stringify(received)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 20);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  return {
    text: () => received,
    write,
    until,
    async ask(text, ms) {
      await write(`${text}\r`);
      return await until(final, ms);
    },
    async [Symbol.asyncDispose]() {
      detach();
      await port[Symbol.asyncDispose]();
    },
  };
}

/** A network, and modems on it, that end together. */
export class Bench implements AsyncDisposable {
  readonly network: SimulatedNetwork;
  readonly #modems: SimulatedModem[] = [];

  constructor(network = new SimulatedNetwork({ attachMs: 5, smsRetryMs: 100 })) {
    this.network = network;
  }

  /** A modem that is on and registered, with a host whose echo is off. */
  async modem(
    card: PlainCardOptions | PlainCard = {},
    options: Partial<ModemOptions> = {},
  ): Promise<{ modem: SimulatedModem; host: Host; card: PlainCard }> {
    const inserted = card instanceof PlainCard ? card : new PlainCard(card);
    const modem = new SimulatedModem({ network: this.network, card: inserted, ...options });
    this.#modems.push(modem);
    const host = connectHost(modem);
    await modem.powerOn();
    await host.ask("ATE0");
    await host.ask("AT+CMEE=1");
    return { modem, host, card: inserted };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const modem of this.#modems) await modem[Symbol.asyncDispose]();
    this.network.close();
  }
}
