import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { createInterface } from "node:readline";
import { withoutUndefined } from "../../base/defined.ts";
import { type ErrorCode, errorCatalogue } from "../../base/error-catalogue.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { type ApiRequest, type Client, cliAgent, clientOf, withQuery } from "../api/client.ts";

/** Where the daemon listens. */
type Endpoint = { readonly socketPath: string } | { readonly url: string; readonly token?: string };

/**
 * A client of the daemon's API: `v1` contains the operations, typed by the contract; the other methods accept any path.
 * Problems are thrown as {@link GatewayError}s.
 */
export class ApiClient {
  readonly v1: Client;
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.v1 = clientOf({
      json: (request) => this.#json(request),
      text: (request) => this.#text(request),
      lines: (request) => this.#lines(request),
    });
  }

  get<T>(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): Promise<T> {
    return this.#json<T>({ method: "GET", path: withQuery(path, query), headers: {} });
  }

  post<T>(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<T> {
    return this.#json<T>({ method: "POST", path, body, headers });
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#json<T>({ method: "PATCH", path, body, headers: {} });
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.#json<T>({ method: "PUT", path, body, headers: {} });
  }

  delete(path: string): Promise<unknown> {
    return this.#json({ method: "DELETE", path, headers: {} });
  }

  /** Pages of a list, one item after the other, up to `most`. */
  async *list<T>(
    path: string,
    query: Readonly<Record<string, string | number | undefined>>,
    max: number,
  ): AsyncIterable<T> {
    let cursor: string | undefined;
    let left = max;
    do {
      const page: { items: T[]; cursor?: string } = await this.get(path, {
        ...query,
        limit: Math.min(left, 500),
        cursor,
      });
      yield* page.items;
      left -= page.items.length;
      cursor = page.cursor;
    } while (cursor !== undefined && left > 0);
  }

  /** Lines of a streamed answer, until it ends or `signal` aborts. */
  lines(
    path: string,
    query: Readonly<Record<string, string | number | undefined>>,
    signal?: AbortSignal,
  ): AsyncIterable<string> {
    const request = { method: "GET", path: withQuery(path, query), headers: {} };
    return this.#lines(signal === undefined ? request : { ...request, signal });
  }

  /** An answer that is not JSON, unchanged. */
  text(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): Promise<string> {
    return this.#text({ method: "GET", path: withQuery(path, query), headers: {} });
  }

  /** Server-sent events as their data, from the position `after` (now when absent). */
  async *events<T>(
    query: Readonly<Record<string, string | number | undefined>>,
    signal?: AbortSignal,
  ): AsyncIterable<T> {
    for await (const line of this.lines("/v1/events", query, signal)) {
      if (line.startsWith("data: ")) yield JSON.parse(line.slice(6)) as T;
    }
  }

  async #json<T>(request: ApiRequest): Promise<T> {
    const text = await this.#text(request);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  async #text(request: ApiRequest): Promise<string> {
    const response = await this.#send(request);
    await refuse(response);
    return textOf(response);
  }

  async *#lines(request: ApiRequest): AsyncIterable<string> {
    const response = await this.#send(request);
    await refuse(response);
    const lines = createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY });
    try {
      for await (const line of lines) yield line;
    } catch (error) {
      if (request.signal?.aborted === true) return;
      throw new GatewayError("api.unreachable", "the daemon ended the connection", { cause: error });
    } finally {
      response.destroy();
    }
  }

  #send({ method, path, body, headers, signal }: ApiRequest): Promise<IncomingMessage> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const endpoint = this.#endpoint;
    const common = {
      method,
      headers: {
        "user-agent": cliAgent,
        ...headers,
        ...(payload === undefined
          ? {}
          : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) }),
        ...("url" in endpoint && endpoint.token !== undefined ? { authorization: `Bearer ${endpoint.token}` } : {}),
      },
      ...withoutUndefined({ signal }),
    };
    return new Promise((resolve, reject) => {
      const onError = (cause: Error) =>
        reject(new GatewayError("api.unreachable", `the daemon does not respond: ${cause.message}`, { cause }));
      const request =
        "socketPath" in endpoint
          ? httpRequest({ ...common, socketPath: endpoint.socketPath, path }, resolve)
          : sender(endpoint.url)(new URL(path, endpoint.url), common, resolve);
      request.on("error", onError).end(payload);
    });
  }
}

/** TLS is checked against the system's CAs and those of NODE_EXTRA_CA_CERTS. */
function sender(url: string): typeof httpRequest {
  return url.startsWith("https:") ? httpsRequest : httpRequest;
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

/** Throws the error of a problem answer. */
async function refuse(response: IncomingMessage): Promise<void> {
  if ((response.statusCode ?? 500) < 400) return;
  const text = await textOf(response);
  let problem: { type?: string; detail?: string; facts?: Record<string, unknown> } = {};
  try {
    problem = JSON.parse(text) as typeof problem;
  } catch {
    problem = { detail: text.slice(0, 200) };
  }
  const code: ErrorCode =
    problem.type !== undefined && Object.hasOwn(errorCatalogue, problem.type)
      ? (problem.type as ErrorCode)
      : "api.internal";
  throw new GatewayError(
    code,
    problem.detail ?? `the daemon answered ${response.statusCode}`,
    withoutUndefined({ detail: problem.facts }),
  );
}
