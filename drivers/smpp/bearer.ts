import { withoutUndefined } from "../../src/base/defined.ts";
import { detach } from "../../src/base/detach.ts";
import { GatewayError, isGatewayError } from "../../src/base/gateway-error.ts";
import { LimitedLog } from "../../src/base/limited-log.ts";
import type { Body } from "../../src/codec/smpp/bodies.ts";
import { canonicalId, isUselessId, responseSpellings } from "../../src/codec/smpp/message-id.ts";
import { stateOfRefusal } from "../../src/codec/smpp/message-state.ts";
import type { Pdu, RequestCommand, ResponseCommand } from "../../src/codec/smpp/pdu.ts";
import type { Receipt } from "../../src/codec/smpp/receipt.ts";
import { status, statusName } from "../../src/codec/smpp/status.ts";
import type { DriverDeps } from "../../src/link/driver.ts";
import type { NetworkBearer, SelfTest, SelfTestReport, SmsCoding } from "../../src/link/network-bearer.ts";
import { reported } from "../../src/link/reported.ts";
import { EsmeLink } from "../../src/link/smpp/esme-link.ts";
import { ReceiptMatcher } from "../../src/link/smpp/receipt-matcher.ts";
import type { Reply } from "../../src/link/smpp/session-contract.ts";
import type { SmppStream } from "../../src/link/smpp/stream.ts";
import type { InboundItem, OutboundSms, SubmitOutcome } from "../../src/link/sms-bearer.ts";
import { submitFate } from "../../src/link/sms-bearer.ts";
import type { SmppAccount } from "./account.ts";
import { readDelivery, receiptState, receiptVerdict, receiptWords } from "./inbound.ts";
import { linkOptions } from "./link-options.ts";
import { submitRequest } from "./outbound.ts";
import { testSmsc } from "./self-test.ts";

/** What a bearer over SMPP needs: its place, its account, a way to connect. */
interface SmppBearerDeps extends DriverDeps {
  readonly connect: (signal: AbortSignal) => Promise<SmppStream>;
}

const handlerWaitMs = 5_000;

/** Carries short messages over one account at an SMSC. */
export class SmppBearer implements NetworkBearer {
  readonly id: string;
  readonly kind = "smsc";
  /** Called when the link comes up or goes down. */
  onChange: () => void = () => {};
  readonly #account: SmppAccount;
  readonly #deps: SmppBearerDeps;
  readonly #link: EsmeLink;
  readonly #receipts: ReceiptMatcher;
  readonly #handler: Promise<(item: InboundItem) => Promise<void>>;
  #register: (handler: (item: InboundItem) => Promise<void>) => void = () => {};
  #echo: number;

