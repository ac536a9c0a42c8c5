import { concatBytes } from "../../base/hex.ts";
import { gsm7Text, unpackSeptets } from "../../codec/kit/gsm7.ts";
import { dataCoding } from "../../codec/sms/data-coding.ts";
import { readUserDataHeader, securityHeaderOf } from "../../codec/sms/user-data-header.ts";
import type { ReceivedSegment } from "../context.ts";
import { type Explained, type ExplainOptions, explain } from "../explain.ts";
import { ChannelStreams } from "../tls/streams.ts";
import { leafOf, unreadLeaf } from "../tree.ts";
import { segmentOf } from "./user-data.ts";

/** Messages of which parts are missing; the oldest are forgotten. */
const maxOpen = 256;

/**
 * Puts together what several items carry in parts: packets and texts in several short messages, TLS and HTTP in several
 * SEND DATA or RECEIVE DATA. Offsets in what it gives count from the start of the whole. 3GPP TS 23.040 §9.2.3.24.1
 */
export class Assembler {
  readonly #options: ExplainOptions;
  readonly #open = new Map<string, Map<number, ReceivedSegment>>();
  readonly #streams: ChannelStreams;

  constructor(options: ExplainOptions) {
    this.#options = options;
    this.#streams = new ChannelStreams(options);
  }

  /** Takes the next item; returns what it completes. */
  take({ collected }: Pick<Explained, "collected">): Explained[] {
    const whole: Explained[] = [];
    for (const segment of collected.segments) {
      const found = this.#segment(segment);
      if (found !== undefined) whole.push(found);
    }
    for (const data of collected.channelData) whole.push(...this.#streams.take(data));
    return whole;
  }

  #segment(part: ReceivedSegment): Explained | undefined {
    const segment = segmentOf(part.userData);
    if (segment === undefined || segment.total < 2) return undefined;
    const { referenceBits, reference, total, sequence } = segment;
    const key = [part.message?.address ?? "", referenceBits, reference, total].join("/");
    const parts = this.#open.get(key) ?? new Map<number, ReceivedSegment>();
    this.#open.set(key, parts.set(sequence, part));
    if (parts.size === total) {
      this.#open.delete(key);
      return whole(
        [...parts].sort(([a], [b]) => a - b).map(([, one]) => one),
        this.#options,
      );
    }
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= maxOpen) break;
      this.#open.delete(oldest);
    }
    return undefined;
  }
}

function whole(parts: readonly ReceivedSegment[], options: ExplainOptions): Explained {
  const read = parts.map(({ userData }) => readUserDataHeader(userData));
  const octets = concatBytes(...read.map(({ body }) => body));
  const security = read.map(({ elements }) => securityHeaderOf(elements)).find((one) => one !== undefined);
  const note = `put together from ${parts.length} short messages`;
  if (security !== undefined) {
    const found = explain(octets, { ...options, as: security === "command" ? "command-packet" : "response-packet" });
    const { node } = found;
    return { ...found, node: { ...node, note: node.note === undefined ? note : `${note}; ${node.note}` } };
  }
  const text = textOf(parts, octets);
  const node =
    text === undefined
      ? unreadLeaf("data of a message", octets, 0)
      : leafOf("text", octets, 0, () => `"${text}"`, { clause: "TS 23.040 §9.2.3.24.1" });
  return { type: "text", node: { ...node, note }, others: [], collected: { segments: [], channelData: [] } };
}

/** The text of all parts: septets are counted per part, and a pair of UCS2 units may be split between two. */
function textOf(parts: readonly ReceivedSegment[], octets: Uint8Array): string | undefined {
  const dcs = parts[0]?.message?.dcs;
  if (dcs === undefined) return undefined;
  const { alphabet, compressed } = dataCoding(dcs);
  if (compressed || (alphabet !== "ucs2" && alphabet !== "gsm7")) return undefined;
  if (alphabet === "ucs2") return new TextDecoder("utf-16be").decode(octets);
  const septets: number[] = [];
  for (const { userData, message } of parts) {
    const { body, headerLength } = readUserDataHeader(userData);
    const skipped = Math.ceil((headerLength * 8) / 7);
    const most = Math.floor((userData.length * 8) / 7);
    const count = Math.max(0, Math.min(message?.length ?? most, most) - skipped);
    septets.push(...unpackSeptets(body, count, skipped * 7 - headerLength * 8));
  }
  return gsm7Text(septets);
}
