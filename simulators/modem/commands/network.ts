import type { Call, CommandSpec, CommandTable } from "../command.ts";
import { refuseCme } from "../refusal.ts";
import { registrationFields } from "../registration.ts";
import { remembered } from "./basic.ts";

function registration(name: "CREG" | "CGREG" | "CEREG", most: number): CommandSpec {
  return {
    test: `+${name}: (0-${most})`,
    read: ({ modem }) => {
      const detail = modem.settings.reg[name];
      return `+${name}: ${detail},${registrationFields(modem.registration.state, detail)}`;
    },
    execute: ({ modem }) => {
      modem.settings.reg[name] = 0;
      return undefined;
    },
    write: ({ modem, parameters }) => {
      const detail = parameters.number(0, 0, most);
      if (detail === undefined || Number.isNaN(detail)) return refuseCme(50);
      modem.settings.reg[name] = detail;
      return undefined;
    },
  };
}

function operator({ modem }: Call): string {
  const { cell } = modem.registration.state;
  if (cell === undefined) return `+COPS: ${modem.selection}`;
  const format = modem.settings.copsFormat;
  const name = format === 2 ? cell.plmn : format === 1 ? cell.shortName : cell.name;
  return `+COPS: ${modem.selection},${format},"${name}",${cell.technology}`;
}

async function scan({ modem, io }: Call): Promise<string | undefined> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, modem.timings.scanMs);
    io.abort.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
  if (io.abort.aborted) return undefined;
  const cells = await modem.network.scan();
  const own = modem.registration.state.cell?.plmn;
  const list = cells.map(({ plmn, name, shortName, technology }) => {
    return `(${plmn === own ? 2 : 1},"${name}","${shortName}","${plmn}",${technology})`;
  });
  return `+COPS: ${[...list, ",(0-4),(0-2)"].join(",")}`;
}

async function select({ modem, parameters }: Call): Promise<undefined> {
  const mode = parameters.number(0, 0, 4);
  if (mode === undefined || Number.isNaN(mode)) return refuseCme(50);
  const format = parameters.number(1, 0, 2);
  if (format !== undefined && !Number.isNaN(format)) modem.settings.copsFormat = format;
  if (mode === 3) return undefined;
  if (mode === 2) {
    modem.selection = 2;
    modem.registration.stop();
    return undefined;
  }
  const wanted = parameters.text(2);
  const cells = await modem.network.scan();
  const known =
    wanted === undefined || cells.some(({ plmn, name, shortName }) => [plmn, name, shortName].includes(wanted));
  if (mode === 1 && !known) return refuseCme(30);
  const was = modem.selection;
  modem.selection = mode;
  if (was === 2 || !modem.registration.registered) await modem.startRadio();
  return undefined;
}

/** Signal strength as +CESQ counts it, from what +CSQ shows. 3GPP TS 27.007 §8.69 */
function extendedSignal({ modem }: Call): string {
  const { rssi } = modem.signal;
  return rssi === 99 ? "+CESQ: 99,99,255,255,255,255" : `+CESQ: 99,99,255,255,20,${Math.min(97, rssi * 2 + 10)}`;
}

const indicators = ["battchg", "signal", "service", "message", "call", "roam", "smsfull"];

function indicatorValues({ modem }: Call): string {
  const { registered, state } = modem.registration;
  const { SM, ME } = modem.stores;
  const full = SM.full || ME.full ? 1 : 0;
  const unread = [...SM.list(), ...ME.list()].some(([, { status }]) => status === 0) ? 1 : 0;
  const level = Math.min(5, Math.ceil(modem.signal.rssi / 6));
  return `+CIND: 5,${level},${registered ? 1 : 0},${unread},0,${state.stat === 5 ? 1 : 0},${full}`;
}

const causes: Readonly<Record<number, string>> = {
  3: "Illegal MS",
  6: "Illegal ME",
  7: "GPRS services not allowed",
  11: "PLMN not allowed",
  13: "Roaming not allowed in this location area",
  15: "No suitable cells in location area",
  22: "Congestion",
};

/** Network service and control commands. 3GPP TS 27.007 §7, §8.5 to §8.9, §8.69 */
export const networkCommands: CommandTable = {
  "+CREG": registration("CREG", 3),
  "+CGREG": registration("CGREG", 3),
  "+CEREG": registration("CEREG", 5),
  "+COPS": { test: scan, read: operator, write: select, abortable: true },
  "+COPN": { execute: '+COPN: "00101","Test PLMN 1-1"' },
  "+CPLS": remembered("+CPLS", "(0-2)", "0", /^[0-2]$/),
  "+CPOL": { test: "+CPOL: (1-8),(0-2)", read: () => undefined, write: () => undefined },
  "+CSQ": {
    test: "+CSQ: (0-31,99),(0-7,99)",
    execute: ({ modem }) => `+CSQ: ${modem.signal.rssi},${modem.signal.ber}`,
  },
  "+CESQ": {
    test: "+CESQ: (0-63,99),(0-7,99),(0-96,255),(0-49,255),(0-34,255),(0-97,255)",
    execute: extendedSignal,
  },
  "+CEER": {
    execute: ({ modem }) => `+CEER: ${causes[modem.registration.state.cause ?? 0] ?? "No cause information available"}`,
  },
  "+CIND": {
    test: `+CIND: ${indicators.map((name, index) => `("${name}",(0-${index < 2 ? 5 : 1}))`).join(",")}`,
    read: indicatorValues,
    write: () => undefined,
  },
  "+CMER": {
    test: "+CMER: (0-3),(0),(0),(0,1),(0,1)",
    read: ({ modem }) => `+CMER: ${modem.settings.cmer === 0 ? 0 : 3},0,0,${modem.settings.cmer},0`,
    write: ({ modem, parameters }) => {
      const indication = parameters.number(3, 0, 2) ?? 0;
      if (Number.isNaN(indication)) return refuseCme(50);
      modem.settings.cmer = indication;
      return undefined;
    },
  },
  "+CNUM": {
    execute: ({ modem }) => {
      if (modem.slot.state.at !== "ready") return refuseCme(modem.slot.state.at === "absent" ? 10 : 14);
      const number = modem.slot.facts.msisdn || modem.registration.attachment?.msisdn;
      return number === undefined ? undefined : `+CNUM: ,"${number}",${number.startsWith("+") ? 145 : 129}`;
    },
  },
};
