import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportEis } from "../simulators/euicc/eis.ts";
import { SimulatedEuicc } from "../simulators/euicc/euicc.ts";
import { createEuiccState } from "../simulators/euicc/fixture.ts";
import { HotPlug } from "../simulators/modem/hot-plug.ts";
import { type ModemOptions, SimulatedModem } from "../simulators/modem/modem.ts";
import { PlainCard } from "../simulators/modem/plain-card.ts";
import { type NetworkOptions, SimulatedNetwork } from "../simulators/network/network.ts";
import { ModemConfig, ModemDiscoveryConfig } from "../src/app/config/modems.ts";
import { driverRegistry } from "../src/app/driver-registry.ts";
import { ModemService } from "../src/app/modem-service.ts";
import { Cleanup } from "../src/base/cleanup.ts";
import { systemClock } from "../src/base/clock.ts";
import { withoutUndefined } from "../src/base/defined.ts";
import type { JobId } from "../src/base/id.ts";
import { Secret } from "../src/base/secret.ts";
import { sealWith } from "../src/crypto/seal.ts";
import { Gateway } from "../src/gateway/gateway.ts";
import type { Link } from "../src/gateway/links/links.ts";
import type { Job } from "../src/gateway/model/job.ts";
import { hasEnded } from "../src/gateway/model/job.ts";
import type { NewJob } from "../src/gateway/model/new-job.ts";
import type { PacketRecord } from "../src/gateway/model/packet.ts";
import { Targets } from "../src/gateway/targets/targets.ts";
import { type Log, silentLog } from "../src/link/driver.ts";
import { loadProfiles } from "../src/link/modem/profile/profile-files.ts";
import { SqliteStore } from "../src/store/sqlite-store.ts";

/** Digits of the gateway's own number: the sending modem's, where answers come back. */
export const gatewayNumber = "15550000001";

/** One modem of the bench: with an eUICC of its own, or with a plain SIM under that number. */
export interface BenchModem {
  readonly name: string;
  /** Hardware profile that is played. */
  readonly profile: string;
  readonly card: "euicc" | { readonly msisdn: string };
  readonly options?: Partial<Pick<ModemOptions, "timings" | "memory" | "random">>;
  readonly config?: Partial<ModemConfig>;
}

export interface ModemBenchOptions {
  readonly modems: readonly BenchModem[];
  readonly network?: NetworkOptions;
  /** Time limits of the played profiles, so that trouble is over in a test's time. */
  readonly timeoutsMs?: Readonly<Record<string, number>>;
  readonly answerTimeoutMs?: number;
  readonly log?: Log;
  readonly random?: () => number;
}

/** A simulated modem in its socket, with its card. */
export interface Socket {
  readonly modem: SimulatedModem;
  readonly hotPlug: HotPlug;
  readonly card: SimulatedEuicc | PlainCard;
  /** EID of the eUICC in it, empty for a plain SIM. */
  readonly eid: string;
}

/** A gateway with its modem service over simulated modems on pseudo-terminals, all on one network. */
export class ModemBench implements AsyncDisposable {
  readonly gateway: Gateway;
  readonly store: SqliteStore;
  readonly network: SimulatedNetwork;
  readonly sockets: ReadonlyMap<string, Socket>;
  readonly #cleanup: Cleanup;

  private constructor(
    gateway: Gateway,
    store: SqliteStore,
    network: SimulatedNetwork,
    sockets: ReadonlyMap<string, Socket>,
    cleanup: Cleanup,
  ) {
    this.gateway = gateway;
    this.store = store;
    this.network = network;
    this.sockets = sockets;
    this.#cleanup = cleanup;
  }

