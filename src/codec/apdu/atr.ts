import { withoutUndefined } from "../../base/defined.ts";
import { codecError } from "../../base/gateway-error.ts";
import { Reader } from "../kit/codec.ts";

/** One interface byte: TA, TB, TC or TD of level `level`. */
interface InterfaceByte {
  readonly name: string;
  readonly value: number;
  readonly offset: number;
}

/** A compact-TLV object of the historical bytes. ISO/IEC 7816-4 §12.1.1 */
interface HistoricalObject {
  readonly tag: number;
  readonly value: Uint8Array;
}

/** Global interface bytes that follow T = 15. ISO/IEC 7816-3 §8.3, ETSI TS 102 221 §6.3 */
interface GlobalBytes {
  /** Clock stop: `none`, `low`, `high`, `any`. From TA after T=15. */
  readonly clockStop?: "none" | "low" | "high" | "any";
  /** Supply classes A (5 V), B (3 V), C (1.8 V), D (1.2 V …) the card takes. */
  readonly voltages?: readonly ("A" | "B" | "C" | "D" | "E")[];
  /** TB after T=15 as it stands: UICC features. */
  readonly uicc?: { readonly value: number; readonly interChip: boolean; readonly secureChannel: boolean };
}

/** An answer to reset. ISO/IEC 7816-3 §8, ETSI TS 102 221 §6.3 */
interface AnswerToReset {
  readonly convention: "direct" | "inverse";
  readonly interfaceBytes: readonly InterfaceByte[];
  /** Protocols offered, in order; 15 only qualifies bytes and is left out. T=0 when nothing is said. */
  readonly protocols: readonly number[];
  /** Clock conversion and bit rate factors of TA1, as numbers; undefined where reserved. */
  readonly fi: number | undefined;
  readonly di: number | undefined;
  readonly global: GlobalBytes;
  readonly historicalBytes: Uint8Array;
  /** Where the historical bytes start with category 80 or 00. */
  readonly historical?: { readonly category: number; readonly objects: readonly HistoricalObject[] };
  /** TCK, absent where T=0 alone is offered. */
  readonly tck?: { readonly value: number; readonly correct: boolean };
}

const clockFactors = [372, 372, 558, 744, 1116, 1488, 1860, undefined, undefined, 512, 768, 1024, 1536, 2048];
const rateFactors = [undefined, 1, 2, 4, 8, 16, 32, 64, 12, 20];
const clockStops = ["none", "low", "high", "any"] as const;

function voltagesOf(ta: number): GlobalBytes["voltages"] {
  const classes = ["A", "B", "C", "D", "E"] as const;
  return classes.filter((_, bit) => ta & (1 << bit));
}

function globalOf(bytes: readonly InterfaceByte[]): GlobalBytes {
  const ta = bytes.find((byte) => byte.name.startsWith("TA"))?.value;
  const tb = bytes.find((byte) => byte.name.startsWith("TB"))?.value;
  const clockStop = ta === undefined ? undefined : clockStops[ta >> 6];
  const voltages = ta === undefined ? undefined : voltagesOf(ta);
  return {
    ...withoutUndefined({ clockStop, voltages }),
    ...(tb === undefined
      ? {}
      : { uicc: { value: tb, interChip: (tb & 0x40) !== 0, secureChannel: (tb & 0x30) !== 0 } }),
  };
}

function readInterfaceBytes(from: Reader, t0: number) {
  const all: InterfaceByte[] = [];
  const afterT15: InterfaceByte[] = [];
  const protocols: number[] = [];
  let announced = t0 >> 4;
  let protocol: number | undefined;
  for (let level = 1; announced !== 0; level++) {
    if (level > 8) throw codecError("codec.length", "ATR: too many interface bytes", from.offset);
    let next = 0;
    for (const [bit, letter] of (["A", "B", "C", "D"] as const).entries()) {
      if ((announced & (1 << bit)) === 0) continue;
      const byte = { name: `T${letter}${level}`, offset: from.offset, value: from.u8(`T${letter}${level}`) };
      all.push(byte);
      if (letter !== "D") {
        if (protocol === 15) afterT15.push(byte);
        continue;
      }
      next = byte.value >> 4;
      protocol = byte.value & 0x0f;
      if (protocol !== 15 && !protocols.includes(protocol)) protocols.push(protocol);
    }
    announced = next;
  }
  return { all, afterT15, protocols, qualified: protocol !== undefined };
}

/** Compact-TLV objects; the three status octets that may end category 00 come as tag 8. */
function historicalOf(octets: Uint8Array): AnswerToReset["historical"] {
  const category = octets[0];
  if (category !== 0x80 && category !== 0x00) return undefined;
  const end = category === 0x00 ? octets.length - 3 : octets.length;
  const objects: HistoricalObject[] = [];
  for (let at = 1; at < end; ) {
    const head = octets[at] ?? 0;
    const value = octets.subarray(at + 1, Math.min(end, at + 1 + (head & 0x0f)));
    objects.push({ tag: head >> 4, value });
    at += 1 + (head & 0x0f);
  }
  if (category === 0x00 && end >= 1) objects.push({ tag: 8, value: octets.subarray(end) });
  return { category, objects };
}

/**
 * Reads an answer to reset. A wrong TCK is reported in the value, not thrown: the card is present nevertheless.
 * @throws codec.value for another first octet than 3B or 3F, codec.truncated, codec.trailing
 */
export function parseAtr(octets: Uint8Array): AnswerToReset {
  const from = new Reader(octets);
  const ts = from.u8("TS");
  if (ts !== 0x3b && ts !== 0x3f) throw codecError("codec.value", `TS ${ts.toString(16)} is not a valid convention`, 0);
  const t0 = from.u8("T0");
  const { all, afterT15, protocols, qualified } = readInterfaceBytes(from, t0);
  const historicalBytes = from.take(t0 & 0x0f, "historical bytes");
  const needsTck = protocols.some((protocol) => protocol !== 0) || (qualified && afterT15.length > 0);
  const tckValue = needsTck || !from.ended ? from.u8("TCK") : undefined;
  from.end("ATR");
  const ta1 = all.find((byte) => byte.name === "TA1")?.value ?? 0x11;
  const historical = historicalOf(historicalBytes);
  return {
    convention: ts === 0x3b ? "direct" : "inverse",
    interfaceBytes: all,
    protocols: protocols.length === 0 ? [0] : protocols,
    fi: clockFactors[ta1 >> 4],
    di: rateFactors[ta1 & 0x0f],
    global: globalOf(afterT15),
    historicalBytes,
    ...withoutUndefined({ historical }),
    ...(tckValue === undefined
      ? {}
      : { tck: { value: tckValue, correct: octets.subarray(1).reduce((sum, octet) => sum ^ octet, 0) === 0 } }),
  };
}

const historicalNames: Readonly<Record<number, string>> = {
  1: "country code",
  2: "issuer identification number",
  3: "card service data",
  4: "initial access data",
  5: "card issuer's data",
  6: "pre-issuing data",
  7: "card capabilities",
  8: "status indicator",
  15: "application identifier",
};

/** Name of a compact-TLV tag of the historical bytes. ISO/IEC 7816-4 §12.1.1 */
export function historicalName(tag: number): string {
  return historicalNames[tag] ?? `object ${tag.toString(16).toUpperCase()}`;
}
