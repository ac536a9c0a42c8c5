import { withoutUndefined } from "../../base/defined.ts";
import { codecError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { type ArgReader, hexText, parseArgs, splitLine } from "./args.ts";
import { type AtReply, command, info, infos, maybe, nothing } from "./command.ts";
import { headerLength } from "./urc.ts";

/** A PDU as modems hand it over: the service centre's address, then the TPDU. TS 27.005 §3.1 */
interface ModemPdu {
  /** Type octet and BCD digits of the service centre; empty when the modem's own is meant. */
  readonly serviceCentre: Uint8Array;
  readonly tpdu: Uint8Array;
}

/** Splits a PDU line. @throws codec.text, codec.length */
export function parsePdu(line: string, what = "PDU"): ModemPdu {
  const bytes = hexText(line.trim(), what);
  const length = bytes[0];
  if (length === undefined) throw codecError("codec.truncated", `${what}: no octet`, 0);
  if (length > 12 || length + 1 > bytes.length) {
    throw codecError("codec.length", `${what}: a service centre address of ${length} octets does not fit`, 0);
  }
  return { serviceCentre: bytes.subarray(1, 1 + length), tpdu: bytes.subarray(1 + length) };
}

/** Writes a PDU line. */
export function formatPdu({ serviceCentre, tpdu }: ModemPdu): string {
  return toHex(Uint8Array.of(serviceCentre.length)) + toHex(serviceCentre) + toHex(tpdu);
}

/** Chooses the message service: 1 = phase 2+, with acknowledgements. TS 27.005 §3.2.1 */
export const messageService = command<0 | 1, void>({
  line: (service) => `AT+CSMS=${service}`,
  reply: { prefixes: ["+CSMS"], lines: "one", read: () => undefined },
  budget: "quick",
});

/** PDU mode. TS 27.005 §3.2.3 */
export const pduMode = command<void, void>({ line: () => "AT+CMGF=0", reply: nothing, budget: "quick" });

/** The mode in force: 0 PDU, 1 text. TS 27.005 §3.2.3 */
export const messageFormat = command<void, number>({
  line: () => "AT+CMGF?",
  reply: info("+CMGF", (args) => args.int("mode")),
  budget: "quick",
});

/** How messages are reported: `<mode>,<mt>,<bm>,<ds>,<bfr>`. TS 27.005 §3.4.1 */
export const setIndications = command<string, void>({
  line: (setting) => `AT+CNMI=${setting}`,
  reply: nothing,
  budget: "quick",
});

export const indications = command<void, readonly number[]>({
  line: () => "AT+CNMI?",
  reply: info("+CNMI", (args) => Array.from({ length: args.remaining }, () => args.maybeInt() ?? 0)),
  budget: "quick",
});

/** Messages in a memory and its capacity. TS 27.005 §3.2.2 */
export interface MemoryUse {
  readonly used: number;
  readonly total: number;
}

/** How many memories +CPMS names: to read from, to write to and to receive into. */
export type MemoryNames = 1 | 2 | 3;

/** Selects the memory to read from, and the others with it; undefined when nothing but OK comes. */
export const selectMemory = command<{ readonly memory: string; readonly names?: MemoryNames }, MemoryUse | undefined>({
  line: ({ memory, names = 1 }) => `AT+CPMS=${Array.from({ length: names }, () => `"${memory}"`).join(",")}`,
  reply: maybe(info("+CPMS", readUse)),
  budget: "store",
});

/** What is in the memory that is read from. */
export const memoryUse = command<void, MemoryUse>({
  line: () => "AT+CPMS?",
  reply: info("+CPMS", (args) => {
    args.text("mem1");
    return readUse(args);
  }),
  budget: "store",
});

function readUse(args: ArgReader): MemoryUse {
  return { used: args.int("used"), total: args.maybeInt() ?? 0 };
}

/** A message in a modem's memory. */
export interface StoredPdu {
  readonly index: number;
  /** 0 unread, 1 read, 2 unsent, 3 sent. */
  readonly status: number;
  readonly pdu: string;
  /** Octets of the TPDU as announced. */
  readonly length?: number;
}

/** As text mode words it; some firmware does so in PDU mode too. TS 27.005 §3.1 <stat> */
const statusWords = ["REC UNREAD", "REC READ", "STO UNSENT", "STO SENT"];

function storedStatus(text: string | undefined): number {
  const word = statusWords.indexOf((text ?? "").trim().toUpperCase());
  return word >= 0 ? word : /^[0-4]$/.test((text ?? "").trim()) ? Number(text) : 0;
}

function announced(rest: string): { readonly length?: number } {
  const length = headerLength(rest);
  return withoutUndefined({ length });
}

/** All messages of the selected memory. TS 27.005 §3.4.2 */
export const listMessages = command<void, readonly StoredPdu[]>({
  line: () => "AT+CMGL=4",
  reply: infos("+CMGL", (args, data, rest) => {
    return { index: args.int("index"), status: storedStatus(args.maybeText()), pdu: data ?? "", ...announced(rest) };
  }),
  budget: "list",
});

/** One message; undefined for an empty slot. TS 27.005 §3.4.3 */
export const readMessage = command<number, StoredPdu | undefined>({
  line: (index) => `AT+CMGR=${index}`,
  reply: readReply(),
  budget: "store",
});

function readReply(): AtReply<StoredPdu | undefined> {
  return {
    prefixes: ["+CMGR"],
    lines: "one",
    read: (lines) => {
      const found = lines.find(({ text, data }) => splitLine(text).prefix === "+CMGR" && data !== undefined);
      if (found?.data === undefined) return undefined;
      const { rest } = splitLine(found.text);
      return { index: -1, status: storedStatus(parseArgs(rest)[0]?.text), pdu: found.data, ...announced(rest) };
    },
  };
}

/** Deletes one message. TS 27.005 §3.5.4 */
export const deleteMessage = command<number, void>({
  line: (index) => `AT+CMGD=${index}`,
  reply: nothing,
  budget: "store",
});

/** Keeps the link up for the next message: 1 until the modem's timer ends it. TS 27.005 §3.5.6 */
export const moreMessages = command<0 | 1 | 2, void>({
  line: (mode) => `AT+CMMS=${mode}`,
  reply: nothing,
  budget: "quick",
});

/** Sends a message; gives the message reference. `<length>` counts the TPDU's octets. TS 27.005 §3.5.1 */
export const sendMessage = command<ModemPdu, { readonly reference: number }>({
  line: ({ tpdu }) => `AT+CMGS=${tpdu.length}`,
  body: formatPdu,
  reply: info("+CMGS", (args: ArgReader) => ({ reference: args.int("mr") })),
  budget: "send",
});

/** Answers +CMT or +CDS: 0 and 1 take it (RP-ACK), 2 refuses it (RP-ERROR), so that it comes again. TS 27.005 §3.4.4 */
export const acknowledge = command<0 | 1 | 2, void>({
  line: (kind) => (kind === 0 ? "AT+CNMA" : `AT+CNMA=${kind}`),
  reply: nothing,
  budget: "quick",
});
