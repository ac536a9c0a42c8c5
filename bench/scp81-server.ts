// The server that bench/scp81.ts loads: kind of store as argument; prints its port, then a line per command line.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fleetCards } from "../drivers/simulated/scp81/fleet.ts";
import { JournalAdminStore } from "../scripts/scp81/journal-store.ts";
import { systemClock } from "../src/base/clock.ts";
import { fromHex } from "../src/base/hex.ts";
import { silentLog } from "../src/link/driver.ts";
import type { AdminStore } from "../src/link/scp81/admin-store.ts";
import { Dialogs, defaultDialogSettings } from "../src/link/scp81/dialogs.ts";
import { MemoryAdminStore } from "../src/link/scp81/memory-store.ts";
import type { PskEntry, PskSource } from "../src/link/scp81/psk-source.ts";
import { Scp81Server } from "../src/link/scp81/server.ts";
import { defaultScp81Limits, defaultScp81Settings } from "../src/link/scp81/server-settings.ts";

const [kind = "memory", keyKind = "resident", cards = "10000"] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "scp81-bench-"));
const body = fromHex("AE80221580E6020010A0000005591010FFFFFFFF89000013000000");

/** Three scripts for every session that begins. */
function threeEach(store: AdminStore, memory: MemoryAdminStore): AdminStore {
  let count = 0;
  return {
    load: (target) => store.load(target),
    advance: (target, step) => {
      if (step.next.do === "offer" && step.next.after === undefined) {
        for (let i = 0; i < 3; i++) memory.enqueue(target, { id: `s${count++}`, kind: "gp", body });
      }
      return store.advance(target, step);
    },
  };
}

function storeOf(): AdminStore {
  if (kind === "journal") {
    const journal = new JournalAdminStore(join(folder, "journal"));
    return threeEach(journal, journal.memory);
  }
  const memory = new MemoryAdminStore();
  return kind === "idle" ? memory : threeEach(memory, memory);
}

const entries = new Map<string, PskEntry>(
  fleetCards(Number(cards)).map((card) => [
    card.identity,
    { psk: card.psk, target: card.eid, eid: card.eid, framing: "length" },
  ]),
);
const keys: PskSource =
  keyKind === "remote"
    ? { kind: "remote", lookup: async (identity) => entries.get(identity) }
    : { kind: "resident", find: (identity) => entries.get(identity) };
let tokens = 0;
const dialogs = new Dialogs(
  { store: storeOf(), clock: systemClock, newToken: () => `t${(tokens++).toString(36)}`, log: silentLog },
  defaultDialogSettings,
);
const server = new Scp81Server(
  { keys, open: dialogs.open, clock: systemClock, log: silentLog },
  { ...defaultScp81Settings, host: "127.0.0.1", port: 0, limits: { ...defaultScp81Limits, firstPostMs: 600_000 } },
);
process.stdout.write(`${await server.listen()}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "stats") {
    globalThis.gc?.();
    process.stdout.write(
      `${JSON.stringify({ ...server.stats, open: server.sessions().length, rss: process.memoryUsage().rss })}\n`,
    );
  }
}
rmSync(folder, { recursive: true, force: true });
process.exit(0);
