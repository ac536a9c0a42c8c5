import { Cleanup } from "../base/cleanup.ts";
import { systemClock } from "../base/clock.ts";
import { withoutUndefined } from "../base/defined.ts";
import { asGatewayError, GatewayError, isGatewayError } from "../base/gateway-error.ts";
import { parseJson } from "../base/json.ts";
import { Secret } from "../base/secret.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { OutboxEntry } from "../gateway/model/outbox.ts";
import type { Store } from "../gateway/model/store.ts";
import type { Target } from "../gateway/model/target.ts";
import type { UpstreamControl, UpstreamView } from "../gateway/upstream/control.ts";
import { type Attempt, retryAfterMs } from "../gateway/upstream/delivery.ts";
import { Relay } from "../gateway/upstream/relay.ts";
import { signatureHeaders } from "../gateway/upstream/signature.ts";
import { WorkPuller } from "../gateway/upstream/work-puller.ts";
import type { Log } from "../link/driver.ts";
import type { PskEntry } from "../link/scp81/psk-source.ts";
import type { OpenSession } from "../link/scp81/session-handler.ts";
import { UpstreamClient } from "../link/upstream/http-client.ts";
import { PskLookup } from "../link/upstream/psk-lookup.ts";
import { proxiedSessions } from "../link/upstream/session-proxy.ts";
import type { UpstreamConfig } from "./config/upstream.ts";
import { readSecret } from "./secrets.ts";
import { readTls, tlsSetting } from "./tls-settings.ts";

interface UpstreamServiceDeps {
  readonly upstreams: readonly UpstreamConfig[];
  readonly store: Store;
  readonly gateway: Gateway;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  readonly scriptBudgetMs: number;
}

interface Running {
  readonly config: UpstreamConfig;
  readonly relay?: Relay;
  readonly puller?: WorkPuller;
  readonly keys?: PskLookup;
  readonly open?: OpenSession;
}

const answerOctets = 64 * 1024;
const workOctets = 16 * 1024 * 1024;
const json = { "content-type": "application/json", accept: "application/json" };

/** Upstream SM-SRs: delivery of events, work, keys, and forwarded sessions. */
export class UpstreamService implements UpstreamControl, AsyncDisposable {
  readonly #deps: UpstreamServiceDeps;
  readonly #cleanup = new Cleanup();
  readonly #running = new Map<string, Running>();

  /** @throws config.invalid, config.secret naming the upstream */
  constructor(deps: UpstreamServiceDeps) {
    this.#deps = deps;
    for (const config of deps.upstreams) {
      if (this.#running.has(config.name))
        throw new GatewayError("config.invalid", `upstream: duplicate name '${config.name}'`, {
          detail: { key: "upstream" },
        });
      this.#running.set(config.name, this.#make(config));
    }
  }

  /** Resumes deliveries and starts to fetch work. */
  async start(): Promise<void> {
    for (const { relay, puller } of this.#running.values()) {
      await relay?.start();
      puller?.start();
    }
  }

  /** The PSK of an identity from the first upstream that has it. */
  readonly findPsk = async (identity: string): Promise<PskEntry | undefined> => {
    for (const { keys } of this.#running.values()) {
      const found = await keys?.find(identity);
      if (found !== undefined) return found;
    }
    return undefined;
  };

  get haveKeys(): boolean {
    return this.#deps.upstreams.some(({ keys }) => keys !== undefined);
  }

  /** The upstream that serves sessions of this target, if any. */
  proxyFor(target: Target | undefined): OpenSession | undefined {
    for (const { config, open } of this.#running.values()) {
      const wanted = config.proxy?.targets;
      const tagged = Array.isArray(wanted) && target?.tags.some((tag) => wanted.includes(tag)) === true;
      if (open !== undefined && (wanted === "all" || target === undefined || tagged)) return open;
    }
    return undefined;
  }

  async list(): Promise<UpstreamView[]> {
    const counts = await this.#deps.store.read((r) => r.outbox.counts());
    return [...this.#running.values()].map(({ config, relay, puller, keys, open }) => {
      const count = counts.find((one) => one.upstream === config.name);
      const lastError = relay?.stats.lastError ?? puller?.lastError;
      return {
        name: config.name,
        webhook: config.webhook !== undefined,
        pull: puller !== undefined,
        proxy: open !== undefined,
        keyLookup: keys !== undefined,
        queued: count?.queued ?? 0,
        dead: count?.dead ?? 0,
        delivered: relay?.stats.delivered ?? 0,
        failures: relay?.stats.failures ?? 0,
        ...withoutUndefined({ lastError, lastSuccessAt: relay?.stats.lastSuccessAt }),
      };
    });
  }

