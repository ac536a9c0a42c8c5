import { sameIccid } from "../../codec/euicc/iccid.ts";
import type { Bearer, JobRequest, JobWork } from "../model/job.ts";
import type { Target } from "../model/target.ts";
import type { CardIdentity, Link } from "./links.ts";

/** The properties of a link that routing depends on. */
export interface RouteLink {
  readonly id: string;
  readonly kind: "reader" | "modem" | "smsc";
  readonly up: boolean;
  readonly reason?: string | undefined;
  readonly carriesSms: boolean;
  readonly card?: CardIdentity | undefined;
}

/** The links in the form that routing needs. State and card are read where routing asks for them, of few links. */
export function routeLinks(links: readonly Link[]): RouteLink[] {
  return links.map((link) => ({
    id: link.id,
    kind: link.kind,
    carriesSms: link.bearer !== undefined,
    get up() {
      return link.state.up;
    },
    get reason() {
      return link.state.reason;
    },
    get card() {
      return link.card;
    },
  }));
}

/** The state of SCP81 for the target. */
export interface HttpsState {
  /** An administration session of this target is open. */
  readonly open: boolean;
  /** The server runs and the target has a PSK. */
  readonly possible: boolean;
  /** SCP81 is the only bearer: there are no keys for secured packets. */
  readonly only?: boolean;
  /** The job had a route before: a session is not requested again. */
  readonly inVain?: boolean;
}

export type Route =
  | { readonly at: "found"; readonly bearer: Bearer; readonly link: string; readonly why: string }
  /** No route at the moment; `why` lists what was checked. */
  | { readonly at: "blocked"; readonly why: string };

/** Number of SMS segments up to which `auto` uses SMS although SCP81 is possible. */
const comfortableSegments = 5;

/** Whether the card in a link is this target's. */
export function holds(card: CardIdentity | undefined, target: Target): boolean {
  if (card === undefined) return false;
  if (card.eid !== undefined && target.eid !== undefined) return card.eid === target.eid;
  if (card.iccid === undefined) return false;
  const shown = sameIccid(card.iccid);
  return shown === target.iccid || target.esimProfiles.some((profile) => profile.iccid === shown);
}

/** Why no reader with the card is usable; about the named reader if the job names one. */
function elsewhere(usable: readonly RouteLink[], request: JobRequest): string {
  const named = request.link === undefined ? undefined : usable.find(({ kind }) => kind === "reader");
  if (named === undefined) return "the card is not in a reader";
  return named.card === undefined
    ? `reader ${named.id} has no card; 'otagate reader list' lists readers and their cards`
    : `reader ${named.id} has another card`;
}

/** Why no link can carry short messages to the card; about the named link if there is one. */
function noCarrier(links: readonly RouteLink[], named: string | undefined): string {
  if (named === undefined) return "no modem or SMSC is configured";
  const link = links.find(({ id }) => id === named);
  if (link === undefined) return `link ${named} does not exist`;
  if (link.kind === "reader" || !link.carriesSms) return `${link.kind} ${named} carries no short messages`;
  return `the card is in ${named} itself`;
}

/**
 * The bearer and link for a job now, and the reason, as text. `auto` prefers an open SCP81 session, then a reader or
 * modem that holds the card, then SMS to its MSISDN; for a script that needs many short messages, an SCP81 session is
 * triggered.
 */
export function chooseRoute(
  target: Target,
  work: JobWork,
  request: JobRequest,
  links: readonly RouteLink[],
  https: HttpsState,
  segments: number,
): Route {
  const usable = links.filter((link) => request.link === undefined || link.id === request.link);
  const refusals: string[] = [];

  const viaHttps = (): Route | undefined => {
    if (work.kind === "packet") return void refusals.push("https: a secured packet can be sent by SMS only");
    if (!https.possible) return void refusals.push("https: no SCP81 key or server");
    return {
      at: "found",
      bearer: "https",
      link: "scp81",
      why: https.open ? "an SCP81 session is open" : "in an SCP81 session",
    };
  };
  const viaCard = (): Route | undefined => {
    const holding = usable.filter((link) => link.carriesSms && link.kind === "reader" && holds(link.card, target));
    const wanted = holding.find(
      (link) => link.up && (target.reach.reader === undefined || link.id === target.reach.reader),
    );
    if (wanted !== undefined)
      return { at: "found", bearer: "envelope", link: wanted.id, why: `the card is in reader ${wanted.id}` };
    refusals.push(
      `envelope: ${holding[0] === undefined ? elsewhere(usable, request) : (holding[0].reason ?? "reader down")}`,
    );
    return undefined;
  };
  const viaSms = (): Route | undefined => {
    if (target.msisdn === undefined) return void refusals.push("sms: the target has no MSISDN");
    const named = request.link ?? target.reach.smsLink;
    const carriers = usable.filter(
      (link) => link.carriesSms && link.kind !== "reader" && (named === undefined || link.id === named),
    );
    // An SMSC account is preferred to a modem. The device under test must not send messages to itself.
    const order = carriers
      .filter((link) => !holds(link.card, target))
      .sort((a, b) => (a.kind === b.kind ? 0 : a.kind === "smsc" ? -1 : 1));
    const up = order.find((link) => link.up);
    if (up !== undefined)
      return { at: "found", bearer: "sms", link: up.id, why: `${up.kind} ${up.id} carries SMS to ${target.msisdn}` };
    refusals.push(`sms: ${order[0]?.reason ?? noCarrier(links, named)}`);
    return undefined;
  };

  const pick = (): Route | undefined => {
    switch (request.bearer) {
      case "https":
        return viaHttps();
      case "envelope":
        return viaCard();
      case "sms":
        return viaSms();
      case "short-message":
        return viaCard() ?? viaSms();
      case "auto": {
        const session = https.possible && work.kind !== "packet" && request.link === undefined;
        if (session && https.open) return viaHttps();
        if (session && https.only === true) {
          const why = "the target has no SCP80 keys; the card has to open a session";
          return { at: "found", bearer: "https", link: "scp81", why };
        }
        // A session that has to be requested needs a route for the trigger, which is a short message itself.
        const direct = viaCard() ?? viaSms();
        if (direct !== undefined && session && segments > comfortableSegments) {
          if (https.inVain === true) return { ...direct, why: `${direct.why}; no SCP81 session was opened in time` };
          const why = `${segments} SMS segments are too many: in an SCP81 session`;
          return { at: "found", bearer: "https", link: "scp81", why };
        }
        return direct;
      }
    }
  };
  return pick() ?? { at: "blocked", why: refusals.join("; ") };
}
