/** How long a program may take to start on a loaded machine, and a peer to answer. */
export const startMs = 120_000;

/** How long nothing may happen before a trial is taken for stuck; a loaded machine is slow, but continues. */
export const stuckMs = 300_000;
