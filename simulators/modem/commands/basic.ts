import { type CharacterSet, characterSets } from "../alphabet.ts";
import type { Call, CommandSpec, CommandTable, Handler } from "../command.ts";
import { refuseCme, refusePlain } from "../refusal.ts";

const digit = (tail: string, most: number): number => {
  const value = tail === "" ? 0 : Number(tail);
  return value <= most ? value : refusePlain();
};

const ignored: CommandSpec = { execute: () => undefined };

const register = (key: "s3" | "s4" | "s5"): CommandSpec => ({
  read: ({ modem }) => String(modem.settings[key]).padStart(3, "0"),
  write: ({ modem, tail }) => {
    modem.settings[key] = digit(tail, 127);
    return undefined;
  },
});

const countedRegister: CommandSpec = { read: "000", write: () => undefined };

const identity =
  (key: "maker" | "model" | "revision"): Handler =>
  ({ modem }) =>
    modem.behaviour.identity[key];

const asks = (key: "maker" | "model" | "revision"): CommandSpec => ({ execute: identity(key) });

const serial: CommandSpec = {
  execute: ({ modem }) => modem.behaviour.identity.imei,
  write: ({ modem, parameters }) => {
    const kind = parameters.number(0, 0, 3);
    const { imei } = modem.behaviour.identity;
    if (kind === 0) return imei;
    if (kind === 1) return `+CGSN: "${imei}"`;
    return kind === 2 ? `+CGSN: "${imei.slice(0, 14)}01"` : kind === 3 ? `+CGSN: "01"` : refuseCme(50);
  },
};

/** A command whose value is kept and given back, nothing more. */
export function remembered(name: string, test: string, initial: string, valid: RegExp): CommandSpec {
  return {
    test: `${name}: ${test}`,
    read: ({ modem }) => `${name}: ${modem.settings.remembered.get(name) ?? initial}`,
    write: ({ modem, tail }) => {
      if (!valid.test(tail)) return refuseCme(50);
      modem.settings.remembered.set(name, tail);
      return undefined;
    },
  };
}

async function functionality({ modem, parameters }: Call): Promise<undefined> {
  const value = parameters.number(0, 0, 4);
  const reset = parameters.number(1, 0, 1) ?? 0;
  if (value !== 0 && value !== 1 && value !== 4) return refuseCme(50);
  if (reset === 1) {
    setTimeout(() => void modem.restart(), 20);
    return undefined;
  }
  const former = modem.functionality;
  modem.functionality = value;
  if (value !== 1) modem.registration.stop();
  if (value === 0) await modem.stopCard();
  if (value !== 0 && former === 0) await modem.startCard();
  if (value === 1 && former !== 1) void modem.startRadio();
  return undefined;
}

