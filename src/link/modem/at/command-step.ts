/** The properties of a command that determine its course. */
export interface CommandFacts {
  /** A text or PDU follows the line. */
  readonly body: boolean;
  /** The body is sent with the line, without waiting for a prompt. */
  readonly inline: boolean;
  /** The body is sent after a short pause following the prompt. */
  readonly slowBody: boolean;
  /** A missing answer does not start a resynchronization. */
  readonly tentative: boolean;
  /** Any character ends it early. */
  readonly abortable: boolean;
  /** After a timeout that follows the body, a late answer still counts. */
  readonly acceptLate: boolean;
  /** Its answer may be a single line without a final result. */
  readonly lone: boolean;
  /** Its answer is one line, which counts as success when the final result is lost. */
  readonly oneLine: boolean;
}

/** State of a command on the line. */
interface OnLine {
  /** The modem sent the prompt for the body. */
  readonly prompted: boolean;
  /** The data entry was cancelled: the modem's OK confirms the cancellation only. */
  readonly cancelled: boolean;
  /** Its caller no longer waits; the line stays occupied until the modem answers. */
  readonly orphan: boolean;
}

/** The state of one AT command. */
export type CommandState =
  | { readonly at: "queued" }
  | ({ readonly at: "sent" } & OnLine)
  | ({ readonly at: "body-sent" } & OnLine)
  /** Not answered in time; the line is resynchronized, and the answer may still arrive. */
  | { readonly at: "late"; readonly orphan: boolean }
  | { readonly at: "ended" };

export type CommandEvent =
  /** Its turn on the line has come. */
  | { readonly kind: "start" }
  | { readonly kind: "prompt" }
  /** The pause of a slow body is over. */
  | { readonly kind: "body-due" }
  /** A line of its own answer came. */
  | { readonly kind: "own-line" }
  | { readonly kind: "final" }
  /** Its time limit passed; `own`: a line of its answer was received before. */
  | { readonly kind: "timeout"; readonly own: boolean }
  /** Its caller gave up. */
  | { readonly kind: "abort" }
  /** The module restarted. */
  | { readonly kind: "restarted" }
  /** The port is gone. */
  | { readonly kind: "gone" };

/** Effects for the engine, in this order. */
export type CommandEffect =
  | { readonly do: "write"; readonly what: "line" | "line-and-body" | "body" | "escape" | "any-key" }
  /** Restarts the time limit. */
  | { readonly do: "limit"; readonly by: "line" | "body" | "lone-answer" }
  | { readonly do: "delay-body" }
  /** Rejects the caller's promise although the command continues; `withdrawn`: it was never sent. */
  | { readonly do: "release"; readonly withdrawn: boolean }
  | { readonly do: "settle"; readonly as: "answer" | "success" | "late-answer" | "timeout" | "reset" | "gone" }
  | { readonly do: "recover"; readonly atPrompt: boolean; readonly awaitLate: boolean }
  /** Starts the next command; `soon`: not within this turn of the event loop. */
  | { readonly do: "next"; readonly soon: boolean };

interface CommandStep {
  readonly state: CommandState;
  readonly effects: readonly CommandEffect[];
}

type LineState = Extract<CommandState, OnLine>;

export const queued: CommandState = { at: "queued" };
const ended: CommandState = { at: "ended" };
const fresh: OnLine = { prompted: false, cancelled: false, orphan: false };
const next: CommandEffect = { do: "next", soon: false };
const none: readonly CommandEffect[] = [];
const bodyOut: readonly CommandEffect[] = [
  { do: "write", what: "body" },
  { do: "limit", by: "body" },
];

// The transitions of an ordinary command are built once, because every command uses them.
const started: CommandStep = {
  state: { at: "sent", ...fresh },
  effects: [
    { do: "write", what: "line" },
    { do: "limit", by: "line" },
  ],
};
const startedInline: CommandStep = {
  state: { at: "body-sent", ...fresh },
  effects: [
    { do: "write", what: "line-and-body" },
    { do: "limit", by: "body" },
  ],
};
const answered: CommandStep = { state: ended, effects: [{ do: "settle", as: "answer" }, next] };
const lost: CommandStep = { state: ended, effects: [{ do: "settle", as: "gone" }] };

