import { codecError } from "../../base/gateway-error.ts";
import { type Codec, encode, Reader } from "../kit/codec.ts";
import { readName, writeName } from "./name.ts";

/** Record types that are looked at. RFC 1035 §3.2.2, RFC 3596 */
export const dnsType = { a: 1, cname: 5, ptr: 12, aaaa: 28, any: 255 } as const;

/** Response codes. RFC 1035 §4.1.1 */
export const dnsCode = { ok: 0, format: 1, failure: 2, noSuchName: 3, notImplemented: 4, refused: 5 } as const;

/** One question. RFC 1035 §4.1.2 */
interface DnsQuestion {
  readonly name: string;
  readonly type: number;
  /** 1 = Internet. */
  readonly class: number;
}

/** One resource record; its data as they stand (names in them may be compressed). RFC 1035 §4.1.3 */
export interface DnsRecord extends DnsQuestion {
  readonly ttlSeconds: number;
  readonly data: Uint8Array;
}

/** A DNS message. RFC 1035 §4.1 */
export interface DnsMessage {
  readonly id: number;
  /** The 16 flag bits but the response code. */
  readonly flags: number;
  readonly code: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
}

const flag = { response: 0x8000, authoritative: 0x0400, recursionDesired: 0x0100, recursionAvailable: 0x0080 } as const;

function readQuestion(message: Uint8Array, from: Reader, base: number): DnsQuestion {
  const { name, next } = readName(message, from.offset - base);
  from.take(next - (from.offset - base), "name");
  return { name, type: from.uint(2, "type"), class: from.uint(2, "class") };
}

function readRecord(message: Uint8Array, from: Reader, base: number): DnsRecord {
  const question = readQuestion(message, from, base);
  const ttlSeconds = from.uint(4, "time to live");
  return { ...question, ttlSeconds, data: from.take(from.uint(2, "data length"), "record data") };
}

/** Runs `read` once per item. Each item takes octets, so a count beyond the message ends in codec.truncated. */
function times<T>(count: number, read: () => T): T[] {
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(read());
  return items;
}

export const DnsMessage: Codec<DnsMessage> = {
  read: (outer) => {
    const base = outer.offset;
    const message = outer.rest();
    const from = new Reader(message, base);
    const id = from.uint(2, "identifier");
    const bits = from.uint(2, "flags");
    const counts = times(4, () => from.uint(2, "count"));
    const records = (index: number) => times(counts[index] ?? 0, () => readRecord(message, from, base));
    const questions = times(counts[0] ?? 0, () => readQuestion(message, from, base));
    const value = {
      id,
      flags: bits & 0xfff0,
      code: bits & 0x0f,
      questions,
      answers: records(1),
      authorities: records(2),
      additional: records(3),
    };
    from.end("DNS message");
    return value;
  },
  write: (to, value) => {
    to.uint(value.id, 2).uint((value.flags & 0xfff0) | (value.code & 0x0f), 2);
    for (const list of [value.questions, value.answers, value.authorities, value.additional]) to.uint(list.length, 2);
    for (const question of value.questions) {
      writeName(to, question.name);
      to.uint(question.type, 2).uint(question.class, 2);
    }
    for (const record of [...value.answers, ...value.authorities, ...value.additional]) {
      if (record.data.length > 0xffff) throw codecError("codec.length", "record data are too long", to.length);
      writeName(to, record.name);
      to.uint(record.type, 2).uint(record.class, 2).uint(record.ttlSeconds, 4).uint(record.data.length, 2);
      to.bytes(record.data);
    }
  },
};

/** Whether a message is a standard query. */
export function isQuery(message: DnsMessage): boolean {
  return (message.flags & flag.response) === 0 && (message.flags & 0x7800) === 0;
}

/** The response to a query: its identifier and question, and these answers. */
export function dnsResponse(query: DnsMessage, code: number, answers: readonly DnsRecord[]): DnsMessage {
  return {
    id: query.id,
    flags: flag.response | flag.authoritative | flag.recursionAvailable | (query.flags & flag.recursionDesired),
    code,
    questions: query.questions,
    answers,
    authorities: [],
    additional: [],
  };
}

/** A query for one name. */
export function dnsQuery(id: number, name: string, type: number): Uint8Array {
  return encode(DnsMessage, {
    id,
    flags: flag.recursionDesired,
    code: 0,
    questions: [{ name, type, class: 1 }],
    answers: [],
    authorities: [],
    additional: [],
  });
}
