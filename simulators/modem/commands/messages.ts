import { isGatewayError } from "../../../src/base/gateway-error.ts";
import { toHex } from "../../../src/base/hex.ts";
import { numberAddress, readSubmit } from "../../network/tpdu.ts";
import type { Call, CommandTable, Reply } from "../command.ts";
import type { MessageStatus, StoredMessage } from "../message-store.ts";
import type { ModemFunctions } from "../modem-functions.ts";
import { refuseCms } from "../refusal.ts";
import { withServiceCentre } from "../sms-reception.ts";
import { listText, readText, splitPdu, statusOf, submitOfText } from "../text-mode.ts";
import { remembered } from "./basic.ts";

/** Fails as the message commands do while the card is not ready. */
function needSms(modem: ModemFunctions, storage = false): void {
  const { at } = modem.slot.state;
  if (storage && modem.behaviour.quirks.has("no-message-storage")) refuseCms(303);
  if (modem.misbehaviour.simBusy || at === "busy") refuseCms(314);
  if (at === "absent") refuseCms(310);
  if (at === "failure") refuseCms(313);
  if (at === "pin") refuseCms(311);
  if (at === "puk") refuseCms(316);
}

/** The message the host types after the prompt, or undefined after ESC. */
async function typed(call: Call, status: MessageStatus): Promise<StoredMessage | undefined> {
  return call.modem.settings.cmgf === 1 ? await typedText(call, status) : await typedPdu(call, status);
}

function promptOf({ modem }: Call): string {
  return modem.behaviour.quirks.has("pdu-inline") ? "" : "\r\n> ";
}

async function typedPdu(call: Call, status: MessageStatus): Promise<StoredMessage | undefined> {
  const length = call.parameters.number(0, 1, 176);
  if (length === undefined || Number.isNaN(length)) return refuseCms(304);
  const body = await call.io.readBody({ prompt: promptOf(call), lines: false });
  if (body === undefined) return undefined;
  const parts = splitPdu(body);
  if (parts === undefined || parts.tpdu.length !== length) return refuseCms(304);
  return { tpdu: parts.tpdu, serviceCentre: parts.serviceCentre ?? call.modem.centre, status };
}

async function typedText(call: Call, status: MessageStatus): Promise<StoredMessage | undefined> {
  const { modem, parameters, io } = call;
  const to = parameters.text(0) ?? "";
  const toa = parameters.number(1, 128, 255);
  if (Number.isNaN(toa) || (to === "" && status === 3)) return refuseCms(305);
  const body = await io.readBody({ prompt: promptOf(call), lines: true });
  if (body === undefined) return undefined;
  const tpdu = submitOfText(to, toa, body, modem.settings);
  return tpdu === undefined ? refuseCms(305) : { tpdu, serviceCentre: modem.centre, status };
}

async function transmit({ modem }: Call, { tpdu, serviceCentre }: StoredMessage, name: string): Promise<Reply> {
  if (!isSubmit(tpdu)) return refuseCms(304);
  if (!modem.registration.registered) return refuseCms(331);
  await new Promise((resolve) => setTimeout(resolve, modem.timings.sendMs));
  const { reference, answer } = await modem.submit(tpdu, serviceCentre);
  if (!answer.ack) return refuseCms(answer.cause);
  const lost = modem.misbehaviour.loseSendResult;
  return lost > 0 && modem.random() < lost ? { final: "" } : `${name}: ${reference}`;
}

function isSubmit(tpdu: Uint8Array): boolean {
  try {
    return readSubmit(tpdu, 0) !== undefined;
  } catch (error) {
    if (isGatewayError(error)) return false;
    throw error;
  }
}

async function send(call: Call): Promise<Reply> {
  needSms(call.modem);
  const message = await typed(call, 3);
  return message === undefined ? undefined : await transmit(call, message, "+CMGS");
}

async function write(call: Call): Promise<Reply> {
  needSms(call.modem, true);
  const { modem, parameters } = call;
  const state = parameters.text(modem.settings.cmgf === 1 ? 2 : 1);
  const status = state === undefined ? 2 : statusOf(state);
  if (status === undefined || status === 4) return refuseCms(modem.settings.cmgf === 1 ? 305 : 304);
  const message = await typed(call, status);
  if (message === undefined) return undefined;
  const index = modem.stores[modem.memories[1]].add(message);
  return index === undefined ? refuseCms(322) : `+CMGW: ${index}`;
}

async function sendStored(call: Call): Promise<Reply> {
  needSms(call.modem, true);
  const store = call.modem.stores[call.modem.memories[1]];
  const message = store.get(indexOf(call));
  if (message === undefined) return refuseCms(321);
  const reply = await transmit(call, message, "+CMSS");
  message.status = 3;
  return reply;
}

