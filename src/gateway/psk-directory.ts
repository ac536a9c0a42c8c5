import { detach } from "../base/detach.ts";
import { readPskIdentity } from "../codec/gp/psk-identity.ts";
import type { PskEntry } from "../link/scp81/psk-source.ts";
import { agentIdsOf } from "./agent-ids.ts";
import type { GatewayEvent } from "./event.ts";
import type { KeySet } from "./key-set.ts";
import type { Repositories, Store } from "./store.ts";
import type { Target } from "./target.ts";

const pageSize = 1000;

/**
 * The PSKs of all targets at hand, so that a handshake needs no more than a look into memory; kept up to date by what
 * the store tells of changed targets.
 */
export class PskDirectory implements Disposable {
  readonly #store: Store;
  readonly #byName = new Map<string, PskEntry>();
  /** By EID, KVN and KID, for identities of the SGP.02 form. */
  readonly #byKey = new Map<string, PskEntry>();
  /** Names and keys that a target stands under. */
  readonly #ofTarget = new Map<string, readonly string[]>();
  #off: (() => void) | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Reads all there are, and follows changes from now on. */
  async load(): Promise<void> {
    this.#off = this.#store.onEvents((events) => {
      // When the store fails the old keys stay: the next change or start reads them again.
      for (const event of events)
        if (event.target !== undefined && changesTarget(event)) detach(this.#reload(event.target), () => {});
    });
    for (let after: string | undefined; ; ) {
      const targets = await this.#store.read((r) => r.targets.list({}, after, pageSize));
      for (const target of targets) await this.#store.read((r) => this.#take(r, target));
      if (targets.length < pageSize) return;
      after = targets.at(-1)?.id;
    }
  }

  /** The entry of an identity: as an opaque string, in capitals, then by the EID, KVN and KID that it names. */
  find(identity: string): PskEntry | undefined {
    const named = this.#byName.get(identity) ?? this.#byName.get(identity.toUpperCase());
    if (named !== undefined) return named;
    const euicc = readPskIdentity(identity);
    return euicc && this.#byKey.get(keyName(euicc.eid, euicc.kvn, euicc.kid));
  }

  [Symbol.dispose](): void {
    this.#off?.();
  }

  async #reload(id: string): Promise<void> {
    await this.#store.read(async (r) => {
      const target = await r.targets.get(id);
      if (target === undefined) this.#forget(id);
      else await this.#take(r, target);
    });
  }

  async #take(r: Repositories, target: Target): Promise<void> {
    const sets = await r.keySets.open(target.id, "SCP81");
    this.#forget(target.id);
    const names: string[] = [];
    for (const set of sets) {
      const first = set.keys.has(1) ? pskEntry(target, set, 1) : undefined;
      if (set.pskIdentity !== undefined && first !== undefined) {
        this.#byName.set(set.pskIdentity, first);
        names.push(set.pskIdentity);
      }
      for (const kid of target.eid === undefined ? [] : set.keys.keys()) {
        const entry = pskEntry(target, set, kid);
        const name = keyName(target.eid ?? "", set.kvn, kid);
        if (entry !== undefined) this.#byKey.set(name, entry);
        names.push(name);
      }
    }
    if (names.length > 0) this.#ofTarget.set(target.id, names);
  }

  #forget(id: string): void {
    for (const name of this.#ofTarget.get(id) ?? []) {
      for (const map of [this.#byName, this.#byKey]) if (map.get(name)?.target === id) map.delete(name);
    }
    this.#ofTarget.delete(id);
  }
}

function keyName(eid: string, kvn: number, kid: number): string {
  return `${eid}.${kvn}.${kid}`;
}

function changesTarget({ type }: GatewayEvent): boolean {
  return type === "target.added" || type === "target.changed" || type === "target.removed";
}

function pskEntry(target: Target, set: KeySet, kid: number): PskEntry | undefined {
  const psk = set.keys.get(kid);
  if (psk === undefined) return undefined;
  const { scp81Framing, agentId } = target.settings;
  const agentIds = agentIdsOf(target);
  return {
    psk: psk.reveal(),
    target: target.id,
    ...(target.eid === undefined ? {} : { eid: target.eid }),
    ...(agentId === undefined ? {} : { agentId }),
    ...(agentIds.length === 0 ? {} : { agentIds }),
    ...(scp81Framing === undefined ? {} : { framing: scp81Framing === "chunked" ? "chunked" : "length" }),
  };
}
