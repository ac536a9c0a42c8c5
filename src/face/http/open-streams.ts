import type { ServerResponse } from "node:http";
import { GatewayError } from "../../base/gateway-error.ts";
import type { ApiTokens } from "../../gateway/access/api-tokens.ts";
import type { Principal } from "../../gateway/model/api-token.ts";

/** Maximum numbers of open streamed answers. */
export interface StreamLimits {
  /** For one token, certificate or the control socket. */
  readonly maxPerClient: number;
  readonly maxTotal: number;
}

export const defaultStreamLimits: StreamLimits = { maxPerClient: 32, maxTotal: 256 };

interface OpenAnswer {
  readonly principal: Principal;
  readonly raw: ServerResponse;
}

const maxTimer = 2 ** 31 - 1;

/** Long-lived answers: event streams, traces, waits. They end when the credentials that opened them end. */
export class OpenStreams {
  readonly #limits: StreamLimits;
  readonly #tokens: Pick<ApiTokens, "wasRevoked" | "onRevoked">;
  readonly #now: () => number;
  readonly #open = new Set<OpenAnswer>();
  readonly #counted = new WeakSet<OpenAnswer>();

  constructor(limits: StreamLimits, tokens: Pick<ApiTokens, "wasRevoked" | "onRevoked">, now: () => number) {
    this.#limits = limits;
    this.#tokens = tokens;
    this.#now = now;
    tokens.onRevoked(({ id }) => {
      for (const { principal, raw } of this.#open) if (principal.token === id) raw.destroy();
    });
  }

  /**
   * Reserves a place for a streamed answer until it is closed. @throws api.busy if the client, or all clients together,
   * have reached the limit
   */
  open(principal: Principal | undefined, raw: ServerResponse): void {
    if (principal === undefined) return;
    const streams = [...this.#open].filter((one) => this.#counted.has(one));
    const own = streams.filter(
      (one) => one.principal.client === principal.client && one.principal.how === principal.how,
    );
    const { maxPerClient, maxTotal } = this.#limits;
    if (own.length >= maxPerClient) throw full(`this client already has ${maxPerClient} open streams`, maxPerClient);
    if (streams.length >= maxTotal) throw full(`${maxTotal} streams are already open`, maxTotal);
    this.#counted.add(this.watch(principal, raw));
  }

  /** Closes an answer that is still open when its credentials end. */
  watch(principal: Principal, raw: ServerResponse): OpenAnswer {
    const answer = { principal, raw };
    this.#open.add(answer);
    let timer: NodeJS.Timeout | undefined;
    const { expiresAt, token } = principal;
    const wait = () => {
      if (expiresAt === undefined) return;
      const left = expiresAt - this.#now();
      if (left <= 0) raw.destroy();
      else timer = setTimeout(wait, Math.min(left, maxTimer)).unref();
    };
    wait();
    if (token !== undefined && this.#tokens.wasRevoked(token)) raw.destroy();
    raw.once("close", () => {
      clearTimeout(timer);
      this.#open.delete(answer);
    });
    return answer;
  }
}

function full(why: string, limit: number): GatewayError {
  return new GatewayError("api.busy", `${why}; close one, or wait`, { detail: { limit } });
}
