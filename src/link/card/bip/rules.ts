import { withoutUndefined } from "../../../base/defined.ts";
import { ipOctets } from "../../../codec/cat/bearer.ts";
import { ignoreCodecErrors } from "../ignore-codec-errors.ts";

/** An endpoint on the host's side. */
interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** The destination that a card requests. */
export interface Destination extends Endpoint {
  readonly protocol: "tcp" | "udp";
}

/** Which destinations a rule matches; an absent field matches any value. */
interface DestinationMatch {
  readonly protocol?: "tcp" | "udp";
  /** IP address, or network as `192.0.2.0/24`. */
  readonly host?: string;
  readonly port?: number;
}

/** Sends matching destinations elsewhere: `own` is the daemon's own SCP81 listener. */
interface RewriteRule {
  readonly match: DestinationMatch;
  readonly to: "own" | { readonly host?: string; readonly port?: number };
}

/** A name and the address that the terminal's DNS gives for it; `*.` before the name means all names below it. */
interface NameRule {
  readonly name: string;
  readonly address: string;
}

/**
 * Where a card may connect to. Others can control a card remotely, so only destinations named by a rule are
 * reachable. Rewrites are tried in their order, then the allow list, then the defaults.
 */
export interface BipRules {
  /** Address of the daemon's own SCP81 listener; absent when it has none. */
  readonly own?: Endpoint;
  readonly rewrite: readonly RewriteRule[];
  readonly allow: readonly DestinationMatch[];
  /** TCP without a matching rule: to `own`, or refused. */
  readonly otherTcp: "own" | "refuse";
  /** UDP port 53 is answered by the terminal itself. */
  readonly dns: boolean;
  readonly names: readonly NameRule[];
  /** Address for names without a rule; without it they do not exist. */
  readonly otherNames?: string;
}

/** All TCP connections go to the daemon's own listener, regardless of the address; every name resolves to it. */
export function defaultRules(own?: Endpoint): BipRules {
  return {
    ...withoutUndefined({ own }),
    rewrite: [],
    allow: [],
    otherTcp: "own",
    dns: true,
    names: [],
    // A documentation address (RFC 5737): it is rewritten like any other when the card connects to it.
    otherNames: "192.0.2.1",
  };
}

/** Outcome of a destination. */
export type Route =
  | { readonly kind: "connect"; readonly to: Destination; readonly why: string }
  | { readonly kind: "dns" }
  | { readonly kind: "refuse"; readonly why: string };

function inNetwork(address: string, network: string): boolean {
  const [base = "", bits] = network.split("/");
  const have = ignoreCodecErrors(() => ipOctets(address));
  const want = ignoreCodecErrors(() => ipOctets(base));
  if (have === undefined || want === undefined || have.length !== want.length) return false;
  const length = bits === undefined ? want.length * 8 : Number(bits);
  if (!Number.isInteger(length) || length < 0 || length > want.length * 8) return false;
  for (let bit = 0; bit < length; bit += 8) {
    const mask = length - bit >= 8 ? 0xff : (0xff << (8 - (length - bit))) & 0xff;
    if (((have[bit >> 3] ?? 0) & mask) !== ((want[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

function matches(match: DestinationMatch, wanted: Destination): boolean {
  if (match.protocol !== undefined && match.protocol !== wanted.protocol) return false;
  if (match.port !== undefined && match.port !== wanted.port) return false;
  return match.host === undefined || inNetwork(wanted.host, match.host);
}

function toOwn(rules: BipRules, wanted: Destination, why: string): Route {
  if (wanted.protocol !== "tcp") return { kind: "refuse", why: "the own listener accepts TCP only" };
  if (rules.own === undefined) return { kind: "refuse", why: "there is no own SCP81 listener" };
  return { kind: "connect", to: { protocol: "tcp", ...rules.own }, why };
}

/** Determines the destination of a card's channel. */
export function route(rules: BipRules, wanted: Destination): Route {
  for (const { match, to } of rules.rewrite) {
    if (!matches(match, wanted)) continue;
    if (to === "own") return toOwn(rules, wanted, "rewritten by rule");
    const target = { ...wanted, host: to.host ?? wanted.host, port: to.port ?? wanted.port };
    return { kind: "connect", to: target, why: "rewritten by rule" };
  }
  if (rules.allow.some((match) => matches(match, wanted)))
    return { kind: "connect", to: wanted, why: "allowed by rule" };
  if (wanted.protocol === "udp") {
    if (rules.dns && wanted.port === 53) return { kind: "dns" };
    return { kind: "refuse", why: "no rule allows this UDP destination" };
  }
  if (rules.otherTcp === "own") return toOwn(rules, wanted, "all TCP is redirected to the own listener");
  return { kind: "refuse", why: "no rule allows this TCP destination" };
}

/** Address for a name; undefined when the name does not exist. */
export function resolveName(rules: BipRules, name: string): string | undefined {
  const plain = name.toLowerCase().replace(/\.$/, "");
  for (const rule of rules.names) {
    const pattern = rule.name.toLowerCase();
    if (pattern === plain || (pattern.startsWith("*.") && plain.endsWith(pattern.slice(1)))) return rule.address;
  }
  return rules.otherNames;
}
