import { withoutUndefined } from "../../base/defined.ts";
import type { AdminAnswer } from "../../codec/gp/admin-http.ts";
import { isResponseScript } from "../../codec/gp/script-body.ts";
import type { AdminRecord, AdminScript, AdminStep, AdminVerdict, Offer, Outstanding, Position } from "./admin-store.ts";

/** The parts of a card's POST that the dialog depends on. */
export interface DialogPost {
  /** Origin form, as the card sent it. */
  readonly uri: string;
  /** The URI for the card's next request, which need not repeat the query. */
  readonly pollUri: string;
  /** The URI is one with which sessions begin. */
  readonly initial: boolean;
  /** `X-Admin-Resume: true`. */
  readonly resume: boolean;
  /** `X-Admin-Script-Status`, lower case. */
  readonly status?: string;
  readonly body: Uint8Array;
  /** Notification TLV of the query. */
  readonly notification?: Uint8Array;
  /** The link is new: this is its first POST. */
  readonly firstOnLink: boolean;
  /** An unused Next-URI, for the script that may follow. */
  readonly freshUri: string;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** Settings of the dialog. */
export interface DialogPolicy {
  /** A script is reported `too-often` instead of being delivered more often than this. */
  readonly maxDeliveries: number;
  /** How long the answer to one POST is delayed while more scripts are announced; 0 = answered at once. */
  readonly holdMs: number;
  /** How long a session is held open in total without a script. */
  readonly holdTotalMs: number;
}

interface Common {
  readonly record: AdminRecord;
  /** Milliseconds spent holding since the last script. */
  readonly heldMs: number;
}

/** The state of one target's dialog. */
export type DialogState =
  /** The card's request is awaited. */
  | (Common & { readonly at: "idle" })
  /** A step is being stored. */
  | (Common & { readonly at: "stepping"; readonly post: DialogPost; readonly step: AdminStep })
  /** More scripts are announced: the POST stays unanswered. */
  | (Common & { readonly at: "holding"; readonly post: DialogPost })
  /** The session has ended. */
  | (Common & { readonly at: "ended" });

export type DialogEvent =
  | { readonly kind: "post"; readonly post: DialogPost }
  /** The step is durable. */
  | { readonly kind: "stepped"; readonly offer: Offer; readonly at: number }
  /** The store failed; nothing of the step was stored. */
  | { readonly kind: "fault" }
  /** For a held POST: a script may have been queued, or the time is up. */
  | { readonly kind: "wake"; readonly freshUri: string };

export type DialogEffect =
  | { readonly do: "step"; readonly step: AdminStep }
  | { readonly do: "answer"; readonly answer: AdminAnswer; readonly end: boolean; readonly script?: AdminScript }
  /** Feed `wake` when a script is queued for the target, at the latest after `ms`. */
  | { readonly do: "hold"; readonly ms: number }
  /** Cut the link without an answer: the card returns with a resuming POST. */
  | { readonly do: "drop" };

interface DialogMove {
  readonly state: DialogState;
  readonly effects: readonly DialogEffect[];
}

/** A target's dialog in its stored state. */
export function openDialog(record: AdminRecord): DialogState {
  return { at: "idle", record, heldMs: 0 };
}

/**
 * The administration dialog of one target: no I/O, no clock. GP Amendment B §3.4, §3.5
 *
 * Every delivered script has a Next-URI of its own. The URI of the next POST thus shows what the card did: the script's
 * URI with a response = answered; the script's URI, resuming = executed and the response lost; the URI before it = not
 * processed to its end; the first URI without resuming = a new session, which leaves the outcome open.
 */
export function stepDialog(state: DialogState, event: DialogEvent, policy: DialogPolicy): DialogMove {
  switch (event.kind) {
    case "post":
      return state.at === "idle" ? onPost(state, event.post, policy) : refuse(state, 409);
    case "stepped":
      return state.at === "stepping" ? onStepped(state, event.offer, event.at, policy) : stay(state);
    case "fault":
      return { state: { ...state, at: "ended" }, effects: [{ do: "drop" }] };
    case "wake":
      return state.at === "holding" ? askAgain(state, { ...state.post, freshUri: event.freshUri }) : stay(state);
  }
}

function stay(state: DialogState): DialogMove {
  return { state, effects: [] };
}

function refuse(state: DialogState, status: number): DialogMove {
  return { state: { ...state, at: "ended" }, effects: [{ do: "answer", answer: { status }, end: true }] };
}

type Idle = DialogState & { readonly at: "idle" };

function onPost(state: Idle, post: DialogPost, policy: DialogPolicy): DialogMove {
  const { outstanding, position } = state.record;
  if (outstanding !== undefined && post.uri === outstanding.uri) return onOwnUri(state, post, outstanding);
  if (position !== undefined && post.uri === position.uri) {
    if (outstanding === undefined) return continueDialog(state, post, position);
    return outstanding.after === position.uri ? notProcessed(state, post, outstanding, policy) : refuse(state, 404);
  }
  if (!post.initial) return refuse(state, 404);
  if (outstanding === undefined) return begin(state, post);
  if (post.resume && outstanding.after === undefined) return notProcessed(state, post, outstanding, policy);
  return newSession(state, post, outstanding);
}

/** A POST to the outstanding script's own URI: the card executed all of it, or refused it. */
function onOwnUri(state: Idle, post: DialogPost, outstanding: Outstanding): DialogMove {
  const { script, uri } = outstanding;
  const silent = post.status === undefined && post.body.length === 0 && (post.resume || post.firstOnLink);
  const verdict: AdminVerdict = silent ? { state: "executed-response-lost" } : verdictOf(post);
  const broken = silent || post.firstOnLink;
  const secureChannel = openChannel(state);
  const position: Position = {
    uri,
    last: script.last ?? false,
    ...(secureChannel !== undefined && !(broken && script.secureChannel === undefined) && { secureChannel }),
  };
  return storeVerdicts(state, post, [{ script: script.id, verdict }], position, broken ? secureChannel : undefined);
}

/** The secure channel that ends with the link: that of the outstanding script, or one that was begun before it. */
function openChannel({ record }: Common): string | undefined {
  return record.outstanding?.script.secureChannel ?? record.position?.secureChannel;
}

function verdictOf(post: DialogPost): AdminVerdict {
  const status = post.status ?? "ok";
  const rejected = status !== "ok" && (post.body.length === 0 || knownRefusals.has(status));
  if (rejected) return { state: "rejected", scriptStatus: status };
  return isResponseScript(post.body)
    ? { state: "answered", response: post.body }
    : { state: "answered-unparseable", response: post.body };
}

const knownRefusals: ReadonlySet<string> = new Set(["unknown-application", "not-a-security-domain", "security-error"]);

/** The card never processed the outstanding script to its end. */
function notProcessed(state: Idle, post: DialogPost, outstanding: Outstanding, policy: DialogPolicy): DialogMove {
  const { script, deliveries } = outstanding;
  const why =
    script.secureChannel !== undefined
      ? "secure-channel-lost"
      : script.onBreak === "report"
        ? "link-broken"
        : deliveries >= policy.maxDeliveries
          ? "too-often"
          : undefined;
  if (why !== undefined) {
    const settled = [{ script: script.id, verdict: { state: "not-delivered", why } as const }];
    return storeVerdicts(state, post, settled, state.record.position, openChannel(state));
  }
  const lostChannel = post.firstOnLink ? openChannel(state) : undefined;
  return advance(state, post, state.record, {
    settled: [],
    ...(post.notification && { notification: post.notification }),
    next: {
      do: "redeliver",
      script: script.id,
      deliveries: deliveries + 1,
      ...withoutUndefined({ after: outstanding.after, lostChannel }),
    },
  });
}

/** Without a resuming POST the fate of an earlier script is unknown. */
function newSession(state: Idle, post: DialogPost, outstanding: Outstanding): DialogMove {
  const settled = [{ script: outstanding.script.id, verdict: { state: "fate-unknown" } as const }];
  return storeVerdicts(state, post, settled, undefined, openChannel(state));
}

/** A session without an outstanding script; a secure channel that the last session left open ended with it. */
function begin(state: Idle, post: DialogPost): DialogMove {
  const lost = post.firstOnLink ? state.record.position?.secureChannel : undefined;
  return storeVerdicts(state, post, [], undefined, lost);
}

/** A POST to a URI whose script has its verdict: a poll, or a card that did not receive the last answer. */
function continueDialog(state: Idle, post: DialogPost, position: Position): DialogMove {
  return storeVerdicts(state, post, [], position, post.firstOnLink ? position.secureChannel : undefined);
}

/** Makes verdicts durable and requests the next script, or none after the last of a session. */
function storeVerdicts(
  state: Idle,
  post: DialogPost,
  settled: AdminStep["settled"],
  position: Position | undefined,
  lostChannel: string | undefined,
): DialogMove {
  const record: AdminRecord = withoutUndefined({ position });
  const ends = position?.last === true && !post.initial;
  return advance(state, post, record, {
    settled,
    ...(position && { position }),
    ...(post.notification && { notification: post.notification }),
    next: ends
      ? { do: "stop" }
      : {
          do: "offer",
          uri: post.freshUri,
          ...(position !== undefined && !post.initial && { after: position.uri }),
          ...withoutUndefined({ lostChannel }),
        },
  });
}

function advance(state: Common, post: DialogPost, record: AdminRecord, step: AdminStep): DialogMove {
  return {
    state: { at: "stepping", record, heldMs: state.heldMs, post, step },
    effects: [{ do: "step", step }],
  };
}

type Stepping = DialogState & { readonly at: "stepping" };

function onStepped(state: Stepping, offer: Offer, at: number, policy: DialogPolicy): DialogMove {
  const { next } = state.step;
  const { record, post } = state;
  if (next.do === "redeliver" && record.outstanding !== undefined) {
    const { script, uri } = record.outstanding;
    // The script that the store offers now is sent, so that one withdrawn in the meantime is not run.
    if (offer.kind !== "script") return askAgain(state, post);
    const deliveries = offer.script.id === script.id ? next.deliveries : 1;
    return deliver(record, { ...afterOf(next), script: offer.script, uri, deliveries });
  }
  if (next.do === "offer" && offer.kind === "script") {
    return deliver(record, { ...afterOf(next), script: offer.script, uri: next.uri, deliveries: 1 });
  }
  if (next.do === "offer" && offer.kind === "more" && state.heldMs < policy.holdTotalMs) {
    const ms = Math.min(policy.holdMs, policy.holdTotalMs - state.heldMs);
    const spent = at - post.at;
    if (spent < ms) {
      return {
        state: { at: "holding", record, heldMs: state.heldMs, post },
        effects: [{ do: "hold", ms: ms - spent }],
      };
    }
    const answer = { status: 204, nextUri: post.pollUri };
    // Each poll counts for a minimum time: polls without delay would otherwise never reach the limit and keep the radio
    // busy.
    const heldMs = state.heldMs + Math.max(spent, minPollMs);
    return { state: { at: "idle", record, heldMs }, effects: [{ do: "answer", answer, end: false }] };
  }
  return {
    state: { at: "ended", record, heldMs: 0 },
    effects: [{ do: "answer", answer: { status: 204 }, end: true }],
  };
}

const minPollMs = 1000;

function afterOf({ after }: { readonly after?: string }): { readonly after?: string } {
  return withoutUndefined({ after });
}

function deliver(record: AdminRecord, outstanding: Outstanding): DialogMove {
  const { script, uri } = outstanding;
  const answer: AdminAnswer = {
    status: 200,
    nextUri: uri,
    script: { kind: script.kind, body: script.body, ...withoutUndefined({ target: script.target }) },
  };
  return {
    state: { at: "idle", record: { ...record, outstanding }, heldMs: 0 },
    effects: [{ do: "answer", answer, end: false, script }],
  };
}

/** Requests a script again; the data of the POST itself are durable already. */
function askAgain(state: Common, post: DialogPost): DialogMove {
  const { position } = state.record;
  const after = position !== undefined && !post.initial ? position.uri : undefined;
  return advance(state, post, withoutUndefined({ position }), {
    settled: [],
    next: { do: "offer", uri: post.freshUri, ...withoutUndefined({ after }) },
  });
}
