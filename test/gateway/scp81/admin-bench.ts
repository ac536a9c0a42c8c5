import { fleetCards } from "../../../simulators/scp81/fleet.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { type JobId, newId, type TargetId } from "../../../src/base/id.ts";
import { isdRTar } from "../../../src/codec/euicc/aid.ts";
import type { AdminAnswer } from "../../../src/codec/gp/admin-http.ts";
import { adminProtocol } from "../../../src/codec/gp/admin-http.ts";
import { feedJob } from "../../../src/gateway/job-effects.ts";
import type { Job, JobRequest, JobWork } from "../../../src/gateway/model/job.ts";
import type { TargetSettings } from "../../../src/gateway/model/target.ts";
import { Scp81Bearer } from "../../../src/gateway/scp81/bearer.ts";
import { Scp81Store } from "../../../src/gateway/scp81/dialog-store.ts";
import { silentLog } from "../../../src/link/driver.ts";
import type { AdminRequest } from "../../../src/link/scp81/admin-request.ts";
import { type DialogSettings, Dialogs, defaultDialogSettings } from "../../../src/link/scp81/dialogs.ts";
import type { AdminSessionHandler } from "../../../src/link/scp81/session-handler.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { Bench } from "../bench.ts";

/** A gateway, its dialog over the real store and cards that speak straight into it: no TLS, no sockets. */
export class AdminBench implements AsyncDisposable {
  readonly bench: Bench;
  readonly #settings: DialogSettings;
  #dialogs: Dialogs;
  #bearer: Scp81Bearer;
  #tokens = 0;

