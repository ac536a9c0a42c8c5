import { fromHex, toHex } from "../../../src/base/hex.ts";
import type { Call, CommandTable } from "../command.ts";
import type { ModemFunctions } from "../modem-functions.ts";
import { refuseCme, refusePlain } from "../refusal.ts";
import { type CardAnswer, ok } from "../sim-slot.ts";

/** Fails as a modem does whose card cannot be used; `pin` = also while it waits for a PIN. */
export function needCard(modem: ModemFunctions, pin = false): void {
  const { at } = modem.slot.state;
  if (modem.misbehaviour.simBusy || at === "busy") refuseCme(14);
  if (at === "absent") refuseCme(10);
  if (at === "failure") refuseCme(13);
  if (pin && at === "pin") refuseCme(11);
  if (pin && at === "puk") refuseCme(12);
}

/** +CME ERROR of a refused PIN. */
function pinError(sw: number): never {
  if ((sw & 0xfff0) === 0x63c0 && sw !== 0x63c0) return refuseCme(16);
  return sw === 0x63c0 || sw === 0x6983 ? refuseCme(12) : refuseCme(3);
}

async function enterPin({ modem, parameters }: Call): Promise<undefined> {
  needCard(modem);
  const pin = parameters.text(0);
  const fresh = parameters.text(1);
  if (pin === undefined) return refuseCme(50);
  const { at } = modem.slot.state;
  if (at === "ready") return refuseCme(3);
  if (at === "puk" && fresh === undefined) return refuseCme(50);
  const sw = at === "puk" ? await modem.slot.pinCommand(0x2c, 1, pin, fresh ?? "") : await modem.slot.verify(1, pin);
  if (!ok(sw)) return pinError(sw);
  modem.urc("+CPIN: READY");
  void modem.startRadio();
  return undefined;
}

function pinState({ modem }: Call): string {
  needCard(modem);
  const { at } = modem.slot.state;
  return `+CPIN: ${at === "pin" ? "SIM PIN" : at === "puk" ? "SIM PUK" : "READY"}`;
}

async function lock({ modem, parameters }: Call): Promise<string | undefined> {
  const facility = parameters.text(0)?.toUpperCase();
  const mode = parameters.number(1, 0, 2);
  if (facility === undefined || mode === undefined || Number.isNaN(mode)) return refuseCme(50);
  needCard(modem);
  if (facility !== "SC") return mode === 2 ? "+CLCK: 0" : refuseCme(3);
  const enabled = modem.slot.pinEnabled;
  if (mode === 2) return `+CLCK: ${enabled ? 1 : 0}`;
  const pin = parameters.text(2);
  if (pin === undefined) return refuseCme(16);
  const sw = await modem.slot.pinCommand(mode === 1 ? 0x28 : 0x26, 1, pin);
  return ok(sw) || sw === 0x6985 || sw === 0x6984 ? undefined : pinError(sw);
}

async function changePin({ modem, parameters }: Call): Promise<undefined> {
  needCard(modem);
  const [facility, old, fresh] = [0, 1, 2].map((index) => parameters.text(index));
  if (facility?.toUpperCase() !== "SC" || old === undefined || fresh === undefined) return refuseCme(50);
  const sw = await modem.slot.pinCommand(0x24, 1, old, fresh);
  return ok(sw) ? undefined : pinError(sw);
}

/** The hexadecimal APDU of +CSIM and +CGLA with its length in characters checked. */
function apduOf({ parameters }: Call, at: number): Uint8Array {
  const length = parameters.number(at, 8, 520);
  const text = parameters.text(at + 1) ?? "";
  if (length === undefined || Number.isNaN(length) || length !== text.length) return refuseCme(50);
  return /^(?:[0-9A-Fa-f]{2})+$/.test(text) ? fromHex(text) : refuseCme(50);
}

function answerText({ data, sw }: CardAnswer): string {
  const text = toHex(Uint8Array.of(...data, sw >> 8, sw & 0xff));
  return `${text.length},"${text}"`;
}

