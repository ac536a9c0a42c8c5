import { GatewayError } from "../../base/gateway-error.ts";
import { isRecordId } from "../../base/id.ts";

/** Prefixes of the records whose identifiers a client may abbreviate: job, profile switch, notification, campaign, target, download. */
export const abbreviable = ["job", "prc", "ntf", "cmp", "tgt", "dld"] as const;
export type Abbreviable = (typeof abbreviable)[number];

/** Finds records by the beginning of their identifiers. */
export interface IdentifierRepository {
  /** Identifiers of this kind that begin with `beginning`, in order, at most {@link maxIdentifiers}. */
  startingWith(kind: Abbreviable, beginning: string): Promise<string[]>;
}

/** Identifiers that a look-up answers at most: enough to see that a beginning is ambiguous. */
export const maxIdentifiers = 5;

/** Records that clients look up by identifier: the code of a look-up without a result, and the name of the kind. */
const kinds = {
  job: { code: "job.unknown", field: "job", name: "job" },
  prc: { code: "switch.unknown", field: "switch", name: "profile switch" },
  ntf: { code: "notification.unknown", field: "notification", name: "notification" },
  cmp: { code: "campaign.unknown", field: "campaign", name: "campaign" },
  dld: { code: "download.unknown", field: "download", name: "download" },
} as const;

/** A client's text as the identifier of a record of this kind. @throws the error of {@link unknownRecord} */
export function recordId<K extends keyof typeof kinds>(kind: K, text: string): `${K}_${string}` {
  if (!isRecordId(kind, text)) throw unknownRecord(kind, text);
  return text;
}

/** The error of a look-up without a result: `job.unknown` and the like, one for each kind. */
export function unknownRecord(kind: keyof typeof kinds, id: string): GatewayError {
  const { code, field, name } = kinds[kind];
  return new GatewayError(code, `no ${name} has the id '${id}'`, { detail: { [field]: id } });
}
