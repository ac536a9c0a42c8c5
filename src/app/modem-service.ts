import { Cleanup } from "../base/cleanup.ts";
import { systemClock } from "../base/clock.ts";
import { withoutUndefined } from "../base/defined.ts";
import { detach } from "../base/detach.ts";
import { asGatewayError, GatewayError } from "../base/gateway-error.ts";
import type { JobId, TargetId } from "../base/id.ts";
import { readIccid } from "../codec/euicc/iccid.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { CardIdentity, Link } from "../gateway/links/links.ts";
import { holds } from "../gateway/links/routing.ts";
import type { GatewayEvent } from "../gateway/model/event.ts";
import { ApduChannel } from "../link/card/channel.ts";
import type { DriverDeps, PortInfo } from "../link/driver.ts";
import { findModems } from "../link/modem/discover.ts";
import { ModemLink } from "../link/modem/modem-link.ts";
import { accessTechnology, registered } from "../link/modem/modem-state.ts";
import { hubPower, shellPower } from "../link/modem/power-control.ts";
import type { ProfileSet } from "../link/modem/profile/profile.ts";
import { loadProfiles } from "../link/modem/profile/profile-files.ts";
import { reported } from "../link/reported.ts";
import { type ModemConfig, type ModemDiscoveryConfig, modemDefaults } from "./config/modems.ts";
import type { DriverRegistry, ResolvedAddress } from "./driver-registry.ts";

interface ModemServiceDeps {
  readonly modems: readonly ModemConfig[];
  readonly discovery: ModemDiscoveryConfig;
  readonly gateway: Gateway;
  readonly registry: DriverRegistry;
  readonly driverDeps: DriverDeps;
}

/** Time limit for a command entered by hand: a network search takes minutes. */
const consoleMs = 180_000;
/** How long the attach after a profile switch is watched. */
const attachMs = 180_000;

/** Modems as links of the gateway: configured and discovered ones. */
export class ModemService implements AsyncDisposable {
  readonly #deps: ModemServiceDeps;
  #profiles: ProfileSet | undefined;
  readonly #cleanup = new Cleanup();
  readonly #links = new Map<string, ModemLink>();
  readonly #stop = new AbortController();

  constructor(deps: ModemServiceDeps) {
    this.#deps = deps;
    // Shipped profiles are read with the first modem; the user's are checked at once.
    if (deps.discovery.profiles.length > 0) this.#hardware();
  }

