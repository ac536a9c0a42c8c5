import { ipOctets } from "../../../codec/cat/bearer.ts";
import { DnsMessage, type DnsRecord, dnsCode, dnsResponse, dnsType, isQuery } from "../../../codec/dns/message.ts";
import { decode, encode } from "../../../codec/kit/codec.ts";
import { ignoreCodecErrors } from "../ignore-codec-errors.ts";

const ttlSeconds = 60;

/**
 * Answers a DNS query of a card from `resolve`. Undefined for octets that are not a query: they get no answer. A
 * name that exists without an address of the requested family has an empty answer. RFC 1035 §4.1
 */
export function answerDns(octets: Uint8Array, resolve: (name: string) => string | undefined): Uint8Array | undefined {
  const query = ignoreCodecErrors(() => decode(DnsMessage, octets));
  if (query === undefined || !isQuery(query)) return undefined;
  const [question, second] = query.questions;
  if (question === undefined || second !== undefined) return encode(DnsMessage, dnsResponse(query, dnsCode.format, []));
  const address = resolve(question.name);
  if (address === undefined) return encode(DnsMessage, dnsResponse(query, dnsCode.noSuchName, []));
  const data = ignoreCodecErrors(() => ipOctets(address));
  const type = data?.length === 16 ? dnsType.aaaa : dnsType.a;
  const wanted = question.type === type || question.type === dnsType.any;
  const records: DnsRecord[] = data !== undefined && wanted ? [{ ...question, type, ttlSeconds, data }] : [];
  return encode(DnsMessage, dnsResponse(query, dnsCode.ok, records));
}
