import { codecError } from "../../base/gateway-error.ts";

/** Highest logical channel number of an interindustry class byte. TS 102 221 §10.1.1 */
export const lastLogicalChannel = 19;

/** Whether the class is that of a GSM SIM, which knows no logical channels. TS 51.011 §9.2 */
export function isSimClass(cla: number): boolean {
  return (cla & 0xf0) === 0xa0;
}

/** Logical channel a class byte addresses, 0 to 19; 0 for a class that has none. TS 102 221 §10.1.1 */
export function logicalChannelOf(cla: number): number {
  if (isSimClass(cla)) return 0;
  if ((cla & 0x40) !== 0) return 4 + (cla & 0x0f);
  return (cla & 0x10) === 0 ? cla & 0x03 : 0;
}

/**
 * The class byte for a logical channel, kind (interindustry, proprietary) and secure messaging kept.
 * @throws codec.value (offset 0) when the class already names another channel or cannot carry one. TS 102 221 §10.1.1
 */
export function onLogicalChannel(cla: number, channel: number): number {
  const present = logicalChannelOf(cla);
  if (present === channel) return cla;
  if (present !== 0) {
    throw codecError("codec.value", `class ${hexOctet(cla)} addresses logical channel ${present}, not ${channel}`, 0);
  }
  if (isSimClass(cla) || (cla & 0x70) !== 0) {
    throw codecError("codec.value", `class ${hexOctet(cla)} has no logical channels`, 0);
  }
  const secured = (cla & 0x0c) !== 0;
  return channel < 4 ? cla | channel : (cla & 0x80) | 0x40 | (secured ? 0x20 : 0) | (channel - 4);
}

/**
 * Class byte of the GET RESPONSE that belongs to a command: interindustry and on the same logical channel, or that of
 * the SIM. TS 102 221 §11.1.13 (class 0X, 4X or 6X)
 */
export function getResponseClass(cla: number): number {
  if (isSimClass(cla)) return cla;
  const channel = logicalChannelOf(cla);
  return channel < 4 ? channel : 0x40 | (channel - 4);
}

function hexOctet(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, "0");
}