  async dead(name: string, after: number, limit: number): Promise<OutboxEntry[]> {
    this.#known(name);
    return this.#deps.store.read((r) => r.outbox.dead(name, after, limit));
  }

  async replay(name: string, id: string | undefined): Promise<number> {
    const { relay } = this.#known(name);
    const count = await this.#deps.store.write((r) => r.outbox.replay(name, id));
    await relay?.recheck();
    return count;
  }

  async discard(name: string, id: string | undefined): Promise<number> {
    this.#known(name);
    return this.#deps.store.write((r) => r.outbox.discard(name, id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup[Symbol.asyncDispose]();
  }

  #known(name: string): Running {
    const found = this.#running.get(name);
    if (found === undefined)
      throw new GatewayError("upstream.unknown", `no upstream has the name '${name}'`, { detail: { field: "name" } });
    return found;
  }

  #make(config: UpstreamConfig): Running {
    const { env, store, log, scriptBudgetMs } = this.#deps;
    const secret = config.secret === undefined ? undefined : webhookKey(config.name, readSecret(config.secret, env));
    const client = (connections: number) => this.#client(config, connections);
    const { webhook, pull, proxy, keys: lookup } = config;
    const made: { -readonly [K in keyof Running]: Running[K] } = { config };
    if (webhook !== undefined) made.relay = this.#relay(config, secret, client(webhook.concurrency), webhook);
    if (pull !== undefined) Object.assign(made, this.#pull(config, secret, client(1), pull));
    if (lookup !== undefined) {
      const targetOf = async (eid: string) => (await store.read((r) => r.targets.holding("eid", eid)))?.id;
      made.keys = new PskLookup(
        { client: client(8), clock: systemClock, log, targetOf },
        { ...lookup, upstream: config.name, url: new URL(lookup.url) },
      );
    }
    if (proxy !== undefined)
      made.open = proxiedSessions(
        { client: client(256), log },
        { ...proxy, upstream: config.name, url: new URL(proxy.url), scriptBudgetMs },
      );
    return made;
  }

  #client(config: UpstreamConfig, connections: number): UpstreamClient {
    const { tls, token, name } = config;
    const place = `upstream.${this.#deps.upstreams.indexOf(config)}.tls`;
    const { cert, key, ca } = readTls(tlsSetting(`upstream '${name}'`, place, tls ?? {}), systemClock.now());
    const client = new UpstreamClient({
      name,
      connections,
      ...(token === undefined ? {} : { token: readSecret(token, this.#deps.env) }),
      tls: withoutUndefined({ cert, key, ca, serverName: tls?.serverName }),
    });
    this.#cleanup.defer(() => client[Symbol.dispose]());
    return client;
  }

  #relay(
    config: UpstreamConfig,
    secret: Secret | undefined,
    client: UpstreamClient,
    to: { readonly url: string; readonly concurrency: number },
    before: () => void = () => {},
  ): Relay {
    const { store, log } = this.#deps;
    const url = new URL(to.url);
    const post = async ({ id, body }: OutboxEntry, signal: AbortSignal): Promise<Attempt> => {
      before();
      try {
        const { status, headers } = await client.call({
          method: "POST",
          url,
          headers: {
            "content-type": "application/cloudevents+json; charset=utf-8",
            ...(secret === undefined ? {} : signatureHeaders(secret, id, Date.now(), body)),
          },
          body: Buffer.from(body),
          timeoutMs: config.timeoutMs,
          maxOctets: answerOctets,
          answer: "status",
          signal,
        });
        const after = retryAfterMs(headers["retry-after"]);
        return { kind: "answer", status, ...withoutUndefined({ retryAfterMs: after }) };
      } catch (error) {
        return { kind: "down", why: asGatewayError(error).message };
      }
    };
    const { name: upstream, events, firstRetryMs, maxRetryMs, maxAttempts } = config;
    const settings = { upstream, events, concurrency: to.concurrency, firstRetryMs, maxRetryMs, maxAttempts };
    const relay = new Relay({ store, clock: systemClock, random: Math.random, log, post }, settings);
    this.#cleanup.use(relay);
    return relay;
  }

  /** Work and results over one connection: a result interrupts the long poll and is sent first. */
  #pull(
    config: UpstreamConfig,
    secret: Secret | undefined,
    client: UpstreamClient,
    { url: base, waitSeconds }: NonNullable<UpstreamConfig["pull"]>,
  ): { relay: Relay; puller: WorkPuller } {
    const { gateway, log } = this.#deps;
    const at = (path: string) => new URL(`${base.replace(/\/$/, "")}/${path}`);
    const relay = this.#relay(config, secret, client, { url: at("results").href, concurrency: 1 }, () =>
      puller.yield(),
    );
    const work = at("work");
    work.searchParams.set("wait", String(waitSeconds));
    const puller: WorkPuller = new WorkPuller(
      {
        jobs: gateway.jobs,
        clock: systemClock,
        random: Math.random,
        log,
        turn: () => relay.idle(),
        fetch: async (signal) => {
          const timeoutMs = waitSeconds * 1000 + config.timeoutMs;
          const answer = await client.call({
            method: "GET",
            url: work,
            headers: json,
            timeoutMs,
            maxOctets: workOctets,
            signal,
          });
          return resolveWork(config.name, answer.status, answer.body);
        },
        acknowledge: async (receipts, signal) => {
          const body = Buffer.from(JSON.stringify({ receipts }));
          const { timeoutMs } = config;
          const limits = { timeoutMs, maxOctets: answerOctets, answer: "status" } as const;
          const call = { method: "POST", headers: json, ...limits, signal } as const;
          const { status } = await client.call({ ...call, url: at("work/ack"), body });
          if (status >= 300) throw refused(config.name, status);
        },
      },
      { upstream: config.name, firstRetryMs: config.firstRetryMs, maxRetryMs: config.maxRetryMs },
    );
    this.#cleanup.use(puller);
    return { relay, puller };
  }
}

