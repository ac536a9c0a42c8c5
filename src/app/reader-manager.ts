import { isAbsolute, join } from "node:path";
import { SoftReader } from "../../simulators/reader.ts";
import type { SoftCard } from "../../simulators/soft-card.ts";
import { asGatewayError, GatewayError } from "../base/gateway-error.ts";
import { fromHex } from "../base/hex.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { Link } from "../gateway/links/links.ts";
import type { CardLink } from "../link/card/card-link.ts";
import { CardLinks } from "../link/card/card-links.ts";
import type { ChannelService } from "../link/card/terminal/channel-service.ts";
import type { TerminalSettings } from "../link/card/terminal/terminal-settings.ts";
import type { ReaderEvent } from "../link/card-reader.ts";
import type { DriverDeps } from "../link/driver.ts";
import type { Config } from "./config.ts";

export interface ReaderManagerDeps {
  readonly config: Config;
  /** State folder; simulated cards keep their files there. */
  readonly state: string;
  readonly gateway: Gateway;
  readonly driverDeps: DriverDeps;
  /** Bearer independent protocol for the card in a link. */
  readonly channelsFor?: (linkId: string) => ChannelService | undefined;
}

/** How long the start waits for cards that are already there to be ready. */
const settleMs = 5_000;

/** Real and simulated card readers as links of the gateway. */
export class ReaderManager implements AsyncDisposable {
  readonly #deps: ReaderManagerDeps;
  readonly #stop = new AbortController();
  /** Services that cannot be used, by scheme. */
  readonly #down = new Map<string, GatewayError>();
  readonly #families: CardLinks[] = [];
  readonly #following: Promise<void>[] = [];
  #simulated: CardLinks | undefined;

  constructor(deps: ReaderManagerDeps) {
    this.#deps = deps;
  }

  /** Starts to watch; resolves when the cards that are there now are ready, or after a bounded time. */
  async start(): Promise<void> {
    const { config, driverDeps } = this.#deps;
    const seen: Promise<void>[] = [];
    if (config.simulate.euiccs.length > 0) await this.#simulateConfigured();
    if (config.readers.enabled) {
      try {
        const { driver } = await import("../../drivers/pcsc/driver.ts");
        const { socket, client } = config.readers;
        const options = driver.options.parse({ client, ...(socket === undefined ? {} : { socket }) });
        const events = driver.watchReaders?.(options, driverDeps, this.#stop.signal);
        if (events !== undefined) seen.push(this.#follow("pcsc", events));
      } catch (error) {
        driverDeps.log.warn(
          { code: asGatewayError(error).code, message: asGatewayError(error).message },
          "the PC/SC driver is disabled",
        );
      }
    }
    await Promise.all(seen);
    await this.#settled();
  }

  /** Why there are no readers of some kind, if their service cannot be used. */
  get trouble(): GatewayError | undefined {
    return this.#down.values().next().value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#families.map((family) => family[Symbol.asyncDispose]()));
    await Promise.allSettled(this.#following);
  }

  #family(scheme: string): CardLinks {
    const { config, gateway, driverDeps, channelsFor } = this.#deps;
    const { only, exclude } = config.readers;
    const family = new CardLinks({
      ...driverDeps,
      scheme,
      settings: terminalSettings(config),
      originator: config.sms.originator,
      serviceCentre: config.sms.serviceCentre,
      serves: (name) =>
        (only.length === 0 || only.some((part) => name.includes(part))) && !exclude.some((part) => name.includes(part)),
      ...(channelsFor === undefined ? {} : { channelsFor }),
      onLink: (link) => gateway.attach(gatewayLink(link)),
      onChange: (link) => gateway.links.changed(link.id),
    });
    this.#families.push(family);
    return family;
  }

  /** Feeds a driver's events to its links; resolves when the driver has told what there is at the start. */
  #follow(scheme: string, events: AsyncIterable<ReaderEvent>): Promise<void> {
    const family = this.#family(scheme);
    const { log } = this.#deps.driverDeps;
    return new Promise((resolve) => {
      const told = setTimeout(resolve, 1_000);
      const run = async () => {
        for await (const event of events) {
          if (event.kind === "service-down") log.warn({ scheme, reason: event.reason }, "card reader service is down");
          if (event.kind === "service-up") log.info({ scheme }, "card reader service is up");
          if (event.kind === "service-down") this.#down.set(scheme, event.error ?? serviceDown(event.reason));
          else this.#down.delete(scheme);
          family.take(event);
          clearTimeout(told);
          // The readers that exist come one right after the other; give them one turn of the event loop.
          setTimeout(resolve, 50);
        }
      };
      this.#following.push(
        run().catch((error: unknown) =>
          log.error({ scheme, err: asGatewayError(error).message }, "reader watch ended"),
        ),
      );
    });
  }

  /** Puts a software card into a reader of this process; the reader lets it be pulled and put back. */
  simulate(name: string, card: SoftCard): SoftReader {
    this.#simulated ??= this.#family("sim");
    const family = this.#simulated;
    const reader = new SoftReader(name, card);
    reader.onEvent((event) => family.take({ ...event }));
    family.take({ kind: "reader-added", reader, state: reader.state });
    return reader;
  }

  async #simulateConfigured(): Promise<void> {
    const { openEuicc } = await import("../../simulators/euicc/program.ts");
    for (const [index, file] of this.#deps.config.simulate.euiccs.entries()) {
      const state = isAbsolute(file) ? file : join(this.#deps.state, file);
      this.simulate(
        `euicc-${index + 1}`,
        openEuicc({ state, fixture: index === 0 ? {} : { seed: `otagate ${index}` } }),
      );
    }
  }

  async #settled(): Promise<void> {
    const busy = () => this.#families.some((family) => family.all.some((link) => link.phase.at === "activating"));
    for (const end = Date.now() + settleMs; busy() && Date.now() < end; ) await this.#deps.driverDeps.clock.sleep(20);
  }
}

function serviceDown(reason: string): GatewayError {
  return new GatewayError("link.service", reason);
}

/** A card link as the gateway sees it. */
function gatewayLink(link: CardLink): Link {
  return {
    id: link.id,
    kind: "reader",
    bearer: link,
    describe: () => link.describe(),
    get state() {
      return link.state;
    },
    get card() {
      return link.card;
    },
    withCard: (work, signal) => link.withCard((transmit) => work(transmit), signal),
    reset: (kind) => link.reset(kind),
    expectActivity: (until) => link.expectActivity(until),
  };
}

function terminalSettings({ terminal }: Config): Partial<TerminalSettings> {
  const { plmn, areaCode, cellId } = terminal;
  const cell =
    cellId > 0xffff
      ? Uint8Array.of(cellId >>> 24, (cellId >>> 16) & 0xff, (cellId >>> 8) & 0xff, cellId & 0xff)
      : Uint8Array.of(cellId >> 8, cellId & 0xff);
  return {
    imei: terminal.imei,
    ...(terminal.imeisv === undefined ? {} : { imeisv: terminal.imeisv }),
    location: { mcc: plmn.slice(0, 3), mnc: plmn.slice(3), area: areaCode, cell },
    timeZoneQuarters: terminal.timeZoneQuarters,
    language: terminal.language,
    ...(terminal.profile === undefined ? {} : { profile: fromHex(terminal.profile) }),
  };
}
