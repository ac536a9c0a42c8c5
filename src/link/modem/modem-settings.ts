/** How a modem is supervised. */
export interface ModemSettings {
  /** Time between checks of signal, registration and message memories. */
  readonly watchEveryMs: number;
  /** Failed starts in a row before it is quarantined. */
  readonly quarantineAfter: number;
  /** How long a quarantine lasts before the modem is tried again. */
  readonly quarantineMs: number;
  /** How long the card may take to be ready. */
  readonly cardPatienceMs: number;
  /** Whether the EID is read at start, over a channel of its own. */
  readonly readEid: boolean;
  /** Time after a start notice before the modem is set up again. */
  readonly settleMs: number;
  /** Whether a SIM toolkit that is off is switched on permanently, with a restart where the module needs one. */
  readonly enableToolkit: boolean;
}

/** Defaults; a toolkit that is off is left alone, since switching it on stays in the module. */
export const defaultModemSettings: ModemSettings = {
  watchEveryMs: 60_000,
  quarantineAfter: 6,
  quarantineMs: 600_000,
  cardPatienceMs: 30_000,
  readEid: true,
  settleMs: 2_000,
  enableToolkit: false,
};
