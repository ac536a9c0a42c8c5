import { openEuicc } from "../../../simulators/euicc/program.ts";
import { secured, Terminal } from "./terminal.ts";

/** Runs packet after packet on the card of a state file and prints each counter it saw answered, until it is killed. */
const card = openEuicc({ state: process.argv[2] ?? "" });
const terminal = new Terminal(card);
await terminal.start();
for (;;) {
  const next = Number.parseInt(card.state.isdR.keySets[0]?.cntr ?? "0", 16) + 1;
  await terminal.download(secured("AE80220580CAFF21000000", next)[0] ?? "");
  terminal.log.length = 0;
  process.stdout.write(`${next}\n`);
  await new Promise((resolve) => setImmediate(resolve));
}
