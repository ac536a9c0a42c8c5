import type { Seal } from "../gateway/model/store.ts";
import { fromJson, toJson } from "./json.ts";

/** A record as it is stored: what may be read in the file without the key, and the rest of it under the seal. */
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
  /** The secret of a record; undefined when it has none or no longer has one. @throws crypto.master-key */
  open<T>(id: string, secret: Uint8Array | null): T | undefined;
}

/** Opened secrets that are kept, and the octets that one of them may have under the seal. */
const maxOpened = 512;
const maxOpenedOctets = 8192;

/**
 * Secrets that were opened or sealed lately. One counts only for exactly the octets it was opened from, so that it does not
 * matter who has written the record since.
 */
class OpenedSecrets {
  readonly #byId = new Map<string, { readonly sealed: Uint8Array; readonly secret: unknown }>();

  find(id: string, sealed: Uint8Array): { readonly secret: unknown } | undefined {
    const found = this.#byId.get(id);
    return found !== undefined && Buffer.compare(found.sealed, sealed) === 0 ? found : undefined;
  }

  keep(id: string, sealed: Uint8Array, secret: unknown): void {
    this.#byId.delete(id);
    if (sealed.length > maxOpenedOctets) return;
    this.#byId.set(id, { sealed, secret });
    if (this.#byId.size <= maxOpened) return;
    for (const oldest of this.#byId.keys()) {
      this.#byId.delete(oldest);
      return;
    }
  }
}

/** What the sealed records of a table are bound to, with their id. */
type SealedTable =
  | "target"
  | "job"
  | "job.result"
  | "packet"
  | "packet.response"
  | "campaign"
  | "campaign_item"
  | "admin_dialog"
  | "inbox"
  | "smsc_segment";

export function hidingIn(table: SealedTable, seal: () => Seal): Hiding {
  const opened = new OpenedSecrets();
  return {
    hide(id, shown, secret) {
      const text = toJson(shown);
      if (secret === undefined) return { text, secret: null };
      const sealed = seal().seal(Buffer.from(toJson(secret)), `${table}:${id}`);
      opened.keep(id, sealed, secret);
      return { text, secret: sealed };
    },
    open<T>(id: string, sealed: Uint8Array | null) {
      if (sealed === null) return undefined;
      const known = opened.find(id, sealed);
      if (known !== undefined) return known.secret as T;
      const secret = fromJson<T>(Buffer.from(seal().open(sealed, `${table}:${id}`)).toString());
      opened.keep(id, sealed, secret);
      return secret;
    },
  };
}
