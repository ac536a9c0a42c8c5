import { withoutUndefined } from "../../base/defined.ts";
import { detach } from "../../base/detach.ts";
import { isRecordId, type TargetId } from "../../base/id.ts";
import { readPskIdentity } from "../../codec/gp/psk-identity.ts";
import type { PskEntry } from "../../link/scp81/psk-source.ts";
import type { GatewayEvent } from "../model/event.ts";
import type { KeySet } from "../model/key-set.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { agentIdsOf } from "../targets/agent-ids.ts";

const pageSize = 1000;

/** A target's key under an assigned identity. */
interface NamedEntry {
  readonly identity: string;
  readonly entry: PskEntry;
}

/**
 * The PSKs of all targets in memory, so that a handshake reads nothing from the store. Changes of targets update it.
 */
export class PskDirectory implements Disposable {
  readonly #store: Store;
  /** By identity in capitals; several targets if an old store allowed them to have the same one. */
  readonly #byName = new Map<string, readonly NamedEntry[]>();
  /** By EID, KVN and KID, for identities of the SGP.02 form. */
  readonly #byKey = new Map<string, PskEntry>();
  /** Identities and keys that a target is listed under. */
  readonly #ofTarget = new Map<string, readonly string[]>();
  #off: (() => void) | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Reads all PSKs, and follows changes from then on. */
  async load(): Promise<void> {
    this.#off = this.#store.onEvents((events) => {
      // If the store fails, the old keys stay: the next change or start reads them again.
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

  /**
   * The entry of an identity: in the SGP.02 form by the EID, KVN and KID that it contains, otherwise by its text,
   * exactly or in another case. Of several targets the one that was added first.
   */
  find(identity: string): PskEntry | undefined {
    const euicc = readPskIdentity(identity);
    const found = euicc && this.#byKey.get(keyName(euicc.eid, euicc.kvn, euicc.kid));
    if (found !== undefined) return found;
    const named = this.#byName.get(identity.toUpperCase()) ?? [];
    return (named.find((one) => one.identity === identity) ?? named[0])?.entry;
  }

  /** An entry from an upstream, with what the store contains about its target's card. */
  async completed(entry: PskEntry): Promise<PskEntry> {
    const { target: id } = entry;
    const target = isRecordId("tgt", id) ? await this.#store.read((r) => r.targets.get(id)) : undefined;
    return target === undefined ? entry : { ...habitsOf(target), ...entry };
  }

  [Symbol.dispose](): void {
    this.#off?.();
  }

  async #reload(id: TargetId): Promise<void> {
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
        const name = set.pskIdentity.toUpperCase();
        const all = [...(this.#byName.get(name) ?? []), { identity: set.pskIdentity, entry: first }];
        this.#byName.set(
          name,
          all.sort((a, b) => (a.entry.target < b.entry.target ? -1 : 1)),
        );
        names.push(name);
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

  #forget(id: TargetId): void {
    for (const name of this.#ofTarget.get(id) ?? []) {
      if (this.#byKey.get(name)?.target === id) this.#byKey.delete(name);
      const others = (this.#byName.get(name) ?? []).filter(({ entry }) => entry.target !== id);
      if (others.length > 0) this.#byName.set(name, others);
      else this.#byName.delete(name);
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
  return {
    psk: psk.reveal(),
    target: target.id,
    ...withoutUndefined({ eid: target.eid }),
    ...habitsOf(target),
  };
}

/** The card's identity in requests of a target, and the framing of its answers. */
function habitsOf(target: Target): Pick<PskEntry, "agentId" | "agentIds" | "framing"> {
  const { scp81Framing, agentId } = target.settings;
  const agentIds = agentIdsOf(target);
  return {
    ...withoutUndefined({ agentId }),
    ...(agentIds.length === 0 ? {} : { agentIds }),
    ...(scp81Framing === undefined ? {} : { framing: scp81Framing === "chunked" ? "chunked" : "length" }),
  };
}
