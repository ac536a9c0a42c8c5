// The server of the crash test: journal file, number of cards and scripts as arguments; prints its port.
import { randomBytes } from "node:crypto";
import { fleetCards } from "../../simulators/scp81/fleet.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/link/driver.ts";
import { Dialogs } from "../../src/link/scp81/dialogs.ts";
import { Scp81Server } from "../../src/link/scp81/server.ts";
import { defaultScp81Settings } from "../../src/link/scp81/server-settings.ts";
import { JournalAdminStore } from "./journal-store.ts";

const [journal = "", port = "0", cards = "20"] = process.argv.slice(2);
const store = new JournalAdminStore(journal, { sync: false });
const keys = new Map(fleetCards(Number(cards)).map((card) => [card.identity, { psk: card.psk, target: card.eid }]));
const dialogs = new Dialogs({
  store,
  clock: systemClock,
  newToken: () => randomBytes(9).toString("base64url"),
  log: silentLog,
});
const server = new Scp81Server(
  {
    keys: { kind: "resident", find: (identity) => keys.get(identity) },
    open: dialogs.open,
    clock: systemClock,
    log: silentLog,
  },
  { ...defaultScp81Settings, host: "127.0.0.1", port: Number(port) },
);
process.stdout.write(`${await server.listen()}\n`);
