import { codecError } from "../../base/gateway-error.ts";

/** Meaning of a class octet. ISO/IEC 7816-4 §5.4.1, ETSI TS 102 221 §10.1.1 */
interface ClassByte {
  /** Logical channel 0–19. */
  readonly channel: number;
  /** Secure messaging as coded: 0 none, 1 proprietary, 2 header not authenticated, 3 header authenticated. */
  readonly secureMessaging: number;
  /** More commands of this chain follow. */
  readonly chained: boolean;
  /** `iso` 0x/4x–7x, `gp` 8x–Bx and Cx–Fx, `sim` A0 of a 2G SIM. */
  readonly kind: "iso" | "proprietary" | "sim" | "invalid";
}

/** Reads a class octet. */
export function parseClassByte(cla: number): ClassByte {
  if (cla === 0xff) return { channel: 0, secureMessaging: 0, chained: false, kind: "invalid" };
  if (cla === 0xa0) return { channel: 0, secureMessaging: 0, chained: false, kind: "sim" };
  const kind = cla & 0x80 ? "proprietary" : "iso";
  if (cla & 0x40) {
    const secureMessaging = cla & 0x20 ? 2 : 0;
    return { channel: 4 + (cla & 0x0f), secureMessaging, chained: (cla & 0x10) !== 0, kind };
  }
  return { channel: cla & 0x03, secureMessaging: (cla >> 2) & 0x03, chained: (cla & 0x10) !== 0, kind };
}

/**
 * The class octet for another logical channel, all else kept. Channels 4–19 use the further interindustry coding.
 * @throws codec.value for a channel above 19, or 2G class A0 on another channel than 0
 */
export function onChannel(cla: number, channel: number): number {
  if (!Number.isInteger(channel) || channel < 0 || channel > 19) {
    throw codecError("codec.value", `logical channel ${channel}, 0 to 19`, 0, { field: "CLA" });
  }
  if (cla === 0xa0) {
    if (channel === 0) return cla;
    throw codecError("codec.value", "class A0 has no logical channels", 0, { field: "CLA" });
  }
  const now = parseClassByte(cla);
  const base = (cla & 0x80) | (now.chained ? 0x10 : 0);
  if (channel > 3) return base | 0x40 | (now.secureMessaging === 0 ? 0 : 0x20) | (channel - 4);
  return base | (now.secureMessaging << 2) | channel;
}
