import { Duplex } from "node:stream";
import { GatewayError } from "../../src/base/gateway-error.ts";
import { tlvBytes } from "../../src/codec/kit/ber.ts";
import {
  catValue,
  device,
  type ProactiveCommand,
  performed,
  readCatTlvs,
  type TerminalResponse,
} from "../euicc/cat-tlv.ts";

/** What a card's stream needs of its toolkit: commands in line, answers when the terminal gave them. */
interface ProactiveQueue {
  run(command: ProactiveCommand): Promise<TerminalResponse>;
}

/** Events that concern channels. TS 102 223 §8.25 */
const channelEvents = { dataAvailable: 0x09, channelStatus: 0x0a } as const;

const types = { open: 0x40, close: 0x41, receive: 0x42, send: 0x43 } as const;
/** Most data in one SEND DATA or RECEIVE DATA: the command has to fit 255 octets. */
const maxData = 0xe6;
const channelDevice = 0x20;

/**
 * A BIP channel as the card sees it: OPEN CHANNEL, SEND DATA, RECEIVE DATA when data are announced, CLOSE CHANNEL.
 * TS 102 223 §6.4.27 to §6.4.30
 */
export class BipStream extends Duplex {
  readonly channel: number;
  readonly #queue: ProactiveQueue;
  #available = false;
  #receiving = false;
  #lost = false;

  private constructor(queue: ProactiveQueue, channel: number) {
    super({ allowHalfOpen: false });
    this.#queue = queue;
    this.channel = channel;
  }

  /** Opens a channel with these connection objects. @throws link.unavailable when the terminal cannot, card.reset */
  static async open(queue: ProactiveQueue, connection: Uint8Array): Promise<BipStream> {
    const response = await queue.run({
      type: types.open,
      qualifier: 0x01,
      destination: device.terminal,
      objects: [connection],
    });
    const status = catValue(response.objects, 0x38);
    const channel = (status?.[0] ?? 0) & 0x07;
    if (!performed(response) || channel === 0) {
      throw new GatewayError("link.unavailable", "the terminal did not open a channel", {
        detail: { result: response.result },
      });
    }
    return new BipStream(queue, channel);
  }

  /** An event download: the channel it concerns looks whether it has to do something. */
  event(event: number, body: Uint8Array): void {
    const objects = readCatTlvs(body);
    const [first = 0, second = 0] = catValue(objects, 0x38) ?? [];
    if ((first & 0x07) !== this.channel) return;
    if (event === channelEvents.dataAvailable) {
      this.#available = true;
      void this.#receive();
    } else if (event === channelEvents.channelStatus && ((first & 0xc0) === 0 || second === 0x05)) {
      // What the terminal still holds can be fetched before the stream ends.
      void this.#receive().then(() => {
        this.#lost = true;
        this.push(null);
      });
    }
  }

  /** The card was reset: the channel is gone and needs no closing. */
  reset(): void {
    this.#lost = true;
    this.destroy(new GatewayError("card.reset", "the card was reset"));
  }

  async #receive(): Promise<void> {
    if (this.#receiving) return;
    this.#receiving = true;
    try {
      while (this.#available && !this.destroyed) {
        this.#available = false;
        let left = 1;
        while (left > 0 && !this.destroyed) left = await this.#receiveOnce();
      }
    } catch (error) {
      this.#lost = true;
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#receiving = false;
    }
  }

  /** One RECEIVE DATA; how many octets the terminal states it holds after it. */
  async #receiveOnce(): Promise<number> {
    const response = await this.#queue.run({
      type: types.receive,
      qualifier: 0,
      destination: channelDevice + this.channel,
      objects: [tlvBytes(0xb7, Uint8Array.of(maxData))],
    });
    const data = catValue(response.objects, 0x36);
    if (!performed(response) || data === undefined || data.length === 0) return 0;
    this.push(data);
    return catValue(response.objects, 0x37)?.[0] ?? 0;
  }

  override _read(): void {}

  override _write(octets: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(octets).then(
      () => done(),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  }

  async #send(octets: Uint8Array): Promise<void> {
    for (let at = 0; at < octets.length; at += maxData) {
      const response = await this.#queue.run({
        type: types.send,
        qualifier: 0x01,
        destination: channelDevice + this.channel,
        objects: [tlvBytes(0xb6, octets.subarray(at, at + maxData))],
      });
      if (!performed(response)) {
        throw new GatewayError("link.lost", "the terminal did not accept the data", {
          detail: { result: response.result },
        });
      }
    }
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#lost) {
      done(error);
      return;
    }
    this.#lost = true;
    const close = { type: types.close, qualifier: 0, destination: channelDevice + this.channel, objects: [] };
    this.#queue.run(close).then(
      () => done(error),
      () => done(error),
    );
  }
}
