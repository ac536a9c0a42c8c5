import { codecError } from "../../base/gateway-error.ts";
import type { Codec, Reader } from "../kit/codec.ts";

/** IMEI as PROVIDE LOCAL INFORMATION gives it: 15 digits. ETSI TS 102 223 §8.20, 3GPP TS 24.008 §10.5.1.4 */
export const Imei: Codec<string> = identity(15, 0xa, "IMEI");

/** IMEISV: 16 digits in 9 octets. ETSI TS 102 223 §8.74 */
export const Imeisv: Codec<string> = identity(16, 0x3, "IMEISV");

function identity(digits: number, type: number, name: string): Codec<string> {
  const length = (digits >> 1) + 1;
  return {
    read: (from) => {
      const offset = from.offset;
      const octets = from.take(length, name);
      if (((octets[0] ?? 0) & 0x0f) !== type) {
        throw codecError("codec.value", `${name}: type ${((octets[0] ?? 0) & 0x0f).toString(16)}`, offset);
      }
      let text = "";
      for (let nibble = 1; nibble <= digits; nibble++) {
        const octet = octets[nibble >> 1] ?? 0;
        const digit = nibble % 2 ? octet >> 4 : octet & 0x0f;
        if (digit > 9) throw codecError("codec.value", `${name}: digit ${digit}`, offset + (nibble >> 1));
        text += digit;
      }
      return text;
    },
    write: (to, value) => {
      if (!/^\d+$/.test(value) || value.length !== digits) {
        throw codecError("codec.text", `${name} has ${digits} digits`, to.length);
      }
      const octets = new Uint8Array(length);
      octets[0] = type;
      if (digits % 2 === 0) octets[length - 1] = 0xf0;
      for (let nibble = 1; nibble <= digits; nibble++) {
        const digit = value.charCodeAt(nibble - 1) - 48;
        octets[nibble >> 1] = (octets[nibble >> 1] ?? 0) | (nibble % 2 ? digit << 4 : digit);
      }
      to.bytes(octets);
    },
  };
}

/** The fifteen digits an 8-octet IMEI object holds, or undefined when it holds something else. */
export function imeiText(octets: Uint8Array): string | undefined {
  const text = [...octets].map((octet) => `${(octet & 0x0f).toString(16)}${(octet >> 4).toString(16)}`).join("");
  return octets.length === 8 && /^a\d{15}$/.test(text) ? text.slice(1) : undefined;
}

function swapped(from: Reader, field: string, limit: number): number {
  const offset = from.offset;
  const octet = from.u8(field);
  const value = (octet & 0x0f) * 10 + (octet >> 4);
  if ((octet & 0x0f) > 9 || octet >> 4 > 9 || value > limit) {
    throw codecError("codec.value", `${field}: ${octet.toString(16).padStart(2, "0")}`, offset, { field });
  }
  return value;
}

function swap(value: number): number {
  return ((value % 10) << 4) | Math.floor(value / 10);
}

/**
 * Timer value in whole seconds (0 to 99 h 59 min 59 s). Digits are nibble-swapped BCD; octets with a nibble above 9,
 * as some senders write them, are read as plain numbers, and never written. ETSI TS 102 223 §8.38
 */
export const TimerValue: Codec<number> = {
  read: (from) => {
    const octets = from.take(3, "timer value");
    const plain = octets.some((octet) => (octet & 0x0f) > 9 || octet >> 4 > 9);
    const [hours = 0, minutes = 0, seconds = 0] = [...octets].map((octet) =>
      plain ? octet : (octet & 0x0f) * 10 + (octet >> 4),
    );
    return hours * 3600 + minutes * 60 + seconds;
  },
  write: (to, value) => {
    if (!Number.isInteger(value) || value < 0 || value >= 360_000) {
      throw codecError("codec.value", `timer value of ${value} s`, to.length);
    }
    to.u8(swap(Math.floor(value / 3600)))
      .u8(swap(Math.floor(value / 60) % 60))
      .u8(swap(value % 60));
  },
};

/** Local date, time and zone of a terminal. ETSI TS 102 223 §8.39, 3GPP TS 23.040 §9.2.3.11 */
export interface DateTimeZone {
  /** 0 to 99. */
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** Quarters of an hour east of UTC (-79 to 79); absent when unknown. */
  readonly quarters?: number;
}

