import type { Call, CommandTable } from "../command.ts";
import { refuseCme } from "../refusal.ts";
import { remembered } from "./basic.ts";

const types = ["IP", "IPV6", "IPV4V6", "Non-IP"];

function cidOf({ parameters }: Call, index: number): number {
  const cid = parameters.number(index, 1, 16);
  return cid === undefined || Number.isNaN(cid) ? refuseCme(50) : cid;
}

function define(call: Call): undefined {
  const cid = cidOf(call, 0);
  const type = call.parameters.text(1);
  if (type === undefined) {
    call.modem.contexts.delete(cid);
    return undefined;
  }
  const known = types.find((each) => each.toUpperCase() === type.toUpperCase());
  if (known === undefined) return refuseCme(50);
  call.modem.contexts.set(cid, { type: known, apn: call.parameters.text(2) ?? "", address: undefined });
  return undefined;
}

async function activate(call: Call): Promise<undefined> {
  const { modem, parameters } = call;
  const on = parameters.number(0, 0, 1);
  if (on === undefined || Number.isNaN(on)) return refuseCme(50);
  const cids = parameters.count > 1 ? [cidOf(call, 1)] : [...modem.contexts.keys()];
  for (const cid of cids) {
    const context = modem.contexts.get(cid);
    if (context === undefined) return refuseCme(50);
    if (on === 0) {
      modem.registration.attachment?.closeContext(cid);
      context.address = undefined;
      continue;
    }
    const answer = await modem.registration.attachment?.openContext(cid, context.apn, context.type);
    if (answer === undefined) return refuseCme(30);
    if (!answer.ok) return refuseCme(answer.cause === 27 ? 133 : 148);
    context.address = answer.address;
    if (modem.settings.cgerep > 0) modem.urc(`+CGEV: ME PDN ACT ${cid}`);
  }
  return undefined;
}

async function attach({ modem, parameters }: Call): Promise<undefined> {
  const on = parameters.number(0, 0, 1);
  if (on === undefined || Number.isNaN(on)) return refuseCme(50);
  if (on === 0) modem.registration.stop();
  else if (!modem.registration.registered) await modem.startRadio();
  if (on === 1 && !modem.registration.registered) return refuseCme(30);
  return undefined;
}

function addresses({ modem, parameters }: Call): string[] {
  const wanted = parameters.number(0, 1, 16);
  const cids = wanted === undefined ? [...modem.contexts.keys()] : [wanted];
  return cids.map((cid) => {
    const address = modem.contexts.get(cid)?.address;
    return address === undefined ? `+CGPADDR: ${cid}` : `+CGPADDR: ${cid},"${address}"`;
  });
}

/** Packet domain commands. 3GPP TS 27.007 §10 */
export const packetCommands: CommandTable = {
  "+CGDCONT": {
    test: types.map((type) => `+CGDCONT: (1-16),"${type}",,,(0-2),(0-4)`).join("\r\n"),
    read: ({ modem }) =>
      [...modem.contexts].map(
        ([cid, { type, apn, address }]) => `+CGDCONT: ${cid},"${type}","${apn}","${address ?? ""}",0,0`,
      ),
    write: define,
  },
  "+CGACT": {
    test: "+CGACT: (0,1)",
    read: ({ modem }) =>
      [...modem.contexts].map(([cid, { address }]) => `+CGACT: ${cid},${address === undefined ? 0 : 1}`),
    write: activate,
  },
  "+CGATT": {
    test: "+CGATT: (0,1)",
    read: ({ modem }) => `+CGATT: ${modem.registration.registered ? 1 : 0}`,
    write: attach,
  },
  "+CGPADDR": {
    test: ({ modem }) => `+CGPADDR: (${[...modem.contexts.keys()].join(",")})`,
    write: addresses,
    execute: addresses,
  },
  "+CGCONTRDP": {
    write: ({ modem, parameters }) => {
      const context = modem.contexts.get(parameters.number(0) ?? 1);
      if (context?.address === undefined) return undefined;
      return `+CGCONTRDP: ${parameters.number(0)},5,"${context.apn}","${context.address}.255.255.255.0","","127.0.0.1"`;
    },
    execute: () => undefined,
  },
  "+CGEREP": {
    test: "+CGEREP: (0-2),(0,1)",
    read: ({ modem }) => `+CGEREP: ${modem.settings.cgerep},0`,
    write: ({ modem, parameters }) => {
      const mode = parameters.number(0, 0, 2) ?? 0;
      if (Number.isNaN(mode)) return refuseCme(50);
      modem.settings.cgerep = mode;
      return undefined;
    },
  },
  "+CGSMS": remembered("+CGSMS", "(0-3)", "3", /^[0-3]$/),
  "+CGAUTO": remembered("+CGAUTO", "(0-3)", "0", /^[0-3]$/),
  "+CGPIAF": remembered("+CGPIAF", "(0,1),(0,1),(0,1),(0,1)", "0,0,0,0", /^[01](,[01]){0,3}$/),
  "+CGDATA": { write: () => ({ final: "NO CARRIER" }), abortable: true },
  "+CPSMS": remembered("+CPSMS", "(0,1)", "0", /^[01](,.*)?$/),
  "+CEDRXS": remembered("+CEDRXS", "(0-3),(4)", "0", /^[0-3](,.*)?$/),
};
