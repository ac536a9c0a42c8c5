import { codecError } from "../../../base/gateway-error.ts";
import { concatBytes } from "../../../base/hex.ts";
import { readTlvs, tlvBytes } from "../../kit/ber.ts";
import { childOf, type ProfileElement, type ProfilePackage } from "../element.ts";
import { headerOf } from "../facts.ts";
import type { Edits } from "./edits.ts";
import { missing, type PackageValue } from "./set-files.ts";
import { hexValue, numberValue } from "./value-octets.ts";

/** Values of the profile header alone. */
type HeaderValue = "profile-type" | "pol1" | "connectivity" | "connectivity-smsc";

/** Sets a field of the profile header. eUICC Profile Package §8.2.1 */
export function setHeader(edits: Edits, profile: ProfilePackage, value: PackageValue, what: HeaderValue): void {
  const { name, text } = value;
  const header = headerOf(profile);
  if (header === undefined) throw missing(profile, name, "profile header");
  const { id, octets } = fieldOf(header, name, text, what);
  edits.field(name, header, id, octets);
}

function fieldOf(header: ProfileElement, name: string, text: string, what: HeaderValue) {
  switch (what) {
    case "profile-type":
      return { id: "profileType", octets: typeOctets(name, text) };
    case "pol1":
      return { id: "pol", octets: hexValue(name, text, [1]) };
    case "connectivity":
      return { id: "connectivityParameters", octets: connectivityOctets(name, text) };
    case "connectivity-smsc":
      return { id: "connectivityParameters", octets: withServiceCentre(header, name, text) };
  }
}

function typeOctets(name: string, text: string): Uint8Array {
  const length = [...text].length;
  if (length >= 1 && length <= 100) return new TextEncoder().encode(text);
  throw codecError("codec.length", `${name} must have 1 to 100 characters, not ${length}`, 0, { field: name });
}

function connectivityOctets(name: string, text: string): Uint8Array {
  const octets = hexValue(name, text, undefined);
  readTlvs(octets);
  if (octets.length <= 255) return octets;
  throw codecError("codec.length", `${name} must have 255 octets at most`, 255, { field: name });
}

/** SMS parameters (A0) with another address (06); all other parameters stay. SGP.02 §4.1.3.4 */
function withServiceCentre(header: ProfileElement, name: string, text: string): Uint8Array {
  const address = tlvBytes(0x06, numberValue(name, text));
  const former = childOf(header, "connectivityParameters")?.value ?? new Uint8Array();
  const rest = readTlvs(former);
  const sms = rest.find(({ tag }) => tag === 0xa0);
  const others = sms === undefined ? [] : readTlvs(sms.value).filter(({ tag }) => tag !== 0x06 && tag !== 0x86);
  const parameters = tlvBytes(0xa0, address, ...others.map(({ tag, value }) => tlvBytes(tag, value)));
  const bearers = rest.filter(({ tag }) => tag !== 0xa0).map(({ tag, value }) => tlvBytes(tag, value));
  return concatBytes(parameters, ...bearers);
}
