import type { z } from "zod";
import { Cleanup } from "../base/cleanup.ts";
import { systemClock } from "../base/clock.ts";
import { withoutUndefined } from "../base/defined.ts";
import { asGatewayError, GatewayError } from "../base/gateway-error.ts";
import { BindGate } from "../face/smpp/bind-gate.ts";
import { SmscFace, smscFaceOptions } from "../face/smpp/server.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { feedJob } from "../gateway/job-effects.ts";
import { type LinkTestDeps, probeLink } from "../gateway/links/link-test.ts";
import type { Link } from "../gateway/links/links.ts";
import type { Store } from "../gateway/model/store.ts";
import { SmscConversations } from "../gateway/smsc/conversations.ts";
import type { DriverDeps } from "../link/driver.ts";
import type { NetworkBearer } from "../link/network-bearer.ts";
import type { SmppFaceConfig } from "./config/smpp-face.ts";
import type { SmscAccountConfig } from "./config/smsc.ts";
import type { DriverRegistry } from "./driver-registry.ts";
import { readSecret } from "./secrets.ts";
import { readTls, tlsSetting } from "./tls-settings.ts";

interface SmppServiceDeps {
  readonly smsc: readonly z.infer<typeof SmscAccountConfig>[];
  readonly face: z.infer<typeof SmppFaceConfig>;
  readonly store: Store;
  readonly gateway: Gateway;
  readonly registry: DriverRegistry;
  readonly driverDeps: DriverDeps;
  readonly env: NodeJS.ProcessEnv;
}

/** Binds to operators' SMSCs as links, and the SMSC face. */
export class SmppService implements AsyncDisposable {
  readonly conversations: SmscConversations;
  readonly #deps: SmppServiceDeps;
  readonly #cleanup = new Cleanup();
  #face: SmscFace | undefined;

  constructor(deps: SmppServiceDeps) {
    this.#deps = deps;
    this.conversations = this.#cleanup.use(
      new SmscConversations(
        { store: deps.store, jobs: deps.gateway.jobs, feed: feedJob, clock: systemClock, log: deps.driverDeps.log },
        deps.face,
      ),
    );
  }

  /** The port of the SMSC face, once it listens. */
  get port(): number | undefined {
    return this.#face?.port;
  }

  /** Clients bound to the face. */
  connections(): readonly unknown[] {
    return this.#face?.connections ?? [];
  }

  /** @throws config.invalid naming the account, config.secret, link.unavailable */
  async start(): Promise<void> {
    for (const account of this.#deps.smsc) await this.#bind(account);
    this.conversations.start();
    if (this.#deps.face.enabled) await this.#listen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup[Symbol.asyncDispose]();
  }

  async #bind(account: z.infer<typeof SmscAccountConfig>): Promise<void> {
    const { name, address, password, ...settings } = account;
    const { registry, driverDeps, gateway, store, env } = this.#deps;
    const options = { ...settings, ...(password === undefined ? {} : { password: readSecret(password, env) }) };
    try {
      const bearer = this.#cleanup.use(await registry.openBearer(await registry.resolve(address, options), driverDeps));
      const link = smscLink(`smsc:${name}`, bearer, { store, jobs: gateway.jobs });
      gateway.attach(link);
      bearer.onChange = () => gateway.links.changed(link.id);
    } catch (thrown) {
      const error = asGatewayError(thrown);
      throw new GatewayError(error.code, `smsc '${name}': ${error.message}`, {
        detail: { ...error.detail, account: name },
        cause: thrown,
      });
    }
  }

  async #listen(): Promise<void> {
    const { host, port, systemId, tls, clients, limits } = this.#deps.face;
    const { driverDeps } = this.#deps;
    const { cert, key, ca } = readTls(tlsSetting("smppFace", "smppFace.tls", tls ?? {}), systemClock.now());
    const secured =
      cert === undefined || key === undefined
        ? {}
        : { tls: { cert: String(cert), key: String(key), ...(ca === undefined ? {} : { ca: String(ca) }) } };
    const where = { host, port, systemId, ...secured };
    const gate = new BindGate(clients.map(withoutUndefined), limits, driverDeps);
    try {
      this.#face = this.#cleanup.use(
        await SmscFace.open(
          { ...smscFaceOptions, ...limits, times: { ...smscFaceOptions.times, bindMs: limits.bindMs }, ...where },
          { ...driverDeps, port: this.conversations, authenticate: (request, gone) => gate.decide(request, gone) },
        ),
      );
    } catch (thrown) {
      const error = asGatewayError(thrown);
      throw new GatewayError("link.unavailable", `the SMSC face cannot listen on ${host}:${port}: ${error.message}`, {
        cause: thrown,
      });
    }
    driverDeps.log.info({ host, port: this.#face.port }, "SMSC face listening");
  }
}

function smscLink(id: string, bearer: NetworkBearer, deps: LinkTestDeps): Link {
  const { selfTest } = bearer;
  return {
    id,
    kind: "smsc",
    bearer,
    describe: () => bearer.describe(),
    get state() {
      return bearer.state;
    },
    reset: async () => bearer.reconnect?.(),
    ...(bearer.numbers === undefined ? {} : { numbers: () => bearer.numbers ?? { now: {}, total: {} } }),
    ...(selfTest === undefined
      ? {}
      : {
          test: (test, signal) =>
            selfTest.call(
              bearer,
              {
                probe: (variant, given) => probeLink(deps, id, test, variant, given),
                exhaustive: test.exhaustive,
              },
              signal,
            ),
        }),
  };
}