/** SMS-COMMAND: taken from the host; the simulated service centre knows none. 3GPP TS 27.005 §3.5.5 */
async function sendCommand(call: Call): Promise<Reply> {
  needSms(call.modem);
  if (call.modem.settings.cmgf === 1) return refuseCms(303);
  const message = await typedPdu(call, 3);
  if (message === undefined) return undefined;
  const { answer, reference } = await call.modem.submit(message.tpdu, message.serviceCentre);
  return answer.ack ? `+CMGC: ${reference}` : refuseCms(answer.cause);
}

function indexOf({ parameters }: Call): number {
  const index = parameters.number(0, 0, 255);
  return index === undefined || Number.isNaN(index) ? refuseCms(321) : index;
}

function pduLines(head: string, { tpdu, serviceCentre }: StoredMessage): string[] {
  return [`${head},,${tpdu.length}`, toHex(withServiceCentre(tpdu, serviceCentre))];
}

function read(call: Call): string[] {
  needSms(call.modem, true);
  const message = call.modem.stores[call.modem.memories[0]].get(indexOf(call));
  if (message === undefined) return refuseCms(321);
  const { settings } = call.modem;
  const lines = settings.cmgf === 1 ? readText(message, settings) : pduLines(`+CMGR: ${message.status}`, message);
  if (message.status === 0 && call.parameters.text(1) !== "1") message.status = 1;
  return lines;
}

function list(call: Call): string[] {
  const { modem, parameters } = call;
  needSms(modem, true);
  const { settings } = modem;
  const wanted = statusOf(parameters.text(0) ?? (settings.cmgf === 1 ? "REC UNREAD" : "0"));
  if (wanted === undefined) return refuseCms(settings.cmgf === 1 ? 305 : 304);
  const lines: string[] = [];
  for (const [index, message] of modem.stores[modem.memories[0]].list()) {
    if (wanted !== 4 && message.status !== wanted) continue;
    const head = `+CMGL: ${index},${message.status}`;
    lines.push(...(settings.cmgf === 1 ? listText(index, message, settings) : pduLines(head, message)));
    if (message.status === 0 && parameters.text(1) !== "1") message.status = 1;
  }
  return lines;
}

const deletedBy: readonly (readonly number[])[] = [[], [1], [1, 3], [1, 2, 3], [0, 1, 2, 3]];

function remove(call: Call): undefined {
  const { modem, parameters } = call;
  needSms(modem, true);
  const store = modem.stores[modem.memories[0]];
  const flag = parameters.number(1, 0, 4) ?? 0;
  if (Number.isNaN(flag)) return refuseCms(304);
  const wasFull = store.full;
  if (flag > 0) {
    for (const [index, { status }] of store.list()) if (deletedBy[flag]?.includes(status)) store.delete(index);
  } else {
    const index = indexOf(call);
    if (!store.holds(index)) return refuseCms(321);
    store.delete(index);
  }
  if (wasFull && !store.full) modem.registration.attachment?.memoryAvailable();
  return undefined;
}

const memoryNames = ["SM", "ME", "SR", "MT"] as const;
type MemoryName = "SM" | "ME" | "SR";

function memoryOf(text: string | undefined): MemoryName | undefined {
  const name = memoryNames.find((each) => each === text?.toUpperCase());
  return name === "MT" ? "ME" : name;
}

function counts(modem: ModemFunctions, named: boolean): string {
  const each = modem.memories.map((name) => {
    const { used, total } = modem.stores[name];
    return `${named ? `"${name}",` : ""}${used},${total}`;
  });
  return `+CPMS: ${each.join(",")}`;
}

function chooseMemories({ modem, parameters }: Call): string {
  needSms(modem, true);
  const chosen = [0, 1, 2].map((index) => parameters.text(index));
  const next = chosen.map((text, index) => (text === undefined ? modem.memories[index] : memoryOf(text)));
  const [read, write, receive] = next;
  if (read === undefined || write === undefined || receive === undefined) return refuseCms(302);
  modem.memories = [read, write, receive];
  return counts(modem, false);
}

/** A module whose profile sets <bfr> to 1 everywhere knows nothing else, and no direct delivery. */
function discardsOnly(modem: ModemFunctions): boolean {
  const list = modem.behaviour.profile.sms?.indications ?? [];
  return list.length > 0 && list.every((each) => each.split(",")[4] === "1");
}

function indications({ modem, parameters }: Call): undefined {
  const most = [3, 3, 3, 2, 1];
  const values = most.map((limit, index) => parameters.number(index, 0, limit));
  if (values.some(Number.isNaN)) return refuseCms(303);
  const [mode = 0, mt, bm, ds, bfr] = values;
  if (discardsOnly(modem) && ((mt ?? 0) > 1 || bfr !== 1)) return refuseCms(303);
  if (ds === 1 && modem.behaviour.quirks.has("cnma-not-after-cds") && modem.settings.csms === 1) return refuseCms(303);
  const former = modem.settings.cnmi;
  modem.settings.cnmi = [mode, mt ?? former[1], bm ?? former[2], ds ?? former[3], bfr ?? former[4]];
  return undefined;
}

