import { concatBytes, fromHex } from "../../src/base/hex.ts";
import { plainBcd } from "../../src/codec/kit/bcd.ts";
import { readTlvs, tlvBytes } from "../../src/codec/kit/ber.ts";
import { type EuiccState, enabledProfile, type KeySetState, type NotificationState } from "./card-state.ts";
import { type ProactiveCommand, sendShortMessage } from "./cat-tlv.ts";
import { buildNotice, type PacketKeys } from "./secured/scp80-packet.ts";
import { catAddress, segments, submit } from "./sms.ts";

/** Keys of an SCP80 set: 1 = KIc, 2 = KID. */
export function packetKeys(set: KeySetState): PacketKeys {
  const key = (id: number) => fromHex(set.keys.find((candidate) => candidate.id === id)?.value ?? "");
  return { kic: key(1), kid: key(2), ccLength: set.ccLength };
}

/** Data encryption key of a set: key 3 of SCP80, key 2 of SCP81. */
export function dataKey(set: KeySetState | undefined): Uint8Array | undefined {
  const id = set?.type === "SCP81" ? 2 : 3;
  const value = set?.keys.find((candidate) => candidate.id === id)?.value;
  return value === undefined ? undefined : fromHex(value);
}

/** The notification template E1. SGP.02 §4.1.1.11 */
export function notificationTlv(
  state: EuiccState,
  notification: NotificationState,
  imei: Uint8Array | undefined,
): Uint8Array {
  const { type, sequence, aid } = notification;
  return tlvBytes(
    0xe1,
    tlvBytes(0x4c, plainBcd(state.eid)),
    tlvBytes(0x4d, Uint8Array.of(type)),
    tlvBytes(0x4e, Uint8Array.of(sequence >> 8, sequence & 0xff)),
    tlvBytes(state.settings.notificationAidTag, fromHex(aid)),
    ...(imei ? [tlvBytes(0x14, imei)] : []),
  );
}

/** The SEND SHORT MESSAGEs that carry a notification to the SM-SR; empty when no SMS address is stored. */
export function notificationMessages(state: EuiccState, e1: Uint8Array, reference: number): ProactiveCommand[] {
  const addressing = state.isdR.addressing.A3;
  const address = addressing && readTlvs(fromHex(addressing)).find(({ tag }) => tag === 0x81)?.value;
  if (!address) return [];
  const centre = serviceCentre(state);
  if (state.settings.notificationSecurity === "bare") return [sendShortMessage(submit(address, e1, false), centre)];
  const set = state.isdR.keySets.filter(({ type }) => type === "SCP80").sort((a, b) => a.kvn - b.kvn)[0];
  const secured = state.settings.notificationSecurity === "cc" && set !== undefined;
  const high = secured ? set.kvn << 4 : 0;
  const header = { spi1: secured ? 0x02 : 0x00, kic: high, kid: secured ? high | 2 : 0, tar: 0x000001 } as const;
  const packet = buildNotice(header, secured ? packetKeys(set) : undefined, e1);
  return segments(packet, 0x70, reference).map((userData) => sendShortMessage(submit(address, userData), centre));
}

/** SMSC from the enabled profile's connectivity parameters, otherwise from its EF.SMSP. */
function serviceCentre(state: EuiccState): Uint8Array | undefined {
  const profile = enabledProfile(state);
  const parameters = profile?.connectivity.A0;
  if (parameters) {
    const stored = readTlvs(fromHex(parameters)).find(({ tag }) => tag === 0x06);
    if (stored) return concatBytes(stored.value);
  }
  return profile?.smsc ? catAddress(profile.smsc) : undefined;
}
