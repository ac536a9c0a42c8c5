import { codecError } from "../../base/gateway-error.ts";
import type { Codec, Of } from "../kit/codec.ts";
import { record } from "../kit/primitives.ts";
import { counted, cString, int8, int32, looseCString, shortMessage } from "./fields.ts";
import { tlvs } from "./tlv.ts";

function address(name: string, max: number) {
  return record({ ton: int8(`${name}_ton`), npi: int8(`${name}_npi`), addr: cString(name, max, 65) });
}

/** A client that wrote to an EID gets its answers from that EID: longer than the letter, unchanged. */
const echoedOctets = 65;

const messageId = cString("message_id", 65);
const registeredDelivery = int8("registered_delivery");
const priorityFlag = int8("priority_flag");
const scheduleDeliveryTime = cString("schedule_delivery_time", 17);
const validityPeriod = cString("validity_period", 17);
const replaceIfPresentFlag = int8("replace_if_present_flag");
const smDefaultMsgId = int8("sm_default_msg_id");
const serviceType = cString("service_type", 6);
const esmClass = int8("esm_class");
const protocolId = int8("protocol_id");
const dataCoding = int8("data_coding");

/** Type of number, numbering plan and digits (or letters) of an address. SMPP 3.4 §5.2.5–5.2.9 */
export const Address = address("address", 21);
export type Address = Of<typeof Address>;

/** bind_receiver, bind_transmitter, bind_transceiver. Passwords of more than 8 characters violate the specification, but are common. SMPP 3.4 §4.1 */
const Bind = record({
  systemId: cString("system_id", 16, 65),
  password: cString("password", 65),
  systemType: cString("system_type", 13, 65),
  interfaceVersion: int8("interface_version"),
  addrTon: int8("addr_ton"),
  addrNpi: int8("addr_npi"),
  addressRange: cString("address_range", 41, 65),
  tlvs,
});

const BindResp = record({ systemId: cString("system_id", 16, 65), tlvs });

/** submit_sm and deliver_sm have one layout. SMPP 3.4 §4.4.1, §4.6.1 */
const Message = record({
  serviceType,
  source: address("source_addr", echoedOctets),
  destination: address("destination_addr", echoedOctets),
  esmClass,
  protocolId,
  priorityFlag,
  scheduleDeliveryTime,
  validityPeriod,
  registeredDelivery,
  replaceIfPresentFlag,
  dataCoding,
  smDefaultMsgId,
  shortMessage,
  tlvs,
});

/** One destination of submit_multi: an address, or the name of a distribution list. SMPP 3.4 §5.2.25 */
type MultiDestination =
  | { readonly to: "address"; readonly address: Address }
  | { readonly to: "list"; readonly name: string };

const listName = cString("dl_name", 21);
const multiAddress = address("destination_addr", 21);

const destination: Codec<MultiDestination> = {
  read: (from) => {
    const offset = from.offset;
    const kind = from.u8("dest_flag");
    if (kind === 1) return { to: "address", address: multiAddress.read(from) };
    if (kind === 2) return { to: "list", name: listName.read(from) };
    throw codecError("codec.value", `dest_flag: ${kind} is neither address nor list`, offset, { field: "dest_flag" });
  },
  write: (to, value) => {
    if (value.to === "address") multiAddress.write(to.u8(1), value.address);
    else listName.write(to.u8(2), value.name);
  },
};

const MultiMessage = record({
  serviceType,
  source: address("source_addr", 21),
  destinations: counted("number_of_dests", destination),
  esmClass,
  protocolId,
  priorityFlag,
  scheduleDeliveryTime,
  validityPeriod,
  registeredDelivery,
  replaceIfPresentFlag,
  dataCoding,
  smDefaultMsgId,
  shortMessage,
  tlvs,
});

/** Ids of 65 octets and ids without a NUL violate the specification, but occur. */
const Identified = record({ messageId: looseCString("message_id", 65, 256), tlvs });
const Bare = record({ tlvs });

/** The body of each PDU after its 16-octet header, 5.0's optional parameters tolerated everywhere. SMPP 3.4 §4 */
export const bodies = {
  generic_nack: Bare,
  bind_receiver: Bind,
  bind_receiver_resp: BindResp,
  bind_transmitter: Bind,
  bind_transmitter_resp: BindResp,
  bind_transceiver: Bind,
  bind_transceiver_resp: BindResp,
  outbind: record({ systemId: cString("system_id", 16, 65), password: cString("password", 65), tlvs }),
  query_sm: record({ messageId, source: address("source_addr", 21), tlvs }),
  query_sm_resp: record({
    messageId,
    finalDate: cString("final_date", 17),
    messageState: int8("message_state"),
    errorCode: int8("error_code"),
    tlvs,
  }),
  submit_sm: Message,
  submit_sm_resp: Identified,
  deliver_sm: Message,
  deliver_sm_resp: Identified,
  unbind: Bare,
  unbind_resp: Bare,
  replace_sm: record({
    messageId,
    source: address("source_addr", 21),
    scheduleDeliveryTime,
    validityPeriod,
    registeredDelivery,
    smDefaultMsgId,
    shortMessage,
    tlvs,
  }),
  replace_sm_resp: Bare,
  cancel_sm: record({
    serviceType,
    messageId,
    source: address("source_addr", 21),
    destination: address("destination_addr", 21),
    tlvs,
  }),
  cancel_sm_resp: Bare,
  enquire_link: Bare,
  enquire_link_resp: Bare,
  submit_multi: MultiMessage,
  submit_multi_resp: record({
    messageId,
    unsuccessful: counted(
      "no_unsuccess",
      record({ address: address("destination_addr", 21), errorStatus: int32("error_status_code") }),
    ),
    tlvs,
  }),
  alert_notification: record({ source: address("source_addr", 65), esme: address("esme_addr", 65), tlvs }),
  data_sm: record({
    serviceType,
    source: address("source_addr", 65),
    destination: address("destination_addr", 65),
    esmClass,
    registeredDelivery,
    dataCoding,
    tlvs,
  }),
  data_sm_resp: Identified,
} as const;

/** Name of a PDU as the specification spells it. */
export type Command = keyof typeof bodies;
/** Body of a PDU. */
export type Body<C extends Command> = Of<(typeof bodies)[C]>;
