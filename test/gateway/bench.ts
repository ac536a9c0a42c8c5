import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SimulatedEuicc } from "../../simulators/euicc/euicc.ts";
import { createEuiccState, type FixtureOptions } from "../../simulators/euicc/fixture.ts";
import type { Misbehaviour } from "../../simulators/euicc/misbehaviour.ts";
import { SoftReader } from "../../simulators/reader.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { withoutUndefined } from "../../src/base/defined.ts";
import { toHex } from "../../src/base/hex.ts";
import type { JobId } from "../../src/base/id.ts";
import { Secret } from "../../src/base/secret.ts";
import { parseEid } from "../../src/codec/euicc/eid.ts";
import { parseAddress } from "../../src/codec/sms/address.ts";
import { timestampOf } from "../../src/codec/sms/timestamp.ts";
import { parseTpdu, tpduBytes } from "../../src/codec/sms/tpdu.ts";
import { sealWith } from "../../src/crypto/seal.ts";
import type { SmDpCredentials } from "../../src/gateway/downloads/credentials.ts";
import { Gateway } from "../../src/gateway/gateway.ts";
import { feedJob } from "../../src/gateway/job-effects.ts";
import type { Jobs } from "../../src/gateway/jobs/jobs.ts";
import type { CardIdentity, Link } from "../../src/gateway/links/links.ts";
import { eventCatalogue, isEventType } from "../../src/gateway/model/event-catalogue.ts";
import type { Job } from "../../src/gateway/model/job.ts";
import { hasEnded } from "../../src/gateway/model/job.ts";
import type { NewJob } from "../../src/gateway/model/new-job.ts";
import type { SmscConversationsDeps } from "../../src/gateway/smsc/conversations.ts";
import type { Targets } from "../../src/gateway/targets/targets.ts";
import { ApduChannel } from "../../src/link/card/channel.ts";
import { Terminal } from "../../src/link/card/terminal/terminal.ts";
import { silentLog } from "../../src/link/driver.ts";
import type { InboundItem, OutboundSms, SmsBearer, SubmitOutcome } from "../../src/link/sms-bearer.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";
import { testRandom } from "../seed.ts";

/** A wall clock that stands still until the test moves it: what was put off stays put off. Durations are real. */
export class StillClock implements Clock {
  readonly monotonic = systemClock.monotonic;
  readonly sleep = systemClock.sleep;
  #now = Date.now();

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}

/** A card that is always there, as a link of the gateway: channel and terminal, without hot plug. */
export class BenchLink implements SmsBearer {
  readonly kind = "envelope";
  readonly id: string;
  readonly submitted: OutboundSms[] = [];
  card?: CardIdentity;
  #up = false;
  #job: Disposable | undefined;
  #jobEnds: NodeJS.Timeout | undefined;
  readonly #terminal: Terminal;
  #inbound: ((item: InboundItem) => Promise<void>) | undefined;
  /** What the card sent before there was a handler: at its activation. */
  readonly #early: InboundItem[] = [];

  readonly #clock: Clock;

  private constructor(id: string, clock: Clock, terminal: (hooks: BenchLink) => Terminal) {
    this.id = id;
    this.#clock = clock;
    this.#terminal = terminal(this);
  }

  /** @param clock the gateway's, in whose time it says until when it expects activity */
  static async open(id: string, card: SimulatedEuicc, clock = systemClock): Promise<BenchLink> {
    const connection = await new SoftReader(id, card).connect({ timeoutMs: 1000 });
    const link = new BenchLink(id, clock, (self) => {
      const channel: ApduChannel = new ApduChannel({
        connection,
        link: id,
        clock: systemClock,
        onAnswer: (answer, apdu) => self.#terminal.answered(answer, apdu),
      });
      return new Terminal({
        card: channel,
        clock: systemClock,
        hooks: {
          onSms: (sms) => self.#take(sms.tpdu),
          onIdentity: (now) => {
            self.card = {
              eid: parseEid(card.state.eid),
              ...withoutUndefined({ iccid: now.iccid, imsi: now.imsi }),
            };
          },
        },
      });
    });
    await link.#terminal.activate();
    link.#up = true;
    return link;
  }

  /** As the gateway holds it. */
  get link(): Link {
    const self = this;
    return {
      id: this.id,
      kind: "reader",
      bearer: this,
      describe: () => ({}),
      get state() {
        return self.state;
      },
      get card() {
        return self.card ?? {};
      },
      expectActivity: (until) => {
        self.#job ??= self.#terminal.openJob();
        clearTimeout(self.#jobEnds);
        self.#jobEnds = setTimeout(() => {
          self.#job?.[Symbol.dispose]();
          self.#job = undefined;
        }, until - self.#clock.now()).unref();
      },
    };
  }

  get state() {
    return this.#up ? { up: true } : { up: false, reason: "switched off by the test" };
  }

  set up(up: boolean) {
    this.#up = up;
  }

