import { toHex } from "../../base/hex.ts";
import { bearerName, transportName } from "../../codec/cat/bearer.ts";
import { commandText, qualifierText } from "../../codec/cat/command-type.ts";
import type { CatTlv } from "../../codec/cat/comprehension.ts";
import { deviceName } from "../../codec/cat/device.ts";
import { eventName } from "../../codec/cat/event.ts";
import { accessTechnologyName, durationMs } from "../../codec/cat/local-info.ts";
import { type CatObjectName, findObject, findTlv, objectValue } from "../../codec/cat/object.ts";
import { resultText } from "../../codec/cat/result.ts";
import { alphaText, textOf } from "../../codec/cat/text.ts";
import { imeiWords } from "../imei-words.ts";
import { aidWords, pathText } from "../names.ts";
import { hex2 } from "../tree.ts";

const upper = new Map(
  [
    "sms",
    "imei",
    "imeisv",
    "meid",
    "esn",
    "aid",
    "url",
    "ussd",
    "ss",
    "dns",
    "mms",
    "csg",
    "hnb",
    "bcch",
    "dtmf",
    "atr",
    "nmea",
    "plmn",
    "epn",
    "pdp",
    "wlan",
    "apdu",
    "tpdu",
    "gad",
    "epa",
    "bc",
    "mac",
  ].map((word) => [word, word.toUpperCase()]),
);

/** A name of the code as text: `smsTpdu` becomes `SMS TPDU`. */
export function wordsOf(name: string): string {
  if (name === "cApdu") return "C-APDU";
  if (name === "rApdu") return "R-APDU";
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(" ")
    .map((word) => upper.get(word) ?? word)
    .join(" ");
}

const device = (octet: number): string => {
  const name = deviceName(octet);
  return name === undefined ? hex2(octet) : name === "uicc" ? "UICC" : name;
};

const events = (codes: Iterable<number>): string =>
  [...codes].map((code) => wordsOf(eventName(code) ?? `event ${hex2(code)}`)).join(", ");

/** `REFRESH (UICC reset)`. */
export function commandWords(type: number, qualifier: number): string {
  const how = qualifierText(type, qualifier);
  return how === "" ? commandText(type) : `${commandText(type)} (${how})`;
}

const locationStates = ["normal service", "limited service", "no service"];

/** Text of an object's value by its name; undefined if its octets need none. @throws codec.* */
export function objectWords(name: CatObjectName, tlv: CatTlv): string | undefined {
  const { value } = tlv;
  switch (name) {
    case "commandDetails": {
      const { number, type, qualifier } = objectValue(name, tlv);
      return `number ${number}, ${commandWords(type, qualifier)}`;
    }
    case "deviceIdentities": {
      const { source, destination } = objectValue(name, tlv);
      return `${device(source)} -> ${device(destination)}`;
    }
    case "result": {
      const { general, additional } = objectValue(name, tlv);
      return resultText(general, additional);
    }
    case "address": {
      const { tonNpi, digits } = objectValue(name, tlv);
      return `${(tonNpi & 0x70) === 0x10 ? "+" : ""}${digits}`;
    }
    case "textString":
    case "ussdString":
    case "defaultText": {
      const text = objectValue(name, tlv);
      return text === undefined ? "null text" : `"${textOf(text)}"`;
    }
    case "alphaIdentifier":
      return value.length === 0 ? "null: no indication to the user" : `"${alphaText(value)}"`;
    case "item":
      return `${value[0] ?? 0}: "${alphaText(value.subarray(1))}"`;
    case "eventList":
      return value.length === 0 ? "none: list removed" : events(value);
    case "fileList":
      return objectValue(name, tlv).paths.map(pathText).join(", ");
    case "aid":
      return aidWords(value);
    default:
      return numbersAndPlaces(name, tlv);
  }
}

function numbersAndPlaces(name: CatObjectName, tlv: CatTlv): string | undefined {
  const first = tlv.value[0] ?? 0;
  switch (name) {
    case "duration":
      return `${durationMs(objectValue(name, tlv)) / 1000} s`;
    case "timerValue":
      return `${objectValue(name, tlv)} s`;
    case "timerIdentifier":
      return `timer ${first}`;
    case "imei":
      return imeiWords(tlv.value) ?? objectValue(name, tlv);
    case "imeisv":
      return objectValue(name, tlv);
    case "locationStatus":
      return locationStates[first] ?? "reserved";
    case "locationInformation": {
      const { mcc, mnc, area, cell } = objectValue(name, tlv);
      return `MCC ${mcc}, MNC ${mnc}, area ${area}, cell ${toHex(cell)}`;
    }
    case "dateTimeZone": {
      const { year, month, day, hour, minute, second } = objectValue(name, tlv);
      const two = (value: number) => String(value).padStart(2, "0");
      return `20${two(year)}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}`;
    }
    case "accessTechnology":
      return [...tlv.value].map((octet) => accessTechnologyName(octet) ?? hex2(octet)).join(", ");
    case "bearerDescription":
      return bearerName(first);
    case "bufferSize":
      return `${objectValue(name, tlv)} octets`;
    case "channelDataLength":
      return first === 255 ? "255 octets or more" : `${first} octets`;
    case "channelStatus": {
      const { channel, state, info } = objectValue(name, tlv);
      return `channel ${channel}, ${state}${info === 5 ? ", link dropped" : ""}`;
    }
    case "transportLevel": {
      const { protocol, port } = objectValue(name, tlv);
      return `${transportName(protocol) ?? hex2(protocol)}, port ${port}`;
    }
    case "otherAddress": {
      const address = objectValue(name, tlv);
      return "host" in address ? address.host : address.kind;
    }
    case "networkAccessName":
    case "url":
    case "language":
    case "atCommand":
    case "atResponse":
      return `"${objectValue(name, tlv)}"`;
    default:
      return undefined;
  }
}

/** What OPEN CHANNEL opens, for a line of text. @throws codec.* */
export function openChannelWords(objects: readonly CatTlv[]): string {
  const level = findObject(objects, "transportLevel");
  const address = findObject(objects, "otherAddress");
  const access = findObject(objects, "networkAccessName");
  const host = address !== undefined && "host" in address ? address.host : "a dynamic address";
  const to = level === undefined ? host : `${transportName(level.protocol) ?? "?"} ${host}:${level.port}`;
  return access === undefined || access === "" ? to : `${to}, access point ${access}`;
}

/**
 * The most telling object of a command, for a line of text; empty when the command's name states it all. @throws
 * codec.*
 */
export function summaryWords(objects: readonly CatTlv[]): string {
  for (const name of ["eventList", "duration", "timerValue", "fileList", "channelDataLength", "textString"] as const) {
    const found = findTlv(objects, name);
    if (found !== undefined) return objectWords(name, found) ?? "";
  }
  return "";
}