async function csim(call: Call): Promise<string | undefined> {
  const { modem, parameters } = call;
  const { quirks } = modem.behaviour;
  if (!modem.behaviour.access("csim")) return refusePlain();
  if (quirks.has("csim-lock-needed") && parameters.count === 1) {
    const state = parameters.number(0, 0, 1);
    if (state === undefined || Number.isNaN(state)) return refuseCme(50);
    modem.settings.remembered.set("csim-lock", `${state}`);
    return undefined;
  }
  if (quirks.has("csim-lock-needed") && modem.settings.remembered.get("csim-lock") !== "1") return refuseCme(3);
  needCard(modem);
  const apdu = apduOf(call, 0);
  if (quirks.has("csim-ins-filter") && [0x10, 0x12, 0x14, 0xc2, 0xe2].includes(apdu[1] ?? 0)) return refuseCme(3);
  if (quirks.has("csim-drops-le") && apdu.length === 6 + (apdu[4] ?? 0) && apdu.length > 5) return refuseCme(50);
  return `+CSIM: ${answerText(await modem.slot.raw(apdu))}`;
}

/** CLA with the channel in it. TS 102 221 §10.1.1 */
function onChannel(cla: number, channel: number): number {
  return channel < 4 ? (cla & 0xfc) | channel : (cla & 0x80) | 0x40 | (channel - 4);
}

async function openChannel({ modem, parameters }: Call): Promise<string> {
  if (!modem.behaviour.access("cgla")) return refusePlain();
  needCard(modem);
  const aid = parameters.text(0) ?? "";
  if (!/^(?:[0-9A-Fa-f]{2}){5,16}$/.test(aid)) return refuseCme(50);
  const opened = await modem.slot.command(fromHex("0070000001"));
  const channel = opened.data[0];
  if (!ok(opened.sw) || channel === undefined) return refuseCme(20);
  const name = fromHex(aid);
  const selected = await modem.slot.command(Uint8Array.of(onChannel(0, channel), 0xa4, 4, 0, name.length, ...name));
  if (!ok(selected.sw) && selected.sw >> 8 !== 0x62) {
    await modem.slot.command(Uint8Array.of(0, 0x70, 0x80, channel));
    return refuseCme(selected.sw === 0x6a82 ? 22 : 3);
  }
  const id = modem.behaviour.quirks.has("session-id-hex")
    ? (0x38aa300 + channel).toString(16).padStart(16, "0")
    : String(channel);
  modem.sessions.set(id, channel);
  return `+CCHO: ${id}`;
}

function sessionOf({ modem, parameters }: Call): { readonly id: string; readonly channel: number } {
  const id = parameters.text(0) ?? "";
  const channel = modem.sessions.get(id);
  return channel === undefined ? refuseCme(21) : { id, channel };
}

async function generic(call: Call): Promise<string> {
  if (!call.modem.behaviour.access("cgla")) return refusePlain();
  needCard(call.modem);
  const { channel } = sessionOf(call);
  const apdu = Uint8Array.from(apduOf(call, 1));
  apdu[0] = onChannel(apdu[0] ?? 0, channel);
  return `+CGLA: ${answerText(await call.modem.slot.raw(apdu, true))}`;
}

async function closeChannel(call: Call): Promise<undefined> {
  const { quirks } = call.modem.behaviour;
  if (!call.modem.behaviour.access("cgla")) return refusePlain();
  if (quirks.has("cchc-unsupported")) return refuseCme(4);
  needCard(call.modem);
  const { id, channel } = sessionOf(call);
  call.modem.sessions.delete(id);
  await call.modem.slot.command(Uint8Array.of(0, 0x70, 0x80, channel));
  return undefined;
}

/** Where a file is when +CRSM names no path: MF files, otherwise the USIM's. */
function pathOf(fileId: number, path: string | undefined): string {
  const id = fileId.toString(16).toUpperCase().padStart(4, "0");
  if (path !== undefined && path !== "") return `${path.toUpperCase().replace(/^3F00/, "")}${id}`;
  return id.startsWith("2F") || id === "3F00" ? id.replace("3F00", "") : `7FFF${id}`;
}

