import { z } from "zod";
import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { checked } from "../../base/field-words.ts";
import { asGatewayError, GatewayError } from "../../base/gateway-error.ts";
import { parseJson } from "../../base/json.ts";
import { Secret } from "../../base/secret.ts";
import { readPskIdentity } from "../../codec/gp/psk-identity.ts";
import type { Log } from "../driver.ts";
import type { PskEntry } from "../scp81/psk-source.ts";
import type { UpstreamClient } from "./http-client.ts";

interface PskLookupSettings {
  readonly upstream: string;
  readonly url: URL;
  readonly timeoutMs: number;
  /** How long a key is kept, in memory only. */
  readonly keepMs: number;
  /** How long an identity counts as unknown before the upstream is queried again. */
  readonly unknownMs: number;
}

interface PskLookupDeps {
  readonly client: UpstreamClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Our id of the target with this EID, if there is one. */
  readonly targetOf: (eid: string) => Promise<string | undefined>;
}

const Answer = z.looseObject({
  psk: z.string().regex(/^([0-9a-fA-F]{2}){16,64}$/),
  eid: z
    .string()
    .regex(/^[0-9]{32}$/)
    .optional(),
});

interface Known {
  readonly until: number;
  readonly found: { readonly psk: Secret; readonly entry: Omit<PskEntry, "psk"> } | undefined;
}

const maxKept = 10_000;
/** Maximum number of lookups at the same time, so that unknown clients cannot overload the upstream. */
const maxAsked = 64;
const answerOctets = 16 * 1024;

/**
 * Queries an upstream for keys of identities that the gateway does not have: with a time limit, cached briefly, never
 * displayed.
 */
export class PskLookup {
  readonly #deps: PskLookupDeps;
  readonly #settings: PskLookupSettings;
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, Promise<Known>>();

  constructor(deps: PskLookupDeps, settings: PskLookupSettings) {
    this.#deps = deps;
    this.#settings = settings;
  }

  /** The key of an identity; undefined when the upstream has none, or does not answer in time. */
  async find(identity: string): Promise<PskEntry | undefined> {
    const { clock, log } = this.#deps;
    const now = clock.monotonic();
    const kept = this.#known.get(identity);
    if (kept !== undefined && kept.until > now) return entryOf(kept);
    try {
      return entryOf(await this.#once(identity));
    } catch (thrown) {
      const error = asGatewayError(thrown);
      log.warn({ upstream: this.#settings.upstream, code: error.code, message: error.message }, "key look-up failed");
      return undefined;
    }
  }

  /** One query at a time for an identity, however many handshakes wait for it. */
  #once(identity: string): Promise<Known> {
    const running = this.#asked.get(identity);
    if (running !== undefined) return running;
    if (this.#asked.size >= maxAsked)
      return Promise.reject(new GatewayError("upstream.unavailable", "too many key look-ups are open"));
    const asking = this.#ask(identity)
      .then((known) => this.#keep(identity, known))
      .finally(() => this.#asked.delete(identity));
    this.#asked.set(identity, asking);
    return asking;
  }

  #keep(identity: string, known: Known): Known {
    if (this.#known.size >= maxKept) this.#known.delete(this.#known.keys().next().value ?? "");
    this.#known.set(identity, known);
    return known;
  }

  async #ask(identity: string): Promise<Known> {
    const { client, clock, targetOf } = this.#deps;
    const { upstream, url, timeoutMs, keepMs, unknownMs } = this.#settings;
    const named = readPskIdentity(identity);
    const question = {
      identity,
      ...(named === undefined ? {} : { eid: named.eid, kvn: named.kvn, keyId: named.kid }),
    };
    const { status, body } = await client.call({
      method: "POST",
      url,
      headers: { "content-type": "application/json", accept: "application/json" },
      body: Buffer.from(JSON.stringify(question)),
      timeoutMs,
      maxOctets: answerOctets,
    });
    if (status === 404) return { until: clock.monotonic() + unknownMs, found: undefined };
    if (status !== 200)
      throw new GatewayError("upstream.refused", `${upstream} answered ${status} to a key look-up`, {
        detail: { upstream, status },
      });
    const answer = checked(Answer, parsed(body));
    if (!answer.success)
      throw new GatewayError("upstream.protocol", `${upstream} returned no usable key`, { detail: { upstream } });
    if (named !== undefined && answer.data.eid !== undefined && answer.data.eid !== named.eid)
      throw new GatewayError("upstream.protocol", `${upstream} returned the key of a different EID than requested`, {
        detail: { upstream, asked: named.eid, answered: answer.data.eid },
      });
    const eid = answer.data.eid ?? named?.eid;
    const target = (eid === undefined ? undefined : await targetOf(eid)) ?? `upstream:${upstream}:${eid ?? identity}`;
    const entry = { target, ...withoutUndefined({ eid }) };
    const psk = new Secret(Buffer.from(answer.data.psk, "hex"));
    return { until: clock.monotonic() + keepMs, found: { psk, entry } };
  }
}

function entryOf({ found }: Known): PskEntry | undefined {
  return found === undefined ? undefined : { ...found.entry, psk: found.psk.reveal() };
}

/** The parsed JSON, or undefined: the parser's own error could quote the key. */
function parsed(body: Buffer): unknown {
  try {
    return parseJson(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