async function acknowledge(call: Call): Promise<Reply> {
  const { modem, parameters, io } = call;
  const mode = parameters.number(0, 0, 2) ?? 0;
  if (Number.isNaN(mode)) return refuseCms(303);
  if (!modem.reception.acknowledgeable) return refuseCms(340);
  const length = parameters.number(1, 1, 160);
  if (length === undefined || Number.isNaN(length)) {
    modem.reception.acknowledge(mode !== 2);
    return undefined;
  }
  const body = await io.readBody({ prompt: promptOf(call), lines: false });
  if (body === undefined) return undefined;
  const report = /^(?:[0-9A-Fa-f]{2})+$/.test(body) ? Uint8Array.from(Buffer.from(body, "hex")) : undefined;
  if (report === undefined || report.length !== length) return refuseCms(304);
  modem.reception.acknowledge(mode !== 2, report);
  return undefined;
}

function flag(key: "cmgf" | "csdh" | "cmms", most: number): CommandTable[string] {
  const name = `+${key.toUpperCase()}`;
  return {
    test: most === 1 ? `${name}: (0,1)` : `${name}: (0-${most})`,
    read: ({ modem }) => `${name}: ${modem.settings[key]}`,
    write: ({ modem, parameters }) => {
      const value = parameters.number(0, 0, most) ?? 0;
      if (Number.isNaN(value)) return refuseCms(key === "cmgf" ? 303 : 302);
      modem.settings[key] = value;
      return undefined;
    },
  };
}

function save({ modem }: Call): undefined {
  modem.saveSettings();
}

function restore({ modem }: Call): undefined {
  modem.restoreSettings(false);
}

/** Short message commands. 3GPP TS 27.005 §3 */
export const messageCommands: CommandTable = {
  "+CSMS": {
    test: "+CSMS: (0,1)",
    read: ({ modem }) => `+CSMS: ${modem.settings.csms},1,1,1`,
    write: ({ modem, parameters }) => {
      const service = parameters.number(0, 0, 1);
      if (service === undefined || Number.isNaN(service)) return refuseCms(301);
      modem.settings.csms = service;
      return "+CSMS: 1,1,1";
    },
  },
  "+CMGF": flag("cmgf", 1),
  "+CSDH": flag("csdh", 1),
  "+CMMS": flag("cmms", 2),
  "+CSCA": {
    test: () => undefined,
    read: ({ modem }) => {
      needSms(modem);
      return `+CSCA: "${modem.centre}",${numberAddress(modem.centre).toa}`;
    },
    write: ({ modem, parameters }) => {
      needSms(modem);
      const number = parameters.text(0);
      if (number === undefined || !/^\+?[0-9*#]{1,20}$/.test(number)) return refuseCms(304);
      modem.serviceCentre = parameters.number(1) === 145 && !number.startsWith("+") ? `+${number}` : number;
      return undefined;
    },
  },
  "+CSMP": {
    test: () => undefined,
    read: ({ modem }) => `+CSMP: ${modem.settings.csmp.join(",")}`,
    write: ({ modem, parameters }) => {
      const former = modem.settings.csmp;
      const [fo = former[0], vp = former[1], pid = former[2], dcs = former[3]] = [0, 1, 2, 3].map((index) =>
        parameters.number(index, 0, 255),
      );
      if ([fo, vp, pid, dcs].some(Number.isNaN)) return refuseCms(305);
      modem.settings.csmp = [fo, vp, pid, dcs];
      return undefined;
    },
  },
  "+CPMS": {
    test: '+CPMS: ("SM","ME","SR"),("SM","ME"),("SM","ME")',
    read: ({ modem }) => {
      needSms(modem, true);
      return counts(modem, true);
    },
    write: chooseMemories,
  },
  "+CNMI": {
    test: ({ modem }) =>
      discardsOnly(modem) ? "+CNMI: (0-2),(0,1),(0,2),(0-2),(1)" : "+CNMI: (0-3),(0-3),(0,2,3),(0-2),(0,1)",
    read: ({ modem }) => `+CNMI: ${modem.settings.cnmi.join(",")}`,
    write: indications,
  },
  "+CMGL": {
    test: ({ modem }) =>
      modem.settings.cmgf === 1 ? '+CMGL: ("REC UNREAD","REC READ","STO UNSENT","STO SENT","ALL")' : "+CMGL: (0-4)",
    write: list,
    execute: list,
  },
  "+CMGR": { write: read },
  "+CMGS": { write: send },
  "+CMSS": { write: sendStored },
  "+CMGW": { write, execute: write },
  "+CMGD": {
    test: ({ modem }) =>
      `+CMGD: (${modem.stores[modem.memories[0]]
        .list()
        .map(([index]) => index)
        .join(",")}),(0-4)`,
    write: remove,
  },
  "+CMGC": { write: sendCommand },
  "+CNMA": { test: "+CNMA: (0-2)", write: acknowledge, execute: acknowledge },
  "+CSAS": { write: save, execute: save },
  "+CRES": { write: restore, execute: restore },
  "+CSCB": remembered("+CSCB", "(0,1)", '0,"",""', /^[01](,.*)?$/),
};
