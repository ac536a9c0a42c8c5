import type { Clock } from "../../../base/clock.ts";
import { withoutUndefined } from "../../../base/defined.ts";
import { asGatewayError, isGatewayError } from "../../../base/gateway-error.ts";
import { toHex } from "../../../base/hex.ts";
import { KeyedQueue } from "../../../base/keyed-queue.ts";
import {
  acknowledge,
  deleteMessage,
  indications,
  listMessages,
  type MemoryUse,
  parsePdu,
  readMessage,
  type StoredPdu,
  setIndications,
} from "../../../codec/at/sms-commands.ts";
import { headerLength, parseStored, type Urc } from "../../../codec/at/urc.ts";
import { showAddress } from "../../../codec/sms/address.ts";
import { countsSeptets } from "../../../codec/sms/data-coding.ts";
import { smsOutcome } from "../../../codec/sms/status-names.ts";
import { parseTpdu, receivedTpdu } from "../../../codec/sms/tpdu.ts";
import type { Log } from "../../driver.ts";
import type { InboundItem } from "../../sms-bearer.ts";
import { traceFrame } from "../../trace.ts";
import type { AtEngine } from "../at/at-engine.ts";
import { ask, isRefusal, isUnanswered } from "../questions.ts";
import type { CardMailbox } from "./card-mailbox.ts";
import { MessageMemory } from "./message-memory.ts";
import type { SeenMessages } from "./seen-messages.ts";
import type { SentMessages } from "./sent-messages.ts";

/** What the inbox needs. */
interface SmsInboxDeps {
  readonly engine: AtEngine;
  readonly link: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly sent: SentMessages;
  /** Messages received before, by their TPDU; kept across restarts of the modem. */
  readonly seen: SeenMessages;
  readonly phase2plus: boolean;
  /** Messages for the card that the modem stored. */
  readonly mailbox?: CardMailbox;
  /** Resolves when the item is durable; only then it is acknowledged and deleted. */
  readonly deliver: (item: InboundItem) => Promise<void>;
}

/** A missed acknowledgement within this time makes the modem refuse the message. */
const acknowledgeWithinMs = 10_000;
const fullFrom = 0.8;
const reportPatienceMs = 3_000;
/** Maximum number of notices of stored messages that wait to be processed. */
const maxStoredWaiting = 8;
/** Number of slots read if the modem neither lists them nor reports their number. */
const slotsTried = 20;

/**
 * Receives the messages of a modem however it reports them: by +CMT, +CMTI, +CDS, +CDSI, or when its memories are read.
 */
export class SmsInbox {
  readonly #deps: SmsInboxDeps;
  readonly #queue = new KeyedQueue<"direct" | "memory">();
  readonly #memory: MessageMemory;
  #setting: string | undefined;
  /** The modem refuses the query of the setting or is slow to answer it: it is not queried again. */
  #silent = false;
  #refusalTold = false;
  #storedWaiting = 0;
  #pollWanted = false;
  #acknowledges: boolean;
  #stop = () => {};
  #closed = false;

  constructor(deps: SmsInboxDeps) {
    this.#deps = deps;
    this.#memory = new MessageMemory(deps.engine);
    const rule = deps.engine.profile.file.sms?.acknowledge;
    this.#acknowledges = rule === "always" || (rule === "when-phase2+" && deps.phase2plus);
  }

  /** The +CNMI setting in force, undefined if none was accepted. */
  get setting(): string | undefined {
    return this.#setting;
  }

  /** Sets the indications and reads the messages already stored. */
  async start(): Promise<void> {
    this.#stop = this.#deps.engine.onUrc((urc) => this.#onUrc(urc));
    await this.#chooseIndications();
    this.#inBackground(this.poll());
  }

  close(): void {
    this.#closed = true;
    this.#stop();
  }

