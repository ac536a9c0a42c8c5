/** The card of bench/pcsc.ts, a process of its own: answers at once, `READ BINARY` with 256 octets, all else with 9000. */
import type { SoftCard } from "../simulators/soft-card.ts";
import { VpcdCard, vpcdAt } from "../simulators/vpcd.ts";

const short = Uint8Array.of(0x90, 0x00);
const long = new Uint8Array(258).fill(0x5a).fill(0x90, 256, 257).fill(0x00, 257);

const card: SoftCard = {
  atr: Buffer.from("3B9F96803FC7828031E073FE211B63E208A8830F900089", "hex"),
  powerOn() {},
  powerOff() {},
  reset() {},
  transmit: async (command) => (command[1] === 0xb0 ? long : short),
};

const inserted = new VpcdCard(card, { dial: vpcdAt(Number(process.argv[2])) });
process.stdin.resume().on("end", () => void inserted.eject());
