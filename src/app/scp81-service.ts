import { randomBytes } from "node:crypto";
import { Cleanup } from "../base/cleanup.ts";
import { systemClock } from "../base/clock.ts";
import { withoutUndefined } from "../base/defined.ts";
import { detach } from "../base/detach.ts";
import type { TargetId } from "../base/id.ts";
import { originForm } from "../codec/gp/admin-http.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { feedJob } from "../gateway/job-effects.ts";
import type { Store } from "../gateway/model/store.ts";
import type { Target } from "../gateway/model/target.ts";
import { Scp81Bearer, type SessionPauses } from "../gateway/scp81/bearer.ts";
import { Scp81Store } from "../gateway/scp81/dialog-store.ts";
import { PskDirectory } from "../gateway/scp81/psk-directory.ts";
import { chosenSessions } from "../gateway/scp81/session-choice.ts";
import { BipService } from "../link/card/bip/bip-service.ts";
import { nodeSockets } from "../link/card/bip/node-sockets.ts";
import { type BipRules, defaultRules } from "../link/card/bip/rules.ts";
import type { ChannelService } from "../link/card/terminal/channel-service.ts";
import type { Log } from "../link/driver.ts";
import { reported } from "../link/reported.ts";
import { Dialogs, defaultDialogSettings } from "../link/scp81/dialogs.ts";
import type { PskEntry, PskSource } from "../link/scp81/psk-source.ts";
import { Scp81Server } from "../link/scp81/server.ts";
import { defaultScp81Settings } from "../link/scp81/server-settings.ts";
import type { OpenSession } from "../link/scp81/session-handler.ts";
import type { Scp81Config } from "./config/scp81.ts";
import { defined, triggerBody } from "./config/trigger.ts";
import { keyLogTo } from "./key-log.ts";

/** Functions of upstream SM-SRs for sessions. */
interface Scp81Upstreams {
  /** An upstream SM-SR provides keys, so handshakes must wait for it. */
  readonly haveKeys: boolean;
  findPsk(identity: string): Promise<PskEntry | undefined>;
  proxyFor(target: Target | undefined): OpenSession | undefined;
}

/** What {@link Scp81Service} needs. */
interface Scp81ServiceDeps {
  readonly store: Store;
  readonly gateway: Gateway;
  readonly log: Log;
  readonly upstreams?: Scp81Upstreams;
  readonly pauses?: SessionPauses;
}

/** The SCP81 server with its bearer, and the terminal's side of BIP for cards in readers. */
export class Scp81Service implements AsyncDisposable {
  readonly bearer: Scp81Bearer;
  readonly server: Scp81Server | undefined;
  readonly #config: Scp81Config;
  readonly #directory: PskDirectory;
  readonly #cleanup = new Cleanup();
  #port: number | undefined;

  constructor(config: Scp81Config, { store, gateway, log, upstreams, pauses }: Scp81ServiceDeps) {
    this.#config = config;
    this.#directory = new PskDirectory(store);
    this.#cleanup.defer(() => this.#directory[Symbol.dispose]());
    const wake = (target: TargetId) =>
      detach(
        gateway.jobs.wake(target),
        reported(log, "failed to start the waiting jobs of a target; they start with their next attempt", { target }),
      );
    const dialogs = new Dialogs(
      {
        store: new Scp81Store({
          store,
          clock: systemClock,
          notifications: gateway.notifications,
          feed: feedJob,
          holdOpenMs: config.holdOpenMs,
          wake,
        }),
        clock: systemClock,
        newToken: () => randomBytes(12).toString("hex"),
        log,
      },
      {
        ...defaultDialogSettings,
        initialUris: initialUris(config),
        scriptBudgetMs: config.scriptBudgetMs,
        holdTotalMs: config.holdOpenMs,
      },
    );
    this.bearer = new Scp81Bearer({
      ...withoutUndefined({ pauses }),
      store,
      clock: systemClock,
      feed: feedJob,
      isOpen: (target) => this.server?.serves(target) ?? false,
      running: () => this.#port !== undefined,
      bySms: (job, target) => gateway.bySms(job, target),
      trigger: () => triggerBody(config.trigger),
      resume: (target) => dialogs.wake(target),
      wake,
    });
    this.#cleanup.defer(() => this.bearer[Symbol.dispose]());
    const { keyLog, host, port: wanted, framing, tls10, tls13, nullSuites } = config;
    this.server = config.enabled
      ? new Scp81Server(
          {
            keys: keysOf(this.#directory, upstreams),
            open: chosenSessions(store, systemClock, (target) => upstreams?.proxyFor(target) ?? dialogs.open),
            clock: systemClock,
            log,
            ...(keyLog === undefined ? {} : { keyLog: keyLogTo(keyLog, log) }),
          },
          {
            ...defaultScp81Settings,
            host,
            port: wanted,
            framing,
            tls: { ...defaultScp81Settings.tls, tls10, tls13, nullSuites },
          },
        )
      : undefined;
  }

  /** The address of the server; undefined while it does not listen. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    return this.#port === undefined ? undefined : { host: this.#config.host, port: this.#port };
  }

  /** Starts to listen. @throws link.unavailable */
  async start(): Promise<void> {
    if (this.server === undefined) return;
    await this.#directory.load();
    this.#port = await this.server.listen();
    this.#cleanup.use(this.server);
  }

  /** Bearer independent protocol for the card of one reader. */
  channelsFor(link: string, log: Log): ChannelService {
    return new BipService({ connector: nodeSockets, clock: systemClock, rules: () => this.#rules(), link, log });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup[Symbol.asyncDispose]();
  }

  #rules(): BipRules {
    const { rewrite, allow, otherTcp, names, otherNames } = this.#config.bip;
    const { address } = this;
    const own = address === undefined ? undefined : { host: loopbackOf(address.host), port: address.port };
    const { otherNames: _, ...rules } = defaultRules(own);
    return {
      ...rules,
      rewrite: rewrite.map(({ match, to }) => ({ match: defined(match), to: to === "own" ? to : defined(to) })),
      allow: allow.map(defined),
      otherTcp,
      names,
      ...(otherNames === "none" ? {} : { otherNames }),
    };
  }
}

/** Where sessions may begin: as configured, and as the gateway writes it into cards. */
function initialUris({ uris, trigger }: Scp81Config): string[] {
  const told = trigger.uri === undefined ? undefined : originForm(trigger.uri);
  return [...uris, ...(told === undefined ? [] : [told.startsWith("/") ? told : `/${told}`])];
}

/** The gateway's own keys are in memory; handshakes wait only if an upstream SM-SR may have others. */
function keysOf(directory: PskDirectory, upstreams: Scp81Upstreams | undefined): PskSource {
  if (upstreams?.haveKeys !== true) return { kind: "resident", find: (identity) => directory.find(identity) };
  return {
    kind: "remote",
    lookup: async (identity) => {
      const own = directory.find(identity);
      const theirs = own === undefined ? await upstreams.findPsk(identity) : undefined;
      return theirs === undefined ? own : directory.completed(theirs);
    },
  };
}

function loopbackOf(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
