import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { parseConfig } from "../../../src/app/config/config.ts";
import { Daemon } from "../../../src/app/daemon.ts";
import { withoutUndefined } from "../../../src/base/defined.ts";
import type { Scope } from "../../../src/gateway/model/api-token.ts";
import { type Log, silentLog } from "../../../src/link/driver.ts";
import { plainEis } from "../../gateway/bench.ts";

/** An answer of the API. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

/** A whole daemon in a temporary folder, its API over TCP. */
export class ApiBench implements AsyncDisposable {
  readonly daemon: Daemon;
  readonly folder: string;
  readonly url: string;
  readonly #keep: boolean;
  #token = "";

  private constructor(daemon: Daemon, folder: string, keep: boolean) {
    this.daemon = daemon;
    this.folder = folder;
    this.#keep = keep;
    this.url = `http://127.0.0.1:${daemon.address?.port}`;
  }

  static async open(
    options: { config?: Record<string, unknown>; folder?: string; log?: Log; env?: NodeJS.ProcessEnv } = {},
  ): Promise<ApiBench> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), "otagate-api-"));
    const config = parseConfig({
      readers: { enabled: false },
      api: { port: 0 },
      scp81: { enabled: false },
      sms: { envelopeAnswerTimeoutMs: 2000 },
      ...options.config,
    });
    const daemon = await Daemon.start({
      config,
      state: join(folder, "state"),
      log: options.log ?? silentLog,
      env: options.env ?? {},
    });
    const bench = new ApiBench(daemon, folder, options.folder !== undefined);
    bench.#token = await bench.token("bench", ["admin"]);
    return bench;
  }

  /** A token, made over the control socket as its owner would. */
  async token(name: string, scopes: readonly Scope[]): Promise<string> {
    const answer = await this.daemon.api.inject({ method: "POST", url: "/v1/tokens", payload: { name, scopes } });
    if (answer.statusCode === 409) {
      await this.daemon.api.inject({ method: "DELETE", url: `/v1/tokens/${name}` });
      return this.token(name, scopes);
    }
    return answer.json<{ token: string }>().token;
  }

  /** One request over TCP, with the bench's own token unless another is given (null: none). */
  async call(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string>; token?: string | null; raw?: string } = {},
  ): Promise<Answer> {
    const token = options.token === undefined ? this.#token : options.token;
    const text = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const response = await fetch(`${this.url}${path}`, {
      method,
      redirect: "manual",
      headers: {
        ...(text === undefined ? {} : { "content-type": "application/json" }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...options.headers,
      },
      ...withoutUndefined({ body: text }),
      signal: AbortSignal.timeout(20_000),
    });
    const received = await response.text();
    const isJson = received !== "" && /[/+]json(;|$)/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(received) : received };
  }

  /** A simulated eUICC in a reader of the daemon, imported as a target. */
  async card(name: string, seed?: string): Promise<SimulatedEuicc> {
    const card = new SimulatedEuicc({ state: createEuiccState(withoutUndefined({ seed })) });
    await this.daemon.gateway.targets.import(plainEis(card));
    this.daemon.simulate(name, card);
    await this.until(() =>
      this.daemon.gateway.links.list().some((link) => link.card?.eid === card.state.eid && link.state.up),
    );
    return card;
  }

  async until(probe: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
    for (const end = Date.now() + ms; Date.now() < end; ) {
      if (await probe()) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error("it did not happen in time");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
    if (!this.#keep) rmSync(this.folder, { recursive: true, force: true });
  }
}
