import { basename, extname } from "node:path";
import { z } from "zod";
import { type Controlled, control } from "../../simulators/euicc/control.ts";
import { listenForControl } from "../../simulators/euicc/control-socket.ts";
import { openEuicc } from "../../simulators/euicc/program.ts";
import { memoryLine } from "../../simulators/memory-line.ts";
import { identityOf } from "../../simulators/modem/location-identity.ts";
import { SimulatedModem } from "../../simulators/modem/modem.ts";
import { PlainCard } from "../../simulators/modem/plain-card.ts";
import { SimulatedNetwork } from "../../simulators/network/network.ts";
import { SoftReader, SoftReaders } from "../../simulators/reader.ts";
import type { SoftCard } from "../../simulators/soft-card.ts";
import { isGatewayError } from "../../src/base/gateway-error.ts";
import type { Driver } from "../../src/link/driver.ts";
import { loadProfiles } from "../../src/link/modem/profile/profile-files.ts";
import type { Port } from "../../src/link/port.ts";

const SimOptions = z.strictObject({
  /** State files of simulated eUICCs, one reader for each; a missing file is created. */
  euiccs: z.array(z.string().min(1)).default([]),
  /** Faults of these cards from the start, in the notation of `sim euicc --misbehave`. */
  misbehave: z.string().optional(),
  /** Local socket for control lines: `VERB …` for the first card, `euicc-2 VERB …` for another one. */
  control: z.string().min(1).optional(),
  /** Hardware profile that a modem behaves as; what TS 27.005 and TS 27.007 promise unless given. */
  profile: z.string().optional(),
  /** What is in a modem: `plain` for a USIM, `none`, or the state file of a simulated eUICC. */
  card: z.string().min(1).default("plain"),
});
type SimOptions = z.output<typeof SimOptions>;

/** Simulated hardware in this process: `sim:?euiccs=a.json,b.json` for readers, `sim:NAME` for a modem. */
export const driver: Driver<SimOptions> = {
  scheme: "sim",
  options: SimOptions,

  async listReaders(options) {
    return readersOf(options).readers.all.map((reader) => ({ reader, state: reader.state }));
  },

  async *watchReaders(options, _deps, signal) {
    const { readers, cards } = readersOf(options);
    await using _control =
      options.control === undefined
        ? undefined
        : await listenForControl(options.control, (line) => controlOne(cards, line));
    yield* readers.watch(signal);
  },

  portProblem(address, { profile }) {
    if (address.toLowerCase() === "sim:") return "must be sim:NAME";
    try {
      if (profile !== undefined) loadProfiles().get(profile);
      return undefined;
    } catch (thrown) {
      if (isGatewayError(thrown)) return thrown.message;
      throw thrown;
    }
  },

  /** Opening the port switches the modem on, and closing it switches it off. */
  async openPort(address, options, _deps, signal) {
    signal?.throwIfAborted();
    const profile = options.profile === undefined ? undefined : loadProfiles().get(options.profile).file;
    const network = new SimulatedNetwork();
    const card = cardOf(address, options.card);
    const { imei } = identityOf(address);
    const modem = new SimulatedModem({
      network,
      identity: { imei },
      ...(profile && { profile }),
      ...(card && { card }),
    });
    const { line, port } = memoryLine(address);
    modem.attachLine(line);
    void modem.powerOn();
    return withEnd(port, async () => {
      await modem[Symbol.asyncDispose]();
      network.close();
    });
  },
};

/** Reader names as configuration lists them: `euicc-1`, `euicc-2`; each card has its own identity. */
function readersOf({ euiccs, misbehave }: SimOptions): {
  readonly readers: SoftReaders;
  readonly cards: ReadonlyMap<string, Controlled>;
} {
  const readers = new SoftReaders();
  const cards = new Map<string, Controlled>();
  for (const [index, state] of euiccs.entries()) {
    const fixture = index === 0 ? {} : { seed: `otagate ${index}` };
    const card = openEuicc({ state, fixture, ...(misbehave !== undefined && { misbehave }) });
    const reader = readers.add(new SoftReader(`euicc-${index + 1}`, card));
    cards.set(reader.name, { card, insert: () => reader.insert(card), eject: async () => reader.eject() });
  }
  return { readers, cards };
}

/** Carries out a control line; its first word may be the reader of the card. */
async function controlOne(cards: ReadonlyMap<string, Controlled>, line: string): Promise<string> {
  const [, first = "", rest = ""] = /^\s*(\S+)\s*(.*)$/.exec(line) ?? [];
  const named = cards.get(first);
  const [target = named] = named === undefined ? cards.values() : [named];
  return target === undefined ? JSON.stringify({ ok: false }) : control(target, named === undefined ? line : rest);
}

function cardOf(address: string, card: string): SoftCard | undefined {
  if (card === "none") return undefined;
  if (card !== "plain") return openEuicc({ state: card, fixture: { seed: basename(card, extname(card)) } });
  return new PlainCard(identityOf(address).card);
}

function withEnd(port: Port, end: () => Promise<void>): Port {
  return {
    address: port.address,
    incoming: port.incoming,
    write: (bytes) => port.write(bytes),
    async [Symbol.asyncDispose]() {
      await port[Symbol.asyncDispose]();
      await end();
    },
  };
}