  constructor(id: string, systemId: string, account: SmppAccount, given: SmppBearerDeps) {
    const deps = { ...given, log: new LimitedLog(given.log, given.clock) };
    this.id = id;
    this.#account = account;
    this.#deps = deps;
    this.#echo = Math.floor(deps.random() * 0x10000);
    this.#receipts = new ReceiptMatcher(account.messageId, account.receiptHoldMs, deps.clock);
    this.#handler = new Promise((resolve) => {
      this.#register = resolve;
    });
    this.#link = new EsmeLink((pdu) => this.#take(pdu), linkOptions(id, systemId, account), deps);
    this.#link.onChange = () => this.onChange();
    this.#link.start();
  }

  get state(): { readonly up: boolean; readonly reason?: string } {
    if (this.#link.up) return { up: true };
    return { up: false, reason: this.binds.map((bind) => bind.reason).find((one) => one !== undefined) ?? "not bound" };
  }

  /** Each bind: up or why not, mode, requests in flight. */
  get binds(): EsmeLink["binds"] {
    return this.#link.binds;
  }

  /** What waits and what is in flight, the rate in use, and how this SMSC spells ids. */
  get load(): EsmeLink["load"] & { readonly messageIdForm: string } {
    return { ...this.#link.load, messageIdForm: this.#receipts.form };
  }

  /** Plain numbers for metrics: gauges of now, and counters since the start. */
  get numbers(): { readonly now: Readonly<Record<string, number>>; readonly total: Readonly<Record<string, number>> } {
    const { queued, inFlight, rate, paused } = this.#link.load;
    const bindsUp = this.binds.filter((bind) => bind.up).length;
    const window = this.#account.window * bindsUp;
    // Without a limit, Infinity.
    const limit = Number.isFinite(rate) ? { rate } : {};
    return { now: { bindsUp, window, inFlight, queued, paused: paused ? 1 : 0, ...limit }, total: this.#link.counters };
  }

  /** How the account codes messages for a card. */
  get coding(): SmsCoding {
    const { dataCoding, destAddrSubunit } = this.#account;
    return { dataCoding, ...withoutUndefined({ destAddrSubunit }) };
  }

  /** Each bind, what waits and what is in flight. */
  describe(): Readonly<Record<string, unknown>> {
    return { account: this.id, binds: this.binds, ...this.load };
  }

  /** Ends all sessions and binds again. */
  reconnect(): void {
    this.#link.rebind();
  }

  /** {@link testSmsc} with the account's own coding first. */
  selfTest(test: SelfTest, signal: AbortSignal): Promise<SelfTestReport> {
    return testSmsc({ ...test, configured: this.coding }, signal);
  }

  onInbound(handler: (item: InboundItem) => Promise<void>): void {
    this.#register(handler);
  }

  submit(sms: OutboundSms, signal: AbortSignal): Promise<SubmitOutcome> {
    return this.submitVariant(sms, sms.coding ?? {}, signal);
  }

  /** {@link submit} with other settings than the account's. @throws GatewayError with `fate` */
  async submitVariant(sms: OutboundSms, variant: SmsCoding, signal: AbortSignal): Promise<SubmitOutcome> {
    const echo = sms.receipt && this.#account.userMessageReference ? this.#nextEcho() : undefined;
    const { command, body } = this.#request(sms, echo, variant);
    if (sms.receipt) this.#receipts.leaving(sms.reference, sms.to ?? "", echo);
    try {
      const late = (pdu: Pdu<ResponseCommand>) =>
        detach(this.#late(sms, pdu), reported(this.#deps.log, "failed to process a late response", { link: this.id }));
      const response = await this.#link.submit(command, body, { key: sms.to ?? "", signal, late });
      const id = response.body !== undefined && "messageId" in response.body ? response.body.messageId : "";
      if (sms.receipt) this.#receipts.accepted(sms.reference, id);
      return isUselessId(id) ? { at: "accepted" } : { at: "accepted", networkReference: id };
    } catch (error) {
      if (sms.receipt) this.#receipts.failed(sms.reference, isGatewayError(error) && submitFate(error) === "not-sent");
      throw error;
    }
  }

  echoOf(reference: string): number | undefined {
    return this.#receipts.echoOf(reference);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]();
  }

  #nextEcho(): number {
    this.#echo = (this.#echo + 1) & 0xffff;
    return this.#echo;
  }

  #request(sms: OutboundSms, echo: number | undefined, variant: SmsCoding) {
    try {
      return submitRequest(sms, this.#account, this.#deps.clock.now(), echo, variant);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      throw error.with({ fate: "not-sent" });
    }
  }

  async #take(pdu: Pdu<RequestCommand>): Promise<Reply> {
    switch (pdu.command) {
      case "deliver_sm":
      case "data_sm":
        return this.#delivered(pdu.body);
      case "alert_notification":
      case "outbind":
        this.#deps.log.info({ link: this.id, command: pdu.command, about: sourceOf(pdu) }, "notice from the SMSC");
        return { status: 0 };
      default:
        return { status: status.ESME_RINVCMDID };
    }
  }

  async #delivered(body: Body<"deliver_sm"> | Body<"data_sm">): Promise<Reply> {
    const taken = { status: 0, body: { messageId: "", tlvs: {} } };
    try {
      const delivery = readDelivery(body, this.#account.mendMissingUdhi);
      if (delivery.is === "noise") {
        this.#deps.log.info({ link: this.id, kind: delivery.kind }, "SME acknowledgement accepted and ignored");
        return taken;
      }
      if (delivery.is === "message" && delivery.mended) {
        this.#deps.log.warn({ link: this.id, from: body.source.addr }, "packet without header indicator accepted");
      }
      const item = delivery.is === "message" ? delivery.item : await this.#receiptItem(delivery.receipt, delivery.of);
      await this.#hand(item);
      return taken;
    } catch (error) {
      const never = isGatewayError(error) && error.retry === "never";
      this.#deps.log.error({ link: this.id, error: String(error) }, "delivery not accepted");
      return { status: never ? status.ESME_RX_P_APPN : status.ESME_RX_T_APPN };
    }
  }

  /** The answer to a submit whose fate was unknown: handed on like a receipt, as its caller no longer waits. */
  async #late(sms: OutboundSms, pdu: Pdu<ResponseCommand>): Promise<void> {
    const id = pdu.body !== undefined && "messageId" in pdu.body ? pdu.body.messageId : "";
    const name = statusName(pdu.status);
    this.#deps.log.warn({ link: this.id, reference: sms.reference, status: name }, "late response to a submit");
    if (sms.receipt && pdu.status === 0) this.#receipts.accepted(sms.reference, id);
    const named = isUselessId(id) ? {} : { networkReference: id };
    const taken = pdu.status === 0;
    const verdict = taken ? {} : { state: stateOfRefusal(pdu.status), commandStatus: pdu.status };
    const state = taken ? ("pending" as const) : ("failed" as const);
    try {
      await this.#hand({ kind: "receipt", reference: sms.reference, ...named, state, networkStatus: name, verdict });
    } catch (error) {
      this.#deps.log.error({ link: this.id, error: String(error) }, "failed to process a late response");
    }
  }

  async #receiptItem(receipt: Receipt, of: string): Promise<InboundItem> {
    const reference = await this.#receipts.find(receipt, of);
    const id = receipt.id === undefined || isUselessId(receipt.id) ? undefined : receipt.id;
    const others = id === undefined ? [] : responseSpellings(id, this.#receipts.form);
    const { userMessageReference: echo } = receipt;
    const to = of.replace(/^\+/, "");
    return {
      kind: "receipt",
      ...withoutUndefined({ reference }),
      ...(id === undefined
        ? {}
        : { networkReference: id, otherReferences: others.filter((one) => one !== canonicalId(id)) }),
      ...(echo === undefined || to === "" ? {} : { echo: { reference: echo, to } }),
      state: receiptState(receipt),
      networkStatus: receiptWords(receipt),
      verdict: receiptVerdict(receipt),
    };
  }

  async #hand(item: InboundItem): Promise<void> {
    const over = new AbortController();
    try {
      const handler = await Promise.race([
        this.#handler,
        this.#deps.clock.sleep(handlerWaitMs, over.signal).then(() => {
          throw new GatewayError("link.busy", "inbound messages have no handler yet");
        }),
      ]);
      await handler(item);
    } finally {
      over.abort();
    }
  }
}

function sourceOf(pdu: Pdu<"alert_notification" | "outbind">): string {
  return pdu.command === "alert_notification" ? pdu.body.source.addr : pdu.body.systemId;
}
