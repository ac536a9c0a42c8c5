import { GatewayError } from "../../src/base/gateway-error.ts";
import { concatBytes } from "../../src/base/hex.ts";
import type { Address, Body } from "../../src/codec/smpp/bodies.ts";
import { reachesCard } from "../../src/codec/smpp/data-coding.ts";
import { submitEsmClass } from "../../src/codec/smpp/esm-class.ts";
import { requireAddress } from "../../src/codec/smpp/fields.ts";
import { smppOfTp } from "../../src/codec/smpp/text.ts";
import { absoluteTime, relativeTime } from "../../src/codec/smpp/time.ts";
import type { Tlvs } from "../../src/codec/smpp/tlv.ts";
import {
  concatenationOf,
  elementId,
  readUserDataHeader,
  userDataHeaderBytes,
} from "../../src/codec/sms/user-data-header.ts";
import type { SmsCoding } from "../../src/link/network-bearer.ts";
import type { OutboundSms } from "../../src/link/sms-bearer.ts";
import type { SmppAccount } from "./account.ts";

/** A request ready to be sent. */
type SubmitRequest =
  | { readonly command: "submit_sm"; readonly body: Body<"submit_sm"> }
  | { readonly command: "data_sm"; readonly body: Body<"data_sm"> };

const alphanumeric = { ton: 5, npi: 0 };
const international = { ton: 1, npi: 1 };
const shortCode = { ton: 0, npi: 0 };
const shortCodeDigits = 8;
const maxInlineOctets = 254;
const nothing = new Uint8Array(0);
const none: Tlvs = {};

/** Source address of a message: its own or the account's; type and plan are derived from its form unless the account sets them. */
function sourceAddress(from: string | undefined, source: SmppAccount["source"]): Address {
  const text = from ?? source.address ?? "";
  const addr = text.replace(/^\+/, "");
  const digits = /^\d*$/.test(addr);
  const guess = !digits ? alphanumeric : addr.length > shortCodeDigits ? international : shortCode;
  return { ton: source.ton ?? guess.ton, npi: source.npi ?? guess.npi, addr: digits ? addr : text };
}

function destinationAddress(to: string | undefined, destination: SmppAccount["destination"]): Address {
  if (to === undefined || !/^\+?\d{1,20}$/.test(to)) {
    const facts = { detail: { field: "to" }, fate: "not-sent" } as const;
    throw new GatewayError(
      "target.invalid",
      "the target must have an MSISDN of digits to be reached through an SMSC",
      facts,
    );
  }
  const addr = destination.plus === "keep" ? to : to.replace(/^\+/, "");
  return { ton: destination.ton, npi: destination.npi, addr };
}

/** Octets, header indicator and parameters of a message, in the form of the account's `carriage`. */
interface Carried {
  readonly octets: Uint8Array;
  readonly udhi: boolean;
  readonly tlvs: Tlvs;
}

function asSar(sms: OutboundSms): Carried {
  const { elements, body } = readUserDataHeader(sms.userData);
  const concat = concatenationOf(elements);
  if (concat === undefined || concat === "ignored") return { octets: sms.userData, udhi: true, tlvs: none };
  const others = elements.filter(({ id }) => id !== elementId.concat8 && id !== elementId.concat16);
  const tlvs = {
    sarMsgRefNum: concat.reference,
    sarTotalSegments: concat.total,
    sarSegmentSeqnum: concat.sequence,
  };
  if (others.length === 0) return { octets: body, udhi: false, tlvs };
  return { octets: concatBytes(userDataHeaderBytes(others), body), udhi: true, tlvs };
}

/** A text in septets has one octet per character in SMPP. */
function asSmpp(sms: OutboundSms): OutboundSms {
  if (sms.smppText === true) return sms;
  const text = smppOfTp(sms.userData, sms.userDataHeader, sms.dataCoding, sms.userDataLength);
  return text === undefined ? sms : { ...sms, userData: text.octets, dataCoding: text.dataCoding };
}

function carry(sms: OutboundSms, account: SmppAccount): Carried {
  if (account.carriage === "sar" && sms.userDataHeader) return asSar(sms);
  return { octets: sms.userData, udhi: sms.userDataHeader, tlvs: none };
}

function validityPeriod(sms: OutboundSms, account: SmppAccount, now: number): string {
  if (account.validity === "none" || sms.validityMinutes === undefined) return "";
  if (account.validity === "relative") return relativeTime(sms.validityMinutes);
  return absoluteTime(now + sms.validityMinutes * 60_000, account.clockZoneQuarters);
}

type Parameters = { -readonly [K in keyof Tlvs]: Tlvs[K] };

/** Written field by field, not spread: this runs for every message. */
function parameters(sms: OutboundSms, account: SmppAccount, variant: SmsCoding, echo: number | undefined): Parameters {
  const tlvs: Parameters = {};
  const subunit = variant.destAddrSubunit ?? account.destAddrSubunit;
  if (subunit !== undefined) tlvs.destAddrSubunit = subunit;
  if (echo !== undefined) tlvs.userMessageReference = echo;
  if (account.moreMessagesToSend && sms.moreToCome) tlvs.moreMessagesToSend = 1;
  return tlvs;
}

/**
 * The PDU that carries one short message over this account. The octets of the user data are never changed; with `sar`
 * the concatenation element moves from the header into parameters.
 * @throws target.invalid without a number, codec.* for a header that cannot be read; `fate` is `not-sent`
 */
export function submitRequest(
  sms: OutboundSms,
  account: SmppAccount,
  now: number,
  echo: number | undefined,
  variant: SmsCoding = {},
): SubmitRequest {
  const { octets, udhi, tlvs: carriedTlvs } = carry(asSmpp(sms), account);
  const tlvs = parameters(sms, account, variant, echo);
  if (carriedTlvs !== none) Object.assign(tlvs, carriedTlvs);
  const data = account.command === "data_sm";
  const payload = data || account.carriage === "payload" || octets.length > maxInlineOctets;
  if (payload) tlvs.messagePayload = octets;
  const { serviceType } = account;
  const source = sourceAddress(sms.from, account.source);
  requireAddress(source.addr, "source_addr");
  const destination = destinationAddress(sms.to, account.destination);
  const esmClass = submitEsmClass(account.messagingMode, udhi);
  const registeredDelivery = sms.receipt ? account.registeredDelivery : 0;
  const forCard = reachesCard(sms.dataCoding);
  const dataCoding = forCard ? (variant.dataCoding ?? account.dataCoding) : asSmpp(sms).dataCoding;
  if (data) {
    const body = { serviceType, source, destination, esmClass, registeredDelivery, dataCoding, tlvs };
    return { command: "data_sm", body };
  }
  const body = {
    serviceType,
    source,
    destination,
    esmClass,
    protocolId: account.protocolId ?? sms.protocolId,
    priorityFlag: 0,
    scheduleDeliveryTime: "",
    validityPeriod: validityPeriod(sms, account, now),
    registeredDelivery,
    replaceIfPresentFlag: 0,
    dataCoding,
    smDefaultMsgId: 0,
    shortMessage: payload ? nothing : octets,
    tlvs,
  };
  return { command: "submit_sm", body };
}
