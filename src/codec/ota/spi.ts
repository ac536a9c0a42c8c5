import { bits, choice, flag } from "../kit/bits.ts";
import { type Codec, decode, encode, type Of } from "../kit/codec.ts";
import { record } from "../kit/primitives.ts";

const protections = ["none", "rc", "cc", "ds"] as const;
const pors = ["never", "always", "on-error", undefined] as const;

/** The counter mode as the number in b5 b4 of the first octet. */
export const counterModes = ["none", "unchecked", "higher", "next"] as const;
export type CounterMode = (typeof counterModes)[number];

/** What secures a packet: nothing, redundancy check, cryptographic checksum, digital signature. */
export type Protection = (typeof protections)[number];

const CommandSpi = bits({
  counter: choice(5, 4, counterModes),
  ciphered: flag(3),
  integrity: choice(2, 1, protections),
});

const ResponseSpi = bits({
  porBySubmit: flag(6),
  porCiphered: flag(5),
  porIntegrity: choice(4, 3, protections),
  por: choice(2, 1, pors),
});

/** Security parameter indicator, two octets. ETSI TS 102 225 §5.1.1, 3GPP TS 31.115 §4.2 */
export const Spi = record({ command: CommandSpi, response: ResponseSpi });
export type Spi = Of<typeof Spi>;

function everyOctet<T>(codec: Codec<T>): readonly (T | undefined)[] {
  return Array.from({ length: 256 }, (_, octet) => {
    try {
      return decode(codec, Uint8Array.of(octet));
    } catch {
      return undefined;
    }
  });
}

/** Each packet carries a SPI: what its octets mean is looked up. */
const commandSpis = everyOctet(CommandSpi);
const responseSpis = everyOctet(ResponseSpi);

/** Reads two octets. @throws codec.value for reserved bits, codec.truncated, codec.trailing */
export function parseSpi(octets: Uint8Array, base = 0): Spi {
  const command = commandSpis[octets[0] ?? -1];
  const response = responseSpis[octets[1] ?? -1];
  if (command === undefined || response === undefined || octets.length !== 2) return decode(Spi, octets, base);
  return { command, response };
}

/** Whether these are the two octets of a SPI without reserved values. */
export function isSpi(octets: Uint8Array): boolean {
  const [first, second, ...others] = octets;
  return commandSpis[first ?? -1] !== undefined && responseSpis[second ?? -1] !== undefined && others.length === 0;
}

/** The two octets. */
export function spiBytes(spi: Spi): Uint8Array {
  return encode(Spi, spi);
}

const protectionNames = { none: "no check", rc: "RC", cc: "CC", ds: "DS" } as const;
const counterNames = {
  none: "no counter",
  unchecked: "counter not checked",
  higher: "counter must be higher",
  next: "counter must be one higher",
} as const;
const porNames = { never: "no PoR", always: "PoR always", "on-error": "PoR on error" } as const;

/** One line for display: `CC, ciphered, counter must be higher; PoR always by SMS-SUBMIT, CC, ciphered`. */
export function showSpi(spi: Spi): string {
  const { command, response } = spi;
  const cipher = (ciphered: boolean) => (ciphered ? "ciphered" : "clear");
  const out = `${protectionNames[command.integrity]}, ${cipher(command.ciphered)}, ${counterNames[command.counter]}`;
  if (response.por === "never") return `${out}; no PoR`;
  const way = response.porBySubmit ? "SMS-SUBMIT" : "SMS-DELIVER-REPORT";
  const back = `${protectionNames[response.porIntegrity]}, ${cipher(response.porCiphered)}`;
  return `${out}; ${porNames[response.por]} by ${way}, ${back}`;
}