  /** Reads every memory: class 2 messages and those that arrived before the bearer was ready are not announced. */
  async poll(): Promise<void> {
    if (this.#deps.engine.profile.quirks.has("no-message-storage")) return;
    const memories = this.#deps.engine.profile.file.sms?.storages ?? [];
    let chosen = 0;
    for (const memory of memories) if (await this.#queue.run("memory", () => this.#pollMemory(memory))) chosen++;
    // A modem without a choice of memories has one, or reads from all of them.
    if (chosen === 0 && memories.length > 0) await this.#queue.run("memory", () => this.#takeAll(undefined));
  }

  /**
   * Modems forget the setting after a missed acknowledgement, a switch or a registration: reads it back, sets it again.
   */
  async checkIndications(): Promise<boolean> {
    const { engine, link, log } = this.#deps;
    if (this.#setting === undefined) {
      await this.#chooseIndications();
      return false;
    }
    const setting = this.#silent ? undefined : await ask(engine, indications, undefined);
    this.#silent = setting === undefined;
    if (setting === undefined) return true;
    const [, mt = 0, , ds = 0] = setting;
    const wanted = this.#setting.split(",").map(Number);
    if (mt === (wanted[1] ?? 0) && ds === (wanted[3] ?? 0)) return true;
    log.warn({ link, mt, ds }, "the modem lost its +CNMI setting; setting it again");
    await this.#chooseIndications();
    return false;
  }

  async #chooseIndications(): Promise<void> {
    const { engine, link, log } = this.#deps;
    const before = this.#setting;
    const candidates = engine.profile.file.sms?.indications ?? [];
    for (const candidate of before === undefined ? candidates : [before, ...candidates]) {
      try {
        await engine.run(setIndications, candidate);
      } catch (error) {
        if (!isUnanswered(engine, error)) throw error;
        continue;
      }
      this.#setting = candidate;
      this.#refusalTold = false;
      return;
    }
    this.#setting = undefined;
    if (!this.#refusalTold) {
      log.warn({ link, candidates }, "the modem accepted no +CNMI setting; messages are polled");
    }
    this.#refusalTold = true;
  }

  #onUrc(urc: Urc): void {
    if (urc.event === "sms-direct" || urc.event === "status-report") {
      this.#inBackground(this.#queue.run("direct", () => this.#takeDirect(urc)));
    } else if (urc.event === "sms-stored" || urc.event === "report-stored") {
      this.#onStored(urc);
    } else if (urc.event === "storage-full") {
      this.#inBackground(this.poll());
    } else if (urc.event === "cms-async") {
      this.#inBackground(this.#chooseIndications());
    }
  }