  private constructor(bench: Bench, settings: Partial<DialogSettings>) {
    this.bench = bench;
    this.#settings = { ...defaultDialogSettings, holdMs: 0, ...settings };
    this.#bearer = new Scp81Bearer({
      store: bench.store,
      clock: systemClock,
      feed: feedJob,
      isOpen: () => true,
      running: () => true,
      bySms: () => false,
      trigger: () => Uint8Array.of(0x81, 0x00),
      resume: (target) => this.#dialogs.wake(target),
      wake: (target) => void bench.gateway.jobs.wake(target),
    });
    bench.gateway.connectHttps(this.#bearer);
    this.#dialogs = this.#open();
  }

  static async open(settings: Partial<DialogSettings> = {}): Promise<AdminBench> {
    const bench = await Bench.open();
    const made = new AdminBench(bench, settings);
    await bench.gateway.start();
    return made;
  }

  /** Dialogs that know nothing of the ones before, as after a restart. */
  forget(): void {
    this.#dialogs = this.#open();
  }

  /** Cards whose targets exist. */
  async cards(count: number, prefix: string, settings: object = {}): Promise<Card[]> {
    const made: Card[] = [];
    for (const card of fleetCards(count, prefix)) {
      const keys = [{ id: 1, value: toHex(card.psk) }];
      await this.bench.targets.import({ eid: card.eid, isdR: { keySets: [{ kvn: 64, type: "SCP81", keys }] } });
      if (Object.keys(settings).length > 0) await this.bench.targets.change(card.eid, { settings });
      const { target } = await this.bench.targets.show(card.eid);
      made.push(new Card(card, target.id, () => this.#dialogs));
    }
    return made;
  }

  /** Many cards whose targets exist, without keys. */
  async bareCards(count: number, settings: TargetSettings = {}): Promise<Card[]> {
    const now = systemClock.now();
    const names = Array.from({ length: count }, () => newId("tgt", now));
    await this.bench.store.write(async (r) => {
      for (const id of names) {
        const facts = { tags: [], esimProfiles: [], reach: {}, version: 1, createdAt: now, updatedAt: now };
        await r.targets.insert({ id, kind: "euicc", settings, ...facts });
      }
    });
    return names.map((id) => new Card({ eid: "" }, id, () => this.#dialogs));
  }

  /** Queues a ready body, or C-APDUs, for a card's session, and waits until it waits for that. */
  async submit(
    card: Card,
    what: string | readonly string[],
    request: Partial<JobRequest> = {},
    aid?: string,
  ): Promise<JobId> {
    const at = withoutUndefined({ aid });
    const work =
      typeof what === "string"
        ? ({ kind: "body", tar: isdRTar, body: what, ...at } as const)
        : ({ kind: "script", tar: isdRTar, apdus: what, ...at } as const);
    const { job } = await this.bench.gateway.jobs.submit({
      target: card.eid,
      work: readWork(work),
      request: { bearer: "https", ...request },
      origin: { face: "api" },
    });
    await this.bench.until(async () => ((await this.job(job.id)).state === "waiting" ? true : undefined));
    return job.id;
  }

  /** A job of the gateway's own, which goes first. */
  system(card: Card, apdus: readonly string[]): Promise<JobId> {
    return this.waiting(card, readWork({ kind: "script", tar: isdRTar, apdus }), {}, "system");
  }

  /** A job that waits for a session already. */
  async waiting(
    card: Card,
    work: JobWork,
    request: Partial<JobRequest> = {},
    lane: Job["lane"] = "normal",
  ): Promise<JobId> {
    const now = systemClock.now();
    const { job } = await this.bench.store.write((r) =>
      r.jobs.insert({
        id: newId("job", now),
        target: card.target,
        state: "waiting",
        lane,
        work,
        request: { bearer: "https", maxPackets: 4, ...request },
        origin: { face: lane === "system" ? "system" : "api" },
        chosen: { bearer: "https", link: "scp81", why: "test" },
        attempts: 0,
        notBefore: now,
        validUntil: now + 60_000,
        createdAt: now,
      }),
    );
    return job.id;
  }

  job(id: JobId): Promise<Job> {
    return this.bench.gateway.jobs.get(id);
  }

  /** How often each job ended, by the event log. */
  async ends(): Promise<Map<string, number>> {
    const ends = new Map<string, number>();
    for (let after = 0; ; ) {
      const events = await this.bench.store.read((r) => r.events.after(after, 1000));
      for (const { type, job } of events)
        if (job !== undefined && /^job\.(done|failed|cancelled|expired)$/.test(type))
          ends.set(job, (ends.get(job) ?? 0) + 1);
      const last = events.at(-1);
      if (last === undefined) return ends;
      after = last.seq;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#bearer[Symbol.dispose]();
    await this.bench[Symbol.asyncDispose]();
  }

  #open(): Dialogs {
    const { bench } = this;
    const store = new Scp81Store({
      store: bench.store,
      clock: systemClock,
      notifications: bench.gateway.notifications,
      feed: feedJob,
      holdOpenMs: 60_000,
      wake: (target) => void bench.gateway.jobs.wake(target),
    });
    return new Dialogs(
      { store, clock: systemClock, newToken: () => `T${++this.#tokens}`, log: silentLog },
      this.#settings,
    );
  }
}

/** What a card says in a POST. */
export interface Said {
  readonly resume?: boolean;
  readonly status?: string;
  /** Hexadecimal. */
  readonly body?: string;
}

/** An answer; `dropped` = the link was cut without one. */
export type Heard = (AdminAnswer & { readonly end: boolean }) | "dropped";

/** A card that does as it is told, however wrong that is. */
export class Card {
  readonly eid: string;
  readonly target: TargetId;
  /** Where the last answer sent it. */
  next = "/gsma/adminagent";
  /** URIs that answers named, in order. */
  readonly uris: string[] = [];
  /** Bodies that reached the card, hexadecimal. */
  readonly got: string[] = [];
  readonly #dialogs: () => Dialogs;
  #session: AdminSessionHandler | undefined;
  #sessions = 0;

  constructor(card: { readonly eid: string }, target: TargetId, dialogs: () => Dialogs) {
    this.eid = card.eid;
    this.target = target;
    this.#dialogs = dialogs;
  }

  /** The open session, for a POST that comes when it is over. */
  get session(): AdminSessionHandler | undefined {
    return this.#session;
  }

  /** A POST in the open session, or in a new one. */
  async post(uri = this.next, said: Said = {}): Promise<Heard> {
    this.#session ??= this.#dialogs().open({
      id: `ses_${++this.#sessions}`,
      target: this.target,
      ...(this.eid === "" ? {} : { eid: this.eid }),
      identity: "x",
      remote: "test",
      openedAt: 0,
    });
    const reply = await this.#session.post(requestOf(uri, said));
    if (reply.do === "drop") {
      this.cut();
      return "dropped";
    }
    const { answer, end } = reply;
    if (answer.nextUri !== undefined) {
      this.next = answer.nextUri;
      this.uris.push(answer.nextUri);
    }
    if (answer.script !== undefined) this.got.push(toHex(answer.script.body));
    if (end) this.cut();
    return { ...answer, end };
  }

  /** A first POST of a session. */
  begin(query = ""): Promise<Heard> {
    return this.post(`/gsma/adminagent${query}`);
  }

  answer(body: string, status = "ok"): Promise<Heard> {
    return this.post(this.next, { status, body });
  }

  /** Forgets the session without closing it: its link hangs. */
  leave(): void {
    this.#session = undefined;
  }

  cut(): void {
    this.#session?.closed();
    this.#session = undefined;
  }

  /** Cuts the link and comes back. */
  resume(uri: string): Promise<Heard> {
    this.cut();
    return this.post(uri, { resume: true });
  }
}

/** A card's POST. */
export function requestOf(uri: string, said: Said): AdminRequest {
  return {
    uri,
    agentId: "",
    resume: said.resume ?? false,
    ...withoutUndefined({ scriptStatus: said.status }),
    body: fromHex(said.body ?? ""),
    headText: `POST ${uri} HTTP/1.1\r\nX-Admin-Protocol: ${adminProtocol}`,
  };
}
