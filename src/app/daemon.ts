import { chmodSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import type { SoftReader } from "../../simulators/reader.ts";
import type { SoftCard } from "../../simulators/soft-card.ts";
import { Cleanup } from "../base/cleanup.ts";
import { systemClock } from "../base/clock.ts";
import { GatewayError } from "../base/gateway-error.ts";
import { LimitedLog, wholeLogLimit } from "../base/limited-log.ts";
import { apiServer } from "../face/http/server.ts";
import { TraceLog } from "../face/http/trace-log.ts";
import { Gateway } from "../gateway/gateway.ts";
import type { Store } from "../gateway/model/store.ts";
import type { DriverDeps, Log } from "../link/driver.ts";
import { SqliteStore } from "../store/sqlite-store.ts";
import { ApiListener } from "./api-listener.ts";
import type { Config } from "./config/config.ts";
import { retentionOf } from "./config/retention.ts";
import { socketName } from "./config/state-folder.ts";
import { driverRegistry } from "./driver-registry.ts";
import { ModemService } from "./modem-service.ts";
import { openApiText } from "./open-api-text.ts";
import { noClientCanBind, noClientText, plainFaces } from "./plain-faces.ts";
import { ReaderManager } from "./reader-manager.ts";
import { Scp81Service } from "./scp81-service.ts";
import { masterSeal } from "./secrets.ts";
import { smDpCredentials } from "./sm-dp-credentials.ts";
import { SmppService } from "./smpp-service.ts";
import { checkTls } from "./tls-settings.ts";
import { UpstreamService } from "./upstream-service.ts";
import { version } from "./version.ts";

/** Options of a daemon. */
interface DaemonOptions {
  readonly config: Config;
  readonly state: string;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  /** Only the store and its API: no hardware is opened, no job runs, nothing listens. Used by commands on records. */
  readonly recordsOnly?: boolean;
  /** Called with the API before its routes are added; used to generate the API document. */
  readonly prepareApi?: (api: FastifyInstance) => Promise<void>;
}

/** The whole product, wired together. Everything durable is in its state folder. */
export class Daemon implements AsyncDisposable {
  readonly gateway: Gateway;
  /** Its store, for tests and measurements that bypass the use cases. */
  readonly store: Store;
  readonly api: FastifyInstance;
  readonly socketPath: string;
  /** Where the API listens over TCP, if it does. */
  readonly address: { readonly host: string; readonly port: number } | undefined;
  /** Resolves when the store is lost; the daemon can only be started again then. */
  readonly lost: Promise<GatewayError>;
  readonly #readers: ReaderManager;
  readonly #parts: Cleanup;

  private constructor(parts: {
    gateway: Gateway;
    store: Store;
    api: FastifyInstance;
    socketPath: string;
    address: { readonly host: string; readonly port: number } | undefined;
    readers: ReaderManager;
    lost: Promise<GatewayError>;
    stack: Cleanup;
  }) {
    this.gateway = parts.gateway;
    this.store = parts.store;
    this.api = parts.api;
    this.socketPath = parts.socketPath;
    this.address = parts.address;
    this.lost = parts.lost;
    this.#readers = parts.readers;
    this.#parts = parts.stack;
  }

  /**
   * Opens the store, resumes open work, finds the hardware and listens on the control socket.
   * @throws config.*, store.*, link.unavailable when the API cannot listen
   */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const { config, state, log: wholeLog, env, recordsOnly = false } = options;
    await using stack = new Cleanup();
    const limited = new LimitedLog(wholeLog, systemClock, wholeLogLimit);
    stack.defer(() => limited[Symbol.dispose]());
    const log: Log = limited;
    for (const { section, address, risk, advice } of plainFaces(config))
      log.warn({ section, address }, `${section} listens without TLS on a public address: ${risk}; ${advice}`);
    if (noClientCanBind(config.smppFace)) log.warn({ section: "smppFace" }, noClientText);
    for (const { of, until } of checkTls(config, systemClock.now()))
      log.warn({ of, until: new Date(until).toISOString() }, "a certificate expires soon");
    const seal = masterSeal(config.masterKey, state, env);
    const warn = (facts: object, text: string) => log.warn({ ...facts }, text);
    const store = stack.use(await SqliteStore.open(state, seal, { warn }));
    const traces = stack.use(new TraceLog(join(state, "traces"), log));
    await traces.start();
    const registry = driverRegistry();
    const driverDeps: DriverDeps = { clock: systemClock, random: Math.random, log };
    const gateway = new Gateway({
      store,
      clock: systemClock,
      random: Math.random,
      log,
      sms: config.sms,
      notifications: config.notifications,
      retention: retentionOf(config.retention),
      smDps: smDpCredentials(config.smDp, () => seal(false).seal, env),
      eventUpstreams: config.upstream.filter(toldOfEvents).map(({ name }) => name),
    });
    stack.defer(() => gateway.stop());
    const { scriptBudgetMs } = config.scp81;
    const upstreams = stack.use(
      new UpstreamService({ upstreams: config.upstream, store, gateway, log, env, scriptBudgetMs }),
    );
    const scp81 = stack.use(new Scp81Service(config.scp81, { store, gateway, log, upstreams }));
    gateway.connectHttps(scp81.bearer);
    const channelsFor = (link: string) => scp81.channelsFor(link, log);
    const readers = stack.use(new ReaderManager({ config, state, gateway, registry, driverDeps, channelsFor }));
    const modems = stack.use(
      new ModemService({ modems: config.modems, discovery: config.modemDiscovery, gateway, registry, driverDeps }),
    );
    const smpp = stack.use(
      new SmppService({ smsc: config.smsc, face: config.smppFace, store, gateway, registry, driverDeps, env }),
    );
    stack.defer(() => gateway.stopBackground());
    let listener: ApiListener | undefined;
    const about = () => ({
      pid: process.pid,
      state,
      node: process.version,
      links: gateway.links.list().length,
      readers: readers.trouble?.toJSON() ?? "ok",
      api: listener?.address ?? "off",
      scp81: scp81.address ?? "off",
      smppFace: smpp.port ?? "off",
      smppClients: smpp.connections(),
    });
    const { certificates } = config.api;
    const streams = { maxPerClient: config.api.maxStreamsPerClient, maxTotal: config.api.maxStreams };
    const api = await apiServer({
      gateway,
      traces,
      upstreams,
      certificates,
      streams,
      log,
      version,
      about,
      sessions: scp81,
      document: openApiText,
      prepare: options.prepareApi,
      smscDepths: () => smpp.conversations.depths(),
    });
    stack.defer(() => api.close());
    if (recordsOnly) await gateway.stop();
    else {
      for (const part of [scp81, gateway, readers, modems, smpp, upstreams]) await part.start();
      await gateway.startBackground();
    }
    const socketPath = await listen(api, state);
    if (config.api.port !== undefined && !recordsOnly) {
      listener = stack.use(await ApiListener.open(api, config.api));
      log.info({ ...listener.address, tls: config.api.tls !== undefined }, "API listening");
    }
    const address = listener?.address;
    return new Daemon({ gateway, store, api, socketPath, address, readers, lost: store.lost, stack: stack.keep() });
  }

  /** Puts a software card into a reader of this process; the returned reader can remove and insert it. */
  simulate(name: string, card: SoftCard): SoftReader {
    return this.#readers.simulate(name, card);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
    rmSync(this.socketPath, { force: true });
  }
}

/** Whether this upstream receives events. */
function toldOfEvents({ webhook, pull }: Config["upstream"][number]): boolean {
  return webhook !== undefined || pull !== undefined;
}

/** A Unix socket that only its owner can use; a stale one of a dead process is replaced (the store's lock proves it). */
async function listen(api: FastifyInstance, state: string): Promise<string> {
  const path = join(state, socketName);
  if (existsSync(path)) rmSync(path);
  try {
    await api.listen({ path });
    chmodSync(path, 0o600);
  } catch (cause) {
    throw new GatewayError("link.unavailable", `the API cannot listen on ${path}`, { cause });
  }
  return path;
}
