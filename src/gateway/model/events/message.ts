import { z } from "zod";
import { messageStates } from "../../../codec/smpp/message-state.ts";
import { first as since } from "./facts.ts";

/** Short messages from cards and networks. */
export const messageEvents = {
  "message.received": {
    text: "A complete short message arrived",
    since,
    data: z.object({
      link: z.string(),
      messages: z.array(z.string()).readonly().describe("Ids of the received messages"),
      verdict: z.string().describe("Description of the message"),
      octets: z.number().int().describe("Length of its user data"),
      from: z.string().optional(),
    }),
  },
} as const;

/** The SMSC face. */
export const smscEvents = {
  "smsc.outbox": {
    text: "A delivery waits for an SMPP client",
    since,
    data: z.object({ client: z.string(), kind: z.enum(["message", "receipt"]) }),
  },
  "smsc.settled": {
    text: "A network reported the outcome of a client's message",
    clause: "SMPP 3.4 §5.2.28",
    since,
    data: z.object({ message: z.string(), client: z.string(), state: z.enum(messageStates) }),
  },
  "smsc.refused": {
    text: "A client refused a delivery permanently",
    clause: "SMPP 3.4 §4.6",
    since,
    data: z.object({
      client: z.string(),
      item: z.string().describe("Id of the delivery"),
      commandStatus: z.number().int().describe("The client's command_status"),
    }),
  },
} as const;
