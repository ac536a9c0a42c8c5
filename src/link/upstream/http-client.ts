import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { withoutUndefined } from "../../base/defined.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import type { Secret } from "../../base/secret.ts";
import { traceFrame } from "../trace.ts";

/** How an upstream is reached. */
interface UpstreamEndpoint {
  /** Name of the upstream: the link of its frames. */
  readonly name: string;
  /** The client certificate and key for mutual TLS, and the CA of the upstream's certificate. PEM. */
  readonly tls?: {
    readonly cert?: string | Buffer;
    readonly key?: string | Buffer;
    readonly ca?: string | Buffer;
    readonly serverName?: string;
  };
  /** Sent as a bearer token. */
  readonly token?: Secret;
  /** Connections at the same time, at most. */
  readonly connections: number;
}

export interface UpstreamCall {
  readonly method: "GET" | "POST";
  readonly url: URL;
  /** Request target to use instead of the URL's path, character for character. */
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** From the first octet of the request to the last of the answer. */
  readonly timeoutMs: number;
  /** Largest answer that is taken. */
  readonly maxOctets: number;
  /**
   * `status`: only the status of the answer counts. The body is discarded, and a redirect is a status like any other.
   */
  readonly answer?: "whole" | "status";
  readonly signal?: AbortSignal;
}

export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * An HTTP client that is robust against a faulty upstream: time and sizes are bounded, and redirects are never
 * followed.
 */
export class UpstreamClient implements Disposable {
  readonly #endpoint: UpstreamEndpoint;
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  constructor(endpoint: UpstreamEndpoint) {
    this.#endpoint = endpoint;
    const { tls, connections } = endpoint;
    const common = { keepAlive: true, maxSockets: connections, maxFreeSockets: connections, timeout: 120_000 };
    this.#http = new HttpAgent(common);
    this.#https = new HttpsAgent({
      ...common,
      minVersion: "TLSv1.2",
      ...withoutUndefined({ cert: tls?.cert, key: tls?.key, ca: tls?.ca, servername: tls?.serverName }),
    });
  }

  /**
   * One exchange.
   * @throws upstream.unavailable (no answer, or an incomplete one), upstream.protocol (redirect, too large), the
   * signal's reason
   */
  async call(call: UpstreamCall): Promise<UpstreamAnswer> {
    const { url, method } = call;
    const { name } = this.#endpoint;
    const text = `${method} ${url.pathname}`;
    traceFrame({ kind: "upstream", dir: "out", link: name, text, facts: { octets: call.body?.length ?? 0 } });
    const began = performance.now();
    try {
      const answer = await this.#exchange(call);
      const ms = Math.round(performance.now() - began);
      const facts = { octets: answer.body.length, ms };
      traceFrame({ kind: "upstream", dir: "in", link: name, text: `${answer.status} to ${text}`, facts });
      if (call.answer !== "status" && answer.status >= 300 && answer.status < 400)
        throw new GatewayError("upstream.protocol", `${name} answered with a redirect, which is not followed`, {
          detail: { upstream: name, status: answer.status },
        });
      return answer;
    } catch (thrown) {
      if (thrown instanceof GatewayError) throw thrown;
      call.signal?.throwIfAborted();
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      traceFrame({ kind: "upstream", dir: "in", link: name, text: `no answer to ${text}: ${why}` });
      throw new GatewayError("upstream.unavailable", `${name} does not respond: ${why}`, {
        detail: { upstream: name },
        cause: thrown,
      });
    }
  }

  async #bodyOf(response: IncomingMessage, { answer, maxOctets }: UpstreamCall): Promise<Buffer> {
    if (answer !== "status") return bodyOf(response, maxOctets, this.#endpoint.name);
    drain(response, maxOctets);
    return Buffer.alloc(0);
  }

  [Symbol.dispose](): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #exchange(call: UpstreamCall): Promise<UpstreamAnswer> {
    const { url, target, method, headers, body, timeoutMs, signal } = call;
    const secure = url.protocol === "https:";
    const { token } = this.#endpoint;
    const options = {
      method,
      ...withoutUndefined({ path: target }),
      agent: secure ? this.#https : this.#http,
      ...withoutUndefined({ signal }),
      headers: {
        ...headers,
        ...(body === undefined ? {} : { "content-length": String(body.length) }),
        ...(token === undefined ? {} : { authorization: `Bearer ${Buffer.from(token.reveal()).toString("latin1")}` }),
      },
    };
    return new Promise((resolve, reject) => {
      const onAnswer = (response: IncomingMessage) => {
        this.#bodyOf(response, call)
          .then(
            (octets) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: octets }),
            reject,
          )
          .finally(() => clearTimeout(timer));
      };
      const request = secure ? httpsRequest(url, options, onAnswer) : httpRequest(url, options, onAnswer);
      const timer = setTimeout(
        () => request.destroy(new Error(`no complete answer within ${timeoutMs} ms`)),
        timeoutMs,
      );
      request.on("error", (error) => {
        clearTimeout(timer);
        reject(error);
      });
      request.end(body);
    });
  }
}

/** Reads what is left of an unused answer, to keep the connection; ends it when that is too much. */
function drain(response: IncomingMessage, maxOctets: number): void {
  let length = 0;
  response.on("error", () => undefined);
  response.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > maxOctets) response.destroy();
  });
}

async function bodyOf(response: IncomingMessage, maxOctets: number, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    const octets = Buffer.from(chunk);
    length += octets.length;
    if (length > maxOctets) {
      response.destroy();
      throw new GatewayError("upstream.protocol", `the answer of ${name} is larger than ${maxOctets} octets`, {
        detail: { upstream: name, maxOctets },
      });
    }
    chunks.push(octets);
  }
  if (!response.complete) throw new Error("the answer was truncated");
  return Buffer.concat(chunks);
}
