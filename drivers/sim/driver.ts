import { basename, extname } from "node:path";
import { z } from "zod";
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
    return readersOf(options).all.map((reader) => ({ reader, state: reader.state }));
  },

  watchReaders: (options, _deps, signal) => readersOf(options).watch(signal),

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
function readersOf({ euiccs }: SimOptions): SoftReaders {
  const readers = new SoftReaders();
  for (const [index, state] of euiccs.entries()) {
    const fixture = index === 0 ? {} : { seed: `otagate ${index}` };
    readers.add(new SoftReader(`euicc-${index + 1}`, openEuicc({ state, fixture })));
  }
  return readers;
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
