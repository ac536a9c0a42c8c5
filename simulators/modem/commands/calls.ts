import type { CommandTable } from "../command.ts";
import { refuseCme } from "../refusal.ts";
import { remembered } from "./basic.ts";

const flag = (name: string) => remembered(name, "(0,1)", "0", /^[0-2]$/);

/** Call and supplementary service commands: accepted where programs set them, without any call behind. 3GPP TS 27.007 §6, §7 */
export const callCommands: CommandTable = {
  D: { execute: () => ({ final: "NO CARRIER" }), abortable: true },
  A: { execute: () => ({ final: "NO CARRIER" }) },
  H: { execute: () => undefined },
  "+CHUP": { execute: () => undefined },
  "+CLCC": { execute: () => undefined },
  "+CLIP": flag("+CLIP"),
  "+CLIR": flag("+CLIR"),
  "+COLP": flag("+COLP"),
  "+CDIP": flag("+CDIP"),
  "+CNAP": flag("+CNAP"),
  "+CRC": flag("+CRC"),
  "+CCWE": flag("+CCWE"),
  "+CCWA": { ...flag("+CCWA"), write: () => undefined },
  "+CSSN": remembered("+CSSN", "(0,1),(0,1)", "0,0", /^[01](,[01])?$/),
  "+CAOC": { test: "+CAOC: (0-2)", read: "+CAOC: 1", write: () => undefined, execute: () => undefined },
  "+CMOD": remembered("+CMOD", "(0)", "0", /^[0-3]$/),
  "+CSTA": remembered("+CSTA", "(129,145)", "129", /^\d+$/),
  "+CVHU": remembered("+CVHU", "(0-2)", "0", /^[0-2]$/),
  "+CSCB": remembered("+CSCB", "(0,1)", '0,"",""', /^[01](,.*)?$/),
  "+CEMODE": remembered("+CEMODE", "(0-3)", "2", /^[0-3]$/),
  "+CUSD": {
    ...remembered("+CUSD", "(0-2)", "0", /^[0-2](,.*)?$/),
    write: ({ modem, parameters }) => {
      const mode = parameters.number(0, 0, 2);
      if (mode === undefined || Number.isNaN(mode)) return refuseCme(50);
      modem.settings.remembered.set("+CUSD", `${mode}`);
      const text = parameters.text(1);
      if (text === undefined) return undefined;
      if (!modem.registration.registered) return refuseCme(30);
      setTimeout(() => modem.urc(`+CUSD: 0,"${text}",15`), 20);
      return undefined;
    },
  },
};
