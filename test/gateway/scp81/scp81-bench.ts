import type { EuiccState } from "../../../simulators/euicc/card-state.ts";
import type { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { SimulatedEuicc as Card } from "../../../simulators/euicc/euicc.ts";
import type { Executed } from "../../../simulators/euicc/execution-log.ts";
import { createEuiccState, type FixtureOptions } from "../../../simulators/euicc/fixture.ts";
import type { AgentReport } from "../../../simulators/scp81/admin-agent.ts";
import type { AgentDeviations } from "../../../simulators/scp81/agent-deviations.ts";
import { EuiccAgent } from "../../../simulators/scp81/euicc-agent.ts";
import { Scp81Config } from "../../../src/app/config/scp81.ts";
import { Scp81Service } from "../../../src/app/scp81-service.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { isdRTar } from "../../../src/codec/euicc/aid.ts";
import type { SmDpCredentials } from "../../../src/gateway/downloads/credentials.ts";
import type { JobRequest } from "../../../src/gateway/model/job.ts";
import type { SessionPauses } from "../../../src/gateway/scp81/bearer.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { Bench, type BenchLink } from "../bench.ts";

/** A gateway with its SCP81 server, and a card in a reader whose sessions come by TCP. */
export class Scp81Bench implements AsyncDisposable {
  readonly card: SimulatedEuicc;
  readonly agent: EuiccAgent;
  readonly reports: AgentReport[] = [];
  /** APDU headers by script that the card ran over HTTPS. */
  readonly executed: Executed[] = [];
  #bench: Bench;
  #service: Scp81Service;
  #link: BenchLink | undefined;

  private constructor(bench: Bench, service: Scp81Service, port: number, options: Scp81BenchOptions) {
    this.#bench = bench;
    this.#service = service;
    const state = createEuiccState(options.fixture ?? {});
    if (options.ecasd !== undefined) state.ecasd = options.ecasd(state.eid);
    const { attempts = 9, delaySeconds = 0 } = options.retry ?? {};
    state.isdR.scp81 = (state.isdR.scp81 ?? "").replace(
      "00032503000001",
      `${attempts.toString(16).padStart(4, "0")}25030000${delaySeconds}0`,
    );
    this.card = new Card({
      state,
      onExecuted: (record) => {
        if (record.bearer === "https") this.executed.push(structuredClone(record));
      },
    });
    this.agent = new EuiccAgent(this.card, {
      reach: { by: "tcp", host: "127.0.0.1", port },
      clock: systemClock,
      inactivityMs: 3000,
      ...(options.deviations && { deviations: options.deviations }),
      onSession: (report) => this.reports.push(report),
    });
  }

  static async open(options: Scp81BenchOptions = {}): Promise<Scp81Bench> {
    const bench = await Bench.open(undefined, systemClock, options.smDps);
    const service = await serve(bench, options);
    const made = new Scp81Bench(bench, service, service.address?.port ?? 0, options);
    if (options.inReader !== false) made.#link = await bench.add(made.card);
    return made;
  }

  get bench(): Bench {
    return this.#bench;
  }

  get service(): Scp81Service {
    return this.#service;
  }

  get link(): BenchLink {
    if (this.#link === undefined) throw new Error("the card is in no reader");
    return this.#link;
  }

  get eid(): string {
    return this.card.state.eid;
  }

  /** Queues C-APDUs for the ISD-R, or for another application. */
  async submit(
    apdus: readonly string[],
    request: Partial<JobRequest> = {},
    more: { aid?: string; validityMs?: number } = {},
  ) {
    const { aid, validityMs } = more;
    const { job } = await this.#bench.gateway.jobs.submit({
      target: this.eid,
      work: readWork({ kind: "script", tar: isdRTar, apdus, ...withoutUndefined({ aid }) }),
      request: { bearer: "https", ...request },
      origin: { face: "api" },
      ...withoutUndefined({ validityMs }),
    });
    return job.id;
  }

  /** Stops server, gateway and store in the middle of whatever they do, and starts others over the same folder. */
  async restart(options: Scp81BenchOptions = {}): Promise<void> {
    const port = this.#service.address?.port ?? 0;
    await this.#service[Symbol.asyncDispose]();
    await this.#bench.close();
    this.#bench = await Bench.open(this.#bench.folder, systemClock, options.smDps);
    this.#service = await serve(this.#bench, options, port);
    await this.#bench.gateway.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service[Symbol.asyncDispose]();
    await this.agent.idle();
    await this.#bench[Symbol.asyncDispose]();
  }
}

export interface Scp81BenchOptions {
  readonly fixture?: FixtureOptions;
  readonly deviations?: AgentDeviations;
  readonly retry?: { readonly attempts?: number; readonly delaySeconds?: number };
  readonly holdOpenMs?: number;
  readonly inReader?: boolean;
  /** Credentials for downloads, and what the card trusts. */
  readonly smDps?: readonly SmDpCredentials[];
  readonly ecasd?: (eid: string) => EuiccState["ecasd"];
  /** What triggers tell the card. */
  readonly trigger?: Partial<Scp81Config["trigger"]>;
  /** Shorter than the default where a test waits for another session. */
  readonly pauses?: SessionPauses;
}

async function serve(
  bench: Bench,
  { holdOpenMs, trigger = {}, pauses }: Scp81BenchOptions,
  port = 0,
): Promise<Scp81Service> {
  const config = Scp81Config.parse({ port, trigger, ...withoutUndefined({ holdOpenMs }) });
  const service = new Scp81Service(config, {
    store: bench.store,
    gateway: bench.gateway,
    log: silentLog,
    ...withoutUndefined({ pauses }),
  });
  bench.gateway.connectHttps(service.bearer);
  await service.start();
  return service;
}

export const getEid = "80CA005A00";
export const getStatus = "80F24002024F0000";
