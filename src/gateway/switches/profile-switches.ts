import type { SwitchId, TargetId } from "../../base/id.ts";
import { type ProfileSwitch, requireSwitch } from "../model/profile-switch.ts";
import type { Store } from "../model/store.ts";

/** Profile switches, for all faces. */
export class ProfileSwitches {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws switch.unknown */
  async get(id: SwitchId): Promise<ProfileSwitch> {
    return this.#store.read((r) => requireSwitch(r, id));
  }

  /** Newest first, of one target or of all, accepted before the given time. */
  async list(target: TargetId | undefined, before: number | undefined, limit: number): Promise<ProfileSwitch[]> {
    return this.#store.read((r) => r.profileSwitches.list(target, before, limit));
  }
}