function resolveWork(name: string, status: number, body: Buffer): unknown {
  if (status === 204) return undefined;
  if (status !== 200) throw refused(name, status);
  try {
    return parseJson(body.toString("utf8"));
  } catch (cause) {
    const why = isGatewayError(cause) ? cause.message : "not readable";
    throw new GatewayError("upstream.protocol", `${name}: the work is not valid JSON: ${why}`, {
      detail: { upstream: name },
      cause,
    });
  }
}

/**
 * The signing key: the octets of the secret, or those in Base64 after `whsec_`. Standard Webhooks 1.0
 * @throws config.secret
 */
function webhookKey(name: string, secret: Secret): Secret {
  const refuse = (why: string): never => {
    throw new GatewayError("config.secret", `upstream '${name}': the secret ${why}`, { detail: { upstream: name } });
  };
  const text = Buffer.from(secret.reveal()).toString("latin1");
  if (/^wh(sk|pk)_/.test(text)) return refuse("belongs to a key pair; use a symmetric secret (whsec_)");
  if (!text.startsWith("whsec_"))
    return secret.length < 24 ? refuse("has less than 24 octets; it must have 24 or more") : secret;
  const base64 = text.slice("whsec_".length);
  const key = Buffer.from(base64, "base64");
  const canonical = key.toString("base64").replace(/=+$/, "") === base64.replace(/=+$/, "");
  if (!canonical || key.length < 24 || key.length > 64)
    return refuse("must have Base64 of 24 to 64 octets after whsec_");
  return new Secret(key);
}

function refused(name: string, status: number): GatewayError {
  return new GatewayError("upstream.refused", `${name} answered ${status}`, { detail: { upstream: name, status } });
}
