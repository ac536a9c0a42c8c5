import { withoutUndefined } from "../../base/defined.ts";
import { asGatewayError, GatewayError } from "../../base/gateway-error.ts";
import { type AdminAnswer, scriptKindOf } from "../../codec/gp/admin-http.ts";
import { readTargetedApplication } from "../../codec/gp/targeted-application.ts";
import type { Log } from "../driver.ts";
import type { AdminRequest } from "../scp81/admin-request.ts";
import type { AdminReply, AdminSessionHandler, AdminSessionInfo, OpenSession } from "../scp81/session-handler.ts";
import type { UpstreamAnswer, UpstreamClient } from "./http-client.ts";

interface SessionProxyDeps {
  readonly client: UpstreamClient;
  readonly log: Log;
}

interface SessionProxySettings {
  readonly upstream: string;
  /** Where the SM-SR terminates Amendment B; the card's request targets are appended to its path. */
  readonly url: URL;
  readonly timeoutMs: number;
  /** Largest script that is accepted from the SM-SR. */
  readonly maxOctets: number;
  /** Time limit for a script on the card. */
  readonly scriptBudgetMs: number;
}

/**
 * Sessions that an SM-SR serves itself: each POST is forwarded unchanged to its Amendment B endpoint, with headers that
 * identify the card, and its answer is returned to the card. GP Amendment B §3.4
 */
export function proxiedSessions(deps: SessionProxyDeps, settings: SessionProxySettings): OpenSession {
  return (session) => new ProxiedSession(session, deps, settings);
}

/** Headers that belong to the connection with the card, and those that only we may set. */
const ownHeaders =
  /^(host|connection|content-length|transfer-encoding|keep-alive|te|trailer|upgrade|expect|authorization|x-otagate-.*)$/i;

class ProxiedSession implements AdminSessionHandler {
  readonly #session: AdminSessionInfo;
  readonly #deps: SessionProxyDeps;
  readonly #settings: SessionProxySettings;
  readonly #gone = new AbortController();

  constructor(session: AdminSessionInfo, deps: SessionProxyDeps, settings: SessionProxySettings) {
    this.#session = session;
    this.#deps = deps;
    this.#settings = settings;
  }

  /** The SM-SR's answer; on a temporary problem there the link is cut, and the card returns with a resuming POST. */
  async post(request: AdminRequest): Promise<AdminReply> {
    const { upstream, url, timeoutMs, maxOctets } = this.#settings;
    const session = this.#session.id;
    try {
      const answer = await this.#deps.client.call({
        method: "POST",
        url,
        target: `${url.pathname.replace(/\/$/, "")}${onTheWire(request.uri)}`,
        headers: { ...cardHeaders(request.headText), ...identityHeaders(this.#session) },
        body: request.body,
        timeoutMs,
        maxOctets,
        signal: this.#gone.signal,
      });
      if (answer.status >= 500)
        throw new GatewayError("upstream.unavailable", `${upstream} answered ${answer.status}`, {
          detail: { upstream, status: answer.status },
        });
      return this.#reply(answer);
    } catch (thrown) {
      const error = asGatewayError(thrown);
      this.#deps.log.warn(
        { session, upstream, code: error.code, message: error.message },
        "the upstream failed to serve a card's POST",
      );
      return { do: "drop", why: `the SM-SR failed to serve the request: ${error.message}` };
    }
  }

  closed(): void {
    this.#gone.abort(new GatewayError("link.lost", "the card's connection was closed"));
  }

  #reply({ status, headers, body }: UpstreamAnswer): AdminReply {
    // Both names are known to cards. GP Amendment B §3.4.2
    const nextUri = oneLine(headers["x-admin-next-uri"]) ?? oneLine(headers["scws-next-uri"]);
    const next = withoutUndefined({ nextUri });
    // A 204 with a Next-URI: there is no script yet, and the card polls again at that URI. GP Amendment B §3.4.2
    if (status !== 200)
      return { do: "answer", answer: { status, ...next }, end: status !== 204 || nextUri === undefined };
    const kind = scriptKindOf(headers["content-type"] ?? "");
    if (kind === undefined || kind.direction !== "command")
      throw new GatewayError("upstream.protocol", `${this.#settings.upstream}: the answer contains no command script`, {
        detail: { upstream: this.#settings.upstream },
      });
    const targeted = oneLine(headers["x-admin-targeted-application"]);
    const answer: AdminAnswer = {
      status,
      ...next,
      script: {
        kind: kind.kind,
        ...(targeted === undefined ? {} : { target: readTargetedApplication(targeted) }),
        body,
      },
    };
    return { do: "answer", answer, end: false, budgetMs: this.#settings.scriptBudgetMs };
  }
}

/** A header that may occur only once. */
function oneLine(header: string | string[] | undefined): string | undefined {
  const value = Array.isArray(header) ? header[0] : header;
  return value === undefined || value === "" ? undefined : value;
}

/** A request target without characters that HTTP does not allow; cards send spaces. */
function onTheWire(uri: string): string {
  return uri.replace(/[^\x21-\x7e]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** The card's own headers; deviations in spelling that the gateway's own dialog accepts are corrected. */
function cardHeaders(headText: string): Record<string, string> {
  const headers: Record<string, string> = {};
  const unfolded = headText.replace(/\r?\n[ \t]+/g, " ");
  for (const line of unfolded.split(/\r?\n/).slice(1)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: cards send them, values must not keep them
    const text = line.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, "");
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*(.*?)[ \t]*$/.exec(text) ?? [];
    if (name !== undefined && value !== undefined && !ownHeaders.test(name)) headers[name] = value;
  }
  return headers;
}

/** Headers that report the card of the session, as authenticated by TLS-PSK, to the SM-SR. */
function identityHeaders({ id, target, eid, identity, remote }: AdminSessionInfo): Record<string, string> {
  return {
    "X-Otagate-Session": id,
    "X-Otagate-Target": encodeURIComponent(target),
    "X-Otagate-Psk-Identity": encodeURIComponent(identity),
    ...withoutUndefined({ "X-Otagate-Eid": eid }),
    "X-Otagate-Remote": remote,
  };
}
