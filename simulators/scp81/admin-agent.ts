import type { Duplex } from "node:stream";
import type { Clock } from "../../src/base/clock.ts";
import { withoutUndefined } from "../../src/base/defined.ts";
import { GatewayError } from "../../src/base/gateway-error.ts";
import type { AgentDeviations, Drop, DropPoint } from "./agent-deviations.ts";
import { AgentLink, type AgentTls, LinkBroken } from "./agent-link.ts";
import type { ServerAnswer } from "./answer-reader.ts";
import { type CardRequest, requestOctets } from "./request-writer.ts";
import { commandKind, responseType, type ScriptKind, targetedAid } from "./script-bodies.ts";

/** A script as the card's application gets it. */
export interface CardScript {
  readonly body: Uint8Array;
  /** AID in hexadecimal; absent = the security domain that owns the PSK. */
  readonly target?: string;
  readonly kind: ScriptKind;
}

/** What the card states about a script; `response` only when an application had it. */
export interface CardOutcome {
  readonly status: "ok" | "unknown-application" | "not-a-security-domain" | "security-error";
  readonly response?: Uint8Array;
}

/** Parameters of a card's administration agent. GP Amendment B §3.8 */
export interface AgentParameters {
  readonly tls: AgentTls;
  readonly host: string;
  readonly agentId: string;
  readonly uri: string;
  /** Session retry policy; no attempts = none. */
  readonly retry: { readonly attempts: number; readonly delayMs: number };
  /** How long the agent waits for an answer before it takes the link for broken. */
  readonly inactivityMs: number;
}

export interface AgentDeps {
  /** A connected stream to the server: TCP, or a BIP channel. Rejects when there is no way. */
  readonly connect: () => Promise<Duplex>;
  readonly execute: (script: CardScript) => Promise<CardOutcome>;
  readonly clock: Clock;
  /** Told the milliseconds from each whole request to its whole answer. */
  readonly onAnswer?: (ms: number) => void;
}

/** How an administration session ended, with all its links. */
export interface AgentReport {
  readonly end: /** 204 without Next-URI. */
    | "complete"
    /** A status other than 200 and 204. */
    | "refused"
    /** TLS failed: no retry. */
    | "handshake-failed"
    /** The retry policy is used up. */
    | "gave-up"
    /** The server's answer broke Amendment B. */
    | "server-fault";
  readonly why?: string;
  readonly links: number;
  readonly posts: number;
  /** Bodies that were run to their end, in order. */
  readonly executed: readonly Uint8Array[];
}

interface Course {
  uri: string;
  resume: boolean;
  response: CardRequest["response"] | undefined;
  links: number;
  posts: number;
  attemptsLeft: number;
  readonly executed: Uint8Array[];
}

type LinkEnd = Pick<AgentReport, "end" | "why"> | "broken";

/** The administration agent of a simulated card: opens sessions, runs scripts, resumes after breaks. */
export class AdminAgent {
  readonly #parameters: AgentParameters;
  readonly #deps: AgentDeps;
  readonly #deviations: AgentDeviations;
  readonly #silent: AgentLink[] = [];
  readonly #dropsLeft: Drop[];
  /** POSTs of the agent's life, for the drops. */
  #lifePosts = 0;

  constructor(parameters: AgentParameters, deps: AgentDeps, deviations: AgentDeviations = {}) {
    this.#parameters = parameters;
    this.#deps = deps;
    this.#deviations = deviations;
    this.#dropsLeft = [...(deviations.drops ?? [])];
  }

