import type { Seal } from "../gateway/model/store.ts";
import { fromJson, toJson } from "./json.ts";

/** A record as it is stored: what may be read by anybody who has the file, and the rest of it under the seal. */
export interface Hidden {
  readonly text: string;
  readonly secret: Uint8Array | null;
}

/**
 * Keeps what is secret in the records of one table under the seal, bound to table and id. In clear stands what may be shown, so that SQL still
 * reads it, and so that a record whose secret is no longer needed only loses its sealed part.
 */
export interface Hiding {
  hide(id: string, shown: unknown, secret: unknown): Hidden;
  /** The secret of a record; undefined when it has none, or not any more. @throws crypto.master-key */
  open<T>(id: string, secret: Uint8Array | null): T | undefined;
}

export function hidingIn(
  table: "target" | "job" | "packet" | "campaign" | "campaign_item" | "admin_dialog",
  seal: () => Seal,
): Hiding {
  return {
    hide(id, shown, secret) {
      const sealed = secret === undefined ? null : seal().seal(Buffer.from(toJson(secret)), `${table}:${id}`);
      return { text: toJson(shown), secret: sealed };
    },
    open(id, secret) {
      if (secret === null) return undefined;
      return fromJson(Buffer.from(seal().open(secret, `${table}:${id}`)).toString());
    },
  };
}
