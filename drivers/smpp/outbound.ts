import { GatewayError } from "../../src/base/gateway-error.ts";
import { concatBytes } from "../../src/base/hex.ts";
import type { Address, Body } from "../../src/codec/smpp/bodies.ts";
import { reachesCard } from "../../src/codec/smpp/data-coding.ts";
import { submitEsmClass } from "../../src/codec/smpp/esm-class.ts";
import { absoluteTime, relativeTime } from "../../src/codec/smpp/time.ts";
import type { Tlvs } from "../../src/codec/smpp/tlv.ts";
import {
  concatenationOf,
  elementId,
  readUserDataHeader,
  userDataHeaderBytes,
} from "../../src/codec/sms/user-data-header.ts";
import type { OutboundSms } from "../../src/link/sms-bearer.ts";
import type { SmppAccount } from "./account.ts";

/** What one submission may do otherwise than its account: the link self-test's knobs. */
export interface SubmitVariant {
  readonly dataCoding?: number;
  readonly destAddrSubunit?: number;
}

/** A request ready to be sent. */
export type SubmitRequest =
  | { readonly command: "submit_sm"; readonly body: Body<"submit_sm"> }
  | { readonly command: "data_sm"; readonly body: Body<"data_sm"> };

const alphanumeric = { ton: 5, npi: 0 };
const international = { ton: 1, npi: 1 };
const shortCode = { ton: 0, npi: 0 };
const shortCodeDigits = 8;

/** Source address of a message: its own or the account's; type and plan by its look unless the account says them. */
export function sourceAddress(from: string | undefined, source: SmppAccount["source"]): Address {
  const text = from ?? source.address ?? "";
  const addr = text.replace(/^\+/, "");
  const digits = /^\d*$/.test(addr);
  const guess = !digits ? alphanumeric : addr.length > shortCodeDigits ? international : shortCode;
  return { ton: source.ton ?? guess.ton, npi: source.npi ?? guess.npi, addr: digits ? addr : text };
}

function destinationAddress(to: string | undefined, destination: SmppAccount["destination"]): Address {
  if (to === undefined || !/^\+?\d{1,20}$/.test(to)) {
    const detail = { fate: "not-sent", field: "to" };
    throw new GatewayError("target.invalid", "an SMSC needs the target's MSISDN in digits", { detail });
  }
  const addr = destination.plus === "keep" ? to : to.replace(/^\+/, "");
  return { ton: destination.ton, npi: destination.npi, addr };
}

/** Octets, header indicator and parameters of a message, as the account's carriage wants them. */
interface Carried {
  readonly octets: Uint8Array;
  readonly udhi: boolean;
  readonly tlvs: Tlvs;
}

function asSar(sms: OutboundSms): Carried {
  const { elements, body } = readUserDataHeader(sms.userData);
  const concat = concatenationOf(elements);
  if (concat === undefined || concat === "ignored") return { octets: sms.userData, udhi: true, tlvs: {} };
  const others = elements.filter(({ id }) => id !== elementId.concat8 && id !== elementId.concat16);
  const tlvs = {
    sarMsgRefNum: concat.reference,
    sarTotalSegments: concat.total,
    sarSegmentSeqnum: concat.sequence,
  };
  if (others.length === 0) return { octets: body, udhi: false, tlvs };
  return { octets: concatBytes(userDataHeaderBytes(others), body), udhi: true, tlvs };
}

function carry(sms: OutboundSms, account: SmppAccount): Carried {
  if (account.carriage === "sar" && sms.userDataHeader) return asSar(sms);
  return { octets: sms.userData, udhi: sms.userDataHeader, tlvs: {} };
}

function validityPeriod(sms: OutboundSms, account: SmppAccount, now: number): string {
  if (account.validity === "none" || sms.validityMinutes === undefined) return "";
  if (account.validity === "relative") return relativeTime(sms.validityMinutes);
  return absoluteTime(now + sms.validityMinutes * 60_000, account.clockZoneQuarters);
}

function parameters(sms: OutboundSms, account: SmppAccount, variant: SubmitVariant, echo: number | undefined): Tlvs {
  const subunit = variant.destAddrSubunit ?? account.destAddrSubunit;
  const more = account.moreMessagesToSend && sms.moreToCome;
  return {
    ...(subunit === undefined ? {} : { destAddrSubunit: subunit }),
    ...(echo === undefined ? {} : { userMessageReference: echo }),
    ...(more ? { moreMessagesToSend: 1 } : {}),
  };
}

/**
 * The PDU that carries one short message over this account. The octets of the user data are never changed; with `sar`
 * the concatenation element moves from the header into parameters.
 * @throws target.invalid without a number, codec.* for a header that cannot be read; `detail.fate` is `not-sent`
 */
export function submitRequest(
  sms: OutboundSms,
  account: SmppAccount,
  now: number,
  echo: number | undefined,
  variant: SubmitVariant = {},
): SubmitRequest {
  const { octets, udhi, tlvs: carriedTlvs } = carry(sms, account);
  const tlvs = { ...carriedTlvs, ...parameters(sms, account, variant, echo) };
  const forCard = reachesCard(sms.dataCoding);
  const head = {
    serviceType: account.serviceType,
    source: sourceAddress(sms.from, account.source),
    destination: destinationAddress(sms.to, account.destination),
    esmClass: submitEsmClass(account.messagingMode, udhi),
    registeredDelivery: sms.receipt ? account.registeredDelivery : 0,
    dataCoding: forCard ? (variant.dataCoding ?? account.dataCoding) : sms.dataCoding,
  };
  const inPayload = { ...tlvs, messagePayload: octets };
  if (account.command === "data_sm") return { command: "data_sm", body: { ...head, tlvs: inPayload } };
  const payload = account.carriage === "payload" || octets.length > 254;
  const body = {
    ...head,
    protocolId: account.protocolId ?? sms.protocolId,
    priorityFlag: 0,
    scheduleDeliveryTime: "",
    validityPeriod: validityPeriod(sms, account, now),
    replaceIfPresentFlag: 0,
    smDefaultMsgId: 0,
    shortMessage: payload ? new Uint8Array(0) : octets,
    tlvs: payload ? inPayload : tlvs,
  };
  return { command: "submit_sm", body };
}
