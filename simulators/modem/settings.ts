import type { CharacterSet } from "./alphabet.ts";
import type { LineSettings } from "./at-terminal.ts";

/** What a host can set and a restart takes away, unless it was stored with AT&W. */
export interface Settings extends LineSettings {
  cmee: number;
  /** 1 = text mode. */
  cmgf: number;
  csms: number;
  csdh: number;
  cmms: number;
  cscs: CharacterSet;
  /** mode, mt, bm, ds, bfr. 3GPP TS 27.005 §3.4.1 */
  cnmi: [number, number, number, number, number];
  /** Defaults of text mode: first octet, validity, PID, DCS. */
  csmp: [number, number, number, number];
  /** Detail of +CREG, +CGREG, +CEREG unsolicited results. */
  reg: Record<"CREG" | "CGREG" | "CEREG", number>;
  copsFormat: number;
  cmer: number;
  cgerep: number;
  /** Values of commands that are only remembered. */
  remembered: Map<string, string>;
}

/** Factory settings. */
export function factorySettings(): Settings {
  return {
    echo: true,
    verbose: true,
    quiet: false,
    s3: 13,
    s4: 10,
    s5: 8,
    cmee: 0,
    cmgf: 0,
    csms: 0,
    csdh: 0,
    cmms: 0,
    cscs: "IRA",
    cnmi: [0, 0, 0, 0, 0],
    csmp: [17, 167, 0, 0],
    reg: { CREG: 0, CGREG: 0, CEREG: 0 },
    copsFormat: 0,
    cmer: 0,
    cgerep: 0,
    remembered: new Map(),
  };
}

/** A copy that can be changed on its own. */
export function copySettings(settings: Settings): Settings {
  return {
    ...settings,
    cnmi: [...settings.cnmi],
    csmp: [...settings.csmp],
    reg: { ...settings.reg },
    remembered: new Map(settings.remembered),
  };
}
