import type { CompactStore, RecoverStore } from "../face/cli/commands/store.ts";
import { SqliteStore } from "../store/sqlite-store.ts";
import { loadConfig } from "./config/config.ts";
import { recoverStore } from "./recover-store.ts";
import { masterSeal } from "./secrets.ts";

/** Operations on the store of the state folder, which is open only for their duration. */
export function storeWork(
  globals: () => { readonly config?: string },
  env: NodeJS.ProcessEnv,
): { readonly compact: CompactStore; readonly recover: RecoverStore } {
  return {
    async compact() {
      const { config, state } = loadConfig(globals().config, env);
      await using store = await SqliteStore.open(state, masterSeal(config.masterKey, state, env));
      const before = await store.read((r) => r.retention.size());
      store.compact();
      return { before, after: await store.read((r) => r.retention.size()) };
    },
    async recover(raiseCounters) {
      const { config, state } = loadConfig(globals().config, env);
      return recoverStore(state, masterSeal(config.masterKey, state, env), raiseCounters);
    },
  };
}
