import type { Clock } from "../../../base/clock.ts";
import { withoutUndefined } from "../../../base/defined.ts";
import { detach } from "../../../base/detach.ts";
import { deviceChannel } from "../../../codec/cat/device.ts";
import { channelStatusEvent, dataAvailableEvent } from "../../../codec/cat/envelope.ts";
import { catObject, findObject, findTlv } from "../../../codec/cat/object.ts";
import type { ProactiveCommand } from "../../../codec/cat/proactive.ts";
import { bipProblem } from "../../../codec/cat/result.ts";
import { type Log, silentLog } from "../../driver.ts";
import { reported } from "../../reported.ts";
import { traceFrame } from "../../trace.ts";
import { type Answer, answer, beyondCapabilities, success } from "../answer.ts";
import type { ChannelService, RaiseEvent } from "../terminal/channel-service.ts";
import { BipChannel } from "./bip-channel.ts";
import { answerDns } from "./dns-responder.ts";
import { type OpenRequest, openAnswerObjects, openRequest } from "./open-request.ts";
import { type BipRules, type Route, resolveName, route } from "./rules.ts";
import type { BipConnector, BipSocket, SocketEvents } from "./sockets.ts";

/** What {@link BipService} needs. */
interface BipDeps {
  readonly connector: BipConnector;
  readonly clock: Clock;
  /** Called at each OPEN CHANNEL, so that changes apply at once. */
  readonly rules: () => BipRules;
  /** Link id for traces. */
  readonly link: string;
  /** 1 to 7; 7 unless given. */
  readonly channels?: number;
  /** Largest buffer that is granted, octets; 8192 unless given. */
  readonly maxBuffer?: number;
  /** Time for a TCP connection, ms; 30 s unless given. */
  readonly connectMs?: number;
  readonly log?: Log;
}

/** One channel for display. */
interface DescribedChannel {
  readonly channel: number;
  readonly asked: string;
  readonly leadsTo: string;
  readonly accessPoint?: string;
  readonly link: string;
  /** Port of the host's own end while the link is up. */
  readonly localPort?: number;
  readonly waiting: number;
  readonly bufferSize: number;
}

/** Octets of RECEIVE DATA that one TERMINAL RESPONSE holds. ETSI TS 102 223 §6.8 */
const maxReceive = 237;

const bipError = (problem: number, objects?: Answer["objects"]): Answer =>
  objects === undefined
    ? { result: "bipError", additional: [problem] }
    : { result: "bipError", additional: [problem], objects };

/** The channel of a command, or the refusal for one that was closed or never opened. */
type Found = { readonly channel: BipChannel } | { readonly refusal: Answer };

/**
 * The terminal's side of the bearer independent protocol: channels of one card, bridged to sockets that the rules
 * allow. ETSI TS 102 223 §6.4.27 to §6.4.31
 */
export class BipService implements ChannelService {
  readonly channels: number;
  readonly #deps: BipDeps;
  readonly #open = new Map<number, BipChannel>();
  /** Identifiers used since the card was reset. */
  readonly #used = new Set<number>();
  #raise: RaiseEvent = () => undefined;

  constructor(deps: BipDeps) {
    this.#deps = deps;
    this.channels = Math.max(1, Math.min(7, deps.channels ?? 7));
  }

  onEvent(raise: RaiseEvent): void {
    this.#raise = raise;
  }

  async execute(command: ProactiveCommand): Promise<Answer> {
    switch (command.name) {
      case "openChannel":
        return this.#openChannel(command);
      case "closeChannel":
        return this.#closeChannel(command);
      case "sendData":
        return this.#sendData(command);
      case "receiveData":
        return this.#receiveData(command);
      case "getChannelStatus":
        return this.#channelStatus();
      default:
        return beyondCapabilities;
    }
  }

