import type { SwitchAnswer } from "../api/switches.ts";
import { elapsed, paint, type Terminal } from "./terminal.ts";

/** A profile switch in an answer of the API. */
export type ShownSwitch = SwitchAnswer;

/** Exit codes by state: an open or lapsed switch timed out, a rolled-back one was refused. */
const exits = { accepted: 6, switched: 6, confirmed: 0, "rolled-back": 4, lapsed: 6 } as const;

export function exitOfSwitch(one: ShownSwitch): number {
  return exits[one.at];
}

export function switchIsOpen(one: ShownSwitch): boolean {
  return one.at === "accepted" || one.at === "switched";
}

/** The state of the switch and its meaning, in one line. */
export function switchText(terminal: Terminal, one: ShownSwitch): string {
  const after = (to: number) => `after ${elapsed(to - one.acceptedAt)}`;
  switch (one.at) {
    case "accepted":
      return "accepted; waiting for the notification of the card";
    case "switched":
      return `switched ${after(one.switchedAt ?? one.acceptedAt)}; waiting for the confirmation of its notification`;
    case "confirmed":
      return paint(terminal, "green", `confirmed ${after(one.endedAt ?? one.acceptedAt)}`);
    case "rolled-back":
      return paint(
        terminal,
        "red",
        `rolled back ${after(one.endedAt ?? one.acceptedAt)}: the previous profile is enabled`,
      );
    case "lapsed":
      return paint(
        terminal,
        "red",
        one.switchedAt === undefined
          ? `lapsed ${after(one.endedAt ?? one.acceptedAt)}: the card sent no notification; audit it to read the enabled profile`
          : `lapsed ${after(one.endedAt ?? one.acceptedAt)}: the notification was not confirmed; the card may roll back`,
      );
  }
}