const instructions: Readonly<Record<number, number>> = {
  176: 0xb0,
  178: 0xb2,
  214: 0xd6,
  220: 0xdc,
  203: 0xcb,
  219: 0xdb,
};

/** SIM access by file. 3GPP TS 27.007 §8.18 */
async function restricted({ modem, parameters }: Call): Promise<string> {
  needCard(modem);
  const command = parameters.number(0, 0, 255) ?? 0;
  const [p1 = 0, p2 = 0, p3 = 0] = [2, 3, 4].map((index) => parameters.number(index, 0, 255) ?? 0);
  if ([command, p1, p2, p3].some(Number.isNaN)) return refuseCme(50);
  if (command === 242) return crsmLine(await modem.slot.command(fromHex("80F2000000")));
  const fileId = parameters.number(1, 0, 0xffff);
  if (fileId === undefined || Number.isNaN(fileId)) return refuseCme(50);
  const selected = await modem.slot.select(pathOf(fileId, parameters.text(6)));
  if (!ok(selected.sw) || command === 192) return crsmLine(selected);
  const ins = instructions[command];
  if (ins === undefined) return refuseCme(3);
  const data = parameters.text(5);
  if (data !== undefined && !/^(?:[0-9A-Fa-f]{2})*$/.test(data)) return refuseCme(50);
  const body = data === undefined ? [p3] : [data.length / 2, ...fromHex(data)];
  return crsmLine(await modem.slot.command(Uint8Array.of(0, ins, p1, p2, ...body)));
}

function crsmLine({ data, sw }: CardAnswer): string {
  const status = `+CRSM: ${sw >> 8},${sw & 0xff}`;
  return data.length === 0 ? status : `${status},"${toHex(data)}"`;
}

function fact(key: "imsi" | "iccid"): (call: Call) => string {
  return ({ modem }) => {
    needCard(modem, key === "imsi");
    return modem.slot.facts[key] || refuseCme(13);
  };
}

/** Commands for the card. 3GPP TS 27.007 §7.4, §7.5, §8.3, §8.17, §8.18, §8.45 to §8.48 */
export const simCommands: CommandTable = {
  "+CPIN": { read: pinState, write: enterPin },
  "+CPINR": {
    execute: ({ modem }) => {
      needCard(modem);
      const { state } = modem.slot;
      return `+CPINR: SIM PIN,${"retries" in state ? state.retries : 0},3`;
    },
  },
  "+CLCK": { test: '+CLCK: ("SC","FD","PN","PU","PP","PC","PF")', write: lock },
  "+CPWD": { test: '+CPWD: ("SC",8),("P2",8)', write: changePin },
  "+CIMI": { execute: fact("imsi") },
  "+CCID": { execute: (call) => `+CCID: ${fact("iccid")(call)}`, read: (call) => `+CCID: ${fact("iccid")(call)}` },
  "+ICCID": { execute: (call) => `+ICCID: ${fact("iccid")(call)}`, read: (call) => `+ICCID: ${fact("iccid")(call)}` },
  "+CSIM": { write: csim },
  "+CCHO": { write: openChannel },
  "+CGLA": { write: generic },
  "+CCHC": { write: closeChannel },
  "+CRSM": { write: restricted },
  "+CUAD": {
    execute: async ({ modem }) => {
      needCard(modem);
      const record = await modem.slot.readRecord("2F00", 1);
      return record.length === 0 ? undefined : `+CUAD: "${toHex(record)}"`;
    },
  },
  "+CPBS": { test: '+CPBS: ("SM")', read: '+CPBS: "SM",0,250', write: () => undefined },
  "+CPBR": { test: "+CPBR: (1-250),40,18", write: () => undefined },
  "+CPBF": { test: "+CPBF: 40,18", write: () => refuseCme(22) },
};
