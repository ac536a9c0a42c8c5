import type { z } from "zod";
import { driver, secureDriver } from "../../drivers/smpp/driver.ts";
import { testSmsc } from "../../drivers/smpp/self-test.ts";
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
import { readSecret } from "./secrets.ts";
import type { SmppFaceConfig, SmscAccountConfig } from "./smpp-config.ts";
import { readTls, tlsSetting } from "./tls-settings.ts";

export interface SmppServiceDeps {
  readonly smsc: readonly z.infer<typeof SmscAccountConfig>[];
  readonly face: z.infer<typeof SmppFaceConfig>;
  readonly store: Store;
  readonly gateway: Gateway;
  readonly driverDeps: DriverDeps;
  readonly env: NodeJS.ProcessEnv;
}

type Bearer = Awaited<ReturnType<typeof driver.openBearer>>;

/** Binds to operators' SMSCs as links, and the SMSC face. */
export class SmppService implements AsyncDisposable {
  readonly desk: SmscConversations;
  readonly #deps: SmppServiceDeps;
  readonly #cleanup = new Cleanup();
  #face: SmscFace | undefined;

  constructor(deps: SmppServiceDeps) {
    this.#deps = deps;
    this.desk = this.#cleanup.use(
      new SmscConversations(
        { store: deps.store, jobs: deps.gateway.jobs, feed: feedJob, clock: systemClock, log: deps.driverDeps.log },
        deps.face,
      ),
    );
  }

  /** The face's port once it listens. */
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
    this.desk.start();
    if (this.#deps.face.enabled) await this.#listen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup[Symbol.asyncDispose]();
  }

  async #bind(account: z.infer<typeof SmscAccountConfig>): Promise<void> {
    const { name, address, password, ...settings } = account;
    const options = driver.options.safeParse({
      ...settings,
      ...(password === undefined ? {} : { password: readSecret(password, this.#deps.env) }),
    });
    if (!options.success) {
      const [issue] = options.error.issues;
      throw new GatewayError("config.invalid", `smsc '${name}': ${issue?.path.join(".")}: ${issue?.message}`, {
        detail: { account: name },
      });
    }
    const chosen = address.startsWith("smpps:") ? secureDriver : driver;
    const bearer = this.#cleanup.use(await chosen.openBearer(address, options.data, this.#deps.driverDeps));
    const link = smscLink(`smsc:${name}`, bearer, { store: this.#deps.store, jobs: this.#deps.gateway.jobs });
    this.#deps.gateway.attach(link);
    bearer.onChange = () => this.#deps.gateway.links.changed(link.id);
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
          { ...driverDeps, port: this.desk, authenticate: (request, gone) => gate.decide(request, gone) },
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

function smscLink(id: string, bearer: Bearer, deps: LinkTestDeps): Link {
  return {
    id,
    kind: "smsc",
    bearer,
    describe: () => ({ account: bearer.id, binds: bearer.binds, ...bearer.load }),
    get state() {
      return bearer.state;
    },
    reset: async () => bearer.rebind(),
    numbers: () => bearer.numbers,
    test: (test, signal) =>
      testSmsc(
        {
          configured: bearer.coding,
          probe: (variant, given) => probeLink(deps, id, test, variant, given),
          exhaustive: test.exhaustive,
        },
        signal,
      ),
  };
}
