import type { Seal } from "../gateway/model/store.ts";
import { fromJson, toJson } from "./json.ts";

/** A record in its stored form: the part that is in clear, and the sealed rest. */
export interface Hidden {
  readonly text: string;
  readonly secret: Uint8Array | null;
}

/**
 * Seals the secrets in the records of one table, bound to table and id. The rest stays in clear, so that SQL can read
 * it, and so that a record whose secret is no longer needed only loses its sealed part.
 */
export interface Hiding {
  hide(id: string, shown: unknown, secret: unknown): Hidden;
  /** The secret of a record; undefined when it has none or no longer has one. @throws crypto.master-key */
  open<T>(id: string, secret: Uint8Array | null): T | undefined;
}

/** Maximum number of cached opened secrets, and the maximum sealed size of one in octets. */
const maxOpened = 512;
const maxOpenedOctets = 8192;

/**
 * A cache of secrets that were opened or sealed recently. An entry is valid only for exactly the octets from which it
 * was opened, so later changes of the record do no harm.
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

/** The purpose to which the sealed records of a table are bound, together with their id. */
type SealedTable =
  | "target"
  | "job"
  | "job.result"
  | "packet"
  | "packet.response"
  | "campaign"
  | "campaign_item"
  | "download"
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
