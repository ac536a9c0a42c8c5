import { codecError } from "../../base/gateway-error.ts";

const minute = 60_000;
const pad = (value: number) => String(value).padStart(2, "0");

/** A time as SMPP carries it: nothing, a span from now, or a moment. */
type SmppTime =
  | { readonly at: "default" }
  | { readonly at: "relative"; readonly ms: number }
  | { readonly at: "absolute"; readonly epochMs: number };

/** Relative form of a span, `YYMMDDhhmmss000R`; days above 30 go into months of 30 days. SMPP 3.4 §7.1.1.2 */
export function relativeTime(minutes: number): string {
  const whole = Math.max(1, Math.round(minutes));
  const days = Math.floor(whole / 1440);
  const fields = [Math.floor(days / 360), Math.floor((days % 360) / 30), days % 30];
  return `${fields.map(pad).join("")}${pad(Math.floor((whole % 1440) / 60))}${pad(whole % 60)}00000R`;
}

/** Absolute form of a moment in the zone `quarters` quarter-hours east of UTC, `YYMMDDhhmmsstnnp`. SMPP 3.4 §7.1.1.1 */
export function absoluteTime(epochMs: number, quarters = 0): string {
  const local = new Date(epochMs + quarters * 15 * minute);
  const date = [local.getUTCFullYear() % 100, local.getUTCMonth() + 1, local.getUTCDate()];
  const time = [local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()];
  const tenths = Math.floor(local.getUTCMilliseconds() / 100);
  return `${[...date, ...time].map(pad).join("")}${tenths}${pad(Math.abs(quarters))}${quarters < 0 ? "-" : "+"}`;
}

function calendar(digits: string, field: string): number {
  const part = (at: number) => Number(digits.slice(at, at + 2));
  const [year, month, day, hour, min, second] = [part(0), part(2), part(4), part(6), part(8), part(10)];
  const epochMs = Date.UTC(2000 + year, month - 1, day, hour, min, second);
  const back = new Date(epochMs);
  if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day || hour > 23 || min > 59 || second > 59) {
    throw codecError("codec.value", `${field}: ${digits} is not a date and time`, 0, { field });
  }
  return epochMs;
}

/**
 * Reads either form, or the empty default. Relative months count 30 days, years 365.
 * @throws codec.text, codec.value, naming `field`
 */
export function parseTime(text: string, field = "validity_period"): SmppTime {
  if (text === "") return { at: "default" };
  const form = /^(\d{12})(\d)(\d{2})([-+R])$/.exec(text);
  if (form === null) throw codecError("codec.text", `${field}: neither absolute nor relative time`, 0, { field });
  const [, digits = "", tenths = "0", quarters = "0", sign] = form;
  if (sign === "R") {
    const part = (at: number) => Number(digits.slice(at, at + 2));
    const days = part(0) * 365 + part(2) * 30 + part(4);
    return { at: "relative", ms: ((days * 24 + part(6)) * 60 + part(8)) * minute + part(10) * 1000 };
  }
  const offset = Number(quarters);
  if (offset > 48) throw codecError("codec.value", `${field}: ${quarters} quarter-hours from UTC`, 13, { field });
  const shift = (sign === "-" ? -offset : offset) * 15 * minute;
  return { at: "absolute", epochMs: calendar(digits, field) + Number(tenths) * 100 - shift };
}

/**
 * A receipt's date, `YYMMDDhhmm` or `YYMMDDhhmmss` in the SMSC's own zone; undefined for the letters, zeros and other
 * things that stand in its place.
 */
export function receiptDate(text: string | undefined, quarters = 0): number | undefined {
  if (text === undefined || !/^\d{10}(\d{2})?$/.test(text)) return undefined;
  try {
    return calendar(text.padEnd(12, "0"), "date") - quarters * 15 * minute;
  } catch {
    return undefined;
  }
}
