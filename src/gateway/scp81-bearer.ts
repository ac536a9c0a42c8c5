import type { Clock } from "../base/clock.ts";
import { newId } from "../base/id.ts";
import { readPskIdentity } from "../codec/gp/psk-identity.ts";
import type { PskEntry } from "../link/scp81/psk-source.ts";
import { endJobIn } from "./end-job.ts";
import type { HttpsBearer } from "./gateway.ts";
import type { Job } from "./job.ts";
import type { HttpsState } from "./routing.ts";
import type { Store } from "./store.ts";
import type { Target } from "./target.ts";

export interface Scp81BearerDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** Whether an administration session of this target is open now. */
  readonly isOpen: (target: string) => boolean;
  /** The server runs. */
  readonly running: () => boolean;
  /** Value of the session trigger (SecuredData after SCP80), hexadecimal; `8100` = what the card has stored. */
  readonly trigger: (target: Target) => string;
  readonly wake: (target: string) => void;
}

/** How long a trigger may be on its way before another one is sent. */
const triggerPatienceMs = 90_000;
const sweepMs = 2_000;

/** SCP81 as a bearer: jobs wait for a session of their target; a session that is not open is asked for by SMS. */
export class Scp81Bearer implements HttpsBearer, Disposable {
  readonly #deps: Scp81BearerDeps;
  readonly #sweep: NodeJS.Timeout;

  constructor(deps: Scp81BearerDeps) {
    this.#deps = deps;
    this.#sweep = setInterval(() => void this.#remind().catch(() => {}), sweepMs).unref();
  }

  async state(target: Target): Promise<HttpsState> {
    const open = this.#deps.isOpen(target.id);
    if (open) return { open, possible: true };
    const keys = await this.#deps.store.read((r) => r.keySets.list(target.id));
    return { open, possible: this.#deps.running() && keys.some((set) => set.type === "SCP81") };
  }

  async enqueue(job: Job, target: Target): Promise<void> {
    const now = this.#deps.clock.now();
    const open = this.#deps.isOpen(target.id);
    const why = open ? "an SCP81 session is open" : "a session is asked for";
    await this.#deps.store.write(async (r) => {
      const accepted = await r.jobs.patch(job.id, {
        state: "waiting",
        chosen: { bearer: "https", link: "scp81", why },
        note: "waits for the card's session",
      });
      if (accepted && !open) await this.#ask(r, target, now);
    });
    if (!open) this.#deps.wake(target.id);
  }

  async trigger(target: Target): Promise<void> {
    await this.#deps.store.write((r) => this.#ask(r, target, this.#deps.clock.now()));
    this.#deps.wake(target.id);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweep);
  }

  /** Finds the PSK of an identity: as an opaque string, in any letter case, then by the EID and KVN it names. */
  async lookup(identity: string): Promise<PskEntry | undefined> {
    return this.#deps.store.read(async (r) => {
      const named =
        (await r.keySets.byPskIdentity(identity))[0] ?? (await r.keySets.byPskIdentity(identity.toUpperCase()))[0];
      const euicc = readPskIdentity(identity);
      const owner =
        named === undefined
          ? euicc === undefined
            ? undefined
            : await r.targets.resolve(euicc.eid)
          : await r.targets.get(named.target);
      if (owner === undefined) return undefined;
      const set = named ?? (await r.keySets.open(owner.id, "SCP81")).find((one) => one.kvn === euicc?.kvn);
      const psk = set?.keys.get(euicc !== undefined && named === undefined ? euicc.kid : 1);
      if (psk === undefined) return undefined;
      const framing =
        owner.settings.scp81Framing === undefined
          ? {}
          : { framing: owner.settings.scp81Framing === "chunked" ? ("chunked" as const) : ("length" as const) };
      return {
        psk: psk.reveal(),
        target: owner.id,
        ...(owner.eid === undefined ? {} : { eid: owner.eid }),
        ...framing,
      };
    });
  }

  /** Queues a trigger unless one is on its way. */
  async #ask(r: Parameters<Parameters<Store["write"]>[0]>[0], target: Target, now: number): Promise<boolean> {
    const open = await r.jobs.list(
      { target: target.id, state: ["queued", "running", "waiting"], origin: "system" },
      undefined,
      50,
    );
    if (open.some(isTrigger)) return false;
    const { job } = await r.jobs.insert({
      id: newId("job", now),
      target: target.id,
      state: "queued",
      lane: "system",
      work: {
        kind: "body",
        tar: "000001",
        body: this.#deps.trigger(target),
        function: { name: "triggerSession", params: {} },
      },
      request: { bearer: "short-message", maxPackets: 8, spi: "1600", fireAndForget: true },
      origin: { face: "system", reference: "scp81" },
      attempts: 0,
      notBefore: now,
      validUntil: now + triggerPatienceMs,
      createdAt: now,
    });
    await r.events.append({ at: now, type: "session.triggered", target: target.id, job: job.id, data: {} });
    return true;
  }

  /** Ends jobs that waited too long, and asks again for sessions that did not come. */
  async #remind(): Promise<void> {
    const now = this.#deps.clock.now();
    const ended = new Set<string>();
    await this.#deps.store.write(async (r) => {
      ended.clear();
      for (const job of await r.jobs.inState(["waiting"], 500)) {
        if (job.chosen?.bearer !== "https") continue;
        if (now >= job.validUntil) {
          const executed = job.attempts > 0 ? "unknown" : false;
          const message =
            job.attempts > 0
              ? "the card took the script and did not answer within the validity period"
              : "the card opened no session within the validity period";
          await endJobIn(r, now, job.id, {
            state: "expired",
            error: { code: "job.expired", message, detail: { executed } },
          });
          ended.add(job.target);
          continue;
        }
        if (this.#deps.isOpen(job.target)) continue;
        const last = (await r.jobs.list({ target: job.target, origin: "system" }, undefined, 20)).find(isTrigger);
        if (last !== undefined && (last.endedAt === undefined || now - last.endedAt < triggerPatienceMs)) continue;
        const target = await r.targets.get(job.target);
        if (target !== undefined && (await this.#ask(r, target, now))) ended.add(target.id);
      }
    });
    for (const target of ended) this.#deps.wake(target);
  }
}

function isTrigger(job: Job): boolean {
  return job.work.kind === "body" && job.work.function?.name === "triggerSession";
}