  /** Opens all of it and imports the eUICCs as targets; the modems may still be starting. */
  static async open(options: ModemBenchOptions): Promise<ModemBench> {
    await using stack = new Cleanup();
    const folder = mkdtempSync(join(tmpdir(), "otagate-modems-"));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    const profiles = hastyProfiles(folder, options);
    const network = new SimulatedNetwork({ attachMs: 20, smsRetryMs: 500, ...options.network });
    stack.defer(() => network.close());
    const sockets = new Map<string, Socket>();
    const store = stack.use(await SqliteStore.open(join(folder, "store"), sealWith(new Secret(Buffer.alloc(32, 7)))));
    const targets = new Targets(store, systemClock);
    for (const [index, one] of options.modems.entries()) {
      const socket = socketFor(one, index, network, options.random);
      stack.use(socket.modem);
      stack.use(socket.hotPlug);
      sockets.set(one.name, socket);
      if (socket.card instanceof SimulatedEuicc) await targets.import(exportEis(socket.card.state));
      await socket.hotPlug.plugIn();
    }
    const log = options.log ?? silentLog;
    const driverDeps = { clock: systemClock, random: options.random ?? Math.random, log };
    const gateway = new Gateway({
      store,
      ...driverDeps,
      sms: {
        originator: gatewayNumber,
        serviceCentre: network.serviceCentre,
        answerTimeoutMs: options.answerTimeoutMs ?? 5_000,
        envelopeAnswerTimeoutMs: 1_000,
        retransmissions: 2,
      },
      notifications: "local",
    });
    stack.defer(() => gateway.stop());
    const modems = options.modems.map(({ name, config }) =>
      ModemConfig.parse({ name, port: `tty:${join(folder, name)}`, watchEveryMs: 1_000, ...config }),
    );
    const discovery = ModemDiscoveryConfig.parse({ profiles: [profiles] });
    const service = stack.use(new ModemService({ modems, discovery, gateway, registry: driverRegistry(), driverDeps }));
    const registered = () => [...sockets.values()].every(({ modem }) => modem.registration.registered);
    while (!registered()) await systemClock.sleep(5);
    await gateway.start();
    await service.start();
    const cleanup = stack.keep();
    return new ModemBench(gateway, store, network, sockets, cleanup);

    function socketFor(
      { name, profile, card, options: more }: BenchModem,
      index: number,
      on: SimulatedNetwork,
      random?: () => number,
    ): Socket {
      const imsi = `0010100000001${String(index).padStart(2, "0")}`;
      const soft = card === "euicc" ? euiccFor(name) : new PlainCard({ imsi });
      if (soft instanceof SimulatedEuicc) for (const each of soft.state.profiles) on.subscribe(each);
      else if (card !== "euicc") on.subscribe({ imsi, msisdn: `+${card.msisdn}` });
      const modem = new SimulatedModem({
        network: on,
        card: soft,
        profile: loadProfiles().get(profile).file,
        identity: { imei: `3500000000${String(index).padStart(4, "0")}0` },
        timings: { searchMs: 100, ...more?.timings },
        ...withoutUndefined({ random, memory: more?.memory }),
      });
      const hotPlug = new HotPlug(modem, { at: "pty", link: join(folder, name) });
      return { modem, hotPlug, card: soft, eid: soft instanceof SimulatedEuicc ? soft.state.eid : "" };
    }
  }

  socket(name: string): Socket {
    const found = this.sockets.get(name);
    if (found === undefined) throw new Error(`the bench has no modem ${name}`);
    return found;
  }

  link(name: string): Link {
    const found = this.gateway.links.find(`modem:${name}`);
    if (found === undefined) throw new Error(`the gateway has no link modem:${name}`);
    return found;
  }

  /** Resolves when these modems (all unless named) are up. */
  async ready(...names: readonly string[]): Promise<void> {
    const wanted = names.length === 0 ? [...this.sockets.keys()] : names;
    await this.until(async () => (wanted.every((name) => this.link(name).state.up) ? true : undefined));
  }

  async submit(name: string, work: NewJob["work"], request: NewJob["request"] = {}): Promise<JobId> {
    const order = { target: this.socket(name).eid, work, request: { bearer: "sms", ...request } as const };
    return (await this.gateway.jobs.submit({ ...order, origin: { face: "cli" } })).job.id;
  }

  async ended(id: JobId, ms = 25_000): Promise<Job> {
    return this.until(async () => {
      const job = await this.gateway.jobs.get(id);
      return hasEnded(job) ? job : undefined;
    }, ms);
  }

  packets(job: JobId): Promise<PacketRecord[]> {
    return this.store.read((r) => r.packets.ofJob(job));
  }

  /** What the probe finds in time. */
  async until<T>(probe: () => Promise<T | undefined>, ms = 25_000): Promise<T> {
    for (const end = Date.now() + ms; Date.now() < end; ) {
      const found = await probe();
      if (found !== undefined) return found;
      await systemClock.sleep(10);
    }
    throw new Error("it did not happen in time");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup[Symbol.asyncDispose]();
  }
}

/** An eUICC with subscriptions of its own that sends its notifications to the gateway. */
function euiccFor(name: string): SimulatedEuicc {
  return new SimulatedEuicc({ state: createEuiccState({ seed: `bench ${name}`, smsrAddress: `+${gatewayNumber}` }) });
}

/** The shipped profiles of these modems without their rate limit, with a tester's patience. */
function hastyProfiles(folder: string, { modems, timeoutsMs = {} }: ModemBenchOptions): string {
  const place = join(folder, "profiles");
  mkdirSync(place);
  const shipped = loadProfiles();
  for (const name of new Set(modems.map(({ profile }) => profile))) {
    const { file } = shipped.get(name);
    const content = {
      ...file,
      startup: { ...file.startup, probes: 3 },
      sms: { ...file.sms, perMinute: 600 },
      timeoutsMs: { ...file.timeoutsMs, ...timeoutsMs },
    };
    writeFileSync(join(place, `${name}.json`), JSON.stringify(content));
  }
  return place;
}
