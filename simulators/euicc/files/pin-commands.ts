import { concatBytes } from "../../../src/base/hex.ts";
import { type CommandApdu, type ResponseApdu, refuse, status } from "../apdu.ts";
import type { CardCore } from "../card-core.ts";
import type { PinState, ProfileState } from "../card-state.ts";
import type { Directory } from "./file-tree.ts";

/** Attempts before a PIN, and before its unblocking code, is blocked. */
const pinTries = { pin: 3, unblock: 10 } as const;

/** A PIN as its owner gets it. */
export function freshPin(value: string, unblock: string, enabled: boolean): PinState {
  return { value, unblock, enabled, tries: pinTries.pin, unblockTries: pinTries.unblock };
}

/** PIN status template: which references exist and whether the universal PIN is on. TS 102 221 §9.5.2 */
export function pinStatusObject(profile: ProfileState | undefined): Uint8Array {
  const enabled = profile?.pins["01"]?.enabled ? 0x80 : 0x00;
  return concatBytes(
    Uint8Array.of(0x90, 0x01, enabled | 0x40),
    Uint8Array.of(0x83, 0x01, 0x01),
    Uint8Array.of(0x83, 0x01, 0x81),
    Uint8Array.of(0x83, 0x01, 0x0a),
  );
}

/**
 * The PIN that a reference means in a directory. Local ones of a downloaded profile belong to the directory or one above,
 * or to the directory whose PINs it shares.
 */
export function pinAt(
  profile: ProfileState | undefined,
  from: Directory | undefined,
  reference: number,
): { readonly name: string; readonly pin: PinState | undefined } {
  const hex = reference.toString(16).toUpperCase().padStart(2, "0");
  const pins = profile?.pins ?? {};
  for (let at = from; at !== undefined && reference >= 0x80; at = at.parent) {
    const name = `${hex}@${profile?.installed?.pinLinks[at.path] ?? at.path}`;
    if (pins[name]) return { name, pin: pins[name] };
  }
  return { name: hex, pin: pins[hex] };
}

/** Digits of a PIN field: up to eight ASCII digits, padded with FF. TS 102 221 §9.5.1 */
function digits(field: Uint8Array): string {
  if (field.length !== 8) return refuse(0x6700);
  return String.fromCharCode(...field.filter((octet) => octet !== 0xff));
}

/** VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN. TS 102 221 §11.1.9 to §11.1.13 */
export function pinCommand(
  card: CardCore,
  profile: ProfileState,
  from: Directory | undefined,
  apdu: CommandApdu,
): ResponseApdu {
  const { name: key, pin } = pinAt(profile, from, apdu.p2);
  if (pin === undefined) return refuse(0x6a88);
  if (apdu.ins !== 0x26 && apdu.p1 !== 0) return refuse(0x6a86);
  if (apdu.data.length === 0) return ask(pin, apdu.ins);
  if (apdu.ins === 0x2c) return unblock(card, key, pin, apdu.data);
  if (apdu.ins === 0x28 ? pin.enabled : !pin.enabled) return refuse(apdu.ins === 0x28 ? 0x6985 : 0x6984);
  const length = apdu.ins === 0x24 ? 16 : 8;
  if (apdu.data.length !== length) return refuse(0x6700);
  if (pin.fixed && apdu.ins !== 0x20) return refuse(0x6985);
  if (pin.tries === 0) return refuse(0x6983);
  return present(card, key, pin, apdu);
}

/** A command without data asks for the attempts left. */
function ask(pin: PinState, ins: number): ResponseApdu {
  if (ins === 0x20 || ins === 0x2c) return status(0x63c0 | (ins === 0x20 ? pin.tries : pin.unblockTries));
  return refuse(0x6700);
}

function present(card: CardCore, key: string, pin: PinState, { ins, data }: CommandApdu): ResponseApdu {
  if (digits(data.subarray(0, 8)) !== pin.value) {
    pin.tries -= 1;
    card.verified.delete(key);
    card.commit();
    return status(pin.tries === 0 ? 0x63c0 : 0x63c0 | pin.tries);
  }
  if (ins === 0x24) pin.value = digits(data.subarray(8));
  if (ins === 0x26) pin.enabled = false;
  if (ins === 0x28) pin.enabled = true;
  pin.tries = pin.maxTries ?? pinTries.pin;
  card.verified.add(key);
  card.commit();
  return status(0x9000);
}

function unblock(card: CardCore, key: string, pin: PinState, data: Uint8Array): ResponseApdu {
  if (data.length !== 16) return refuse(0x6700);
  if (pin.unblockTries === 0) return refuse(0x6983);
  if (digits(data.subarray(0, 8)) !== pin.unblock) {
    pin.unblockTries -= 1;
    card.commit();
    return status(0x63c0 | pin.unblockTries);
  }
  Object.assign(pin, freshPin(digits(data.subarray(8)), pin.unblock, true));
  pin.tries = pin.maxTries ?? pin.tries;
  pin.unblockTries = pin.maxUnblockTries ?? pin.unblockTries;
  card.verified.add(key);
  card.commit();
  return status(0x9000);
}
