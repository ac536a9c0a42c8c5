import { z } from "zod";
import { first as since } from "./facts.ts";

const session = {
  session: z.string().describe("Id of the session"),
  identity: z.string().describe("PSK identity that the card sent"),
  eid: z.string().optional(),
};

/** SCP81 sessions. */
export const sessionEvents = {
  "session.triggered": {
    text: "A trigger message asks the card to open a session",
    clause: "SGP.02 §2.4.3.2",
    since,
    data: z.object({}),
  },
  "session.opened": {
    text: "A card opened a session",
    clause: "GP Amendment B §3.4",
    since,
    data: z.object({ ...session, remote: z.string().describe("Where its connection comes from") }),
  },
  "session.closed": {
    text: "A session ended",
    since,
    data: z.object({ ...session, posts: z.number().int().describe("Number of POST requests") }),
  },
} as const;

/** Modems. */
export const modemEvents = {
  "modem.switch": {
    text: "A modem followed the profile switch of the card in it",
    since,
    data: z.object({
      link: z.string(),
      at: z.number().describe("Milliseconds since 1970"),
      fromIccid: z.string().optional(),
      toIccid: z.string().optional(),
      iccidMs: z.number().optional().describe("Milliseconds until the new ICCID was read twice"),
      attachMs: z.number().optional().describe("Milliseconds until the network served the new subscriber"),
      outcome: z.enum(["watching", "attached", "no-attach", "unchanged"]),
      remedies: z.array(z.string()).readonly().describe("What the gateway did because the module did not follow"),
      steps: z.array(z.object({ ms: z.number(), what: z.string() })).readonly(),
    }),
  },
} as const;
