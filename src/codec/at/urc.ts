import { withoutUndefined } from "../../base/defined.ts";
import { ArgReader, charsetText, parseArgs, splitLine } from "./args.ts";

/** The event that an unsolicited line reports. */
export const urcEvents = [
  /** The module started again: whatever was asked before will not be answered. */
  "boot",
  /** May be a start, or something that follows another command: counts when nothing else comes. */
  "boot-sign",
  "shutdown",
  /** The card is out. */
  "sim-removed",
  /** The card cannot be asked: out, or restarting. */
  "sim-restarting",
  /** The card came, or something of it changed: it can be asked sooner or later. */
  "sim-busy",
  "sim-ready",
  "sim-refresh",
  "sms-ready",
  "sms-stored",
  "sms-direct",
  "status-report",
  "report-stored",
  "storage-full",
  "registration",
  "toolkit",
  "toolkit-end",
  "bip",
  "signal",
  "cms-async",
  "call",
  "noise",
  "unknown",
] as const;
type UrcEvent = (typeof urcEvents)[number];

/** How to recognise one kind of unsolicited line. */
export interface UrcRule {
  readonly pattern: RegExp;
  readonly event: UrcEvent;
  /** 2: a data line (PDU or text) follows. */
  readonly lines: 1 | 2;
}

/** An unsolicited result code as it reached us. */
export interface Urc {
  readonly event: UrcEvent;
  readonly text: string;
  /** The data line of a two-line URC. */
  readonly data?: string;
}

/** Finds the rule of a line, first match first. */
export class UrcTable {
  readonly #byPrefix = new Map<string, UrcRule[]>();
  readonly #others: UrcRule[] = [];

  constructor(rules: readonly UrcRule[]) {
    for (const rule of rules) {
      const prefix = /^\^\\?([+^#%*!$])([A-Z0-9_]+)(?:[: ]| \?|\\s|\$|$)/.exec(rule.pattern.source);
      if (prefix === null) {
        this.#others.push(rule);
        continue;
      }
      const key = `${prefix[1]}${prefix[2]}`;
      const known = this.#byPrefix.get(key);
      if (known === undefined) this.#byPrefix.set(key, [rule]);
      else known.push(rule);
    }
  }

  find(text: string): UrcRule | undefined {
    const name = /^[+^#%*!$][A-Za-z0-9_]+/.exec(text)?.[0];
    const own = name === undefined ? undefined : this.#byPrefix.get(name);
    return own?.find((rule) => rule.pattern.test(text)) ?? this.#others.find((rule) => rule.pattern.test(text));
  }
}

/** Announced TPDU length of a `+CMT`, `+CDS`, `+CBM`, `+CMGR` or `+CMGL` header in PDU mode: its last number. */
export function headerLength(text: string): number | undefined {
  const { prefix, rest } = splitLine(text);
  const last = parseArgs(prefix === undefined ? text : rest).at(-1);
  return last !== undefined && /^\d{1,3}$/.test(last.text) ? Number(last.text) : undefined;
}

/** `+CMTI: "ME",4` and `+CDSI`: position of the message in memory. TS 27.005 §3.4.1 @throws codec.text */
export function parseStored(text: string): { readonly memory: string; readonly index: number } {
  const { prefix, rest } = splitLine(text);
  const args = new ArgReader(parseArgs(rest), prefix ?? "stored message");
  return { memory: charsetText(args.text("memory")), index: args.int("index") };
}

/** Registration as `+CREG`, `+CGREG`, `+CEREG` or `+C5GREG` report it. TS 27.007 §7.2, §10.1.20, §10.1.22, §10.1.47 */
export interface Registration {
  readonly state: RegistrationState;
  readonly area?: number;
  readonly cell?: number;
  /** Access technology number; its name is in {@link accessTechnologies}. */
  readonly accessTechnology?: number;
  /** EMM or MM cause of a rejection (`n` = 3). */
  readonly rejectCause?: number;
}

const registrationStates = [
  "not-searching",
  "home",
  "searching",
  "denied",
  "unknown",
  "roaming",
  "home-sms-only",
  "roaming-sms-only",
  "emergency",
  "home-csfb-not-preferred",
  "roaming-csfb-not-preferred",
  "emergency-only",
] as const;
type RegistrationState = (typeof registrationStates)[number];

/** <AcT>. TS 27.007 §7.3 */
export const accessTechnologies = [
  "GSM",
  "GSM-compact",
  "UTRAN",
  "EDGE",
  "HSDPA",
  "HSUPA",
  "HSPA",
  "E-UTRAN",
  "EC-GSM-IoT",
  "NB-IoT",
  "E-UTRA-5GCN",
  "NR-5GCN",
  "NG-RAN",
  "EN-DC",
] as const;

/** True for a state in which the network serves the subscriber. */
export function isRegistered(state: RegistrationState): boolean {
  return state.startsWith("home") || state.startsWith("roaming");
}

/**
 * Reads a registration line. The answer to the read command has <n> before <stat>, the unsolicited line has not; the
 * two are distinguished by the second field, which is a small number only in the answer.
 */
export function parseRegistration(text: string): Registration & { readonly solicited: boolean } {
  const { prefix, rest } = splitLine(text.trim());
  const args = parseArgs(rest);
  const solicited = registrationAnswer(rest);
  const reader = new ArgReader(solicited ? args.slice(1) : args, prefix ?? "registration");
  const stat = reader.int("stat");
  const area = reader.maybeHexInt();
  const cell = reader.maybeHexInt();
  const accessTechnology = reader.maybeInt();
  const causeType = reader.maybeInt();
  const rejectCause = reader.maybeInt();
  return {
    solicited,
    state: registrationStates[stat] ?? "unknown",
    ...withoutUndefined({ area, cell, accessTechnology }),
    ...(causeType === undefined || rejectCause === undefined ? {} : { rejectCause }),
  };
}

/** Whether the parameters of a registration line are those of an answer to the read command. */
export function registrationAnswer(rest: string): boolean {
  const [first, second] = parseArgs(rest);
  if (first === undefined || second === undefined || second.quoted) return false;
  return /^0*[0-5]$/.test(first.text) && /^\d{1,3}$/.test(second.text) && Number(second.text) < 20;
}

/** The registration commands; their unsolicited lines look like their answers. */
export const registrationPrefixes = ["+CREG", "+CGREG", "+CEREG", "+C5GREG"] as const;