  /** One by one; if there are too many notices, the remaining messages are found by reading the memories once. */
  #onStored(urc: Urc): void {
    if (this.#storedWaiting >= maxStoredWaiting) {
      this.#pollWanted = true;
      return;
    }
    this.#storedWaiting++;
    const taken = this.#queue
      .run("memory", () => this.#takeStored(urc))
      .finally(() => {
        this.#storedWaiting--;
        if (this.#storedWaiting > 0 || !this.#pollWanted) return;
        this.#pollWanted = false;
        this.#inBackground(this.poll());
      });
    this.#inBackground(taken);
  }

  /** Failures here only go to the log; the next poll tries again. */
  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (this.#closed || !this.#deps.engine.alive) return;
      const { link, log } = this.#deps;
      log.warn({ link, error: asGatewayError(error).toJSON() }, "failed to store an incoming message; trying again");
    });
  }

  async #takeDirect(urc: Urc): Promise<void> {
    const { clock } = this.#deps;
    const report = urc.event === "status-report";
    const started = clock.monotonic();
    const taken = await this.#take(urc.data ?? "", report, headerLength(urc.text)).then(
      () => true,
      (thrown: unknown) => {
        const { link, log } = this.#deps;
        const error = asGatewayError(thrown);
        const octets = Math.floor((urc.data ?? "").length / 2);
        log.warn({ link, octets, error: error.toJSON() }, "failed to store a message; requesting a repeat");
        return false;
      },
    );
    const late = clock.monotonic() - started > acknowledgeWithinMs;
    await this.#acknowledge(taken, report);
    if (late || !taken) await this.checkIndications();
  }

  /**
   * Acknowledges +CMT and +CDS ahead of all other work; a superfluous acknowledgement is answered with 340, which is
   * harmless. TS 27.005 §3.4.4
   */
  async #acknowledge(taken: boolean, report: boolean): Promise<void> {
    const { engine, link, log } = this.#deps;
    if (!this.#acknowledges || (report && engine.profile.quirks.has("cnma-not-after-cds"))) return;
    try {
      await engine.run(acknowledge, taken ? 1 : 2, { urgency: "urgent" });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (error.detail.cms === 340) return;
      try {
        if (taken) await engine.run(acknowledge, 0, { urgency: "urgent" });
      } catch (again) {
        log.warn({ link, error: asGatewayError(again).toJSON() }, "the modem refused +CNMA");
        await this.checkIndications();
      }
    }
  }

  async #takeStored(urc: Urc): Promise<void> {
    const { memory, index } = parseStored(urc.text);
    await this.#memory.select(memory);
    const stored = await this.#readSlot(index);
    if (stored !== undefined) await this.#takeAndDelete({ ...stored, index });
  }

  async #readSlot(index: number): Promise<StoredPdu | undefined> {
    try {
      return await this.#deps.engine.run(readMessage, index);
    } catch (error) {
      if (isGatewayError(error) && (error.detail.cms === 321 || error.detail.cme === 21 || error.detail.cme === 22))
        return undefined;
      throw error;
    }
  }

  /** False when there is no such memory. */
  async #pollMemory(memory: string): Promise<boolean> {
    const use = await this.#memory.select(memory);
    if (use === "refused") return false;
    await this.#takeAll(use);
    return true;
  }

  async #takeAll(use: MemoryUse | undefined): Promise<void> {
    if (use?.used === 0) return;
    const crowded = use !== undefined && use.total > 0 && use.used / use.total >= fullFrom;
    for (const stored of await this.#listMemory(use)) await this.#takeAndDelete(stored, crowded);
  }

  async #listMemory(use: MemoryUse | undefined): Promise<readonly StoredPdu[]> {
    const { engine } = this.#deps;
    if (engine.profile.file.sms?.list !== false) {
      const listed = await engine.run(listMessages, undefined).catch((error: unknown) => {
        if (isRefusal(error) && use !== undefined) return undefined;
        throw error;
      });
      if (listed !== undefined) return listed;
    }
    const { used, total } = use ?? { used: slotsTried, total: slotsTried };
    const found: StoredPdu[] = [];
    for (let index = 0; index <= total && found.length < used; index++) {
      const stored = await this.#readSlot(index);
      if (stored !== undefined) found.push({ ...stored, index });
    }
    return found;
  }

  async #takeAndDelete(stored: StoredPdu, crowded = false): Promise<void> {
    const { engine, link, log } = this.#deps;
    if (stored.status > 1) {
      if (stored.status === 3 && crowded) await engine.run(deleteMessage, stored.index);
      return;
    }
    const kept = await this.#forCard(stored, crowded);
    if (kept === "left") return;
    try {
      if (kept === "ours") await this.#take(stored.pdu, false, stored.length);
    } catch (error) {
      if (!isGatewayError(error) || !error.code.startsWith("codec.")) throw error;
      log.warn({ link, index: stored.index, error: error.toJSON() }, "unreadable stored message");
      if (!crowded || !(await this.#isStillStored(stored))) return;
    }
    await engine.run(deleteMessage, stored.index);
  }

  /** Whether a second read of the memory gives the same: a message that the line corrupted must not be deleted. */
  async #isStillStored({ index, pdu }: StoredPdu): Promise<boolean> {
    return (await this.#readSlot(index))?.pdu === pdu;
  }

  /**
   * A message for the card is passed to the card, or stays in the memory; if the memory is nearly full, it is kept by
   * the mailbox instead.
   */
  async #forCard({ pdu, index }: StoredPdu, crowded: boolean): Promise<"handed" | "left" | "ours"> {
    const { mailbox, link, log } = this.#deps;
    const owner = mailbox?.ownerOf(pdu) ?? "host";
    if (mailbox === undefined || owner === "host") return "ours";
    if (owner === "card" && (await mailbox.hand(pdu))) return "handed";
    log.warn({ link, index, crowded }, "the modem stored a message for its card and does not pass it on");
    return crowded ? "ours" : "left";
  }

  /** Delivers one PDU; resolves when it is durable. A TPDU that was received before counts as delivered. */
  async #take(pdu: string, report: boolean, announced: number | undefined): Promise<void> {
    const { tpdu: octets } = parsePdu(pdu);
    const isReport = report || ((octets[0] ?? 0) & 0x03) === 2;
    const tpdu = isReport
      ? receivedTpdu(octets, "SMS-STATUS-REPORT", announced).octets
      : receivedTpdu(octets, "SMS-DELIVER", announced).octets;
    const { link, seen, clock } = this.#deps;
    const key = toHex(tpdu);
    if (seen.has(key, clock.now())) return;
    traceFrame({ kind: "tpdu", dir: "in", link, bytes: tpdu });
    await this.#deps.deliver(isReport ? await this.#receipt(tpdu) : message(tpdu));
    seen.add(key, clock.now());
  }

  async #receipt(tpdu: Uint8Array): Promise<InboundItem> {
    const { sent, clock } = this.#deps;
    const report = parseTpdu(tpdu, "SMS-STATUS-REPORT");
    if (sent.find(report) === undefined) await sent.settled(clock.sleep(reportPatienceMs));
    const reference = sent.find(report);
    const outcome = smsOutcome(report.status);
    const state =
      outcome === "delivered" || outcome === "pending" ? outcome : outcome === "reserved" ? "unknown" : "failed";
    if (reference !== undefined && state !== "pending") sent.done(reference);
    return {
      kind: "receipt",
      ...withoutUndefined({ reference }),
      networkReference: String(report.reference),
      state,
      networkStatus: report.status,
    };
  }
}

function message(tpdu: Uint8Array): InboundItem {
  const deliver = parseTpdu(tpdu, "SMS-DELIVER");
  return {
    kind: "message",
    from: showAddress(deliver.originator),
    userData: deliver.userData.octets,
    ...(countsSeptets(deliver.dcs) && deliver.userData.length !== undefined
      ? { userDataLength: deliver.userData.length }
      : {}),
    userDataHeader: deliver.userDataHeader,
    protocolId: deliver.pid,
    dataCoding: deliver.dcs,
    tpdu,
  };
}
