import { wrapped } from "../kit/ber.ts";
import type { Of } from "../kit/codec.ts";
import { maybe, template, tlv } from "../kit/template.ts";
import { DnsParameters, SessionParameters } from "./session-parameters.ts";

/**
 * Administration Session Triggering message: the secured data of the SCP80 packet that makes a security domain open a
 * session. Whatever is missing comes from the domain's own parameters; an empty value (`81 00`) takes all of them.
 * GP Amendment B §3.7
 */
export const SessionTrigger = wrapped(
  0x81,
  template({ session: maybe(tlv(0x83, SessionParameters)), dns: maybe(tlv(0xb3, DnsParameters)) }),
);
export type SessionTrigger = Of<typeof SessionTrigger>;