/** Commands of ITU-T V.250 and the identification and general commands of 3GPP TS 27.007 §5, §8.2. */
export const basicCommands: CommandTable = {
  E: {
    execute: ({ modem, tail }) => {
      modem.settings.echo = digit(tail, 1) === 1;
      return undefined;
    },
  },
  V: {
    execute: ({ modem, tail }) => {
      modem.settings.verbose = digit(tail, 1) === 1;
      return undefined;
    },
  },
  Q: {
    execute: ({ modem, tail }) => {
      modem.settings.quiet = digit(tail, 1) === 1;
      return undefined;
    },
  },
  Z: {
    execute: ({ modem }) => {
      modem.restoreSettings(false);
      return undefined;
    },
  },
  "&F": {
    execute: ({ modem }) => {
      modem.restoreSettings(true);
      return undefined;
    },
  },
  "&W": {
    execute: ({ modem }) => {
      modem.saveSettings();
      return undefined;
    },
  },
  "&C": ignored,
  "&D": ignored,
  "&K": ignored,
  "&S": ignored,
  "&V": ignored,
  "\\Q": ignored,
  X: ignored,
  L: ignored,
  M: ignored,
  O: { execute: () => ({ final: "NO CARRIER" }) },
  S0: countedRegister,
  S3: register("s3"),
  S4: register("s4"),
  S5: register("s5"),
  S6: countedRegister,
  S7: countedRegister,
  S8: countedRegister,
  S10: countedRegister,
  I: {
    execute: ({ modem }) => {
      const { maker, model, revision } = modem.behaviour.identity;
      return [maker, model, `Revision: ${revision}`];
    },
  },
  "+GMI": asks("maker"),
  "+CGMI": asks("maker"),
  "+GMM": asks("model"),
  "+CGMM": asks("model"),
  "+GMR": asks("revision"),
  "+CGMR": asks("revision"),
  "+GSN": serial,
  "+CGSN": { ...serial, test: "+CGSN: (0-3)" },
  "+GCAP": { execute: "+GCAP: +CGSM" },
  "+IPR": remembered("+IPR", "(),(9600,19200,38400,57600,115200,230400,460800,921600)", "115200", /^\d+$/),
  "+IFC": remembered("+IFC", "(0,2),(0,2)", "0,0", /^[0-3](,[0-3])?$/),
  "+ICF": remembered("+ICF", "(3),(1)", "3,3", /^\d(,\d)?$/),
  "+WS46": remembered("+WS46", "(12,22,25,28,29)", "28", /^\d+$/),
  "+CMEE": {
    test: "+CMEE: (0-2)",
    read: ({ modem }) => `+CMEE: ${modem.settings.cmee}`,
    execute: ({ modem }) => {
      modem.settings.cmee = 0;
      return undefined;
    },
    write: ({ modem, parameters }) => {
      const level = parameters.number(0, 0, 2) ?? 0;
      if (Number.isNaN(level)) return refuseCme(50);
      modem.settings.cmee = level;
      return undefined;
    },
  },
  "+CSCS": {
    test: `+CSCS: (${characterSets.map((set) => `"${set}"`).join(",")})`,
    read: ({ modem }) => `+CSCS: "${modem.settings.cscs}"`,
    write: ({ modem, parameters }) => {
      const wanted = parameters.text(0)?.toUpperCase();
      const set: CharacterSet | undefined = characterSets.find((name) => name === wanted);
      if (set === undefined) return refuseCme(50);
      modem.settings.cscs = set;
      return undefined;
    },
  },
  "+CFUN": {
    test: "+CFUN: (0,1,4),(0,1)",
    read: ({ modem }) => `+CFUN: ${modem.functionality}`,
    write: functionality,
  },
  "+CPAS": { test: "+CPAS: (0,3,4)", execute: "+CPAS: 0" },
  "+CBC": { test: "+CBC: (0-3),(0-100)", execute: "+CBC: 0,100,4000" },
  "+CCLK": {
    read: ({ modem }) => {
      const set = modem.settings.remembered.get("+CCLK");
      const now = new Date(modem.now()).toISOString();
      return `+CCLK: ${set ?? `"${now.slice(2, 10).replaceAll("-", "/")},${now.slice(11, 19)}+00"`}`;
    },
    write: ({ modem, tail }) => {
      if (!/^"\d\d\/\d\d\/\d\d,\d\d:\d\d:\d\d([+-]\d\d)?"$/.test(tail)) return refuseCme(50);
      modem.settings.remembered.set("+CCLK", tail);
      return undefined;
    },
  },
  "+CTZU": remembered("+CTZU", "(0,1)", "0", /^[0-3]$/),
  "+CTZR": remembered("+CTZR", "(0-2)", "0", /^[0-2]$/),
  "+CMUT": remembered("+CMUT", "(0,1)", "0", /^[01]$/),
  "+CLVL": remembered("+CLVL", "(0-5)", "3", /^\d+$/),
  "+CLAC": { execute: () => ["AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN", "AT+CMGS", "AT+CSIM", "AT+CCHO", "AT+CGLA"] },
};
