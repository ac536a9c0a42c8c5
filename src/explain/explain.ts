import { commandNode, pairNode, responseNode } from "./card/apdu.ts";
import { cardDataNode, certificateNode, fcpNode, notificationNode, tlvNode } from "./card/card-data.ts";
import { catObjectsNode, envelopeNode, proactiveNode, terminalProfileNode, terminalResponseNode } from "./card/cat.ts";
import { type Collected, type Context, type ExplainType, explainTypes } from "./context.ts";
import { aidNode, atrNode, eidNode, iccidNode, imsiNode, tarNode } from "./identity.ts";
import { commandPacketNode } from "./packet/packet.ts";
import { responsePacketNode } from "./packet/packet-answer.ts";
import { scriptNode, scriptResponseNode } from "./packet/script.ts";
import { smsPduNode, tpduNode } from "./packet/sms.ts";
import { userDataNode } from "./packet/user-data.ts";
import { euiccResponseNode, profilePackageNode } from "./profile/profile-package.ts";
import { minAlternativeScore, scores } from "./recognise.ts";
import { maskSecrets } from "./secrets/mask.ts";
import { privateKeyNode } from "./secrets/private-key.ts";
import { textNode } from "./text.ts";
import { httpNode } from "./tls/http.ts";
import { pskIdentityNode, sessionTriggerNode } from "./tls/session.ts";
import { tlsNode } from "./tls/tls.ts";
import { leafOf, type Node, unreadLeaf } from "./tree.ts";

type Explainer = (octets: Uint8Array, base: number, context: Context) => Node;

const sms =
  (type: ExplainType): Explainer =>
  (octets, base, context) =>
    tpduNode(octets, base, context, type);

const explainers: Readonly<Record<ExplainType, Explainer>> = {
  "c-apdu": commandNode,
  "r-apdu": responseNode,
  "apdu-pair": pairNode,
  "status-word": responseNode,
  "sms-tpdu": sms("sms-tpdu"),
  "sms-deliver": sms("sms-deliver"),
  "sms-submit": sms("sms-submit"),
  "sms-deliver-report": sms("sms-deliver-report"),
  "sms-submit-report": sms("sms-submit-report"),
  "sms-deliver-report-error": sms("sms-deliver-report-error"),
  "sms-submit-report-error": sms("sms-submit-report-error"),
  "sms-status-report": sms("sms-status-report"),
  "sms-pdu": smsPduNode,
  "tp-ud": userDataNode,
  "command-packet": commandPacketNode,
  "response-packet": responsePacketNode,
  script: scriptNode,
  "script-response": scriptResponseNode,
  "proactive-command": proactiveNode,
  envelope: envelopeNode,
  "terminal-response": terminalResponseNode,
  "terminal-profile": terminalProfileNode,
  "cat-objects": catObjectsNode,
  notification: notificationNode,
  eid: eidNode,
  aid: aidNode,
  tar: tarNode,
  iccid: iccidNode,
  imsi: imsiNode,
  atr: atrNode,
  certificate: certificateNode,
  "card-data": cardDataNode,
  "session-trigger": sessionTriggerNode,
  "psk-identity": pskIdentityNode,
  fcp: fcpNode,
  "profile-package": profilePackageNode,
  "euicc-response": euiccResponseNode,
  tls: tlsNode,
  http: httpNode,
  "private-key": privateKeyNode,
  text: textNode,
  tlv: tlvNode,
};

/** What the caller knows beside the octets. */
export type ExplainOptions = Omit<Context, "read" | "guess" | "collected"> & {
  /** The one reading wanted, regardless of the octets. */
  readonly as?: ExplainType | undefined;
};

/** Octets read as what they most likely are. */
export interface Explained {
  readonly type: ExplainType | "unknown";
  readonly node: Node;
  /** Other readings that are likely too, the likeliest first. */
  readonly others: readonly ExplainType[];
  /** What matters to the items that follow. */
  readonly collected: Collected;
}

/** Nested readings end here; no real frame nests deeper than half of it. */
const maxDepth = 24;

function contextOf(options: Omit<Context, "read" | "guess">, depth = 0): Context {
  return {
    ...options,
    read: (type, octets, base, context) =>
      depth >= maxDepth
        ? leafOf("nested too deep", octets, base)
        : explainers[type](octets, base, contextOf(context, depth + 1)),
    guess: (types, octets, base, context) => {
      const [best] = ranked(types, octets).filter(({ score }) => score >= likely);
      return best === undefined ? undefined : contextOf(context, depth).read(best.type, octets, base, context);
    },
  };
}

/** How sure a part inside something else must be of its type. */
const likely = 45;

function ranked(types: readonly ExplainType[], octets: Uint8Array) {
  return types
    .map((type) => ({ type, score: scores[type](octets) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);
}

/**
 * What octets are, as a tree. Never throws: what cannot be read is a node with the error and its offset. Keys, PINs and
 * session keys are not in the tree.
 */
export function explain(octets: Uint8Array, options: ExplainOptions = {}): Explained {
  const collected: Collected = { segments: [], channelData: [] };
  const context = contextOf({ ...options, collected });
  const read = (type: ExplainType): Node => {
    const node = explainers[type](octets, 0, context);
    return options.secrets === true ? node : maskSecrets(node, octets);
  };
  if (options.as !== undefined) return { type: options.as, node: read(options.as), others: [], collected };
  const [best, ...rest] = ranked(explainTypes, octets);
  if (best === undefined)
    return { type: "unknown", node: unreadLeaf("unknown octets", octets, 0), others: [], collected };
  const others = rest
    .filter(({ score }) => score >= Math.max(minAlternativeScore, best.score - 40))
    .map(({ type }) => type);
  return { type: best.type, node: read(best.type), others, collected };
}

/** How sure it is that octets are of a type, 0 to 100. */
export function sureness(type: ExplainType, octets: Uint8Array): number {
  return scores[type](octets);
}

/** Octets as the one type that is known. */
export function explainAs(type: ExplainType, octets: Uint8Array, options: ExplainOptions = {}): Node {
  return explain(octets, { ...options, as: type }).node;
}