  onInbound(handler: (item: InboundItem) => Promise<void>): void {
    this.#inbound = handler;
    for (const item of this.#early.splice(0)) void handler(item);
  }

  async submit(sms: OutboundSms, signal: AbortSignal): Promise<SubmitOutcome> {
    this.submitted.push(sms);
    const tpdu = tpduBytes({
      type: "SMS-DELIVER",
      noMoreMessages: !sms.moreToCome,
      loopPrevention: false,
      statusReport: false,
      userDataHeader: sms.userDataHeader,
      replyPath: false,
      originator: parseAddress(`+${sms.from ?? ""}`),
      pid: sms.protocolId,
      dcs: sms.dataCoding,
      scts: timestampOf(Date.now()),
      userData: { length: sms.userData.length, octets: sms.userData },
    });
    return this.#terminal.deliver(tpdu, { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#jobEnds);
    await this.#terminal[Symbol.asyncDispose]();
  }

  async #take(tpdu: Uint8Array): Promise<void> {
    const submit = parseTpdu(tpdu, "SMS-SUBMIT");
    const item: InboundItem = {
      kind: "message",
      userData: submit.userData.octets,
      userDataHeader: submit.userDataHeader,
      protocolId: submit.pid,
      dataCoding: submit.dcs,
      tpdu,
    };
    if (this.#inbound === undefined) this.#early.push(item);
    else await this.#inbound(item);
  }
}

/** A gateway with its store in a temporary folder. */
export class Bench implements AsyncDisposable {
  readonly gateway: Gateway;
  readonly targets: Targets;
  readonly store: SqliteStore;
  readonly folder: string;
  /** What use cases beside those of the gateway are made of. */
  readonly useCaseDeps: SmscConversationsDeps & { readonly store: SqliteStore; readonly jobs: Jobs };
  readonly #links: BenchLink[] = [];

  private constructor(store: SqliteStore, folder: string, clock: Clock, smDps: readonly SmDpCredentials[]) {
    this.store = store;
    this.folder = folder;
    this.gateway = new Gateway({
      store,
      clock,
      random: testRandom(),
      log: silentLog,
      sms: {
        originator: "447700900000",
        serviceCentre: "447700900999",
        answerTimeoutMs: 2000,
        envelopeAnswerTimeoutMs: 1000,
        retransmissions: 2,
      },
      notifications: "local",
      smDps,
    });
    this.targets = this.gateway.targets;
    this.useCaseDeps = { store, jobs: this.gateway.jobs, feed: feedJob, clock, log: silentLog };
  }

  static async open(
    folder = mkdtempSync(join(tmpdir(), "otagate-gateway-")),
    clock = systemClock,
    smDps: readonly SmDpCredentials[] = [],
  ): Promise<Bench> {
    const store = await SqliteStore.open(folder, sealWith(new Secret(Buffer.alloc(32, 7))));
    return new Bench(store, folder, clock, smDps);
  }

  /** Imports the card as a target and puts it into a link. */
  async add(card: SimulatedEuicc, id = "reader A"): Promise<BenchLink> {
    await this.targets.import(plainEis(card));
    const link = await BenchLink.open(id, card, this.useCaseDeps.clock);
    this.#links.push(link);
    this.gateway.attach(link.link);
    return link;
  }

  async run(order: NewJob): Promise<Job> {
    const { job } = await this.gateway.jobs.submit(order);
    return this.ended(job.id);
  }

  async ended(id: JobId, ms = 15_000): Promise<Job> {
    return this.until(async () => {
      const job = await this.gateway.jobs.get(id);
      return hasEnded(job) ? job : undefined;
    }, ms);
  }

  async until<T>(probe: () => Promise<T | undefined>, ms = 15_000): Promise<T> {
    for (const end = Date.now() + ms; Date.now() < end; ) {
      const found = await probe();
      if (found !== undefined) return found;
      await systemClock.sleep(10);
    }
    throw new Error("it did not happen in time");
  }

  async events(): Promise<string[]> {
    return (await this.store.read((r) => r.events.after(0, 1000))).map((event) => event.type);
  }

  async close(): Promise<void> {
    await this.gateway.stop();
    for (const { type, data } of await this.store.read((r) => r.events.after(0, 1000))) {
      if (!isEventType(type)) throw new Error(`no event type of the catalogue: ${type}`);
      eventCatalogue[type].data.strict().parse(data);
    }
    await Promise.all(this.#links.map((link) => link[Symbol.asyncDispose]()));
    await this.store[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A gateway that is started, with a card that is imported and in a reader. */
export async function benchWith(card = euicc(), clock = systemClock) {
  const bench = await Bench.open(undefined, clock);
  await bench.gateway.start();
  const link = await bench.add(card);
  return { bench, card, link, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() };
}

/** A card with the standard fixture. */
export function euicc(options: FixtureOptions & { misbehaviour?: Misbehaviour } = {}): SimulatedEuicc {
  const { misbehaviour, ...fixture } = options;
  return new SimulatedEuicc({
    state: createEuiccState(fixture),
    ...withoutUndefined({ misbehaviour }),
  });
}

/** What an operator knows of the card, as JSON for the import. */
export function plainEis(card: SimulatedEuicc): unknown {
  const { eid, isdR, profiles, ecasd } = card.state;
  return {
    eid,
    ecasd: { certificate: ecasd.certificate },
    isdR: {
      keySets: isdR.keySets.map(({ kvn, type, keys, ...rest }) => ({
        kvn,
        type,
        keys,
        ...("cntr" in rest ? { cntr: rest.cntr } : {}),
      })),
    },
    profiles: profiles.map((profile) => ({
      aid: profile.aid,
      iccid: profile.iccid,
      imsi: profile.imsi,
      state: profile.state,
      fallback: "fallback" in profile ? profile.fallback : false,
    })),
  };
}

export { toHex };
