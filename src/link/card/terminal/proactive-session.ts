import type { CommandDetails } from "../../../codec/cat/object.ts";

/** The state of the terminal in a proactive session. ETSI TS 102 223 §6.3 */
export type ProactiveSession =
  | { readonly at: "idle" }
  /** The card announced a command of this many octets (91XX); it was not fetched yet. */
  | { readonly at: "announced"; readonly length: number }
  | { readonly at: "fetching" }
  /** A command is being executed; the card waits for its TERMINAL RESPONSE. */
  | { readonly at: "executing"; readonly details: CommandDetails }
  | { readonly at: "answering"; readonly details: CommandDetails };

export type ProactiveEvent =
  /** The card answered a command with this status word. */
  | { readonly kind: "status"; readonly sw: number }
  | { readonly kind: "fetch" }
  | { readonly kind: "fetched"; readonly details: CommandDetails }
  | { readonly kind: "fetch-failed" }
  | { readonly kind: "answer" }
  | { readonly kind: "answered"; readonly sw: number }
  | { readonly kind: "reset" };

const idle: ProactiveSession = { at: "idle" };

/** Octets that 91XX announces; undefined when the status word announces nothing. */
export function announcedLength(sw: number): number | undefined {
  return sw >> 8 === 0x91 ? sw & 0xff || 256 : undefined;
}

function afterStatus(sw: number): ProactiveSession {
  const length = announcedLength(sw);
  return length === undefined ? idle : { at: "announced", length };
}

/**
 * The state after an event. A command is completed before another is considered: the card repeats announcements made in
 * the meantime in its answer to the TERMINAL RESPONSE.
 */
export function step(now: ProactiveSession, event: ProactiveEvent): ProactiveSession {
  switch (event.kind) {
    case "reset":
      return idle;
    case "status": {
      const length = announcedLength(event.sw);
      if (length === undefined || (now.at !== "idle" && now.at !== "announced")) return now;
      return { at: "announced", length };
    }
    case "fetch":
      return now.at === "announced" ? { at: "fetching" } : now;
    case "fetched":
      return now.at === "fetching" ? { at: "executing", details: event.details } : now;
    case "fetch-failed":
      return now.at === "fetching" ? idle : now;
    case "answer":
      return now.at === "executing" ? { at: "answering", details: now.details } : now;
    case "answered":
      return now.at === "answering" ? afterStatus(event.sw) : now;
  }
}
