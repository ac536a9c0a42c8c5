import type { Duplex } from "node:stream";
import type { Clock } from "../../src/base/clock.ts";
import { withoutUndefined } from "../../src/base/defined.ts";
import { GatewayError } from "../../src/base/gateway-error.ts";
import { fromHex } from "../../src/base/hex.ts";
import type { Scp81Client, SimulatedEuicc } from "../euicc/euicc.ts";
import {
  AdminAgent,
  type AgentParameters,
  type AgentReport,
  type CardOutcome,
  type CardScript,
} from "./admin-agent.ts";
import type { AgentDeviations } from "./agent-deviations.ts";
import { BipStream } from "./bip-stream.ts";
import { tcp } from "./fleet.ts";
import { agentIdOf, isdRAid, pskIdentityOf } from "./identity.ts";
import { readSessionData, readTrigger, type SessionData, serverOf } from "./session-data.ts";

/** How the card gets to its server. */
export type Reach =
  /** Through the terminal it sits in. */
  | { readonly by: "bip" }
  /** By itself, as a device in the field; address and port override those of the trigger. */
  | { readonly by: "tcp"; readonly host?: string; readonly port?: number };

export interface EuiccAgentOptions {
  readonly reach: Reach;
  readonly clock: Clock;
  readonly deviations?: AgentDeviations;
  readonly inactivityMs?: number;
  /** Called after every session. */
  readonly onSession?: (report: AgentReport) => void;
}

const noConnection = new Uint8Array();
/** Turns of the event loop that TLS and the present script may take until the card's next command is queued. */
const settlingTurns = 60;

type Wanted = { readonly parameters: SessionData; readonly notification?: Uint8Array };

/** The ISD-R's administration agent of a simulated eUICC: one session at a time, in the order they were asked for. */
export class EuiccAgent implements Scp81Client {
  readonly #card: SimulatedEuicc;
  readonly #options: EuiccAgentOptions;
  #running: Promise<void> = Promise.resolve();
  #busy = 0;
  #channel: BipStream | undefined;

  constructor(card: SimulatedEuicc, options: EuiccAgentOptions) {
    this.#card = card;
    this.#options = options;
    card.attachScp81(this);
  }

  open(trigger: Uint8Array): void {
    this.#enqueue({ parameters: { ...this.#stored(), ...readTrigger(trigger) } });
  }

  notify(notification: Uint8Array): boolean {
    const parameters = this.#stored();
    if (this.#options.reach.by === "bip" && parameters.connection === undefined) return false;
    this.#enqueue({ parameters, notification });
    return true;
  }

  event(event: number, body: Uint8Array): void {
    this.#channel?.event(event, body);
  }

  reset(): void {
    this.#channel?.reset();
    this.#channel = undefined;
  }

  async settled(): Promise<void> {
    for (let turn = 0; turn < settlingTurns && this.#busy > 0 && this.#card.toolkit.idle; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Resolves when no session is open or asked for. */
  async idle(): Promise<void> {
    while (this.#busy > 0) await this.#running;
  }

  #enqueue(wanted: Wanted): void {
    this.#busy++;
    this.#running = this.#running
      .then(() => this.#session(wanted))
      .catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        this.#options.onSession?.({ end: "server-fault", why, links: 0, posts: 0, executed: [] });
      })
      .then(() => {
        this.#busy--;
      });
  }

  async #session({ parameters, notification }: Wanted): Promise<void> {
    const { clock, deviations, onSession } = this.#options;
    const contexts = new Map<string, ReturnType<SimulatedEuicc["openRemote"]>>();
    this.#card.sessionBegins();
    const agent = new AdminAgent(
      this.#agentParameters(parameters),
      {
        clock,
        connect: () => this.#connect(parameters.connection ?? noConnection),
        execute: async (script) => this.#execute(script, contexts),
      },
      deviations,
    );
    const report = await agent.run(withoutUndefined({ notification }));
    this.#card.responseDelivered();
    onSession?.(report);
  }

  /** Runs a script on its application. A command session ends when the target changes. GP Amendment B §3.6 */
  #execute(script: CardScript, contexts: Map<string, ReturnType<SimulatedEuicc["openRemote"]>>): CardOutcome {
    const target = this.#card.application(script.target);
    if (target === undefined) return { status: "unknown-application" };
    if (script.kind === "gp" && target.domain === undefined) return { status: "not-a-security-domain" };
    const key = `${script.kind} ${script.target ?? isdRAid}`;
    const context = contexts.get(key) ?? this.#card.openRemote(target);
    contexts.clear();
    contexts.set(key, context);
    return { status: "ok", response: this.#card.runRemote(target, context, script.body) };
  }

  async #connect(connection: Uint8Array): Promise<Duplex> {
    const { reach } = this.#options;
    if (reach.by === "bip") {
      const channel = await BipStream.open(this.#card.toolkit, connection);
      this.#channel = channel;
      return channel;
    }
    const { address, port } = serverOf(connection);
    const host = reach.host ?? address;
    const to = reach.port ?? port;
    if (host === undefined || to === undefined) {
      throw new GatewayError("link.unavailable", "the card does not contain the address of its server");
    }
    return tcp(host, to);
  }

  /** The domain's own parameters: what it was given as its SM-SR's address, otherwise what STORE DATA left. */
  #stored(): SessionData {
    const { scp81, addressing } = this.#card.state.isdR;
    const read = (octets: string | undefined) => (octets === undefined ? {} : readSessionData(fromHex(octets)));
    return { ...read(scp81), ...read(addressing.A5) };
  }

  #agentParameters({ security, retry, host, agentId, uri, connection }: SessionData): AgentParameters {
    const { eid, isdR: domain } = this.#card.state;
    const sets = domain.keySets.filter(({ type }) => type === "SCP81");
    const set = sets.find(({ kvn }) => kvn === security?.kvn) ?? sets[0];
    const key = set?.keys.find(({ id }) => id === security?.keyId) ?? set?.keys[0];
    if (set === undefined || key === undefined) throw new GatewayError("target.no-key", "the card has no SCP81 keys");
    const identity =
      security === undefined || security.pskIdentity.length === 0
        ? pskIdentityOf(eid, set.kvn, key.id)
        : security.pskIdentity;
    return {
      tls: { identity, psk: fromHex(key.value) },
      host: host ?? serverOf(connection).address ?? "localhost",
      agentId: agentId ?? agentIdOf(eid),
      uri: uri ?? "/gsma/adminagent",
      retry: retry ?? { attempts: 0, delayMs: 0 },
      inactivityMs: this.#options.inactivityMs ?? 120_000,
    };
  }
}