  #hardware(): ProfileSet {
    if (this.#profiles !== undefined) return this.#profiles;
    const { log } = this.#deps.driverDeps;
    this.#profiles = loadProfiles(this.#deps.discovery.profiles);
    for (const { source, problem } of this.#profiles.problems)
      log.warn({ source, problem }, "hardware profile ignored");
    for (const { source, problem } of this.#profiles.warnings)
      log.warn({ source, problem }, "a hardware profile needs a change before the next release");
    return this.#profiles;
  }

  /** @throws config.invalid naming the modem whose port or options no driver accepts */
  async start(): Promise<void> {
    for (const modem of this.#deps.modems) await this.#addConfigured(modem);
    this.#cleanup.defer(
      this.#deps.gateway.events.onCommit((events) => {
        for (const event of events) this.#onEvent(event);
      }),
    );
    if (this.#deps.discovery.enabled) {
      await this.#checkSearch();
      detach(this.#discover(), reported(this.#deps.driverDeps.log, "modem discovery ended"));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#cleanup[Symbol.asyncDispose]();
  }

  /** @throws config.invalid; a driver that does not load is reported when it is used */
  async #checkSearch(): Promise<void> {
    for (const address of this.#deps.discovery.addresses) {
      await this.#deps.registry.resolveSearch(address).catch((thrown: unknown) => {
        if (asGatewayError(thrown).code !== "link.driver") throw thrown;
      });
    }
  }

  async #addConfigured(config: ModemConfig): Promise<void> {
    const { registry, driverDeps } = this.#deps;
    const { name, port, baudRate, options } = config;
    const own = { ...options, ...withoutUndefined({ baud: baudRate }) };
    try {
      this.#add(config, await registry.resolvePort(port, own));
    } catch (thrown) {
      const error = asGatewayError(thrown);
      const where = `modem '${name}'`;
      if (error.code !== "link.driver")
        throw new GatewayError(error.code, `${where}: ${error.message}`, { detail: error.detail, cause: thrown });
      driverDeps.log.error({ modem: name, code: error.code }, `${where} is disabled: ${error.message}`);
    }
  }

  #add(config: ModemConfig, port: ResolvedAddress): void {
    const { gateway, driverDeps, registry } = this.#deps;
    const { name, profile, powerCommand, hub } = config;
    const { watchEveryMs, quarantineAfter, quarantineMs, readEid, enableToolkit } = config;
    const power =
      powerCommand !== undefined
        ? shellPower(powerCommand)
        : hub !== undefined
          ? hubPower(hub.location, hub.port)
          : undefined;
    const id = `modem:${name}`;
    const modem = new ModemLink({
      id,
      openPort: (signal, uart) => registry.openPort(port, uart, driverDeps, signal),
      profiles: this.#hardware(),
      ...driverDeps,
      ...withoutUndefined({ profile, power }),
      settings: { watchEveryMs, quarantineAfter, quarantineMs, readEid, enableToolkit },
    });
    this.#cleanup.use(modem);
    this.#links.set(id, modem);
    gateway.attach(modemLink(modem));
    modem.onChange(() => gateway.links.changed(id));
    modem.start();
  }

  /** Looks for new modems at intervals; one that was found before keeps its name when it is plugged in again. */
  async #discover(): Promise<void> {
    const { driverDeps, discovery, registry } = this.#deps;
    while (!this.#stop.signal.aborted) {
      try {
        for (const address of discovery.addresses) {
          const { driver, options } = await registry.resolve(address);
          await this.#take((await driver.listPorts?.(options, driverDeps)) ?? []);
        }
      } catch (error) {
        driverDeps.log.warn(
          { code: asGatewayError(error).code, message: asGatewayError(error).message },
          "modems cannot be discovered",
        );
        return;
      }
      await systemClock.sleep(discovery.everyMs, this.#stop.signal).catch(() => {});
    }
  }

  async #take(ports: readonly PortInfo[]): Promise<void> {
    const { driverDeps, registry } = this.#deps;
    for (const found of findModems(ports, this.#hardware())) {
      const [at] = found.at;
      if (at === undefined || this.#links.has(`modem:${found.id}`)) continue;
      driverDeps.log.info({ modem: found.id, usb: found.usb, product: found.product }, "modem found");
      this.#add({ ...modemDefaults, name: found.id, port: at.address }, await registry.resolve(at.address));
    }
  }

  /** For an accepted switch of a card in a modem, watches, times and records the network attachment. */
  #onEvent(event: GatewayEvent): void {
    if (event.type !== "switch.accepted" || event.target === undefined) return;
    detach(
      this.#watchAttach(event.target, event.job),
      reported(this.#deps.driverDeps.log, "failed to monitor the network attachment", { target: event.target }),
    );
  }

  async #watchAttach(target: TargetId, job: JobId | undefined): Promise<void> {
    const { gateway } = this.#deps;
    const owner = await gateway.targets.find(target);
    const modem = [...this.#links.values()].find((one) => owner !== undefined && holds(knownCard(one.lastCard), owner));
    if (modem === undefined) return;
    const record = await modem.watchSwitch({}, AbortSignal.any([this.#stop.signal, AbortSignal.timeout(attachMs)]));
    const at = systemClock.now();
    await gateway.events.append({
      at,
      type: "modem.switch",
      target,
      ...withoutUndefined({ job }),
      data: { link: modem.id, ...record },
    });
  }
}

function knownCard({ iccid: reported, imsi, eid }: ModemLink["lastCard"]): CardIdentity | undefined {
  const iccid = reported === undefined ? undefined : readIccid(reported);
  if (iccid === undefined && eid === undefined) return undefined;
  return withoutUndefined({ iccid, imsi, eid });
}

/** A modem as a link of the gateway. */
function modemLink(modem: ModemLink): Link {
  return {
    id: modem.id,
    kind: "modem",
    bearer: modem.bearer,
    describe: () => {
      const { registrations, ...state } = modem.state;
      return {
        ...state,
        registered: registered(modem.state),
        accessTechnology: accessTechnology(modem.state),
        registrations,
      };
    },
    get state() {
      const { phase } = modem.state;
      if (phase.at === "ready") return modem.bearer.state;
      return { up: false, reason: phase.at === "starting" ? `starting: ${phase.step}` : phase.reason };
    },
    get card() {
      return knownCard(modem.state);
    },
    withCard: (work, signal) => withModemCard(modem, work, signal),
    reset: async (kind) => {
      // Releasing a quarantined modem restarts it; nothing of it is running that could accept a command.
      if (!modem.release()) await modem.restart(kind === "warm" ? "sim" : "soft");
    },
    powerCycle: async () => {
      await modem.restart("power");
      modem.release();
    },
    command: async (line, signal) => {
      const { engine } = modem;
      if (engine === undefined) throw new GatewayError("link.unavailable", `${modem.id} is not running`);
      const { info, final } = await engine.send({ line, timeoutMs: consoleMs }, withoutUndefined({ signal }));
      return [...info.map(({ text, data }) => (data === undefined ? text : `${text}\n${data}`)), final.text];
    },
  };
}

async function withModemCard<T>(
  modem: ModemLink,
  work: Parameters<NonNullable<Link["withCard"]>>[0],
  signal: AbortSignal | undefined,
): Promise<T> {
  await using connection = await modem.reader.connect({
    timeoutMs: 30_000,
    ...withoutUndefined({ signal }),
  });
  const channel = new ApduChannel({ connection, link: modem.id, clock: systemClock });
  return (await channel.exclusive((turn) => work((apdu) => turn.transmit(apdu)), signal)) as T;
}