  /**
   * One administration session from its trigger to its end. `notification` is the TLV that an eUICC sends in the query
   * of its first POST (SGP.02 §3.15.2).
   */
  async run(options: { readonly notification?: Uint8Array } = {}): Promise<AgentReport> {
    const { uri, retry } = this.#parameters;
    const query = options.notification && Buffer.from(options.notification).toString("hex").toUpperCase();
    const course: Course = {
      uri: query === undefined ? uri : `${uri}${uri.includes("?") ? "&" : "?"}msg=${query}`,
      resume: false,
      response: undefined,
      links: 0,
      posts: 0,
      attemptsLeft: retry.attempts,
      executed: [],
    };
    try {
      for (;;) {
        const end = await this.#overOneLink(course);
        if (end !== "broken") return report(course, end);
        if (course.attemptsLeft-- <= 0) return report(course, { end: "gave-up" });
        await this.#deps.clock.sleep(retry.delayMs);
      }
    } finally {
      for (const link of this.#silent.splice(0)) link.destroy();
    }
  }

  async #overOneLink(course: Course): Promise<LinkEnd> {
    let link: AgentLink;
    try {
      link = await AgentLink.open(await this.#deps.connect(), this.#parameters.tls);
    } catch (error) {
      if (error instanceof GatewayError && error.code === "scp81.handshake") {
        return { end: "handshake-failed", why: error.message };
      }
      return "broken";
    }
    course.links++;
    try {
      const end = await this.#dialog(link, course);
      await link.close();
      return end;
    } catch (error) {
      if (error instanceof LinkBroken) {
        // A pending response to the last script is lost: a resuming POST carries no response.
        course.response = undefined;
        course.resume = course.posts > 0;
        return "broken";
      }
      link.destroy();
      if (error instanceof GatewayError) return { end: "server-fault", why: error.message };
      throw error;
    }
  }

  async #dialog(link: AgentLink, course: Course): Promise<LinkEnd> {
    for (;;) {
      const answer = await this.#post(link, course);
      const next = answer.headers.get("x-admin-next-uri");
      if (answer.status === 204 && next !== undefined) {
        course.uri = next;
        course.response = undefined;
        continue;
      }
      if (answer.status === 204) return { end: "complete" };
      if (answer.status !== 200) return { end: "refused", why: `status ${answer.status}` };
      this.#dropAt("before-execution", link);
      const outcome = await this.#run(answer, course);
      if (next === undefined) return { end: "complete" };
      course.uri = next;
      course.response = outcome;
      this.#dropAt("after-execution", link);
    }
  }

  async #post(link: AgentLink, course: Course): Promise<ServerAnswer> {
    const { host, agentId, inactivityMs } = this.#parameters;
    this.#dropAt("before-request", link, 0);
    const { uri, resume, response } = course;
    const octets = requestOctets({ uri, host, agentId, resume, ...(response && { response }) }, this.#deviations);
    this.#lifePosts++;
    course.posts++;
    if (this.#drops("inside-request")) {
      await link.write(octets.subarray(0, Math.floor(octets.length / 2)));
      this.#dropAt("inside-request", link);
    }
    await this.#write(link, octets);
    course.resume = false;
    this.#dropAt("before-answer", link);
    if (this.#drops("inside-answer")) {
      await link.beginningOfAnswer(inactivityMs);
      this.#dropAt("inside-answer", link);
    }
    const asked = this.#deps.clock.monotonic();
    const answer = await link.answer(inactivityMs);
    this.#deps.onAnswer?.(this.#deps.clock.monotonic() - asked);
    return answer;
  }

  async #write(link: AgentLink, octets: Uint8Array): Promise<void> {
    const { writeOctets = octets.length, writeGapMs = 0 } = this.#deviations;
    for (let at = 0; at < octets.length; at += writeOctets) {
      if (at > 0 && writeGapMs > 0) await this.#deps.clock.sleep(writeGapMs);
      await link.write(octets.subarray(at, at + writeOctets));
    }
  }

  async #run(answer: ServerAnswer, course: Course): Promise<NonNullable<CardRequest["response"]>> {
    const kind = commandKind(answer.headers.get("content-type") ?? "");
    if (kind === undefined) throw new GatewayError("scp81.protocol", "the server's content type is unknown");
    const header = answer.headers.get("x-admin-targeted-application");
    const target = header === undefined ? undefined : targetedAid(header);
    if (header !== undefined && target === undefined) {
      throw new GatewayError("scp81.protocol", "the server's X-Admin-Targeted-Application is not //aid/<RID>/<PIX>");
    }
    if (this.#deviations.thinkMs !== undefined) await this.#deps.clock.sleep(this.#deviations.thinkMs);
    const outcome = await this.#deps.execute({ body: answer.body, kind, ...withoutUndefined({ target }) });
    if (outcome.status === "ok") course.executed.push(answer.body);
    const contentType = responseType(kind);
    return { status: outcome.status, contentType, ...(outcome.response && { body: outcome.response }) };
  }

  /** The drop of this point and POST, if there is one left. */
  #drops(at: DropPoint, since = 1): Drop | undefined {
    return this.#dropsLeft.find((drop) => drop.at === at && drop.post === this.#lifePosts - since);
  }

  #dropAt(at: DropPoint, link: AgentLink, since = 1): void {
    const drop = this.#drops(at, since);
    if (drop === undefined) return;
    this.#dropsLeft.splice(this.#dropsLeft.indexOf(drop), 1);
    if (drop.how === "silence") this.#silent.push(link);
    link.break(drop.how);
    throw new LinkBroken(`dropped ${at}`);
  }
}

function report({ links, posts, executed }: Course, end: Pick<AgentReport, "end" | "why">): AgentReport {
  return { ...end, links, posts, executed };
}
