import { GatewayError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { bearerName, transportName } from "./bearer.ts";
import { commandText, qualifierText } from "./command-type.ts";
import type { CatTlv } from "./comprehension.ts";
import { deviceName } from "./device.ts";
import { type Envelope, envelopeText } from "./envelope.ts";
import { eventName } from "./event.ts";
import { type CatObjectName, type CatObjectValue, catObjectName, objectValue } from "./object.ts";
import type { ProactiveCommand } from "./proactive.ts";
import { resultText } from "./result.ts";
import type { TerminalResponse } from "./terminal-response.ts";
import { alphaText, textOf } from "./text.ts";

/** Words for the objects that say most in few of them; text strings of a login are for the caller to leave out. */
const words: { readonly [K in CatObjectName]?: (value: CatObjectValue<K>) => string } = {
  duration: ({ unit, interval }) => `${interval} ${unit}`,
  alphaIdentifier: (octets) => (octets.length === 0 ? "" : `"${alphaText(octets)}"`),
  address: ({ digits }) => `address ${digits}`,
  smsTpdu: (tpdu) => `TPDU of ${tpdu.length} octets`,
  textString: (text) => (text === undefined ? "" : `"${textOf(text)}"`),
  fileList: ({ paths }) => `files ${paths.map(toHex).join(", ")}`,
  locationInformation: ({ mcc, mnc, area }) => `MCC ${mcc} MNC ${mnc} area ${area}`,
  imei: (digits) => `IMEI ${digits}`,
  imeisv: (digits) => `IMEISV ${digits}`,
  eventList: (codes) => `events ${codes.map((code) => eventName(code) ?? code).join(", ") || "none"}`,
  locationStatus: (status) => ["normal service", "limited service", "no service"][status] ?? `status ${status}`,
  timerIdentifier: (id) => `timer ${id}`,
  timerValue: (seconds) => `${seconds} s`,
  language: (code) => `language ${code}`,
  aid: (octets) => `AID ${toHex(octets)}`,
  bearerDescription: ({ type }) => bearerName(type) ?? `bearer ${type}`,
  channelData: (octets) => `${octets.length} octets`,
  channelDataLength: (length) => `length ${length}${length === 255 ? " or more" : ""}`,
  channelStatus: ({ channel, state, info }) => `channel ${channel} ${info === 0x05 ? "dropped" : state}`,
  bufferSize: (size) => `buffer ${size}`,
  transportLevel: ({ protocol, port }) => `${transportName(protocol) ?? `protocol ${protocol}`} port ${port}`,
  otherAddress: (address) => ("host" in address ? address.host : address.kind),
  networkAccessName: (name) => `APN ${name}`,
};

function wordsOf<K extends CatObjectName>(name: K, tlv: CatTlv): string {
  const say: ((value: CatObjectValue<K>) => string) | undefined = words[name];
  if (say === undefined) return "";
  try {
    return say(objectValue(name, tlv));
  } catch (error) {
    if (error instanceof GatewayError) return `malformed ${name}`;
    throw error;
  }
}

function objectsText(objects: readonly CatTlv[], hidden: ReadonlySet<CatObjectName>): string {
  const parts = objects.map((tlv) => {
    const name = catObjectName(tlv.tag);
    return name === undefined || hidden.has(name) ? "" : wordsOf(name, tlv);
  });
  return parts.filter((part) => part !== "").join(", ");
}

const line = (head: string, rest: string) => (rest === "" ? head : `${head}: ${rest}`);

/** A proactive command in one line. The login of a bearer does not appear. */
export function commandSummary(command: ProactiveCommand): string {
  const { type, qualifier } = command.details;
  const meaning = qualifierText(type, qualifier);
  const to = command.devices.destination;
  const channel = to >= 0x21 && to <= 0x27 ? ` ${deviceName(to)}` : "";
  const head = `${commandText(type)}${channel}${meaning === "" ? "" : ` (${meaning})`}`;
  const hidden: ReadonlySet<CatObjectName> = new Set(command.name === "openChannel" ? ["textString"] : []);
  return line(head, objectsText(command.objects, hidden));
}

/** A TERMINAL RESPONSE in one line. */
export function responseSummary(response: TerminalResponse): string {
  const { general, additional } = response.result;
  const head = `${commandText(response.details.type)} ${resultText(general, additional)}`;
  return line(head, objectsText(response.objects, new Set()));
}

/** An ENVELOPE in one line. */
export function envelopeSummary(envelope: Envelope): string {
  return line(envelopeText(envelope), objectsText(envelope.objects, new Set(["eventList"])));
}