  closeAll(): void {
    for (const channel of this.#open.values()) channel.close(false);
    this.#open.clear();
    this.#used.clear();
  }

  describe(): readonly DescribedChannel[] {
    return [...this.#open.values()].map((channel) => ({
      channel: channel.id,
      asked: destinationText(channel.request.destination),
      leadsTo: channel.route.kind === "dns" ? "DNS of the terminal" : destinationText(channel.route.to),
      ...withoutUndefined({ accessPoint: channel.request.accessPoint }),
      link: channel.link.at === "dropped" ? `dropped: ${channel.link.why}` : channel.link.at,
      ...localPort(channel),
      waiting: channel.waiting,
      bufferSize: channel.bufferSize,
    }));
  }

  async #openChannel(command: ProactiveCommand): Promise<Answer> {
    const request = openRequest(command);
    if ("result" in request) return request;
    const limit = this.#deps.maxBuffer ?? 8192;
    const bufferSize = request.bufferSize === 0 ? limit : Math.min(request.bufferSize, limit);
    const objects = openAnswerObjects(request.bearer, bufferSize);
    const id = this.#freeChannel();
    if (id === undefined) return bipError(bipProblem.noChannel, objects);
    const way = route(this.#deps.rules(), request.destination);
    this.#report(id, request, way);
    if (way.kind === "refuse") return bipError(bipProblem.notReachable, objects);
    const channel = this.#newChannel(id, request, way, bufferSize);
    if (request.moment === "immediate" || request.destination.protocol === "udp") {
      if (!(await channel.connect())) {
        this.#open.delete(id);
        return bipError(bipProblem.notReachable, objects);
      }
    } else if (request.moment === "background")
      detach(this.#connectBehind(channel), reported(this.#deps.log ?? silentLog, "a BIP connection failed"));
    this.#used.add(id);
    const status = catObject("channelStatus", channel.status);
    return answer(bufferSize === request.bufferSize ? "success" : "modified", [status, ...objects]);
  }

  /** The lowest free identifier; as a last resort, one whose link dropped and that the card never closed. */
  #freeChannel(): number | undefined {
    for (let id = 1; id <= this.channels; id++) if (!this.#open.has(id)) return id;
    for (const channel of this.#open.values()) {
      if (!channel.finished) continue;
      channel.close(false);
      this.#open.delete(channel.id);
      return channel.id;
    }
    return undefined;
  }

  #newChannel(
    id: number,
    request: OpenRequest,
    way: Exclude<Route, { kind: "refuse" }>,
    bufferSize: number,
  ): BipChannel {
    const { clock, connector, link } = this.#deps;
    const channel = new BipChannel({
      id,
      request,
      route: way,
      bufferSize,
      clock,
      connectMs: this.#deps.connectMs ?? 30_000,
      open: (events, signal) =>
        way.kind === "dns" ? Promise.resolve(this.#dnsSocket(events)) : connector.connect(way.to, events, signal),
      signals: {
        onData: (one) => this.#dataAvailable(one),
        onStatus: (one) => this.#statusChanged(one),
        onOctets: (one, dir, bytes) => traceFrame({ kind: "bip", dir, link, bytes, facts: { channel: one.id } }),
      },
    });
    this.#open.set(id, channel);
    return channel;
  }

  /** The terminal's own DNS resolver: queries are answered from the rules. */
  #dnsSocket(events: SocketEvents): BipSocket {
    return {
      write: async (octets) => {
        const reply = answerDns(octets, (name) => resolveName(this.#deps.rules(), name));
        if (reply !== undefined) events.onData(reply);
      },
      pause: () => undefined,
      resume: () => undefined,
      end: () => undefined,
      destroy: () => undefined,
    };
  }

  async #connectBehind(channel: BipChannel): Promise<void> {
    await channel.connect();
    if (this.#open.get(channel.id) === channel) this.#statusChanged(channel);
  }

  #dataAvailable(channel: BipChannel): void {
    const make = () => {
      const current = this.#open.get(channel.id) === channel && channel.waiting > 0 && !channel.cardKnows;
      return current ? dataAvailableEvent(channel.status, channel.waiting) : undefined;
    };
    this.#raise("dataAvailable", make, () => {
      channel.cardKnows = true;
    });
  }

  #statusChanged(channel: BipChannel): void {
    this.#raise("channelStatus", () => {
      if (this.#open.get(channel.id) !== channel) return undefined;
      const bearer = channel.request.moment === "background" && channel.link.at === "up";
      return channelStatusEvent(
        channel.status,
        bearer ? [catObject("bearerDescription", channel.request.bearer, true)] : [],
      );
    });
  }

  #find(command: ProactiveCommand): Found {
    const id = deviceChannel(command.devices.destination);
    const channel = id === undefined ? undefined : this.#open.get(id);
    if (channel !== undefined) return { channel };
    const known = id !== undefined && this.#used.has(id);
    return { refusal: bipError(known ? bipProblem.channelClosed : bipProblem.channelInvalid) };
  }

  #closeChannel(command: ProactiveCommand): Answer {
    const found = this.#find(command);
    if ("refusal" in found) return found.refusal;
    this.#open.delete(found.channel.id);
    found.channel.close(true);
    this.#note(found.channel.id, "closed by the card");
    return success;
  }

  async #sendData(command: ProactiveCommand): Promise<Answer> {
    const data = findTlv(command.objects, "channelData");
    if (data === undefined) return { result: "valuesMissing" };
    const found = this.#find(command);
    if ("refusal" in found) return found.refusal;
    const { channel } = found;
    const room = () => answer("success", [catObject("channelDataLength", Math.min(channel.room, 255), true)]);
    if ((command.details.qualifier & 0x01) === 0) {
      if (channel.link.at === "dropped" && !channel.request.reconnect) return bipError(bipProblem.channelClosed);
      return channel.store(data.value) ? room() : bipError(bipProblem.none);
    }
    const wasUp = channel.link.at !== "waiting";
    const outcome = await channel.sendNow(data.value);
    if (outcome === "sent") return room();
    if (outcome === "full") return bipError(bipProblem.none);
    return bipError(wasUp ? bipProblem.channelClosed : bipProblem.notReachable);
  }

  /** ETSI TS 102 223 §6.4.29 */
  #receiveData(command: ProactiveCommand): Answer {
    const wanted = findObject(command.objects, "channelDataLength");
    if (wanted === undefined) return { result: "valuesMissing" };
    const found = this.#find(command);
    if ("refusal" in found) return found.refusal;
    const { channel } = found;
    if (channel.finished) return bipError(bipProblem.channelClosed);
    const octets = channel.take(Math.min(wanted, maxReceive));
    const left = channel.waiting;
    const data = octets.length === 0 ? [] : [catObject("channelData", octets, true)];
    const objects = [...data, catObject("channelDataLength", Math.min(left, 255), true)];
    if (octets.length >= wanted) return answer("success", objects);
    // More octets wait than requested, or a datagram ended early.
    if (left > 0) return answer(octets.length === maxReceive ? "modified" : "success", objects);
    return answer("missingInformation", objects);
  }

  #channelStatus(): Answer {
    const all = [...this.#open.values()].sort((a, b) => a.id - b.id);
    if (all.length === 0) {
      return answer("success", [catObject("channelStatus", { channel: 0, state: "closed", info: 0 }, true)]);
    }
    return answer(
      "success",
      all.map((channel) => catObject("channelStatus", channel.status, true)),
    );
  }

  #report(id: number, { destination }: OpenRequest, way: Route): void {
    const leads =
      way.kind === "connect" ? destinationText(way.to) : way.kind === "dns" ? "DNS of the terminal" : "nothing";
    const facts = {
      channel: id,
      asked: destinationText(destination),
      leadsTo: leads,
      ...("why" in way ? { why: way.why } : {}),
    };
    traceFrame({ kind: "bip", dir: "out", link: this.#deps.link, text: `open ${facts.asked} -> ${leads}`, facts });
    const log = this.#deps.log ?? silentLog;
    const logged = {
      link: this.#deps.link,
      channel: id,
      requested: facts.asked,
      destination: leads,
      ...("why" in way ? { reason: way.why } : {}),
    };
    if (way.kind === "refuse") log.warn(logged, "BIP channel refused");
    else log.info(logged, "BIP channel opened");
  }

  #note(id: number, text: string): void {
    traceFrame({ kind: "bip", dir: "out", link: this.#deps.link, text, facts: { channel: id } });
  }
}

function localPort({ link }: BipChannel): { readonly localPort?: number } {
  return link.at === "up" && link.socket.localPort !== undefined ? { localPort: link.socket.localPort } : {};
}

function destinationText({ protocol, host, port }: { protocol: string; host: string; port: number }): string {
  return `${protocol}:${host.includes(":") ? `[${host}]` : host}:${port}`;
}
