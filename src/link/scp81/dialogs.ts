import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { KeyedQueue } from "../../base/keyed-queue.ts";
import type { Log } from "../driver.ts";
import { type AdminRequest, plainUri, sessionParameter, uriPurpose } from "./admin-request.ts";
import type { AdminScript, AdminStore, Offer } from "./admin-store.ts";
import {
  type DialogEffect,
  type DialogEvent,
  type DialogPolicy,
  type DialogPost,
  type DialogState,
  openDialog,
  stepDialog,
} from "./dialog.ts";
import type { AdminReply, AdminSessionHandler, AdminSessionInfo } from "./session-handler.ts";

/** Settings of dialogs. */
export interface DialogSettings extends DialogPolicy {
  /** URIs that sessions may begin with; the first one is the base of our Next-URIs. */
  readonly initialUris: readonly string[];
  /** Time limit for a script without a budget of its own. */
  readonly scriptBudgetMs: number;
}

/** Defaults that suit real cards; SGP.02 §2.4.4 names the URI. */
export const defaultDialogSettings: DialogSettings = {
  initialUris: ["/gsma/adminagent"],
  maxDeliveries: 10,
  holdMs: 10_000,
  holdTotalMs: 180_000,
  scriptBudgetMs: 300_000,
};

interface DialogDeps {
  readonly store: AdminStore;
  readonly clock: Clock;
  /** A unique text that is safe in a URI (letters and digits). */
  readonly newToken: () => string;
  readonly log: Log;
}

/** Runs the administration dialog of every target over one store of scripts. */
export class Dialogs {
  readonly #deps: DialogDeps;
  readonly #settings: DialogSettings;
  readonly #queue = new KeyedQueue<string>();
  readonly #current = new Map<string, DialogSession>();

  constructor(deps: DialogDeps, settings: DialogSettings = defaultDialogSettings) {
    this.#deps = deps;
    this.#settings = settings;
  }

  /** Serves a session; a target's newest session takes over from the one before. */
  readonly open = (session: AdminSessionInfo): AdminSessionHandler => {
    return new DialogSession(session, this.#deps, this.#settings, this.#queue, this.#current);
  };

  /** A script was queued for the target: a session that is held open continues at once. */
  wake(target: string): void {
    this.#current.get(target)?.wake();
  }
}

class DialogSession implements AdminSessionHandler {
  readonly #session: AdminSessionInfo;
  readonly #deps: DialogDeps;
  readonly #settings: DialogSettings;
  readonly #queue: KeyedQueue<string>;
  readonly #current: Map<string, DialogSession>;
  #state: DialogState | undefined;
  #posts = 0;
  #closed = false;
  #held: (() => void) | undefined;
  #woken = false;

  constructor(
    session: AdminSessionInfo,
    deps: DialogDeps,
    settings: DialogSettings,
    queue: KeyedQueue<string>,
    current: Map<string, DialogSession>,
  ) {
    this.#session = session;
    this.#deps = deps;
    this.#settings = settings;
    this.#queue = queue;
    this.#current = current;
  }

  async post(request: AdminRequest): Promise<AdminReply> {
    const post = this.#read(request);
    if (post === undefined) return { do: "answer", answer: { status: 400 }, end: true };
    let event: DialogEvent = { kind: "post", post };
    for (;;) {
      const now: DialogEvent = event;
      const effect = await this.#queue.run(this.#session.target, () => this.#perform(now));
      if (effect.do === "drop") return { do: "drop", why: "the store failed, or another session replaced this one" };
      if (effect.do === "answer") return this.#reply(effect);
      await this.#hold(effect.ms);
      event = { kind: "wake", freshUri: this.#freshUri() };
    }
  }

  closed(): void {
    this.#closed = true;
    this.wake();
    if (this.#current.get(this.#session.target) === this) this.#current.delete(this.#session.target);
  }

  wake(): void {
    this.#woken = true;
    this.#held?.();
  }

  #read(request: AdminRequest): DialogPost | undefined {
    const uri = plainUri(request.uri);
    const purpose = uriPurpose(uri, this.#settings.initialUris);
    if (purpose.kind === "malformed") return undefined;
    const initial = purpose.kind === "initial";
    return {
      uri,
      pollUri: initial ? purpose.path : uri,
      initial,
      resume: request.resume,
      ...withoutUndefined({ status: request.scriptStatus }),
      body: request.body,
      ...(initial && purpose.notification !== undefined && { notification: purpose.notification }),
      firstOnLink: this.#posts++ === 0,
      freshUri: this.#freshUri(),
      at: this.#deps.clock.monotonic(),
    };
  }

  #freshUri(): string {
    const base = plainUri(this.#settings.initialUris[0] ?? "/");
    return `${base}${base.includes("?") ? "&" : "?"}${sessionParameter}=${this.#deps.newToken()}`;
  }

  /** Processes one event in the target's turn, with as many durable steps as required. */
  async #perform(event: DialogEvent): Promise<Exclude<DialogEffect, { do: "step" }>> {
    const { target } = this.#session;
    const drop = { do: "drop" } as const;
    if (this.#state === undefined) {
      if (!this.#closed) this.#current.set(target, this);
      try {
        this.#state = openDialog(await this.#deps.store.load(target));
      } catch (error) {
        this.#deps.log.error({ session: this.#session.id, target, error }, "the session record cannot be read");
        return drop;
      }
    } else if (event.kind === "wake" ? this.#closed : this.#takenOver()) return drop;
    this.#woken = false;
    let next: DialogEvent = event;
    for (;;) {
      const move = stepDialog(this.#state, next, this.#settings);
      this.#state = move.state;
      const effect = move.effects[0] ?? drop;
      if (effect.do !== "step") return effect;
      next = await this.#advance(effect);
    }
  }

  /**
   * Whether a newer session has replaced this one: its POSTs are then ignored. A link that was merely lost may still
   * have delivered a whole POST.
   */
  #takenOver(): boolean {
    const current = this.#current.get(this.#session.target);
    return current !== undefined && current !== this;
  }

  async #advance(effect: DialogEffect & { do: "step" }): Promise<DialogEvent> {
    const { target, id } = this.#session;
    try {
      const offer: Offer = await this.#deps.store.advance(target, effect.step);
      return { kind: "stepped", offer, at: this.#deps.clock.monotonic() };
    } catch (error) {
      this.#deps.log.error({ session: id, target, error }, "failed to store a step of the session");
      return { kind: "fault" };
    }
  }

  async #hold(ms: number): Promise<void> {
    if (this.#woken || this.#closed) return;
    const over = new AbortController();
    this.#held = () => over.abort();
    await this.#deps.clock.sleep(ms, over.signal).catch(() => undefined);
    this.#held = undefined;
  }

  #reply(effect: DialogEffect & { do: "answer" }): AdminReply {
    const { answer, end, script } = effect;
    return { do: "answer", answer, end, ...factsOf(script, this.#settings) };
  }
}

function factsOf(
  script: AdminScript | undefined,
  settings: DialogSettings,
): { readonly budgetMs?: number; readonly script?: string; readonly job?: string } {
  if (script === undefined) return {};
  const { id, job, budgetMs = 0 } = script;
  return {
    budgetMs: Math.max(budgetMs, settings.scriptBudgetMs),
    script: id,
    ...(job === undefined ? {} : { job }),
  };
}