export const DateTimeZone: Codec<DateTimeZone> = {
  read: (from) => {
    const time = {
      year: swapped(from, "year", 99),
      month: swapped(from, "month", 12),
      day: swapped(from, "day", 31),
      hour: swapped(from, "hour", 23),
      minute: swapped(from, "minute", 59),
      second: swapped(from, "second", 59),
    };
    const offset = from.offset;
    const octet = from.u8("time zone");
    if (octet === 0xff) return time;
    if (octet >> 4 > 9) throw codecError("codec.value", "time zone", offset, { field: "time zone" });
    const quarters = (octet & 0x07) * 10 + (octet >> 4);
    return { ...time, quarters: octet & 0x08 && quarters > 0 ? -quarters : quarters };
  },
  write: (to, value) => {
    for (const field of [value.year, value.month, value.day, value.hour, value.minute, value.second]) {
      if (!Number.isInteger(field) || field < 0 || field > 99) {
        throw codecError("codec.value", `${field} in a date`, to.length);
      }
      to.u8(swap(field));
    }
    if (value.quarters === undefined) to.u8(0xff);
    else to.u8(swap(Math.min(79, Math.abs(value.quarters))) | (value.quarters < 0 ? 0x08 : 0));
  },
};

/** Wall clock (milliseconds since the epoch) as the local time of a zone. */
export function dateTimeAt(epochMs: number, quarters: number): DateTimeZone {
  const local = new Date(epochMs + quarters * 900_000);
  return {
    year: local.getUTCFullYear() % 100,
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    quarters,
  };
}

/** Where the terminal is. 3GPP TS 31.111 §8.19 */
export interface LocationInformation {
  /** Three digits; F where the network gave none. */
  readonly mcc: string;
  /** Two or three digits. */
  readonly mnc: string;
  /** LAC or TAC, two octets. */
  readonly area: number;
  /** Cell identity (2 octets), with extension (4), or TAC-coded E-UTRAN cell (4); as it stands. */
  readonly cell: Uint8Array;
}

export const LocationInformation: Codec<LocationInformation> = {
  read: (from) => {
    const [a = 0, b = 0, c = 0] = from.take(3, "MCC and MNC");
    const digit = (nibble: number) => nibble.toString(16).toUpperCase();
    const third = b >> 4;
    return {
      mcc: digit(a & 0x0f) + digit(a >> 4) + digit(b & 0x0f),
      mnc: digit(c & 0x0f) + digit(c >> 4) + (third === 0x0f ? "" : digit(third)),
      area: from.uint(2, "area code"),
      cell: from.rest(),
    };
  },
  write: (to, value) => {
    if (!/^[0-9A-Fa-f]{3}$/.test(value.mcc) || !/^[0-9A-Fa-f]{2,3}$/.test(value.mnc)) {
      throw codecError("codec.text", `MCC '${value.mcc}' MNC '${value.mnc}'`, to.length);
    }
    const nibble = (text: string, at: number) => Number.parseInt(text[at] ?? "F", 16);
    to.u8(nibble(value.mcc, 0) | (nibble(value.mcc, 1) << 4))
      .u8(nibble(value.mcc, 2) | (nibble(value.mnc, 2) << 4))
      .u8(nibble(value.mnc, 0) | (nibble(value.mnc, 1) << 4))
      .uint(value.area, 2)
      .bytes(value.cell);
  },
};

/** Access technologies by the octet of PROVIDE LOCAL INFORMATION. ETSI TS 102 223 §8.61 */
export const accessTechnology = { gsm: 0x00, utran: 0x03, eUtran: 0x08, nr: 0x0a } as const;

const accessTechnologies: Readonly<Record<number, string>> = {
  0: "GSM",
  1: "TIA/EIA-553",
  2: "TIA/EIA-136-270",
  3: "UTRAN",
  4: "TETRA",
  5: "TIA/EIA-95-B",
  6: "cdma2000 1x",
  7: "cdma2000 HRPD",
  8: "E-UTRAN",
  9: "eHRPD",
  10: "NG-RAN",
};

/** Name of an access technology octet; undefined when it is reserved. */
export function accessTechnologyName(octet: number): string | undefined {
  return accessTechnologies[octet];
}

const durationUnits = ["minutes", "seconds", "tenths"] as const;

/** A time interval. ETSI TS 102 223 §8.8 */
export interface Duration {
  readonly unit: (typeof durationUnits)[number];
  /** 1 to 255; 0 is reserved, but echoed when a card sends it. */
  readonly interval: number;
}

export const Duration: Codec<Duration> = {
  read: (from) => {
    const offset = from.offset;
    const unit = durationUnits[from.u8("time unit")];
    if (unit === undefined) throw codecError("codec.value", "reserved time unit", offset, { field: "time unit" });
    return { unit, interval: from.u8("time interval") };
  },
  write: (to, value) => void to.u8(durationUnits.indexOf(value.unit)).u8(value.interval),
};

/** A duration in milliseconds. */
export function durationMs(duration: Duration): number {
  return duration.interval * (duration.unit === "minutes" ? 60_000 : duration.unit === "seconds" ? 1000 : 100);
}
