import { codecError } from "../../../base/gateway-error.ts";
import { nearest } from "../../../base/nearest.ts";

/** A key of a security domain. Undefined version: the only key set for SCP80 or SCP81 of the domain. */
export interface DomainKey {
  readonly set: "domain-key";
  /** `mno-sd`, `sd2` for the second security domain of the package, or an AID. */
  readonly domain: string;
  readonly version: number | "scp80" | "scp81";
  readonly identifier: number;
}

/** What a value sets. */
export type ValueTarget =
  | { readonly set: PlainName }
  | { readonly set: "pin" | "puk"; readonly reference: number }
  | DomainKey;

const plainNames = [
  ...(["iccid", "imsi", "acc", "k", "opc", "op", "smsc", "msisdn", "spn"] as const),
  ...(["profile-type", "pol1", "connectivity", "connectivity-smsc"] as const),
] as const;

type PlainName = (typeof plainNames)[number];

/** Names of one word that stand for a PIN, a PUK or a key. */
const words: Readonly<Record<string, ValueTarget>> = {
  ki: { set: "k" },
  pin1: { set: "pin", reference: 1 },
  pin2: { set: "pin", reference: 129 },
  puk1: { set: "puk", reference: 1 },
  puk2: { set: "puk", reference: 129 },
  ...Object.fromEntries(
    Array.from({ length: 10 }, (_, i): [string, ValueTarget] => [
      `adm${i + 1}`,
      { set: "pin", reference: i < 5 ? 10 + i : 133 + i },
    ]),
  ),
  kic: { set: "domain-key", domain: "mno-sd", version: "scp80", identifier: 1 },
  kid: { set: "domain-key", domain: "mno-sd", version: "scp80", identifier: 2 },
  kik: { set: "domain-key", domain: "mno-sd", version: "scp80", identifier: 3 },
  psk: { set: "domain-key", domain: "mno-sd", version: "scp81", identifier: 1 },
};

const keyWords: Readonly<Record<string, number>> = { kic: 1, kid: 2, kik: 3 };

/** The name of a value. */
interface ValueName {
  readonly target: ValueTarget;
  /** Element that it sets alone, from 1. */
  readonly position?: number;
}

/**
 * Reads the name of a value: `imsi`; `pin.130` for a reference; `key.mno-sd.01.kic` for a key by domain, version and
 * identifier; `@7` behind it for one element of several.
 * @throws codec.text
 */
export function parseValueName(text: string): ValueName {
  const [, name = "", at] = /^([^@]*)(?:@(\d{1,5}))?$/.exec(text.trim().toLowerCase()) ?? [];
  const target = targetOf(name);
  if (target === undefined) throw unknownName(text);
  return at === undefined ? { target } : { target, position: Number(at) };
}

function targetOf(name: string): ValueTarget | undefined {
  const plain = plainNames.find((one) => one === name);
  if (plain !== undefined) return { set: plain };
  const word = Object.hasOwn(words, name) ? words[name] : undefined;
  if (word !== undefined) return word;
  const [, code, reference] = /^(pin|puk)\.(\d{1,3})$/.exec(name) ?? [];
  if (code !== undefined) return { set: code === "pin" ? "pin" : "puk", reference: Number(reference) };
  const [, domain, version, key = ""] =
    /^key\.(mno-sd|sd[1-9]\d?|(?:[0-9a-f]{2}){5,16})\.([0-9a-f]{2})\.([0-9a-f]{2}|kic|kid|kik)$/.exec(name) ?? [];
  if (domain === undefined || version === undefined) return undefined;
  const identifier = keyWords[key] ?? Number.parseInt(key, 16);
  return { set: "domain-key", domain, version: Number.parseInt(version, 16), identifier };
}

/** The name is not quoted whole: a table without a first line of names has values there. */
function unknownName(text: string) {
  const meant = nearest(text.trim().toLowerCase(), [...plainNames, ...Object.keys(words)]);
  const hint = meant === undefined ? "" : `: is ${meant} meant?`;
  const shown = /^[a-z][a-z0-9@._-]{0,23}$/i.test(text.trim())
    ? `${text.trim()} is not the name of a value`
    : "a name is not that of a value";
  return codecError("codec.text", `${shown}${hint}`, 0);
}
