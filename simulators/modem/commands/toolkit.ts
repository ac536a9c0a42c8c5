import { fromHex, toHex } from "../../../src/base/hex.ts";
import type { Call, CommandTable } from "../command.ts";
import { refuseCme } from "../refusal.ts";
import { ok } from "../sim-slot.ts";
import { needCard } from "./sim.ts";

function hexOf({ parameters }: Call, at: number): Uint8Array {
  const text = parameters.text(at) ?? "";
  return /^(?:[0-9A-Fa-f]{2})+$/.test(text) ? fromHex(text) : refuseCme(50);
}

/** Proactive commands for the host. 3GPP TS 27.007 §12 */
export const toolkitCommands: CommandTable = {
  "+CUSATR": {
    test: "+CUSATR: (0-3)",
    read: ({ modem }) => `+CUSATR: 0,"${toHex(modem.toolkit.terminalProfile)}"`,
    write: ({ modem, parameters }) => {
      const which = parameters.number(0, 0, 3) ?? 0;
      const profile = which === 0 ? modem.toolkit.terminalProfile : modem.toolkit.hostProfile;
      return `+CUSATR: ${which},"${toHex(profile)}"`;
    },
  },
  "+CUSATW": {
    test: "+CUSATW: (0,1)",
    write: (call) => {
      const storage = call.parameters.number(0, 0, 1);
      if (storage === undefined || Number.isNaN(storage)) return refuseCme(50);
      call.modem.toolkit.hostProfile = call.parameters.text(1) === undefined ? new Uint8Array(0) : hexOf(call, 1);
      return undefined;
    },
  },
  "+CUSATD": { read: ({ modem }) => `+CUSATD: 1,${modem.toolkit.enabled ? 1 : 0}` },
  "+CUSATE": {
    write: async (call) => {
      needCard(call.modem);
      const { data, sw } = await call.modem.cardTerminal.envelope(hexOf(call, 0));
      if (!ok(sw)) return refuseCme(sw === 0x9300 ? 14 : 3);
      return `+CUSATE: "${toHex(Uint8Array.of(...data, sw >> 8, sw & 0xff))}"`;
    },
  },
  "+CUSATT": {
    write: (call) => {
      needCard(call.modem);
      return call.modem.toolkit.respond(hexOf(call, 0)) ? undefined : refuseCme(3);
    },
  },
};