/** The next state of a command and what to do. Pure. ITU-T V.250 §5.2; 3GPP TS 27.005 §3.5.1 for the body */
export function stepCommand(now: CommandState, event: CommandEvent, facts: CommandFacts): CommandStep {
  switch (now.at) {
    case "queued":
      return whileQueued(now, event, facts);
    case "sent":
    case "body-sent":
      return onTheLine(now, event, facts);
    case "late":
      return whileLate(now, event);
    case "ended":
      return stay(now);
  }
}

function stay(state: CommandState): CommandStep {
  return { state, effects: none };
}

function whileQueued(now: CommandState, event: CommandEvent, { inline }: CommandFacts): CommandStep {
  if (event.kind === "start") return inline ? startedInline : started;
  if (event.kind === "abort") return { state: ended, effects: [{ do: "release", withdrawn: true }] };
  return event.kind === "gone" ? lost : stay(now);
}

function onTheLine(now: LineState, event: CommandEvent, facts: CommandFacts): CommandStep {
  switch (event.kind) {
    case "start":
      return stay(now);
    case "prompt":
      return onPrompt(now, facts);
    case "body-due":
      return now.at === "sent" && !now.orphan ? { state: { ...now, at: "body-sent" }, effects: bodyOut } : stay(now);
    case "own-line":
      return facts.lone ? { state: now, effects: [{ do: "limit", by: "lone-answer" }] } : stay(now);
    case "final":
      return answered;
    case "timeout":
      return onTimeout(now, event.own, facts);
    case "abort":
      return onAbort(now, facts);
    case "restarted":
      return {
        state: ended,
        effects: [
          { do: "settle", as: "reset" },
          { do: "next", soon: true },
        ],
      };
    case "gone":
      return lost;
  }
}

/** An unexpected prompt is cancelled at once; otherwise the next line would become its text. */
function onPrompt(now: LineState, { body, slowBody }: CommandFacts): CommandStep {
  if (!body || now.at !== "sent" || now.orphan)
    return { state: { ...now, cancelled: true }, effects: [{ do: "write", what: "escape" }] };
  if (!slowBody) return { state: { ...now, at: "body-sent", prompted: true }, effects: bodyOut };
  return now.prompted ? stay(now) : { state: { ...now, prompted: true }, effects: [{ do: "delay-body" }] };
}

function onTimeout(now: LineState, own: boolean, facts: CommandFacts): CommandStep {
  if (facts.tentative) return { state: ended, effects: [{ do: "settle", as: "timeout" }, next] };
  if (own && facts.oneLine)
    return {
      state: ended,
      effects: [{ do: "recover", atPrompt: false, awaitLate: false }, { do: "settle", as: "success" }, next],
    };
  if (facts.acceptLate && now.at === "body-sent")
    return {
      state: { at: "late", orphan: now.orphan },
      effects: [{ do: "recover", atPrompt: false, awaitLate: true }],
    };
  const atPrompt = facts.body && now.at === "sent";
  return {
    state: ended,
    effects: [
      { do: "settle", as: "timeout" },
      { do: "recover", atPrompt, awaitLate: false },
    ],
  };
}

/** The caller no longer waits; a command that was sent occupies the line until it is answered. */
function onAbort(now: LineState, { body, abortable }: CommandFacts): CommandStep {
  if (now.orphan) return stay(now);
  const release: CommandEffect = { do: "release", withdrawn: false };
  if (body && now.at === "sent") {
    const effects: readonly CommandEffect[] = now.prompted ? [release, { do: "write", what: "escape" }] : [release];
    return { state: { ...now, orphan: true, cancelled: true }, effects };
  }
  const state = { ...now, orphan: true };
  return { state, effects: abortable ? [release, { do: "write", what: "any-key" }] : [release] };
}

function whileLate(now: Extract<CommandState, { readonly at: "late" }>, event: CommandEvent): CommandStep {
  switch (event.kind) {
    case "final":
      return { state: ended, effects: [{ do: "settle", as: "late-answer" }] };
    case "timeout":
    case "restarted":
    case "gone":
      return { state: ended, effects: [{ do: "settle", as: "timeout" }] };
    case "abort":
      return now.orphan
        ? stay(now)
        : { state: { ...now, orphan: true }, effects: [{ do: "release", withdrawn: false }] };
    default:
      return stay(now);
  }
}
