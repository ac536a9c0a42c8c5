import { fromHex } from "../../base/hex.ts";
import type { Gsmtap } from "../../codec/gsmtap/header.ts";
import { pcapHeader, pcapRecord } from "../../codec/gsmtap/pcap.ts";
import { apduFrame, atrFrame } from "../../codec/gsmtap/sim.ts";
import { smsFrame } from "../../codec/gsmtap/sms.ts";
import type { TracedFrame } from "./traced-frame.ts";

interface Waiting {
  readonly at: number;
  readonly command: Uint8Array;
}

/**
 * Turns frames into a pcap file that Wireshark reads: APDUs with their answers, answers to reset, SMS TPDUs. Other
 * kinds have no encapsulation there and are omitted. Each link gets a source address of its own.
 */
export class TracePcap {
  readonly #waiting = new Map<string, Waiting>();
  readonly #sources = new Map<string, number>();
  #records = 0;

  /** Frames written so far. */
  get records(): number {
    return this.#records;
  }

  /** The start of the file. */
  header(): Uint8Array {
    return pcapHeader();
  }

  /** The records that a frame adds to the file. */
  take(frame: TracedFrame): Uint8Array[] {
    if (frame.hex === undefined) return [];
    const octets = fromHex(frame.hex);
    switch (frame.kind) {
      case "apdu":
        return frame.dir === "out" ? this.#command(frame, octets) : this.#answer(frame, octets);
      case "atr":
        return [...this.#alone(frame.link), this.#record(frame.at, frame.link, atrFrame(octets))];
      case "tpdu": {
        const sms = smsFrame(octets);
        return sms === undefined ? [] : [this.#record(frame.at, frame.link, sms)];
      }
      default:
        return [];
    }
  }

  /** Commands that never got an answer. */
  end(): Uint8Array[] {
    return [...this.#waiting.keys()].flatMap((link) => this.#alone(link));
  }

  #command(frame: TracedFrame, command: Uint8Array): Uint8Array[] {
    const before = this.#alone(frame.link);
    this.#waiting.set(frame.link, { at: frame.at, command });
    return before;
  }

  #answer(frame: TracedFrame, answer: Uint8Array): Uint8Array[] {
    const asked = this.#waiting.get(frame.link);
    if (asked === undefined) return [];
    this.#waiting.delete(frame.link);
    return [this.#record(asked.at, frame.link, apduFrame(asked.command, answer))];
  }

  #alone(link: string): Uint8Array[] {
    const asked = this.#waiting.get(link);
    if (asked === undefined) return [];
    this.#waiting.delete(link);
    return [this.#record(asked.at, link, apduFrame(asked.command))];
  }

  #record(at: number, link: string, frame: Gsmtap): Uint8Array {
    const source = this.#sources.get(link) ?? 2 + (this.#sources.size % 252);
    this.#sources.set(link, source);
    this.#records += 1;
    return pcapRecord(at, frame, source);
  }
}
