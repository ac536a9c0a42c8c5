import { isAbsolute, join } from "node:path";
import { defaultAddresses } from "../../drivers/all.ts";
import { SoftReader } from "../../simulators/reader.ts";
import type { SoftCard } from "../../simulators/soft-card.ts";
import { withoutUndefined } from "../base/defined.ts";
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
import type { Config } from "./config/config.ts";
import type { AddressOptions, DriverRegistry } from "./driver-registry.ts";

interface ReaderManagerDeps {
  readonly config: Config;
  /** State folder; simulated cards keep their files there. */
  readonly state: string;
  readonly gateway: Gateway;
  readonly registry: DriverRegistry;
  readonly driverDeps: DriverDeps;
  /** Bearer independent protocol for the card in a link. */
  readonly channelsFor?: (linkId: string) => ChannelService | undefined;
}

/** How long the start waits until cards that are present are ready. */
const settleMs = 5_000;

/** Real and simulated card readers as links of the gateway. */
export class ReaderManager implements AsyncDisposable {
  readonly #deps: ReaderManagerDeps;
  readonly #stop = new AbortController();
  /** Services that cannot be used, by address. */
  readonly #down = new Map<string, GatewayError>();
  /** Links of each address that is searched for readers. */
  readonly #families = new Map<string, CardLinks>();
  readonly #following: Promise<void>[] = [];

  constructor(deps: ReaderManagerDeps) {
    this.#deps = deps;
  }

  /**
   * Starts to watch readers; resolves when the present cards are ready, or after a limited time. @throws config.invalid
   * for options that the driver of a reader address does not accept
   */
  async start(): Promise<void> {
    const { config } = this.#deps;
    const inState = (file: string) => (isAbsolute(file) ? file : join(this.#deps.state, file));
    const { misbehave, control } = config.simulate;
    const euiccs = config.simulate.euiccs.map(inState);
    const simulated = { euiccs, ...withoutUndefined({ misbehave, control: control && inState(control) }) };
    const seen: Promise<void>[] = [];
    if (euiccs.length > 0) seen.push(this.#watch(defaultAddresses.cards, simulated));
    if (config.readers.enabled) {
      const { addresses, client, socket } = config.readers;
      const usual = withoutUndefined({ client, socket });
      for (const address of addresses) seen.push(this.#watch(address, isUsual(address) ? usual : {}));
    }
    await Promise.all(seen);
    await this.#settled();
  }

  /** Follows the readers of one address; a driver that does not load is reported and skipped. */
  async #watch(address: string, options: AddressOptions): Promise<void> {
    const { driverDeps, registry } = this.#deps;
    try {
      const place = await registry.resolve(address, options);
      const events = place.driver.watchReaders?.(place.options, driverDeps, this.#stop.signal);
      if (events === undefined)
        throw new GatewayError("config.invalid", `${address}: the driver '${place.scheme}' has no readers`);
      await this.#follow(address, events);
    } catch (thrown) {
      const error = asGatewayError(thrown);
      if (error.code === "config.invalid") throw error;
      driverDeps.log.warn({ address, code: error.code, message: error.message }, "a card reader driver is disabled");
    }
  }

  /** The error of a reader service that cannot be used, if any. */
  get trouble(): GatewayError | undefined {
    return this.#down.values().next().value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#families.values()].map((family) => family[Symbol.asyncDispose]()));
    await Promise.allSettled(this.#following);
  }

  #family(address: string): CardLinks {
    const known = this.#families.get(address);
    if (known !== undefined) return known;
    const { config, gateway, driverDeps, registry, channelsFor } = this.#deps;
    const scheme = registry.schemeOf(address);
    const { only, exclude } = config.readers;
    const family = new CardLinks({
      ...driverDeps,
      scheme,
      settings: terminalSettings(config),
      originator: config.sms.originator,
      serviceCentre: config.sms.serviceCentre,
      serves: (name) =>
        (only.length === 0 || only.some((part) => name.includes(part))) && !exclude.some((part) => name.includes(part)),
      ...withoutUndefined({ channelsFor }),
      onLink: (link) => gateway.attach(gatewayLink(link)),
      onChange: (link) => gateway.links.changed(link.id),
    });
    this.#families.set(address, family);
    return family;
  }

  /**
   * Passes a driver's events to its links; resolves when the driver has reported the readers that are present at the
   * start.
   */
  #follow(address: string, events: AsyncIterable<ReaderEvent>): Promise<void> {
    const family = this.#family(address);
    const { log } = this.#deps.driverDeps;
    return new Promise((resolve) => {
      const told = setTimeout(resolve, 1_000);
      const run = async () => {
        for await (const event of events) {
          if (event.kind === "service-down") log.warn({ address, reason: event.reason }, "card reader service is down");
          if (event.kind === "service-up") log.info({ address }, "card reader service is up");
          if (event.kind === "service-down") this.#down.set(address, event.error ?? serviceDown(event.reason));
          else this.#down.delete(address);
          family.take(event);
          clearTimeout(told);
          // Present readers are reported in immediate succession; wait briefly for the last one.
          setTimeout(resolve, 50);
        }
      };
      this.#following.push(
        run().catch((error: unknown) =>
          log.error(
            { address, err: asGatewayError(error).message },
            "internal error: the readers of a driver are no longer followed",
          ),
        ),
      );
    });
  }

  /** Puts a software card into a reader of this process; the returned reader can remove and insert it. */
  simulate(name: string, card: SoftCard): SoftReader {
    const reader = new SoftReader(name, card);
    const family = this.#family(defaultAddresses.cards);
    reader.onEvent((event) => family.take({ ...event }));
    family.take({ kind: "reader-added", reader, state: reader.state });
    return reader;
  }

  async #settled(): Promise<void> {
    const busy = () =>
      [...this.#families.values()].some((family) => family.all.some((link) => link.phase.at === "activating"));
    for (const end = Date.now() + settleMs; busy() && Date.now() < end; ) await this.#deps.driverDeps.clock.sleep(20);
  }
}

/** Whether the settings next to `readers.addresses` apply to this address: they are options of the default driver. */
function isUsual(address: string): boolean {
  return defaultAddresses.readers.some((usual) => address === usual);
}

function serviceDown(reason: string): GatewayError {
  return new GatewayError("link.service", reason);
}

/** A card link as a link of the gateway. */
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

/** The terminal's settings from the configuration. */
export function terminalSettings({ terminal }: Pick<Config, "terminal">): Partial<TerminalSettings> {
  const { plmn, areaCode, cellId } = terminal;
  const cell =
    cellId > 0xffff
      ? Uint8Array.of(cellId >>> 24, (cellId >>> 16) & 0xff, (cellId >>> 8) & 0xff, cellId & 0xff)
      : Uint8Array.of(cellId >> 8, cellId & 0xff);
  return {
    imei: terminal.imei,
    ...withoutUndefined({ imeisv: terminal.imeisv }),
    location: { mcc: plmn.slice(0, 3), mnc: plmn.slice(3), area: areaCode, cell },
    timeZoneQuarters: terminal.timeZoneQuarters,
    language: terminal.language,
    display: terminal.display,
    answerReset: terminal.answerReset,
    release18: terminal.release18,
    ...(terminal.profile === undefined ? {} : { profile: fromHex(terminal.profile) }),
  };
}
