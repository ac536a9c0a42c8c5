import { toHex } from "../../../src/base/hex.ts";
import type { Tlv } from "../../../src/codec/kit/ber.ts";
import type { PinState } from "../card-state.ts";
import type { AuthenticationState } from "../installed-state.ts";
import { field, inside, needed, sized, unsigned } from "./fields.ts";
import { reject } from "./install-error.ts";

/** An unblocking code that PINs may name. */
export interface Puk {
  readonly value: string;
  readonly tries: number;
}

/** A PIN field as the card compares it: without its filler. TS 102 221 §9.5.1 */
const code = (tlv: Tlv) => String.fromCharCode(...sized(tlv, 8).filter((octet) => octet !== 0xff));

/** pukCodes A3: codes by reference. */
export function readPuks(fields: readonly Tlv[]): Map<number, Puk> {
  const list = needed(fields, 0xa1, 0);
  return new Map(
    inside(list).map((entry) => {
      const parts = inside(entry);
      const tries = field(parts, 0x82);
      return [
        unsigned(needed(parts, 0x80, entry.offset), 0xff),
        { value: code(needed(parts, 0x81, entry.offset)), tries: tries ? unsigned(tries, 0xff) : 0xaa },
      ];
    }),
  );
}

/** pinCodes A2 of a directory: PINs by reference, or the path of the directory whose PINs it shares. */
export function readPins(fields: readonly Tlv[], puks: ReadonlyMap<number, Puk>): Map<number, PinState> | Tlv {
  const choice = inside(needed(fields, 0xa1, 0))[0] ?? reject("badValues", 0);
  if (choice.tag === 0x81) return choice;
  if (choice.tag !== 0xa0) return reject("badValues", choice.offset);
  return new Map(
    inside(choice).map((entry) => {
      const parts = inside(entry);
      const reference = unsigned(needed(parts, 0x80, entry.offset), 0xff);
      const known = (reference >= 1 && reference <= 8) || (reference >= 10 && reference <= 14);
      const local = (reference >= 129 && reference <= 136) || (reference >= 138 && reference <= 142);
      if (!known && !local) reject("badValues", entry.offset);
      return [reference, pinOf(parts, entry, puks)];
    }),
  );
}

function pinOf(parts: readonly Tlv[], entry: Tlv, puks: ReadonlyMap<number, Puk>): PinState {
  const named = field(parts, 0x82);
  const puk = named && (puks.get(unsigned(named, 0xff)) ?? reject("badValues", named.offset));
  const attributes = field(parts, 0x83);
  const flags = attributes ? unsigned(attributes, 0xff) : 0x07;
  const tries = field(parts, 0x84);
  const attempts = tries ? unsigned(tries, 0xff) : 0x33;
  return {
    value: code(needed(parts, 0x81, entry.offset)),
    unblock: puk?.value ?? "",
    enabled: (flags & 0x01) !== 0,
    fixed: (flags & 0x06) === 0,
    tries: attempts & 0x0f,
    maxTries: attempts >> 4,
    unblockTries: puk ? puk.tries & 0x0f : 0,
    maxUnblockTries: puk ? puk.tries >> 4 : 0,
  };
}

/** The zero sequence numbers that a package without sqnInit has. */
const noSequences = Array.from({ length: 32 }, () => "000000000000");

/**
 * akaParameter A4: an algorithm with its keys, or the AID of the application whose algorithm is used too.
 * @throws InstallError feature not supported for an algorithm that the card does not have
 */
export function readAlgorithm(fields: readonly Tlv[]): AuthenticationState | { readonly sharedWith: string } {
  const choice = inside(needed(fields, 0xa1, 0))[0] ?? reject("badValues", 0);
  const parts = inside(choice);
  if (choice.tag === 0xa0) return { sharedWith: toHex(needed(parts, 0x81, choice.offset).value) };
  if (choice.tag !== 0xa1) return reject("badValues", choice.offset);
  const id = needed(parts, 0x80, choice.offset);
  const key = needed(parts, 0x82, choice.offset);
  switch (unsigned(id)) {
    case 1:
      return {
        algorithm: "milenage",
        ki: toHex(sized(key, 16)),
        opc: toHex(sized(needed(parts, 0x83, choice.offset), 16)),
        ...optional("rotations", field(parts, 0x84), 5),
        ...optional("constants", field(parts, 0x85), 80),
        ...sequenceNumbers(fields),
      };
    case 2: {
      const iterations = field(parts, 0x87);
      return {
        algorithm: "tuak",
        ki: toHex(sized(key, 16, 32)),
        opc: toHex(sized(needed(parts, 0x83, choice.offset), 32)),
        iterations: iterations ? unsigned(iterations, 0xff) || reject("badValues", iterations.offset) : 1,
        ...sequenceNumbers(fields),
      };
    }
    case 3:
      return { algorithm: "xor", ki: toHex(sized(key, 16)), opc: "", sqn: "000000000000" };
    default:
      return reject("featureNotSupported", id.offset);
  }
}

function optional<K extends string>(name: K, tlv: Tlv | undefined, octets: number): { readonly [P in K]?: string } {
  return tlv ? ({ [name]: toHex(sized(tlv, octets)) } as { [P in K]: string }) : {};
}

/** Last sequence numbers, and the limits of the check where the package states them. TS 33.102 annex C.2 */
function sequenceNumbers(fields: readonly Tlv[]) {
  const initial = field(fields, 0xa5);
  const given = initial && inside(initial).map((tlv) => toHex(sized(tlv, 6)));
  if (given && given.length !== 32) reject("badValues", initial.offset);
  const delta = field(fields, 0x83);
  const age = field(fields, 0x84);
  const sqnByIndex = given ?? noSequences;
  return {
    sqn: highest(sqnByIndex),
    sqnByIndex,
    ...(delta && { sqnDelta: toHex(sized(delta, 6)) }),
    ...(age && { sqnAgeLimit: toHex(sized(age, 6)) }),
  };
}

/** The highest of these sequence numbers, with its index behind it. */
function highest(byIndex: readonly string[]): string {
  const values = byIndex.map((hex, i) => Number.parseInt(hex, 16) * 32 + i);
  const top = Math.max(...values);
  return top < 32 ? "000000000000" : top.toString(16).toUpperCase().padStart(12, "0").slice(-12);
}
