import { porStatus } from "../codec/ota/por-status.ts";
import type { CounterMode } from "../codec/ota/spi.ts";

/** The largest CNTR; a receiver that stores it accepts no further packet with a counter. */
const maxCounter = 0xff_ff_ff_ff_ff;

/** A receiver's verdict on the counter of an authentic packet. */
interface CounterVerdict {
  /** 0 = accepted, otherwise the response status to give. */
  readonly status: number;
  /** What the receiver stores from now on. */
  readonly stored: number;
}

/**
 * The receiver's counter rule; call it only after the checksum was verified. Modes without check leave the stored value
 * as it is. ETSI TS 102 225 §5.1.4
 */
export function acceptCounter(mode: CounterMode, stored: number, received: number): CounterVerdict {
  if (mode === "none" || mode === "unchecked") return { status: porStatus.ok, stored };
  if (stored >= maxCounter) return { status: porStatus.counterBlocked, stored };
  if (received <= stored) return { status: porStatus.counterLow, stored };
  if (mode === "next" && received > stored + 1) return { status: porStatus.counterHigh, stored };
  return { status: porStatus.ok, stored: received };
}
