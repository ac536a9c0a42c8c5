import { toHex } from "../../../src/base/hex.ts";
import type { Tlv } from "../../../src/codec/kit/ber.ts";
import type { CardSettings } from "../card-state.ts";
import { field, inside, needed, sized, unsigned } from "./fields.ts";
import { reject } from "./install-error.ts";
import { templateOf } from "./templates.ts";

/** Services by index, the ones that the card has marked. TCA eUICC Profile Package §8.3 */
const services: readonly (readonly [name: string, supported: boolean])[] = [
  ["contactless", false],
  ["usim", true],
  ["isim", true],
  ["csim", false],
  ["milenage", true],
  ["tuak128", true],
  ["cave", false],
  ["gba-usim", false],
  ["gba-isim", false],
  ["mbms", false],
  ["eap", false],
  ["javacard", true],
  ["multos", false],
  ["multiple-usim", true],
  ["multiple-isim", true],
  ["multiple-csim", false],
  ["tuak256", true],
  ["usim-test-algorithm", true],
  ["ber-tlv", true],
  ["dfLink", true],
];

/** Providers of libraries that stand for the runtime's own packages: java, javacard and uicc. */
const libraryProviders = ["A000000062", "A000000009", "A000000087"];

/** What the card takes over from the header. */
export interface HeaderFacts {
  readonly iccid: string;
  readonly profileType: string | undefined;
  readonly pol1: number;
  readonly connectivity: Tlv | undefined;
}

/**
 * Decides on the header alone whether the card can take the package.
 * @throws InstallError 31 for the version, 10 for a service (its index as additional information), 9 for a template, 8 for a library
 */
export function readHeader(fields: readonly Tlv[], settings: CardSettings): HeaderFacts {
  const major = unsigned(needed(fields, 0x80, 0), 0xff);
  const minor = unsigned(needed(fields, 0x81, 0), 0xff);
  const [highestMajor = 3, highestMinor = 3] = settings.packageVersion.split(".").map(Number);
  const known = major >= 2 && (major < highestMajor || (major === highestMajor && minor <= highestMinor));
  if (!known) reject("unsupportedVersion");
  for (const service of inside(needed(fields, 0xa5, 0))) {
    const index = service.tag > 0xff ? service.tag & 0x7f : service.tag & 0x1f;
    const [name, supported] = services[index] ?? ["", false];
    if (!supported || settings.withoutServices.includes(name)) reject("featureNotSupported", service.offset, index);
  }
  for (const oid of inside(needed(fields, 0xa6, 0)))
    if (oid.tag !== 0x06 || templateOf(oid.value) === undefined) reject("templateNotSupported", oid.offset);
  const libraries = field(fields, 0xa8);
  for (const entry of libraries ? inside(libraries) : []) {
    const aid = needed(inside(entry), 0x80, entry.offset);
    if (!libraryProviders.some((rid) => toHex(aid.value).startsWith(rid))) reject("libraryNotSupported", aid.offset);
  }
  const iot = field(fields, 0xa9);
  if (iot) reject("featureNotSupported", iot.offset);
  const type = field(fields, 0x82);
  return {
    iccid: toHex(sized(needed(fields, 0x83, 0), 10)).replace(/F+$/, ""),
    profileType: type && new TextDecoder().decode(type.value),
    pol1: (field(fields, 0x84)?.value.at(-1) ?? 0) & 0x07,
    connectivity: field(fields, 0x87),
  };
}

/** Whether applications can be loaded. */
export function hasRuntime(settings: CardSettings): boolean {
  return !settings.withoutServices.includes("javacard");
}
