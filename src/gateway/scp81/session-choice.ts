import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { detach } from "../../base/detach.ts";
import { isRecordId, type TargetId } from "../../base/id.ts";
import type { AdminRequest } from "../../link/scp81/admin-request.ts";
import type {
  AdminReply,
  AdminSessionHandler,
  AdminSessionInfo,
  OpenSession,
} from "../../link/scp81/session-handler.ts";
import type { EventData } from "../model/event-catalogue.ts";
import type { Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";

/** Chooses the store that serves sessions of a target; the target is absent if only an upstream has the card. */
type ChooseSession = (target: Target | undefined) => OpenSession;

/** Chooses at the first POST of each session the store that serves it, and reports sessions in the event log. */
export function chosenSessions(store: Store, clock: Clock, choose: ChooseSession): OpenSession {
  return (session) => new ChosenSession(session, store, clock, choose);
}

class ChosenSession implements AdminSessionHandler {
  readonly #session: AdminSessionInfo;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #choose: ChooseSession;
  #handler: AdminSessionHandler | undefined;
  #target: TargetId | undefined;
  #posts = 0;
  #closed = false;

  constructor(session: AdminSessionInfo, store: Store, clock: Clock, choose: ChooseSession) {
    this.#session = session;
    this.#store = store;
    this.#clock = clock;
    this.#choose = choose;
  }

  async post(request: AdminRequest): Promise<AdminReply> {
    this.#posts++;
    if (this.#handler === undefined) {
      const { target: id } = this.#session;
      const target = isRecordId("tgt", id) ? await this.#store.read((r) => r.targets.get(id)) : undefined;
      this.#target = target?.id;
      this.#handler = this.#choose(target)(this.#session);
      this.#report({ type: "session.opened", data: { ...this.#names(), remote: this.#session.remote } });
    }
    const reply = this.#handler.post(request);
    if (this.#closed) this.#handler.closed();
    return reply;
  }

  closed(): void {
    this.#closed = true;
    this.#handler?.closed();
    if (this.#handler !== undefined)
      this.#report({ type: "session.closed", data: { ...this.#names(), posts: this.#posts } });
  }

  #names() {
    const { id, eid, identity } = this.#session;
    return { session: id, identity, ...withoutUndefined({ eid }) };
  }

  /** Only for observers: a session does not wait for it. */
  #report(about: SessionEvent): void {
    const event = { at: this.#clock.now(), ...withoutUndefined({ target: this.#target }), ...about };
    detach(
      this.#store.writeWithNext((r) => r.events.append(event)),
      () => {},
    );
  }
}

type SessionEvent =
  | { readonly type: "session.opened"; readonly data: EventData<"session.opened"> }
  | { readonly type: "session.closed"; readonly data: EventData<"session.closed"> };
